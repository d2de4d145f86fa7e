"""What a server says of when to ask again (RFC 9110, 9111). Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

LONGEST = timedelta(days=366)
"""Nothing is believed for longer; it also keeps absurd numbers out of the arithmetic."""

_FRESH_STATUSES = frozenset({200, 226, 304, 429})
"""Whose freshness counts: also of a 304, which would else undo the 200 before it, and of a 429, which often has it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Hints:
    """None is not said. `max_age` is what remains of it.

    `says_freshness` is whether the answer speaks of it at all: one that does not leaves what was said before.
    """

    max_age: timedelta | None = None
    retry_after: timedelta | None = None
    says_freshness: bool = False


def read_hints(headers: Mapping[str, str], status: int, now: datetime) -> Hints:
    """From the headers (names in lower case) of an answer that came at `now`."""
    counts = status in _FRESH_STATUSES
    return Hints(
        max_age=_fresh_for(headers, now) if counts else None,
        says_freshness=counts and not headers.keys().isdisjoint({"cache-control", "expires"}),
        retry_after=_retry_after(headers, now) if status >= 300 and status != 304 else None,
    )


def _fresh_for(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """`max-age` less `Age`, else `Expires` after the response's own `Date`; our clock and theirs may differ."""
    directives = _directives(headers.get("cache-control", ""))
    if not directives.keys().isdisjoint({"no-cache", "no-store"}):
        return None
    if "max-age" in directives:
        age = _seconds(directives["max-age"])
        return _positive(age - (_seconds(headers.get("age", "")) or timedelta())) if age is not None else None
    expires = _http_date(headers.get("expires", ""))
    return _positive(expires - (_http_date(headers.get("date", "")) or now)) if expires else None


def _directives(cache_control: str) -> dict[str, str]:
    pairs = (part.strip().partition("=") for part in cache_control.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}


def _retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    text = headers.get("retry-after", "").strip()
    wait = _seconds(text)
    if wait is not None:
        return _positive(wait)
    until = _http_date(text)
    return _positive(until - now) if until else None


def _seconds(text: str) -> timedelta | None:
    text = text.strip()
    if not (text.isascii() and text.isdecimal()):
        return None
    return LONGEST if len(text) > 8 else min(timedelta(seconds=int(text)), LONGEST)


def _http_date(text: str) -> datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, OverflowError, IndexError, TypeError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=UTC)


def _positive(span: timedelta) -> timedelta | None:
    return min(span, LONGEST) if span > timedelta() else None
