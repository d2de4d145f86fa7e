"""The outbox's rows: leased in batches, marked when confirmed, emptied when their time is over."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, func, or_, select, update

from services.processor.tables import inbox, outbox
from shared.database import Database, clock
from shared.envelope import Message
from shared.events import CONTENT_TYPE, Verb
from shared.statements import prune

LEASE = timedelta(seconds=30)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pending:
    """An event that is committed and not confirmed yet."""

    event_id: UUID
    verb: Verb
    routing_key: str
    message: Message


class Outbox:
    """Shared by all relays: a row is leased by one of them, and by another when the lease is over."""

    def __init__(self, database: Database, *, lease: timedelta = LEASE) -> None:
        self._database = database
        self._lease = lease

    async def take(self, limit: int) -> tuple[UUID, Sequence[Pending]]:
        """The lease's token and the oldest events that are due."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            due = (
                select(outbox)
                .where(outbox.c.confirmed_at.is_(None), self._free(now))
                .order_by(outbox.c.sequence)
                .limit(limit)
                .with_for_update(skip_locked=True)
            )
            rows = (await connection.execute(due)).all()
            token = uuid4()
            if rows:
                taken = update(outbox).where(outbox.c.event_id.in_([row.event_id for row in rows]))
                await connection.execute(taken.values(lease=token, lease_until=now + self._lease))
        return token, [_pending(row) for row in rows]

    def _free(self, now: datetime) -> ColumnElement[bool]:
        """Nobody's; or held for longer than anyone may: the clock was set back since."""
        until = outbox.c.lease_until
        return or_(until.is_(None), until < now, until > now + 2 * self._lease)

    async def confirm(self, token: UUID, events: Sequence[UUID]) -> None:
        """The broker has them. The bodies stay for republishing."""
        await self._end(token, events, confirmed=True)

    async def release(self, token: UUID, events: Sequence[UUID]) -> None:
        """Not confirmed: due again at once, under the same ids."""
        await self._end(token, events, confirmed=False)

    async def _end(self, token: UUID, events: Sequence[UUID], *, confirmed: bool) -> None:
        if not events:
            return
        async with self._database.transaction() as connection:
            now = await clock(connection)
            ours = update(outbox).where(outbox.c.event_id.in_(events), outbox.c.lease == token)
            await connection.execute(ours.values(confirmed_at=now if confirmed else None, lease=None, lease_until=None))

    async def depth(self) -> int:
        async with self._database.snapshot() as connection:
            waiting = select(func.count()).select_from(outbox).where(outbox.c.confirmed_at.is_(None))
            return int((await connection.execute(waiting)).scalar_one())

    async def oldest_age(self) -> timedelta:
        """How long the oldest unconfirmed event has waited; zero when there is none."""
        async with self._database.snapshot() as connection:
            waiting = select(func.min(outbox.c.created_at)).where(outbox.c.confirmed_at.is_(None))
            oldest = await connection.scalar(waiting)
            return (await clock(connection)) - oldest if oldest else timedelta(0)

    async def republish(self, since: datetime) -> int:
        """Make confirmed events that were made at `since` or later due again, under their ids; returns how many."""
        again = update(outbox).where(outbox.c.confirmed_at.is_not(None), outbox.c.created_at >= since)
        async with self._database.transaction() as connection:
            return (await connection.execute(again.values(confirmed_at=None, lease=None, lease_until=None))).rowcount

    async def prune(self, *, bodies: timedelta, inbox_ids: timedelta) -> None:
        """Drop confirmed events and observations' ids that are older than these ages."""
        await prune(self._database, outbox, outbox.c.event_id, lambda now: outbox.c.confirmed_at < now - bodies)
        await prune(self._database, inbox, inbox.c.raw_id, lambda now: inbox.c.received_at < now - inbox_ids)


def _pending(row: Row[tuple[object, ...]]) -> Pending:
    return Pending(
        event_id=row.event_id,
        verb=row.verb,
        routing_key=row.routing_key,
        message=Message(
            body=row.body,
            message_id=str(row.event_id),
            kind=f"fildactu.article.{row.verb}.v1",
            content_type=CONTENT_TYPE,
            correlation_id=row.correlation_id,
            headers=row.headers,
        ),
    )
