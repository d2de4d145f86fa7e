"""Subscriptions at hubs (WebSub) in the database, shared by all fetchers: which are wanted, asked for and confirmed.

    a poll finds a hub → wanted, due → asked → confirmed by the hub's own request → renewed before its lease ends
    hub changed or gone, feed paused or removed → asked to end → confirmed: dropped

Feeds are locked before subscriptions, here as in the commit of a poll.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from secrets import token_urlsafe
from typing import Any
from uuid import UUID, uuid4

from sqlalchemy import ColumnElement, Row, Select, and_, bindparam, delete, func, not_, or_, select

from services.fetcher.model import Feed, Hub
from services.fetcher.tables import LONGEST_REASON, feeds, subscriptions
from services.fetcher.websub.websub import DENIED_FOR, Mode, Subscription, may_have_secret, renewal
from shared.database import Connection, Database, UtcDateTime, clock
from shared.statements import change, insert
from shared.urls import normalise

TOKEN_BYTES = 32
LONGEST_ADDRESS = 2000
WANTED_FOR = timedelta(days=1)
"""At least, however often a feed names another hub."""
FREE: dict[str, object] = {"lease": None, "lease_until": None}


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A subscription as leased, to ask its hub for `mode`. The token must be shown when it is settled."""

    subscription: Subscription
    mode: Mode
    lease: UUID


async def note_hub(connection: Connection, feed: Feed, hub: Hub | None, now: datetime) -> None:
    """What a document that was just read says of its hub: another one than before is wanted from now on, or none.

    In the transaction of the poll that read it. Not to be called where nothing was read, nor where nobody listens:
    what is not wanted any more is dropped by those who do. A hub that was just named stays wanted for a day, for a
    feed may name another one, or call itself by another name, each time.
    """
    hub = hub if hub is not None and _usable(hub) else None
    wanted = (await connection.execute(WANTED, {"feed": feed.feed_id})).all()
    if any(hub == Hub(url=row.hub, topic=row.topic) or _is_young(row, now) for row in wanted):
        return
    if wanted:
        await _leave(connection, feed.feed_id, now)
    if hub is not None:
        await insert(connection, subscriptions, _new(feed.feed_id, hub, now))


async def news_is_read(connection: Connection, subscription: Subscription, news_at: datetime) -> None:
    """In the transaction that stores what a hub brought: the feed need not be polled for it."""
    await change(connection, subscriptions, {"token": subscription.token, "news_at": news_at}, {"news_at": None})


