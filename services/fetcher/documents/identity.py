"""Which entry is which, and whether it still says the same. Pure.

A guid names an entry, where a feed has guids and uses each once. Feeds give all their entries one guid, or one address,
or neither; every entry must come through all the same, so the first name that is unique in the document is taken.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from hashlib import blake2b

from services.fetcher.documents.dates import read_date
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
    identities = _identities(distinct)
    return tuple(_entry(draft, name, now) for draft, name in zip(distinct, identities, strict=True))


def _names(draft: Draft) -> tuple[str | None, ...]:
    """What may name the entry, best first."""
    return _short(draft.guid), _short(draft.url), _dated_title(draft)


def _dated_title(draft: Draft) -> str | None:
    return _hash(draft.title, draft.published) if draft.title and draft.published else None


def _best_versions(drafts: Sequence[Draft]) -> Iterable[Draft]:
    """One draft of each article: the same guid, address and date (or title) twice is one article in two versions.

    It is named as if it stood alone: an article that is listed twice for a while keeps its identity.
    """
    articles: dict[tuple[str | None, ...], list[Draft]] = defaultdict(list)
    for draft in drafts:
        articles[draft.guid, draft.url, draft.published or draft.title or _everything(draft)].append(draft)
    for versions in articles.values():
        yield versions[0] if len(versions) == 1 else max(versions, key=_latest)


def _latest(draft: Draft) -> tuple[str, str]:
    return draft.updated or "", _everything(draft)


def _everything(draft: Draft) -> str:
    return _hash(draft.guid, *_says(draft), *draft.authors, "", *draft.tags)


def _identities(drafts: Sequence[Draft]) -> Iterable[str]:
    """The best name of each entry that is nobody else's; the order of the entries does not matter."""
    best = set(_best_versions(drafts))
    candidates = [_names(draft) if draft in best else (None, None, _dated_title(draft)) for draft in drafts]
    uses = [Counter(names) for names in zip(*candidates, strict=True)]
    taken: set[str] = set()
    for draft, names in zip(drafts, candidates, strict=True):
        own = (name for rank, name in enumerate(names) if name and _is_own(names, rank, uses))
        identity = next(own, None) or _everything(draft)
        # Only where a guid is another entry's hash.
        identity = _hash(*names) if identity in taken else identity
        taken.add(identity)
        yield identity


def _is_own(names: Sequence[str | None], rank: int, uses: Sequence[Counter[str | None]]) -> bool:
    """Whether the name of this rank is the entry's alone: no other has it, nor has it as a better name."""
    name = names[rank]
    better = zip(names[:rank], uses[:rank], strict=True)
    return uses[rank][name] == 1 and all(own == name or used[name] != 1 for own, used in better)


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
