"""Which entries of a feed are new, changed or left out. Pure."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime

from services.fetcher.model import Backlog, FeedSettings, ParsedEntry, ParsedFeed

EXCLUDED = "excluded"
BACKLOG = "backlog"
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skipped:
    """An entry that is not to be downloaded, and why: `excluded` or `backlog`."""

    entry: ParsedEntry
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Selection:
    """In document order. What is skipped must be remembered as known, or the next poll would find it new."""

    new: tuple[ParsedEntry, ...] = ()
    changed: tuple[ParsedEntry, ...] = ()
    skipped: tuple[Skipped, ...] = ()


def select(parsed: ParsedFeed, known: Mapping[str, str], settings: FeedSettings, *, first_poll: bool) -> Selection:
    """What `parsed` says that was not known; `known` is identity → fingerprint of what was seen before.

    An entry that is known and says the same is in none of the three.
    """
    telling = [entry for entry in parsed.entries if known.get(entry.identity) != entry.fingerprint]
    wanted = [entry for entry in telling if _wanted(entry, settings)]
    new = [entry for entry in wanted if entry.identity not in known]
    kept = _within_backlog(new, settings) if first_poll else frozenset(entry.identity for entry in new)
    return Selection(
        new=tuple(entry for entry in new if entry.identity in kept),
        changed=tuple(entry for entry in wanted if entry.identity in known),
        skipped=(
            *(Skipped(entry=entry, reason=EXCLUDED) for entry in telling if not _wanted(entry, settings)),
            *(Skipped(entry=entry, reason=BACKLOG) for entry in new if entry.identity not in kept),
        ),
    )


def _wanted(entry: ParsedEntry, settings: FeedSettings) -> bool:
    texts = [text for text in (entry.facts.url, entry.facts.title) if text]
    included = not settings.include or _any_matches(settings.include, texts)
    return included and not _any_matches(settings.exclude, texts)


def _any_matches(patterns: Iterable[str], texts: Iterable[str]) -> bool:
    texts = tuple(texts)
    return any(re.search(pattern, text) for pattern in patterns for text in texts)


def _within_backlog(new: list[ParsedEntry], settings: FeedSettings) -> frozenset[str]:
    """Identities of the entries to keep of a feed's first poll."""
    match settings.backlog:
        case Backlog.ALL:
            kept = new
        case Backlog.NEWEST:
            # The sort is stable: entries without a date come last, in the order of the document.
            kept = sorted(new, key=_said_at, reverse=True)[: settings.backlog_newest]
        case Backlog.NONE:
            kept = []
    return frozenset(entry.identity for entry in kept)


def _said_at(entry: ParsedEntry) -> datetime:
    return entry.facts.published or entry.facts.updated or _LONG_AGO
