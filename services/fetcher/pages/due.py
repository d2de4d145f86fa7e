"""Entries that are due, taken so that no host hides the others, at a cost that does not grow with what waits."""

from collections import Counter
from datetime import timedelta
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, Row, Select, Subquery, and_, bindparam, case, exists, func, or_, select, update

from services.fetcher.hosts.politeness import PATIENCE
from services.fetcher.polling.leasing import free
from services.fetcher.tables import QUEUED, entries, feeds, host_addresses, hosts, numbering
from shared.database import Connection, UtcDateTime, clock
from shared.outcomes import QUARANTINED, entry_outcomes

NEAR = 250
"""Due entries that a lease looks at first, which is enough most often: all of them may be a hundred thousand."""
WIDER = 4
"""Times as many entries at the next look."""
MOST_LEFT_OUT = 500
"""Sites; each is a value of the statement, of which the stores take some thousands."""


async def take_due(
    connection: Connection, limit: int, *, per_host: int, token: UUID, lease: timedelta
) -> list[Row[Any]]:
    """At most `limit` entries that are due on hosts that may be asked soon, now ours by `token`.

    Of one host at most `per_host` are leased at a time, those that others hold included.
    """
    now = await clock(connection)
    asked = {"now": now, "soon": now + PATIENCE, "per_host": per_host, "token": token, "until": now + lease}
    taken, full, width = list[Row[Any]](), list[str](), NEAR
    while True:
        near = {**asked, "width": width, "left_out": full}
        taken += await _take(connection, {**near, "limit": limit - len(taken)})
        if len(taken) == limit:
            return taken
        waiting = Counter({row.site: row.waiting for row in await connection.execute(SITES, near)})
        if waiting.total() < width:
            return taken
        # All that these may have at a time was among the near ones, however long their rows are.
        full += [site for site, count in waiting.most_common(MOST_LEFT_OUT - len(full)) if count >= per_host]
        width *= WIDER


async def _take(connection: Connection, asked: dict[str, Any]) -> list[Row[Any]]:
    rows = list((await connection.execute(LEASABLE, asked)).all())
    if rows:
        which = {"which": [row.entry_id for row in rows], "token": asked["token"], "until": asked["until"]}
        await connection.execute(TAKE, which)
    return rows


def unsettled() -> ColumnElement[bool]:
    """Whether the newest observation was published and did not come to an outcome."""
    return and_(entries.c.state == QUEUED, ~exists().where(*_newest()))


def _understood() -> ColumnElement[bool]:
    """Whether its page was read, too: "not modified" says nothing of one that stands in the quarantine."""
    return exists().where(*_newest(), entry_outcomes.c.outcome != QUARANTINED)


def _newest() -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return entry_outcomes.c.entry_id == entries.c.entry_id, entry_outcomes.c.observation >= entries.c.observations


def _near() -> Subquery:
    """The first `width` entries that are due, held or not, but for those of sites that are left out."""
    now = bindparam("now", type_=UtcDateTime)
    return (
        select(entries.c.entry_id, entries.c.site, entries.c.next_at, free(entries.c.lease_until, now).label("free"))
        .where(entries.c.next_at <= now, entries.c.site.not_in(bindparam("left_out", expanding=True)))
        .order_by(entries.c.next_at)
        .limit(bindparam("width"))
        .subquery("near")
    )


def _sites() -> Select[*tuple[Any, ...]]:
    near = _near()
    return select(near.c.site, func.count().label("waiting")).group_by(near.c.site)


def _leasable() -> Select[*tuple[Any, ...]]:
    """Of those near the first `limit` on hosts that may be asked `soon`, of each host not more than `per_host`.

    Entries that are leased count for their host, so they are numbered first.
    """
    now, soon = bindparam("now", type_=UtcDateTime), bindparam("soon", type_=UtcDateTime)
    near = _near()
    order = (case((near.c.free, 1), else_=0), near.c.next_at)
    rank = func.row_number().over(partition_by=near.c.site, order_by=order).label("rank")
    askable = and_(
        or_(hosts.c.next_allowed_at.is_(None), hosts.c.next_allowed_at <= soon),
        or_(hosts.c.blocked_until.is_(None), hosts.c.blocked_until <= now),
        or_(host_addresses.c.next_allowed_at.is_(None), host_addresses.c.next_allowed_at <= soon),
    )
    ranked = (
        select(near.c.entry_id, near.c.next_at, near.c.free, rank)
        .select_from(
            near.outerjoin(hosts, hosts.c.site == near.c.site).outerjoin(
                host_addresses, host_addresses.c.address == hosts.c.address
            )
        )
        .where(askable)
        .subquery("ranked")
    )
    within = and_(ranked.c.free, ranked.c.rank <= bindparam("per_host"))
    few = select(ranked.c.entry_id).where(within).order_by(ranked.c.next_at).limit(bindparam("limit"))
    above = select(func.coalesce(func.max(numbering.c.above), 0)).scalar_subquery()
    return (
        select(entries, feeds.c.settings, _understood().label("understood"), above.label("above"))
        .join(feeds, feeds.c.feed_id == entries.c.feed_id)
        .where(entries.c.entry_id.in_(few), free(entries.c.lease_until, now))
        .with_for_update(skip_locked=True, of=entries)
    )


SITES = _sites()
LEASABLE = _leasable()
TAKE = (
    update(entries)
    .where(entries.c.entry_id.in_(bindparam("which", expanding=True)))
    .values(lease=bindparam("token"), lease_until=bindparam("until"))
)
