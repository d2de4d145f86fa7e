"""Feeds and polls: what is subscribed, what is due, and what one poll found, in one transaction."""

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from uuid import UUID

import structlog
from sqlalchemy import Row, bindparam, func, select, update

from services.fetcher.hosts.politeness import DEFAULT_POLICY, PolitenessPolicy
from services.fetcher.hosts.slots import settle_timing
from services.fetcher.model import Feed, FeedSettings, Hub, Rhythm, Sitemap, Standing, Timing, Validators, feed_id
from services.fetcher.polling.family import (
    LOOKED_AT_AGAIN,
    Twin,
    find_twin,
    lock_catalogue,
    sighted,
    stands_for,
    store_children,
)
from services.fetcher.polling.feed_rows import dump_rhythm, dump_standing, read_rhythm, read_standing
from services.fetcher.polling.leasing import ANY_NUMBER, NOBODY, LeaseTerms, lease_due, lease_one
from services.fetcher.polling.listing import store_selection
from services.fetcher.polling.schedule import Schedule
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.why import Account
from services.fetcher.subscribed.feeds import expand, load_settings
from services.fetcher.tables import feed_entries, feeds, hosts
from services.fetcher.websub.subscriptions import news_is_read, note_hub
from services.fetcher.websub.websub import Subscription
from shared.database import Connection, Database, clock
from shared.errors import PermanentError
from shared.statements import change
from shared.urls import site_of

log = structlog.get_logger()

