"""What both services' tables say together: how far the work is, and what came of it. Reads only."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import func, not_, select

from services.fetcher.store import PENDING
from services.fetcher.tables import entries, feeds, hosts
from services.processor.model import EVENT_VERDICTS
from services.processor.tables import inbox, outbox
from shared.database import Database, clock


@dataclass(frozen=True, slots=True, kw_only=True)
class FeedState:
    """A feed that is subscribed to; `due` while it waits to be polled or is being polled."""

    name: str
    url: str
    source: str
    polled_at: datetime | None
    next_poll_at: datetime
    due: bool


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

    async def feeds(self) -> tuple[FeedState, ...]:
        """The active feeds by name."""
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            rows = (await connection.execute(select(feeds).where(feeds.c.active))).all()
        # A feed's first poll is spread over a quarter of a second for each feed that was applied.
        soon = now + timedelta(seconds=len(rows) / 4 + 1)
        found = (
            FeedState(
                name=row.settings["name"],
                url=row.url,
                source=row.source,
                polled_at=row.polled_at,
                next_poll_at=row.next_poll_at,
                due=row.next_poll_at <= (soon if row.polled_at is None else now),
            )
            for row in rows
        )
        return tuple(sorted(found, key=lambda each: (each.name.casefold(), each.url)))

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
