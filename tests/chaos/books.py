"""Reads the store of either kind for the accounting, and for what is still to be waited for."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from time import monotonic
from typing import Any, TypeVar

from chaos.records import Settled, Stored, StoredEntry
from sqlalchemy import Row, func, select

from services.fetcher.tables import PENDING, entries
from services.processor.tables import inbox, outbox, revisions
from shared.database import Database
from shared.errors import TransientError
from shared.outcomes import entry_outcomes

T = TypeVar("T")
LOOK_SECONDS = 0.1
ANSWER_SECONDS = 60.0

UNSETTLED = (
    select(entries.c.url, entries.c.entry_id)
    .outerjoin(entry_outcomes, entry_outcomes.c.entry_id == entries.c.entry_id)
    .where(
        (entries.c.state == PENDING)
        | entry_outcomes.c.observation.is_(None)
        | (entry_outcomes.c.observation < entries.c.observations)
    )
)
UNSENT = select(outbox.c.event_id).where(outbox.c.confirmed_at.is_(None))


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """How many observations are settled, events stored, and events not yet sent."""

    settled: int
    events: int
    unsent: int


class Books:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self) -> Stored:
        """One moment's view of all of it, as soon as the store answers."""
        return await _patiently(self._read)

    async def progress(self) -> Progress:
        """Cheap enough to ask again and again; waits for the store as well."""
        return await _patiently(self._progress)

    async def left(self) -> frozenset[str]:
        """What is on its way now: entries that wait or whose newest observation is not settled, events not sent."""
        try:
            return await self._left()
        except TransientError as error:
            return frozenset({f"an answer of the store ({error})"})

    async def _left(self) -> frozenset[str]:
        async with self._database.snapshot() as connection:
            waiting = (await connection.execute(UNSETTLED)).all()
            unsent = (await connection.execute(UNSENT)).all()
        pages = (f"observation of {row.url or row.entry_id}" for row in waiting)
        return frozenset([*pages, *(f"sending of event {row.event_id}" for row in unsent)])

    async def _progress(self) -> Progress:
        async with self._database.snapshot() as connection:
            counts = [
                (await connection.execute(select(func.count()).select_from(each))).scalar_one()
                for each in (inbox, revisions, UNSENT.subquery())
            ]
        return Progress(settled=counts[0], events=counts[1], unsent=counts[2])

    async def _read(self) -> Stored:
        async with self._database.snapshot() as connection:
            found = {
                name: (await connection.execute(asked)).all()
                for name, asked in (
                    ("entries", select(entries)),
                    ("inbox", select(inbox)),
                    ("revisions", select(revisions.c.event_id)),
                    ("outbox", select(outbox.c.event_id)),
                    ("unsent", UNSENT),
                )
            }
        return Stored(
            entries=tuple(
                StoredEntry(entry_id=str(row.entry_id), url=row.url, taken=row.observations) for row in found["entries"]
            ),
            settled=tuple(_settled(row) for row in found["inbox"]),
            events=tuple(str(row.event_id) for row in found["revisions"]),
            outbox=tuple(str(row.event_id) for row in found["outbox"]),
            unsent=tuple(str(row.event_id) for row in found["unsent"]),
        )


def _settled(row: Row[Any]) -> Settled:
    return Settled(
        entry_id=str(row.entry_id),
        observation=row.observation,
        verdict=row.verdict,
        reason=row.reason,
        event_id=str(row.event_id) if row.event_id else None,
    )


async def _patiently(question: Callable[[], Awaitable[T]]) -> T:
    deadline = monotonic() + ANSWER_SECONDS
    while True:
        try:
            return await question()
        except TransientError as error:
            if monotonic() > deadline:
                raise AssertionError(f"never happened within {ANSWER_SECONDS:g} s: the store answers") from error
        await asyncio.sleep(LOOK_SECONDS)
