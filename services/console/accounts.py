"""What both services' tables say together: how far the work is, and what came of it. Reads only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import Row, and_, func, not_, or_, select

from services.fetcher.polling.feed_rows import read_standing
from services.fetcher.tables import PENDING, entries, feeds, hosts
from services.processor.model import EVENT_VERDICTS
from services.processor.tables import inbox, outbox
from shared.database import Database, clock

OTHER = feeds.alias("other")
RELATED = select(OTHER.c.feed_id, OTHER.c.url).where(
    or_(OTHER.c.feed_id.in_(select(feeds.c.same_as)), OTHER.c.feed_id.in_(select(feeds.c.parent)))
)
IS_POLLED = and_(feeds.c.active, not_(feeds.c.paused), feeds.c.same_as.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A feed and its last poll; `due` while it waits to be polled or is being polled.

    One that is not `active` rests: nobody wants it any more. `same_as` is the address of the feed that is polled in
    its place, `index` that of the sitemap index that lists it.
    """

    name: str
    url: str
    source: str
    polled_at: datetime | None
    next_poll_at: datetime
    due: bool
    title: str | None = None
    active: bool = True
    paused: bool = False
    same_as: str | None = None
    index: str | None = None
    outcome: str | None = None
    reason: str | None = None
    failing_since: datetime | None = None

    @property
    def state(self) -> str:
        """In a word: resting, paused, same, failing, polled or new."""
        if not self.active:
            return "resting"
        if self.paused:
            return "paused"
        if self.same_as is not None:
            return "same"
        return "failing" if self.failing_since else "polled" if self.polled_at else "new"

    def as_json(self) -> dict[str, object]:
        said = {"state": self.state, **asdict(self)}
        return {name: value.isoformat() if isinstance(value, datetime) else value for name, value in said.items()}


@dataclass(frozen=True, slots=True, kw_only=True)
class Polled:
    """How many feeds there are to poll, and how many of those that were due are still `left`."""

    feeds: int
    left: int


@dataclass(frozen=True, slots=True, kw_only=True)
class PageState:
    """An entry with an address: `waiting` while a look at it is not finished, `watched` while one is still to come."""

    url: str
    waiting: bool
    watched: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Backlog:
    """What can be done now: pages to look at, events to show."""

    pages: int
    events: int

    def __bool__(self) -> bool:
        return self.pages + self.events > 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Totals:
    """What is in the store. `events` counts by verb, `reasons` the observations that caused no event."""

    feeds_polled: int = 0
    entries: int = 0
    events: Mapping[str, int] = field(default_factory=dict)
    reasons: Mapping[str, int] = field(default_factory=dict)


class Accounts:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def now(self) -> datetime:
        """By the store's clock."""
        async with self._database.snapshot() as connection:
            return await clock(connection)

    async def feeds(self, *, everything: bool = False) -> tuple[FeedState, ...]:
        """The active feeds by name; with `everything`, also those that rest."""
        wanted = select(feeds) if everything else select(feeds).where(feeds.c.active)
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            rows = (await connection.execute(wanted)).all()
            addresses = {row.feed_id: row.url for row in await connection.execute(RELATED)}
        found = (_state(row, addresses, now, _soon(now, len(rows))) for row in rows)
        return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.url)))

    async def polled(self, since: datetime) -> Polled:
        """How far the polls are of what was due at `since` or is new, of each feed once.

        A feed with a short interval may be due again before the others were polled. One whose host asked us to stay
        away is for another run.
        """
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            count = (await connection.execute(select(func.count()).select_from(feeds).where(IS_POLLED))).scalar_one()
            soon, new = feeds.c.next_poll_at <= _soon(now, count), feeds.c.polled_at.is_(None)
            due = and_(feeds.c.polled_at < since, feeds.c.next_poll_at <= since)
            blocked = func.coalesce(hosts.c.blocked_until, now) > now
            joined = feeds.outerjoin(hosts, hosts.c.site == feeds.c.site)
            left = select(func.count()).select_from(joined).where(IS_POLLED, soon, or_(new, due), not_(blocked))
            return Polled(feeds=count, left=(await connection.execute(left)).scalar_one())

    async def pages(self) -> tuple[PageState, ...]:
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            found = select(entries.c.url, entries.c.state, entries.c.next_at).where(entries.c.url.is_not(None))
            rows = (await connection.execute(found)).all()
        return tuple(
            PageState(
                url=row.url,
                waiting=row.state == PENDING or (row.next_at is not None and row.next_at <= now),
                watched=row.next_at is not None,
            )
            for row in rows
        )

    async def backlog(self) -> Backlog:
        """One moment's view, so that work never hides on its way from one count to the next."""
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            # A host that asked us to stay away keeps its pages for another run.
            blocked = func.coalesce(hosts.c.blocked_until, now) > now
            joined = entries.outerjoin(hosts, hosts.c.site == entries.c.site)
            pages = select(func.count()).select_from(joined).where(entries.c.next_at <= now, not_(blocked))
            events = select(func.count()).select_from(outbox).where(outbox.c.confirmed_at.is_(None))
            counts = [(await connection.execute(each)).scalar_one() for each in (pages, events)]
        return Backlog(pages=counts[0], events=counts[1])

    async def totals(self) -> Totals:
        polled = select(func.count()).select_from(feeds).where(feeds.c.active, feeds.c.polled_at.is_not(None))
        known = select(func.count()).select_from(entries)
        settled = select(inbox.c.verdict, inbox.c.reason, func.count()).group_by(inbox.c.verdict, inbox.c.reason)
        async with self._database.snapshot() as connection:
            feeds_polled = (await connection.execute(polled)).scalar_one()
            entry_count = (await connection.execute(known)).scalar_one()
            rows = (await connection.execute(settled)).all()
        events: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for verdict, reason, count in rows:
            if verdict in EVENT_VERDICTS:
                events[verdict] += count
            else:
                reasons[reason] += count
        return Totals(feeds_polled=feeds_polled, entries=entry_count, events=dict(events), reasons=dict(reasons))


def _soon(now: datetime, feeds: int) -> datetime:
    """The first polls of feeds that are new together are spread over a quarter of a second for each of them."""
    return now + timedelta(seconds=feeds / 4 + 1)


def _state(row: Row[tuple[Any, ...]], addresses: Mapping[UUID, str], now: datetime, soon: datetime) -> FeedState:
    standing = read_standing(row.standing, row.rhythm)
    is_polled = row.active and not row.paused and row.same_as is None
    return FeedState(
        name=row.settings["name"],
        url=row.url,
        source=row.source,
        polled_at=row.polled_at,
        next_poll_at=row.next_poll_at,
        due=is_polled and row.next_poll_at <= (soon if row.polled_at is None else now),
        title=row.title,
        active=row.active,
        paused=row.paused,
        same_as=addresses.get(row.same_as),
        index=addresses.get(row.parent),
        outcome=standing.outcome,
        reason=standing.reason,
        failing_since=standing.failing_since,
    )
