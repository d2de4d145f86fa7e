"""A site profile as its file writes it, validated: which parts of a site's pages are what (docs/profiles.md)."""

import re
from hashlib import blake2b
from typing import Annotated, Any

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field

from services.processor.profiles.selecting import check
from shared.events import Form

_HOST = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)+")


def _listed(value: Any) -> Any:  # noqa: ANN401 (whatever a file holds)
    return [value] if isinstance(value, str) else value


def _selector(value: str) -> str:
    check(value)
    return value


def _host(value: str) -> str:
    if not _HOST.fullmatch(value):
        raise ValueError(f"{value!r} is no host; write it in lower case without https:// and path, as news.example")
    return value


Selectors = Annotated[tuple[Annotated[str, AfterValidator(_selector)], ...], BeforeValidator(_listed)]
"""CSS selectors, one or a list."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Figures(_Part):
    """Pictures: `figure` holds one, found by `image`, with its caption and credit."""

    figure: Selectors = Field(min_length=1)
    image: Selectors = ("img",)
    caption: Selectors = ()
    credit: Selectors = ()


class Cards(_Part):
    """Links to other articles: `card` holds one; `title` is its text, the card's own where it is not given."""

    card: Selectors = Field(min_length=1)
    title: Selectors = ()


class Time(_Part):
    """A time: the `attribute` of the first `element`, ISO 8601 or seconds since 1970."""

    element: Selectors = Field(min_length=1)
    attribute: str = "datetime"


class Profile(_Part):
    """One site's, or one publisher's; `name` is that of the file.

    Of `container`, `headline`, `lede`, `section` and the times, the first selector that finds something counts; of all
    others, everything that any of the selectors finds, in the order of the page.
    """

    # Stands in the name of the extractor, whose length the store bounds.
    name: str = Field(pattern=r"^[a-z0-9-]{1,30}$")
    hosts: tuple[Annotated[str, AfterValidator(_host)], ...] = Field(min_length=1)
    signature: Selectors = ()
    """What only this publisher's system makes: a page of any host that has it is read by the profile."""
    container: Selectors = Field(min_length=1)
    blocks: Selectors = Field(min_length=1)
    drop: Selectors = ()
    headline: Selectors = ()
    lede: Selectors = ()
    figures: Figures | None = None
    related: Cards | None = None
    authors: Selectors = ()
    published: Time | None = None
    modified: Time | None = None
    section: Selectors = ()
    tags: Selectors = ()
    forms: dict[Form, Selectors] = Field(default_factory=dict)
    minimum_characters: int = Field(default=40, ge=1)
    """Lede and text together; less is no reading, and the page is read as if there were no profile."""

    @property
    def version(self) -> str:
        """Of what it says of pages: texts read by different versions are not compared."""
        said = self.model_dump_json(exclude={"name", "hosts"})
        return blake2b(said.encode(), digest_size=4).hexdigest()

    def covers(self, host: str) -> bool:
        """Whether `host` is one of the profile's hosts, or below one."""
        return any(host == own or host.endswith(f".{own}") for own in self.hosts)