class SubscriptionStore:
    """What hubs are asked for and say. Leases expire by the database's clock; every outcome shows the lease's token."""

    def __init__(self, database: Database, *, lease: timedelta) -> None:
        self._database = database
        self._lease = lease

    async def lease(self, limit: int) -> list[Request]:
        """At most `limit` requests that hubs are to be sent now; what needs none is dropped or rests."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            rows = (await connection.execute(DUE, {"now": now, "limit": limit})).all()
            asking = [request for row in rows if (request := await self._asking(connection, row, now))]
        # By itself: feeds are locked before subscriptions.
        if left := sorted(row.feed_id for row in rows if row.wanted and not row.polled):
            async with self._database.transaction() as connection:
                for feed_id in left:
                    await change(connection, feeds, {"feed_id": feed_id}, {"pushed_until": None})
        return asking

    async def _asking(self, connection: Connection, row: Row[tuple[object, ...]], now: datetime) -> Request | None:
        mode = _to_ask(row, now)
        if mode is None:
            await _rest(connection, row)
            return None
        request = Request(subscription=_subscription(row), mode=mode, lease=uuid4())
        # Before the request: a hub may ask whether we mean it before it answers.
        said = {"asked": mode.value, "asked_at": now, "lease": request.lease, "lease_until": now + self._lease}
        await change(connection, subscriptions, {"token": row.token}, said)
        return request

    async def settle(self, request: Request, wait: timedelta, reason: str | None) -> None:
        """The hub was asked and has not confirmed yet; ask again after `wait` unless it does."""
        async with self._database.transaction() as connection:
            said = {
                "failures": request.subscription.failures + 1,
                "reason": reason[:LONGEST_REASON] if reason else None,
                "next_at": await clock(connection) + wait,
            }
            await change(connection, subscriptions, _ours(request), {**said, **FREE})

    async def postpone(self, request: Request, until: datetime) -> None:
        """The hub was not asked: its host is not free before `until`."""
        async with self._database.transaction() as connection:
            await change(connection, subscriptions, _ours(request), {"next_at": until, **FREE})

    async def release(self, request: Request) -> None:
        """Hand the request back as it was taken."""
        async with self._database.transaction() as connection:
            await change(connection, subscriptions, _ours(request), FREE)

    async def find(self, token: str) -> Subscription | None:
        """The subscription whose callback has this token."""
        async with self._database.snapshot() as connection:
            row = (await connection.execute(FIND, {"which": token})).one_or_none()
        return None if row is None else _subscription(row)

    async def subscribed(self, subscription: Subscription, lease: timedelta) -> datetime:
        """The hub confirmed; returns when its lease ends. Until then the feed is polled as a safety net only."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            await change(connection, feeds, {"feed_id": subscription.feed_id}, {"pushed_until": now + lease})
            said = {
                "verified_until": now + lease,
                "next_at": now + renewal(lease),
                "failures": 0,
                "reason": None,
                **FREE,
            }
            await change(connection, subscriptions, {"token": subscription.token}, said)
        return now + lease

    async def unsubscribed(self, subscription: Subscription) -> None:
        """The hub confirmed that it tells us nothing any more; what rests is dropped when it is due."""
        async with self._database.transaction() as connection:
            said = {"verified_until": None, "next_at": await clock(connection), "failures": 0, **FREE}
            await change(connection, subscriptions, {"token": subscription.token}, said)

    async def denied(self, subscription: Subscription, reason: str) -> None:
        """The hub will tell us nothing; it is asked again after a day."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            if subscription.wanted:
                await change(connection, feeds, {"feed_id": subscription.feed_id}, {"pushed_until": None})
            said = {
                "verified_until": None,
                "reason": f"denied: {reason}"[:LONGEST_REASON],
                "next_at": now + DENIED_FOR,
                **FREE,
            }
            await change(connection, subscriptions, {"token": subscription.token}, said)


def _is_young(row: Row[Any], now: datetime) -> bool:
    return bool(now - WANTED_FOR < row.wanted_at <= now)


async def _leave(connection: Connection, feed_id: UUID, now: datetime) -> None:
    """The hubs that the feed named want to be told, but for those that never confirmed anything."""
    await change(connection, feeds, {"feed_id": feed_id}, {"pushed_until": None})
    await connection.execute(DROP_UNCONFIRMED, {"feed": feed_id})
    await change(connection, subscriptions, {"feed_id": feed_id, "wanted": True}, {"wanted": False, "next_at": now})


def _usable(hub: Hub) -> bool:
    return all(normalise(each) and len(each) <= LONGEST_ADDRESS for each in (hub.url, hub.topic))


def _new(feed_id: UUID, hub: Hub, now: datetime) -> dict[str, object]:
    return {
        "token": token_urlsafe(TOKEN_BYTES),
        "feed_id": feed_id,
        "hub": hub.url,
        "topic": hub.topic,
        "secret": token_urlsafe(TOKEN_BYTES) if may_have_secret(hub.url) else None,
        "wanted": True,
        "wanted_at": now,
        "next_at": now,
    }


def _to_ask(row: Row[tuple[object, ...]], now: datetime) -> Mode | None:
    if row.polled:
        return Mode.SUBSCRIBE
    return Mode.UNSUBSCRIBE if row.verified_until is not None and row.verified_until > now else None


async def _rest(connection: Connection, row: Row[tuple[object, ...]]) -> None:
    """Nothing to ask for: the feed is away and may come back, or names another hub."""
    if row.wanted:
        await change(connection, subscriptions, {"token": row.token}, {"verified_until": None, "next_at": None})
    else:
        await connection.execute(delete(subscriptions).where(subscriptions.c.token == row.token))


def _ours(request: Request) -> dict[str, object]:
    return {"token": request.subscription.token, "lease": request.lease}


def _subscription(row: Row[tuple[object, ...]]) -> Subscription:
    return Subscription(
        token=row.token,
        feed_id=row.feed_id,
        hub=row.hub,
        topic=row.topic,
        secret=row.secret,
        wanted=row.polled,
        asked=Mode(row.asked) if row.asked else None,
        failures=row.failures,
    )


NOW = bindparam("now", type_=UtcDateTime)
_FEED = and_(feeds.c.active, not_(feeds.c.paused), feeds.c.same_as.is_(None))
POLLED = and_(subscriptions.c.wanted, func.coalesce(_FEED, False))
"""Whether the feed is polled and names this hub."""
WITH_FEED = subscriptions.outerjoin(feeds, feeds.c.feed_id == subscriptions.c.feed_id)


def is_free(lease_until: ColumnElement[datetime | None]) -> ColumnElement[bool]:
    return or_(lease_until.is_(None), lease_until < NOW)


def _due() -> Select[*tuple[Any, ...]]:
    return (
        select(subscriptions, POLLED.label("polled"))
        .select_from(WITH_FEED)
        .where(subscriptions.c.next_at <= NOW, is_free(subscriptions.c.lease_until))
        .order_by(subscriptions.c.next_at)
        .limit(bindparam("limit"))
        .with_for_update(skip_locked=True, of=subscriptions)
    )


WANTED = select(subscriptions.c.hub, subscriptions.c.topic, subscriptions.c.wanted_at).where(
    subscriptions.c.feed_id == bindparam("feed"), subscriptions.c.wanted
)
DROP_UNCONFIRMED = delete(subscriptions).where(
    subscriptions.c.feed_id == bindparam("feed"), subscriptions.c.verified_until.is_(None)
)
FIND = (
    select(subscriptions, POLLED.label("polled"))
    .select_from(WITH_FEED)
    .where(subscriptions.c.token == bindparam("which"))
)
DUE = _due()
