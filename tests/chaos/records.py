"""What each side knows: the wire of its articles, the subscriber of its arrivals, the store of its rows."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Item:
    """One article of the wire. `states` are the markers of its texts in order; None is "not there"."""

    url: str
    states: tuple[str | None, ...]
    copy_of: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Truth:
    hosts: int
    items: tuple[Item, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """One event as it arrived. `marker` names the text; None for a withdrawal. `redelivered` is the broker's word."""

    event_id: str
    article_id: str
    revision: int
    previous_revision: int | None
    verb: str
    url: str
    marker: str | None
    role: str
    redelivered: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class StoredEntry:
    """`taken` is how many observations of it were numbered."""

    entry_id: str
    url: str | None
    taken: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Settled:
    """A row of the inbox: what one observation came to."""

    entry_id: str
    observation: int
    verdict: str
    reason: str
    event_id: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Stored:
    """`events` are the ids of the revisions, `outbox` those of the outbox, `unsent` those not yet confirmed."""

    entries: tuple[StoredEntry, ...] = ()
    settled: tuple[Settled, ...] = ()
    events: tuple[str, ...] = ()
    outbox: tuple[str, ...] = ()
    unsent: tuple[str, ...] = ()
