"""What the wire made, what the store recorded and what the subscriber got, held against each other. Pure.

Each of the three is known on its own: the wire keeps its own list, the subscriber its own record, and the store is
only asked how its books balance.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from itertools import pairwise

from chaos.records import Delivery, Settled, Stored, Truth

EVENT_VERDICTS = ("published", "updated", "copied", "withdrawn")
QUARANTINED = "quarantined"
MOST_NAMED = 8


class Kind(StrEnum):
    LOST = "lost"
    WRONG = "wrong"
    TWICE = "said twice"
    REPEATED = "repeated"
    DISORDER = "out of order"
    BOOKS = "books"
    GIVEN_UP = "given up"
    STRANGE = "unknown to the wire"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    kind: Kind
    line: str

    def __str__(self) -> str:
        return f"{self.kind}: {self.line}"


@dataclass(frozen=True, kw_only=True)
class Account:
    """`window` is the scenario's reason why an id may come again and a number may be given up; None allows neither.

    `retried` counts by entry the visits that took a number and rightly published nothing: a 404 that is to be
    confirmed, a 503. `torn` are lines of the output that are no event.
    """

    truth: Truth
    deliveries: tuple[Delivery, ...]
    stored: Stored
    window: str | None = None
    retried: Mapping[str, int] = field(default_factory=dict)
    torn: int = 0

    @cached_property
    def events(self) -> tuple[Delivery, ...]:
        """The first delivery of each id, in the order of arrival."""
        first: dict[str, Delivery] = {}
        for each in self.deliveries:
            first.setdefault(each.event_id, each)
        return tuple(first.values())

    @cached_property
    def by_url(self) -> Mapping[str, list[Delivery]]:
        found: dict[str, list[Delivery]] = defaultdict(list)
        for each in self.events:
            found[each.url].append(each)
        return {url: sorted(events, key=lambda each: each.revision) for url, events in found.items()}

    @cached_property
    def finished(self) -> tuple[Settled, ...]:
        return tuple(each for each in self.stored.settled if each.verdict != QUARANTINED)

    @property
    def taken(self) -> int:
        return sum(each.taken for each in self.stored.entries)

    @cached_property
    def events_by_verb(self) -> Counter[str]:
        return Counter(each.verb for each in self.events)

    @property
    def repeats(self) -> int:
        return len(self.deliveries) - len(self.events)

    @property
    def late(self) -> int:
        """Events that arrived after a later revision of their article: a subscriber ignores them by their number."""
        newest: dict[str, int] = {}
        late = 0
        for each in self.events:
            late += each.revision < newest.get(each.article_id, 0)
            newest[each.article_id] = max(each.revision, newest.get(each.article_id, 0))
        return late

    @cached_property
    def interrupted(self) -> Mapping[str, int]:
        """By entry, numbers that were taken and neither settled nor retried: somebody died or lost a lease there."""
        settled = Counter(each.entry_id for each in self.stored.settled)
        left = {
            each.entry_id: each.taken - settled[each.entry_id] - self.retried.get(each.entry_id, 0)
            for each in self.stored.entries
        }
        return {entry: count for entry, count in left.items() if count > 0}

    @property
    def open_numbers(self) -> int:
        return self.taken - len(self.stored.settled)

    @cached_property
    def faults(self) -> tuple[Fault, ...]:
        """Empty when the promise held."""
        found = (
            self._lost(),
            self._wrong(),
            self._twice(),
            self._disorder(),
            self._strange(),
            self._books(),
            self._unexplained(),
        )
        return tuple(fault for each in found for fault in each)

    def count(self, kind: Kind) -> int:
        return sum(fault.kind is kind for fault in self.faults)

    def _lost(self) -> Iterator[Fault]:
        entries = {each.url: each for each in self.stored.entries}
        observed = {each.entry_id for each in self.finished}
        for item in self.truth.items:
            entry = entries.get(item.url)
            if entry is None and item.states[-1] is not None:
                yield Fault(kind=Kind.LOST, line=f"{item.url} never became an entry")
            elif entry is not None and entry.entry_id not in observed:
                yield Fault(kind=Kind.LOST, line=f"{item.url} is an entry without any settled observation")
        arrived = {each.event_id for each in self.events}
        for event in self.stored.events:
            if event not in arrived:
                yield Fault(kind=Kind.LOST, line=f"event {event} is stored and never arrived")

    def _wrong(self) -> Iterator[Fault]:
        for item in self.truth.items:
            events = self.by_url.get(item.url, [])
            if (events[-1].marker if events else None) != item.states[-1]:
                line = f"{item.url} went {_path(each.marker for each in events)}, the wire went {_path(item.states)}"
                yield Fault(kind=Kind.WRONG, line=line)
        yield from self._copies_not_told()

    def _copies_not_told(self) -> Iterator[Fault]:
        """Of two articles that always said the same, one is the copy: whichever was seen second."""
        states = {item.url: item.states for item in self.truth.items}
        for item in self.truth.items:
            if item.copy_of is None or len(item.states) > 1 or states[item.copy_of] != item.states:
                continue
            roles = [self.by_url[url][0].role for url in (item.url, item.copy_of) if url in self.by_url]
            if len(roles) == 2 and sorted(roles) != ["copy", "original"]:
                yield Fault(kind=Kind.WRONG, line=f"{item.url} copies {item.copy_of}, and both are {roles[0]}")

    def _twice(self) -> Iterator[Fault]:
        for url, events in self.by_url.items():
            articles = {each.article_id for each in events}
            if len(articles) > 1:
                yield Fault(kind=Kind.TWICE, line=f"{url} has {len(articles)} article ids")
            for earlier, later in pairwise(events):
                yield from _told_again(url, earlier, later)
        texts: dict[str, str | None] = {}
        for each in self.deliveries:
            if texts.setdefault(each.event_id, each.marker) != each.marker:
                yield Fault(kind=Kind.TWICE, line=f"{each.event_id} came with two texts, the later is {each.marker!r}")

    def _disorder(self) -> Iterator[Fault]:
        states = {item.url: item.states for item in self.truth.items}
        for url, events in self.by_url.items():
            markers = [each.marker for each in events]
            if url in states and not _within(markers, states[url]):
                line = f"{url} went {_path(markers)}, the wire went {_path(states[url])}"
                yield Fault(kind=Kind.DISORDER, line=line)
            if [each.revision for each in events] != list(range(1, len(events) + 1)):
                line = f"{url} has revisions {', '.join(str(each.revision) for each in events)}"
                yield Fault(kind=Kind.DISORDER, line=line)

    def _strange(self) -> Iterator[Fault]:
        known = {item.url for item in self.truth.items}
        for url in self.by_url.keys() - known:
            yield Fault(kind=Kind.STRANGE, line=f"{url} has events")
        stored = set(self.stored.events)
        for each in self.events:
            if each.event_id not in stored:
                yield Fault(kind=Kind.STRANGE, line=f"event {each.event_id} arrived and is not stored")

    def _books(self) -> Iterator[Fault]:
        told = Counter(each.event_id for each in self.finished if each.event_id)
        if set(told) != set(self.stored.events) or any(count > 1 for count in told.values()):
            line = f"{sum(told.values())} observations name an event, {len(self.stored.events)} revisions are stored"
            yield Fault(kind=Kind.BOOKS, line=line)
        # What was confirmed long enough ago leaves the outbox.
        if set(self.stored.events) != set(self.stored.outbox) | {each.event_id for each in self.events}:
            line = f"{len(self.stored.events)} revisions, {len(self.stored.outbox)} events in the outbox"
            yield Fault(kind=Kind.BOOKS, line=line)
        for each in self.finished:
            if (each.event_id is not None) != (each.verdict in EVENT_VERDICTS) or not each.reason:
                line = f"observation {each.observation} of {each.entry_id} is {each.verdict} with event {each.event_id}"
                yield Fault(kind=Kind.BOOKS, line=line)
        if self.stored.unsent:
            yield Fault(kind=Kind.BOOKS, line=f"{len(self.stored.unsent)} events wait in the outbox")
        yield from self._numbers()

    def _numbers(self) -> Iterator[Fault]:
        taken = {each.entry_id: each.taken for each in self.stored.entries}
        for each in self.stored.settled:
            if each.observation > taken.get(each.entry_id, 0):
                line = f"observation {each.observation} of {each.entry_id} is settled and its number was never taken"
                yield Fault(kind=Kind.BOOKS, line=line)

    def _unexplained(self) -> Iterator[Fault]:
        """What only a fault may cause, where the scenario names none."""
        if self.torn:
            yield Fault(kind=Kind.LOST, line=f"{self.torn} lines of the output are torn")
        if self.window is not None:
            return
        if self.repeats:
            yield Fault(kind=Kind.REPEATED, line=f"{self.repeats} deliveries of ids that had arrived, without a reason")
        for entry, count in self.interrupted.items():
            yield Fault(kind=Kind.GIVEN_UP, line=f"{count} numbers of entry {entry} were taken and never settled")


def _told_again(url: str, earlier: Delivery, later: Delivery) -> Iterator[Fault]:
    if earlier.revision == later.revision:
        yield Fault(kind=Kind.TWICE, line=f"{url} revision {later.revision} has two event ids")
    elif earlier.marker == later.marker:
        line = f"{url} revision {later.revision} repeats the text of the one before it, {later.marker!r}"
        yield Fault(kind=Kind.TWICE, line=line)


def _within(shown: Iterable[str | None], made: Iterable[str | None]) -> bool:
    """Whether `shown` is `made` with some left out: what changes quickly need not be seen at each step."""
    left = iter(made)
    return all(any(state == each for state in left) for each in shown)


def _path(markers: Iterable[str | None]) -> str:
    return " → ".join((each or "withdrawn").rpartition(" ")[2] for each in markers) or "nowhere"


def missing(truth: Truth, deliveries: Iterable[Delivery]) -> list[str]:
    """A line for each article whose last state is not the newest revision that has arrived."""
    newest: dict[str, Delivery] = {}
    for each in deliveries:
        if each.url not in newest or newest[each.url].revision < each.revision:
            newest[each.url] = each
    return [
        f"{item.url} stands at {newest[item.url].marker if item.url in newest else 'nothing'}"
        for item in truth.items
        if (newest[item.url].marker if item.url in newest else None) != item.states[-1]
    ]


def listed(faults: Iterable[Fault]) -> str:
    """The first few, a line each."""
    lines = [str(fault) for fault in faults]
    more = [f"… and {len(lines) - MOST_NAMED} more"] if len(lines) > MOST_NAMED else []
    return "\n".join([*lines[:MOST_NAMED], *more])
