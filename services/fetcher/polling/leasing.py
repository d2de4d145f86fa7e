"""Feeds that are due, leased together with the slots of their hosts."""

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import BindParameter, ColumnElement, Row, Select, bindparam, not_, or_, select, update

from services.fetcher.hosts.politeness import DEFAULT_POLICY, PolitenessPolicy
from services.fetcher.hosts.sharing import DueFeed, Shares, share_out
from services.fetcher.hosts.slots import locked_paces, save_paces
from services.fetcher.tables import feeds
from shared.database import Connection, Database, UtcDateTime, clock

LOOKS = 5
"""At the store, for one lease; each sees twice as many feeds as the one before, and most often one is enough."""
NOBODY: Mapping[str, int] = {}
ANY_NUMBER = 1_000_000


@dataclass(frozen=True, slots=True, kw_only=True)
class LeaseTerms:
    """For how long feeds are leased, and how many of one site this process may hold at a time."""

    lease: timedelta
    per_site: int = ANY_NUMBER
    policy: PolitenessPolicy = DEFAULT_POLICY


@dataclass(frozen=True, slots=True, kw_only=True)
class Leased:
    """A feed's row, now ours by `token`; its host's slot begins after `wait`."""

    row: Row[Any]
    token: UUID
    wait: timedelta
    now: datetime


async def lease_due(
    database: Database, limit: int, terms: LeaseTerms, at_work: Mapping[str, int] = NOBODY
) -> list[Leased]:
    """At most `limit` feeds that are due and whose hosts are free within our patience; `at_work` counts them by site.

    A host that takes no more hides no other: its feeds are put off, and the last look leaves them out.
    """
    leased: list[Leased] = []
    held = Counter(at_work)
    for look in range(LOOKS):
        room = limit - len(leased)
        width, is_last = room * 2 ** (look + 1), look == LOOKS - 1
        full = [site for site, count in held.items() if count >= terms.per_site] if is_last else []
        found, seen = await _look(database, terms, held, limit=room, width=width, left_out=full)
        leased += found
        held.update(each.row.site for each in found)
        if len(leased) == limit or seen < width:
            break
    return leased


async def lease_one(database: Database, feed_id: UUID, terms: LeaseTerms) -> Leased | None:
    """One feed, due or not, without a slot of its host; None while someone else holds it."""
    async with database.transaction() as connection:
        now, token = await clock(connection), uuid4()
        asked = {"which": feed_id, "now": now, "token": token, "until": now + terms.lease}
        row = (await connection.execute(TAKE_ONE, asked)).one_or_none()
    return None if row is None else Leased(row=row, token=token, wait=timedelta(0), now=now)


async def _look(
    database: Database,
    terms: LeaseTerms,
    held: Mapping[str, int],
    *,
    limit: int,
    width: int,
    left_out: Collection[str],
) -> tuple[list[Leased], int]:
    """What is leased of the first `width` feeds that are due, and how many those were."""
    async with database.transaction() as connection:
        now = await clock(connection)
        rows = (await connection.execute(DUE, {"now": now, "left_out": list(left_out), "width": width})).all()
        if not rows:
            return [], 0
        due = [_due_feed(row) for row in rows]
        paces = await locked_paces(connection, {each.site for each in due}, now, terms.policy)
        # Asked again: others may have kept the rows for a while.
        now = await clock(connection)

        def room(site: str) -> int:
            return terms.per_site - held.get(site, 0)

        shares = share_out(due, paces, limit=limit, room=room, now=now, policy=terms.policy)
        return await _save(connection, shares, now, now + terms.lease), len(rows)


async def _save(connection: Connection, shares: Shares, now: datetime, until: datetime) -> list[Leased]:
    await save_paces(connection, shares.paces)
    if shares.put_off:
        await connection.execute(PUT_OFF, [{"which": each, "to": to} for each, to in shares.put_off.items()])
    if not shares.starts:
        return []
    token = uuid4()
    taken = await connection.execute(TAKE, {"which": list(shares.starts), "token": token, "until": until})
    found = {row.feed_id: row for row in taken}
    return [Leased(row=found[each], token=token, wait=start - now, now=now) for each, start in shares.starts.items()]


def _due_feed(row: Row[Any]) -> DueFeed:
    delay = None if row.page_delay is None else timedelta(seconds=row.page_delay)
    return DueFeed(feed_id=row.feed_id, site=row.site, page_delay=delay)


def free(lease_until: ColumnElement[datetime | None], now: datetime | BindParameter[datetime]) -> ColumnElement[bool]:
    return or_(lease_until.is_(None), lease_until < now)


def _due() -> Select[*tuple[Any, ...]]:
    """The first feeds that are due `now` and that nobody holds, but for those of sites that are left out."""
    now = bindparam("now", type_=UtcDateTime)
    return (
        select(feeds.c.feed_id, feeds.c.site, feeds.c.settings["page_delay"].as_float().label("page_delay"))
        .where(feeds.c.active, not_(feeds.c.paused))
        .where(feeds.c.next_poll_at <= now, free(feeds.c.lease_until, now))
        .where(feeds.c.site.not_in(bindparam("left_out", expanding=True)))
        .order_by(feeds.c.next_poll_at)
        .limit(bindparam("width"))
        .with_for_update(skip_locked=True)
    )


DUE = _due()
# Reading JSON is what costs most of a lease, and nobody asks for this here.
LEASED_COLUMNS = tuple(column for column in feeds.columns if column.name != "why")
TAKE = (
    update(feeds)
    .where(feeds.c.feed_id.in_(bindparam("which", expanding=True)))
    .values(lease=bindparam("token"), lease_until=bindparam("until"))
    .returning(*LEASED_COLUMNS)
)
TAKE_ONE = (
    update(feeds)
    .where(feeds.c.feed_id == bindparam("which"), free(feeds.c.lease_until, bindparam("now", type_=UtcDateTime)))
    .values(lease=bindparam("token"), lease_until=bindparam("until"))
    .returning(*LEASED_COLUMNS)
)
PUT_OFF = update(feeds).where(feeds.c.feed_id == bindparam("which")).values(next_poll_at=bindparam("to"))
