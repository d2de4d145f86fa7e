"""Subscriptions whose state is not what it should be: their feed came or went, their hub fell silent, a clock moved."""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, Select, and_, bindparam, not_, or_, select

from services.fetcher.tables import feeds, subscriptions
from services.fetcher.websub.subscriptions import FREE, NOW, POLLED, WITH_FEED, is_free
from services.fetcher.websub.websub import Mode, silence
from shared.database import Database, UtcDateTime, clock
from shared.statements import change

TOLERANCE = timedelta(minutes=1)
"""A row may be later than our `now` and no clock was set back: another transaction wrote it since we asked the time."""
SILENT = "silent"
AT_ONCE = 500


async def mend_lapsed(database: Database) -> int:
    """Make those subscriptions due; the rest follows from what their feeds are by then. Returns how many."""
    async with database.transaction() as connection:
        now = await clock(connection)
        rows = (await connection.execute(LAPSED, {"now": now, "ahead": now + TOLERANCE})).all()
        for row in rows:
            said = _silenced(row, now) if row.silent else {"asked_at": None, "next_at": now}
            await change(connection, subscriptions, {"token": row.token}, {**said, **FREE})
    return len(rows)


def _silenced(row: Row[tuple[object, ...]], now: datetime) -> dict[str, object]:
    """What it confirmed counts no more; it is asked anew, later each time."""
    silences = row.silences + 1
    return {"silences": silences, "verified_until": None, "reason": SILENT, "next_at": now + silence(silences)}


def _lapsed() -> Select[*tuple[Any, ...]]:
    """`silent`: a poll found news that no push had brought, and ended the trust in the hub; `spoke`: one came since."""
    subscribed = subscriptions.c.asked == Mode.SUBSCRIBE.value
    silent = and_(POLLED, subscribed, subscriptions.c.verified_until > NOW, feeds.c.pushed_until.is_(None))
    came = and_(POLLED, or_(subscriptions.c.next_at.is_(None), subscriptions.c.asked == Mode.UNSUBSCRIBE.value))
    went = and_(not_(POLLED), subscribed, subscriptions.c.next_at > NOW)
    spoke = and_(POLLED, subscriptions.c.reason == SILENT, subscriptions.c.silences == 0, subscriptions.c.next_at > NOW)
    ahead = subscriptions.c.asked_at > bindparam("ahead", type_=UtcDateTime)
    return (
        select(subscriptions, silent.label("silent"))
        .select_from(WITH_FEED)
        .where(or_(ahead, and_(or_(silent, spoke, came, went), is_free(subscriptions.c.lease_until))))
        .limit(AT_ONCE)
    )


LAPSED = _lapsed()
