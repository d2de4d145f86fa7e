"""Which entry is which, and whether it still says the same. Pure.

A guid names an entry, where a feed has guids and uses each once. Feeds give all their entries one guid, or one address,
or neither; every entry must come through all the same, so the first name that is unique in the document is taken.
"""

import json
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from services.fetcher.dates import read_date
from services.fetcher.model import ParsedEntry
from shared.messages import EntryFacts

LONGEST_NAME = 400
"""Characters; a longer guid is known by its hash."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Draft:
    """An entry as its feed spells it: dates unread, `url` already a fetchable address or None."""

    guid: str | None = None
    url: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: str | None = None
    updated: str | None = None
    summary: str | None = None
    content: str | None = None
    tags: tuple[str, ...] = ()


def entries(drafts: Sequence[Draft], now: datetime) -> tuple[ParsedEntry, ...]:
    """One entry for each draft, in order, under an identity of its own; exact repetitions are one entry."""
    distinct = tuple(dict.fromkeys(drafts))
    identities = _identities([_names(draft) for draft in distinct])
    return tuple(_entry(draft, name, now) for draft, name in zip(distinct, identities, strict=True))


def _names(draft: Draft) -> tuple[str | None, ...]:
    """What may name the entry, best first; the last is never None, and differs wherever the drafts do."""
    dated_title = _hash(draft.title, draft.published) if draft.title and draft.published else None
    everything = _hash(draft.guid, *_says(draft), *draft.authors, "", *draft.tags)
    return _short(draft.guid), _short(draft.url), dated_title, everything


def _identities(candidates: Sequence[tuple[str | None, ...]]) -> Iterable[str]:
    uses = [Counter(names) for names in zip(*candidates, strict=True)]
    taken: set[str] = set()
    for names in candidates:
        free = (
            name
            for name, used in zip(names, uses, strict=True)
            if name is not None and used[name] == 1 and name not in taken
        )
        # Only an entry whose guid is another entry's address or hash comes to the default.
        identity = next(free, None) or _hash(*names)
        taken.add(identity)
        yield identity


def _entry(draft: Draft, identity: str, now: datetime) -> ParsedEntry:
    facts = EntryFacts(
        identity=identity,
        url=draft.url,
        title=draft.title,
        authors=draft.authors,
        published=read_date(draft.published, now),
        updated=read_date(draft.updated, now),
        summary=draft.summary,
        content=draft.content,
        tags=draft.tags,
    )
    return ParsedEntry(identity=identity, fingerprint=_hash(*_says(draft)), facts=facts)


def _says(draft: Draft) -> tuple[str | None, ...]:
    """Dates as written: what we read in them moves with our clock and our rules."""
    return draft.title, draft.url, draft.updated, draft.published, draft.summary, draft.content


def _short(name: str | None) -> str | None:
    return _hash(name) if name and len(name) > LONGEST_NAME else name or None


def _hash(*parts: str | None) -> str:
    return blake2b(json.dumps(parts).encode(), digest_size=16).hexdigest()
