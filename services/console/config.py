"""The command line's settings (`FILDACTU_*`), and which store a command works on."""

from pathlib import Path
from typing import Literal

from pydantic_settings import SettingsConfigDict

from shared.config import ServiceSettings

STATE = Path("fildactu-data")
STORE_FILE = "fildactu.db"


class ConsoleSettings(ServiceSettings):
    """See docs/operations.md for each. A person watches, so only what needs attention is logged unless asked for."""

    model_config = SettingsConfigDict(
        env_prefix="FILDACTU_", frozen=True, extra="ignore", env_ignore_empty=True, env_file=None
    )

    log_level: Literal["debug", "info", "warning", "error"] = "warning"

    def store_for(self, state: Path | None) -> str:
        """The store's URL: the folder that was asked for, else the setting, else the default folder."""
        if state is None and "store_url" in self.model_fields_set:
            return self.store_url.get_secret_value()
        return store_in(state or STATE)


def store_in(state: Path) -> str:
    """The SQLite store in a state folder."""
    return f"sqlite:///{(state / STORE_FILE).absolute()}"
