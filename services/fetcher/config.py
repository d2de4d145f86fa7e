"""The fetcher's settings (`FETCHER_*`) and the small policies made from them."""

from datetime import timedelta
from ipaddress import IPv4Network, IPv6Network, ip_address, ip_network
from itertools import pairwise
from pathlib import Path
from urllib.parse import urlsplit

from pydantic import Field, field_validator
from pydantic_settings import SettingsConfigDict

from services.fetcher.hosts.politeness import PolitenessPolicy
from services.fetcher.pages.observation import VisitPolicy
from services.fetcher.web.http import HttpPolicy
from shared import __version__
from shared.config import ServiceSettings
from shared.workers import WorkerLimits

MEBIBYTE = 2**20
LOOPBACK = frozenset({"127.0.0.1", "::1", "localhost"})


class FetcherSettings(ServiceSettings):
    """See docs/operations.md for each. `allowed_networks` and `resolve` exist for the demo and the tests."""

    model_config = SettingsConfigDict(
        env_prefix="FETCHER_", frozen=True, extra="ignore", env_ignore_empty=True, env_file=None
    )

    feeds: Path | None = Field(default=None, description="feeds file, read at start and when it changes")
    contact: str = Field(default="", description="page or address in the User-Agent")
    pollers: int = Field(default=16, ge=1, description="polls at once")
    downloaders: int = Field(default=16, ge=1, description="page requests at once")
    per_host: int = Field(default=2, ge=1, description="entries of one host leased at once")
    page_delay_seconds: float = Field(default=2.0, ge=0, description="least time between two requests to a site")
    address_delay_seconds: float = Field(default=0.2, ge=0, description="the same to one IP address")
    host_share: float = Field(default=0.25, gt=0, le=1, description="most of the pollers' places for one site")
    feeds_obey_all_robots: bool = Field(default=False, description="robots.txt for all robots counts for feeds")
    lease_seconds: float = Field(default=180.0, gt=0)
    revisit_after_seconds: tuple[float, ...] = (3600.0, 6 * 3600.0, 24 * 3600.0)
    confirm_gone_seconds: float = Field(default=3600.0, ge=0, description="between a 404 and the look that confirms it")
    reconcile_seconds: float = Field(default=6 * 3600.0, gt=0, description="queued without outcome: observed again")
    retry_seconds: float = Field(default=60.0, gt=0, description="first pause after a failed download; doubles")
    attempts: int = Field(default=6, ge=1, description="downloads before the feed's own text is used")
    idle_seconds: float = Field(default=1.0, gt=0, description="between looks at the store when nothing is due")
    request_seconds: float = Field(default=30.0, gt=0)
    max_body_bytes: int = Field(default=10 * MEBIBYTE, gt=0)
    parse_workers: int = Field(default=2, ge=1)
    parse_seconds: float = Field(default=5.0, gt=0)
    websub_callback: str = Field(default="", description="public address at which hubs reach the callback; empty: none")
    websub_host: str = "127.0.0.1"
    websub_port: int = Field(default=8810, ge=0, le=65535, description="of the callback; 0 takes any free port")
    allowed_networks: tuple[str, ...] = ()
    refused_networks: tuple[str, ...] = Field(default=(), description="public networks that are never connected to")
    allowed_ports: tuple[int, ...] = (80, 443, 8080, 8443)
    resolve: dict[str, str] = Field(default_factory=dict, description="host → address:port, instead of DNS")

    @field_validator("allowed_networks", "refused_networks")
    @classmethod
    def _are_networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for each in value:
            ip_network(each)
        return value

    @field_validator("contact")
    @classmethod
    def _one_line(cls, value: str) -> str:
        if not value.isprintable():
            raise ValueError("a header takes one line of printable characters")
        return value

    @field_validator("websub_callback")
    @classmethod
    def _callback(cls, value: str) -> str:
        if value and not _is_callback(value):
            raise ValueError("an https:// address without ? and #; http:// only for this machine itself")
        return value

    @field_validator("revisit_after_seconds")
    @classmethod
    def _ages(cls, value: tuple[float, ...]) -> tuple[float, ...]:
        if any(later < earlier for earlier, later in pairwise((0.0, *value))):
            raise ValueError("ages must not be negative, nor smaller than the one before")
        return value

    @field_validator("resolve")
    @classmethod
    def _endpoints(cls, value: dict[str, str]) -> dict[str, str]:
        for each in value.values():
            _endpoint(each)
        return value

    @property
    def http(self) -> HttpPolicy:
        return HttpPolicy(
            user_agent=f"FilDActu/{__version__}" + (f" (+{self.contact})" if self.contact else ""),
            total_seconds=self.request_seconds,
            max_body_bytes=self.max_body_bytes,
            allowed_networks=_networks(self.allowed_networks),
            refused_networks=_networks(self.refused_networks),
            allowed_ports=frozenset(self.allowed_ports),
            resolve={host: _endpoint(value) for host, value in self.resolve.items()},
        )

    @property
    def politeness(self) -> PolitenessPolicy:
        return PolitenessPolicy(
            delay=timedelta(seconds=self.page_delay_seconds),
            address_delay=timedelta(seconds=self.address_delay_seconds),
        )

    @property
    def polls_per_site(self) -> int:
        """How many polls of one site a fetcher may have in hand at once."""
        return max(1, int(self.pollers * self.host_share))

    @property
    def visits(self) -> VisitPolicy:
        return VisitPolicy(
            attempts=self.attempts,
            first_pause=timedelta(seconds=self.retry_seconds),
            confirm_gone=timedelta(seconds=self.confirm_gone_seconds),
            revisit_after=tuple(timedelta(seconds=each) for each in self.revisit_after_seconds),
        )

    @property
    def parser(self) -> WorkerLimits:
        return WorkerLimits(workers=self.parse_workers, seconds=self.parse_seconds, memory_bytes=1024 * MEBIBYTE)


def _is_callback(value: str) -> bool:
    address, plain = urlsplit(value), not set(value) & set("?# ")
    at_home = address.scheme == "http" and address.hostname in LOOPBACK
    return plain and bool(address.hostname) and (address.scheme == "https" or at_home)


def _networks(named: tuple[str, ...]) -> tuple[IPv4Network | IPv6Network, ...]:
    return tuple(ip_network(each) for each in named)


def _endpoint(value: str) -> tuple[str, int]:
    """`address:port`; raises ValueError."""
    address, _, port = value.rpartition(":")
    if not port.isdecimal() or not 0 < int(port) < 65536:
        raise ValueError(f"{value!r} is not address:port")
    return str(ip_address(address)), int(port)