KNOWN = select(feed_entries.c.identity, feed_entries.c.fingerprint).where(
    feed_entries.c.feed_id == bindparam("feed"), feed_entries.c.identity.in_(bindparam("identities", expanding=True))
)
OLDER, INDEX = feeds.alias("older"), feeds.alias("sitemap_index")
ACCOUNT = (
    select(
        feeds,
        OLDER.c.url.label("same_url"),
        INDEX.c.url.label("parent_url"),
        hosts.c.next_allowed_at,
        hosts.c.blocked_until,
    )
    .select_from(
        feeds.outerjoin(hosts, hosts.c.site == feeds.c.site)
        .outerjoin(OLDER, OLDER.c.feed_id == feeds.c.same_as)
        .outerjoin(INDEX, INDEX.c.feed_id == feeds.c.parent)
    )
    .where(feeds.c.feed_id == bindparam("feed"))
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Poll:
    """What one poll changes. `selection` is None when nothing new was read (304, the same body, a failure).

    `document_read` when that was the feed's own whole document, and not only earlier ones. `final_url` and `title` are
    None where nothing was said of them, `sitemaps` where it is no sitemap index. With `push_silent` the feed's hub is
    not relied on any more.
    """

    feed: Feed
    schedule: Schedule
    rhythm: Rhythm
    standing: Standing = field(default_factory=Standing)
    validators: Validators | None
    body_hash: str | None
    content_hash: str | None = None
    final_url: str | None = None
    title: str | None = None
    hub: Hub | None = None
    sitemaps: tuple[Sitemap, ...] | None = None
    selection: Selection | None = None
    document_read: bool = False
    timing: Timing | None = None
    push_silent: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Push:
    """What a hub brought of a feed. Its server answered nothing: the next poll, validators and body hash stay."""

    feed: Feed
    subscription: Subscription
    news_at: datetime
    rhythm: Rhythm
    selection: Selection


class FeedStore:
    """Feeds in the database. Leases expire by the database's clock; every write shows the lease's token."""

    def __init__(
        self,
        database: Database,
        *,
        lease: timedelta,
        per_site: int = ANY_NUMBER,
        policy: PolitenessPolicy = DEFAULT_POLICY,
        listens: bool = False,
    ) -> None:
        """Of the hubs that feeds name, note is taken only where someone `listens` to them."""
        self._database = database
        self._listens = listens
        self._terms = LeaseTerms(lease=lease, per_site=per_site, policy=policy)

    async def lease(self, limit: int, at_work: Mapping[str, int] = NOBODY) -> list[Feed]:
        """At most `limit` feeds that are due, now ours until the lease ends, each with a slot of its host.

        `at_work` counts those that this process holds, by site; of one site it gets `per_site` at a time.
        """
        leased = await lease_due(self._database, limit, self._terms, at_work)
        return [feed for each in leased if (feed := _feed(each.row, each.token, each.now, each.wait))]

    async def lease_one(self, feed_id: UUID) -> Feed | None:
        """The feed, due or not, to store what a hub brought of it; None while someone else holds it."""
        one = await lease_one(self._database, feed_id, self._terms)
        return None if one is None else _feed(one.row, one.token, one.now, one.wait)

    async def known(self, feed: UUID, identities: Iterable[str]) -> Mapping[str, str]:
        """Identity → fingerprint of the entries that were seen before."""
        which = {"feed": feed, "identities": list(identities)}
        async with self._database.snapshot() as connection:
            return {row.identity: row.fingerprint for row in await connection.execute(KNOWN, which)}

    async def commit(self, poll: Poll) -> bool:
        """Store the entries, the validators, the body hash and the next poll together; False when the lease was lost.

        Together, because a validator that is stored ahead of the entries it covers hides them behind the next 304.
        """
        async with self._database.transaction() as connection:
            if poll.sitemaps is not None:
                await lock_catalogue(connection)
            now = await clock(connection)
            twin = await _twin(connection, poll)
            standing = sighted(poll.standing, twin, now) if poll.document_read else poll.standing
            stand_in = twin if stands_for(poll.feed, standing, twin, now) else None
            if not await self._release(connection, poll, standing, stand_in, now):
                return False
            if poll.sitemaps is not None:
                await store_children(connection, poll.feed, poll.sitemaps, now)
            # Leases lock feeds before hosts, too.
            await settle_timing(connection, poll.timing)
            if poll.selection is not None:
                await store_selection(connection, poll.feed, poll.selection, now)
            if poll.document_read and self._listens:
                await note_hub(connection, poll.feed, poll.hub, now)
        if stand_in is not None and poll.feed.same_as is None:
            log.info("feed_same", url=poll.feed.settings.url, same_as=stand_in.url)
        return True

    async def commit_push(self, push: Push) -> bool:
        """Store the entries, and that the feed need not be polled for them; False when the lease was lost."""
        async with self._database.transaction() as connection:
            now = await clock(connection)
            said = {"rhythm": dump_rhythm(push.rhythm), "lease": None, "lease_until": None}
            if await change(connection, feeds, _ours(push.feed), said) != 1:
                return False
            await store_selection(connection, push.feed, push.selection, now)
            await news_is_read(connection, push.subscription, push.news_at)
        return True

    async def killed(self, feed: Feed) -> None:
        """Hand the feed back when it is due, and remember that what its hub brought cost a worker."""
        standing = replace(feed.standing, kills=feed.standing.kills + 1)
        async with self._database.transaction() as connection:
            said = {"standing": dump_standing(standing), "lease": None, "lease_until": None}
            await change(connection, feeds, _ours(feed), said)

    async def postpone(self, feed: Feed, until: datetime) -> None:
        """Hand the feed back until `until`; nothing else about it changes."""
        async with self._database.transaction() as connection:
            await change(connection, feeds, _ours(feed), {"next_poll_at": until, "lease": None, "lease_until": None})

    async def put_off(self, feed: Feed, others: tuple[Feed, ...], wait: timedelta) -> None:
        """Hand the feed back for a while; `others` are as they were when they were leased, and due then, too.

        What was written of them since, for the same reason, is taken back, unless they are being polled again.
        """
        async with self._database.transaction() as connection:
            until = await clock(connection) + wait
            await change(connection, feeds, _ours(feed), {"next_poll_at": until, "lease": None, "lease_until": None})
            for each in sorted(others, key=lambda other: other.feed_id):
                said = {"rhythm": dump_rhythm(each.rhythm), "standing": dump_standing(each.standing)}
                free = update(feeds).where(feeds.c.feed_id == each.feed_id, feeds.c.lease.is_(None))
                await connection.execute(free.values(**said, next_poll_at=until))

    async def release(self, feed: Feed) -> None:
        """Hand the feed back as it was taken: it is due, and anyone's."""
        async with self._database.transaction() as connection:
            await change(connection, feeds, _ours(feed), {"lease": None, "lease_until": None})

    async def _release(
        self, connection: Connection, poll: Poll, standing: Standing, stand_in: Twin | None, now: datetime
    ) -> bool:
        said_of_feed = {"final_url": poll.final_url, "title": poll.title}
        address = standing.moved_to or poll.feed.settings.url
        rests = standing.leaving and not standing.failing_since
        wait = max(poll.schedule.wait, LOOKED_AT_AGAIN) if stand_in else poll.schedule.wait
        said = {
            **validator_columns(poll.validators),
            **{name: value for name, value in said_of_feed.items() if value is not None},
            **({"pushed_until": None} if poll.push_silent else {}),
            **({"active": False} if rests else {}),
            "same_as": stand_in and stand_in.feed_id,
            "body_hash": poll.body_hash,
            "content_hash": poll.content_hash,
            "site": site_of(address),
            "rhythm": dump_rhythm(poll.rhythm),
            "standing": dump_standing(replace(standing, leaving=standing.leaving and not rests)),
            "why": [[name, seconds] for name, seconds in poll.schedule.terms],
            "polled_at": now,
            "next_poll_at": now + wait,
            "lease": None,
            "lease_until": None,
        }
        return await change(connection, feeds, _ours(poll.feed), said) == 1

    async def account(self, url: str) -> Account | None:
        """What is known of when the feed with this address is polled; None when there is none."""
        async with self._database.snapshot() as connection:
            row = (await connection.execute(ACCOUNT, {"feed": feed_id(url)})).one_or_none()
            return None if row is None else _account(row, await clock(connection))

    async def unpolled(self) -> int:
        """Active feeds that were never polled."""
        count = select(func.count()).select_from(feeds).where(feeds.c.active, feeds.c.polled_at.is_(None))
        async with self._database.snapshot() as connection:
            return int((await connection.execute(count)).scalar_one())


async def _twin(connection: Connection, poll: Poll) -> Twin | None:
    """Looked for where there is a new document, and where the feed rests because of one that is the same."""
    still_the_same = poll.feed.same_as is not None and poll.final_url is not None
    if not poll.document_read and not still_the_same:
        return None
    return await find_twin(connection, poll.feed, poll.standing, poll.final_url, poll.body_hash)


def _ours(feed: Feed) -> dict[str, UUID]:
    return {"feed_id": feed.feed_id, "lease": feed.lease}


def validator_columns(validators: Validators | None) -> dict[str, str | None]:
    if validators is None:
        return {"etag": None, "last_modified": None, "validators_url": None}
    return {
        "etag": validators.etag,
        "last_modified": validators.last_modified,
        "validators_url": validators.url,
    }


def read_validators(row: Row[tuple[object, ...]]) -> Validators | None:
    if row.validators_url is None:
        return None
    return Validators(url=row.validators_url, etag=row.etag, last_modified=row.last_modified)


def _account(row: Row[tuple[object, ...]], now: datetime) -> Account:
    return Account(
        now=now,
        settings=load_settings(row.settings),
        active=row.active,
        paused=row.paused,
        next_poll_at=row.next_poll_at,
        terms=tuple((name, seconds) for name, seconds in row.why or ()),
        rhythm=read_rhythm(row.rhythm),
        standing=read_standing(row.standing, row.rhythm),
        validators=read_validators(row),
        polled_at=row.polled_at,
        title=row.title,
        final_url=row.final_url,
        same_as=row.same_url,
        parent=row.parent_url,
        pushed_until=row.pushed_until,
        lease_until=row.lease_until,
        site=row.site,
        host_free_at=row.next_allowed_at,
        host_held_until=row.blocked_until,
    )


def filled_in(stored: Mapping[str, object]) -> FeedSettings | None:
    """The settings as they are used; None, with a line in the log, while a variable that they name is not set."""
    try:
        return expand(load_settings(stored), os.environ)
    except PermanentError as error:
        log.warning("feed_unusable", reason=error.reason, detail=error.detail)
        return None


def _feed(row: Row[tuple[object, ...]], token: UUID, now: datetime, wait: timedelta) -> Feed | None:
    settings = filled_in(row.settings)
    if settings is None:
        return None
    return Feed(
        feed_id=row.feed_id,
        settings=settings,
        lease=token,
        validators=read_validators(row),
        body_hash=row.body_hash,
        content_hash=row.content_hash,
        rhythm=read_rhythm(row.rhythm),
        standing=read_standing(row.standing, row.rhythm),
        wait=wait,
        late=max(now - row.next_poll_at, timedelta(0)),
        pushed=row.pushed_until is not None and row.pushed_until > now,
        pushed_at=row.pushed_at,
        final_url=row.final_url,
        same_as=row.same_as,
    )
