"""Settings every service has: frozen, from the environment, all faults reported at once."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, ValidationError, field_validator
from pydantic_settings import BaseSettings, SettingsConfigDict, SettingsError

DEFAULT_PASSWORD = "fildactu-local"  # noqa: S105 - the documented local default, which services warn about
BROKER_SCHEMES = ("inprocess", "amqp", "amqps")
LARGEST = 1e9
"""Of a number that may have a fraction: as seconds some thirty years, which dates can be reckoned with."""
STORE_SCHEMES = ("sqlite", "sqlite+aiosqlite", "postgresql+asyncpg")

S = TypeVar("S", bound="ServiceSettings")


class InvalidSettings(Exception):
    """Every fault of the environment, a line each."""


class ServiceSettings(BaseSettings):
    """Common part; each service adds its own under its own prefix. A secret may come from `<NAME>_FILE` instead."""

    model_config = SettingsConfigDict(frozen=True, extra="ignore", env_ignore_empty=True)

    broker_url: SecretStr = SecretStr("inprocess:")
    store_url: SecretStr = SecretStr("sqlite:///fildactu.db")
    health_host: str = "127.0.0.1"
    health_port: int = Field(default=0, ge=0, le=65535, description="0 takes any free port")
    log_format: Literal["auto", "json", "console"] = "auto"
    log_level: Literal["debug", "info", "warning", "error"] = "info"
    shutdown_seconds: float = Field(default=20.0, gt=0, description="for work in flight after SIGTERM")

    @field_validator("*")
    @classmethod
    def _reckonable(cls, value: Any) -> Any:  # noqa: ANN401 - of every setting
        for each in value if isinstance(value, tuple) else (value,):
            if isinstance(each, float) and not abs(each) <= LARGEST:
                raise ValueError(f"{each} is not a number up to {LARGEST:.0f}")
        return value

    @field_validator("broker_url")
    @classmethod
    def _known_broker(cls, value: SecretStr) -> SecretStr:
        return _of_scheme(value, BROKER_SCHEMES)

    @field_validator("store_url")
    @classmethod
    def _known_store(cls, value: SecretStr) -> SecretStr:
        return _of_scheme(value, STORE_SCHEMES)

    def require_broker(self) -> None:
        """Raises InvalidSettings for a service that runs alone with a broker that reaches only its own process."""
        if self.broker_url.get_secret_value().startswith("inprocess:"):
            name = f"{self.model_config.get('env_prefix', '')}BROKER_URL"
            raise InvalidSettings(f"{name}: set amqp://…; to run both services in one process: fildactu run")

    @property
    def default_credentials(self) -> tuple[str, ...]:
        """Which settings still carry the local default password."""
        urls = {"broker_url": self.broker_url, "store_url": self.store_url}
        return tuple(name for name, url in urls.items() if DEFAULT_PASSWORD in url.get_secret_value())


def load(kind: type[S], environment: Mapping[str, str]) -> S:
    """The settings, or InvalidSettings with one line for each faulty variable.

    `environment` says where the secrets' files are; all else is read from the process's own environment.
    """
    prefix = kind.model_config.get("env_prefix", "")
    secrets, faults = _from_files(prefix, environment)
    try:
        settings = kind(**secrets)
    except SettingsError as error:
        raise InvalidSettings("\n".join([*faults, _not_json(prefix, error)])) from error
    except ValidationError as error:
        faults += [f"{prefix}{'.'.join(map(str, e['loc']))}".upper() + f": {e['msg']}" for e in error.errors()]
        raise InvalidSettings("\n".join(faults)) from error
    if faults:
        raise InvalidSettings("\n".join(faults))
    return settings


def _not_json(prefix: str, error: SettingsError) -> str:
    """A list or a mapping that is not written as one; the value stays unsaid, as everywhere."""
    field = re.search(r'field "(\w+)"', str(error))
    return f"{prefix}{field[1]}".upper() + ": not JSON" if field else str(error)


def _from_files(prefix: str, environment: Mapping[str, str]) -> tuple[dict[str, Any], list[str]]:
    """Values of `<PREFIX><NAME>_FILE` variables, as Docker and Kubernetes mount secrets, and a line for each fault."""
    paths = {k: v for k, v in environment.items() if k.startswith(prefix) and k.endswith("_FILE") and v}
    values, faults = {}, []
    for name, path in paths.items():
        try:
            text = Path(path).read_text(encoding="utf-8")
        except (OSError, UnicodeDecodeError) as error:
            faults.append(f"{name}: the secret's file cannot be read: {error}")
        else:
            values[name.removeprefix(prefix).removesuffix("_FILE").lower()] = text.strip()
    return values, faults


def _of_scheme(value: SecretStr, schemes: tuple[str, ...]) -> SecretStr:
    scheme = urlsplit(value.get_secret_value()).scheme
    if scheme not in schemes:
        raise ValueError(f"scheme {scheme!r} is not one of {', '.join(schemes)}")
    return value
