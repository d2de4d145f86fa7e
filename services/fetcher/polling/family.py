"""Feeds that belong together, in the store: one feed under two addresses, and the sitemaps that an index lists."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Any
from urllib.parse import urlsplit
from uuid import UUID

import structlog
from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select

from services.fetcher.model import Backlog, Feed, FeedSettings, Rhythm, Sitemap, Standing
from services.fetcher.polling.catalogue import APPLYING
from services.fetcher.polling.feed_rows import dump_rhythm
from services.fetcher.subscribed.feeds import dump_settings, load_settings
from services.fetcher.tables import feed_entries, feeds
from shared.database import Connection, lock
from shared.statements import Excluded, change, upsert
from shared.urls import normalise, site_of

log = structlog.get_logger()

MOST_SITEMAPS = 10
"""Of an index; the newest. The others have been read, or are too old to be news."""
ALIKE_TWICE = 2
ALIKE_FOR = timedelta(days=1)
LOOKED_AT_AGAIN = timedelta(days=7)
"""How long a feed rests that another stands for; then it is polled, and rests on if it is still the same."""
_SAME_WISHES = ("headers", "username", "password", "include", "exclude")
_LONG_AGO = datetime(1, 1, 1, tzinfo=UTC)

_POLLED = and_(feeds.c.active, not_(feeds.c.paused), feeds.c.same_as.is_(None))
_TWINS = select(feeds).where(
    _POLLED,
    feeds.c.feed_id != bindparam("feed"),
    or_(
        feeds.c.final_url == bindparam("final_url"),
        feeds.c.url == bindparam("final_url"),
        and_(feeds.c.body_hash == bindparam("body_hash"), feeds.c.site == bindparam("site")),
    ),
)
_FIRST_SEEN = (
    select(feed_entries.c.feed_id, func.min(feed_entries.c.first_seen_at).label("at"))
    .where(feed_entries.c.feed_id.in_(bindparam("which", expanding=True)))
    .group_by(feed_entries.c.feed_id)
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Twin:
    """An older feed that is the same as one; `for_good` when it is where that one is redirected permanently."""

    feed_id: UUID
    url: str
    for_good: bool


def sighted(standing: Standing, twin: Twin | None, now: datetime) -> Standing:
    """After a document: how often in a row, and since when, another feed had it too."""
    if twin is None:
        return replace(standing, alike=0, alike_since=None)
    return replace(standing, alike=standing.alike + 1, alike_since=standing.alike_since or now)


def stands_for(feed: Feed, standing: Standing, twin: Twin | None, now: datetime) -> bool:
    """Whether the feed rests from now on, or still does; any poll that does not find a twin ends its rest.

    Two sections may list the same for a while, and a site that is mended sends everyone to one address: what is no
    permanent redirect must be seen in two documents, a day or more apart.
    """
    if twin is None:
        return False
    seen_for = now - (standing.alike_since or now)
    return feed.same_as is not None or twin.for_good or (standing.alike >= ALIKE_TWICE and seen_for >= ALIKE_FOR)


async def find_twin(
    connection: Connection, feed: Feed, standing: Standing, final_url: str | None, body_hash: str | None
) -> Twin | None:
    """The feed that may be polled in place of this one: the older, where the operator wants the same of both.

    One that fails stands for none; `standing` is what the poll made of this one's.
    """
    site = site_of(feed.address)
    asked = {"feed": feed.feed_id, "final_url": final_url, "body_hash": body_hash, "site": site}
    rows = (await connection.execute(_TWINS, asked)).all()
    if rows:
        own = await _settings(connection, feed)
        rows = [row for row in rows if _wants_the_same(row.settings, own) and "failing_since" not in row.standing]
    if not rows:
        return None
    which = {"which": [feed.feed_id, *(row.feed_id for row in rows)]}
    seen = {row.feed_id: row.at for row in await connection.execute(_FIRST_SEEN, which)}
    oldest = min(rows, key=lambda row: _age(row.feed_id, seen))
    if _age(feed.feed_id, seen) < _age(oldest.feed_id, seen):
        return None
    by_address = final_url in {oldest.final_url, oldest.url, normalise(oldest.url)}
    moved = final_url in {standing.moved_to, standing.moving and standing.moving.url}
    return Twin(feed_id=oldest.feed_id, url=oldest.url, for_good=final_url is not None and by_address and moved)


async def lock_catalogue(connection: Connection) -> None:
    """Before the transaction writes anything: who applies a feeds file has this lock, and waits for rows then."""
    await lock(connection, APPLYING)


async def store_children(connection: Connection, index: Feed, sitemaps: Sequence[Sitemap], now: datetime) -> None:
    """Subscribe to the newest sitemaps of an index; its others rest. A feed that is wanted for itself stays so.

    An index that another index lists has no children of its own: nobody subscribed to a tree.
    """
    if await _is_a_child(connection, index):
        return
    settings = await _settings(connection, index)
    wanted = [_child(index, load_settings(settings), each) for each in newest(_own(index, sitemaps))]
    await _let_leave(connection, index, frozenset(each.feed_id for each in wanted), now)
    for child in sorted(wanted, key=lambda each: each.feed_id):
        said = {
            "parent": index.feed_id,
            "source": index.settings.url,
            "active": True,
            "settings": dump_settings(child),
        }
        once = {"url": child.url, "site": site_of(child.url), "rhythm": dump_rhythm(Rhythm()), "next_poll_at": now}
        await upsert(connection, feeds, {"feed_id": child.feed_id}, said, once=once, where=_is_its_own)


def newest(sitemaps: Sequence[Sitemap]) -> Sequence[Sitemap]:
    """By date; without any date as many from each end, as some list the newest first and others last."""
    if any(each.modified for each in sitemaps):
        numbered = sorted(enumerate(sitemaps), key=lambda each: (each[1].modified or _LONG_AGO, each[0]))
        return [sitemap for _, sitemap in numbered[-MOST_SITEMAPS:]]
    half = MOST_SITEMAPS // 2
    return [*sitemaps[:half], *sitemaps[half:][-half:]]


def _own(index: Feed, sitemaps: Sequence[Sitemap]) -> Sequence[Sitemap]:
    """Those of the index's own site: it has no say over others'."""
    own = [each for each in sitemaps if site_of(each.url) == index.site]
    if len(own) < len(sitemaps):
        log.info("sitemaps_elsewhere", url=index.settings.url, ignored=len(sitemaps) - len(own))
    return own


async def _let_leave(connection: Connection, index: Feed, chosen: Collection[UUID], now: datetime) -> None:
    """What is not chosen any more is polled once more, for what was added to it last; that poll lets it rest."""
    mine = select(feeds.c.feed_id, feeds.c.active, feeds.c.standing).where(feeds.c.parent == index.feed_id)
    for row in (await connection.execute(mine.order_by(feeds.c.feed_id).with_for_update())).all():
        leaves = row.active and row.feed_id not in chosen
        if leaves == row.standing.get("leaving", False):
            continue
        said = {"standing": {**row.standing, "leaving": leaves}, **({"next_poll_at": now} if leaves else {})}
        await change(connection, feeds, {"feed_id": row.feed_id}, said)


async def _is_a_child(connection: Connection, feed: Feed) -> bool:
    parent = select(feeds.c.parent).where(feeds.c.feed_id == feed.feed_id)
    return (await connection.execute(parent)).scalar_one() is not None


async def _settings(connection: Connection, feed: Feed) -> Mapping[str, Any]:
    """As they are stored: those that a feed is leased with have its secrets filled in."""
    stored = select(feeds.c.settings).where(feeds.c.feed_id == feed.feed_id)
    found: Mapping[str, Any] = (await connection.execute(stored)).scalar_one()
    return found


def _child(index: Feed, settings: FeedSettings, sitemap: Sitemap) -> FeedSettings:
    """What comes to an index later lists nothing old: all of it is wanted. Secrets are for one origin only."""
    first = index.rhythm.polls == 0
    if _origin(sitemap.url) != _origin(index.settings.url):
        settings = replace(settings, headers={}, username=None, password=None)
    return replace(settings, url=sitemap.url, backlog=settings.backlog if first else Backlog.ALL)


def _origin(url: str) -> tuple[str, str]:
    parts = urlsplit(normalise(url) or url)
    return parts.scheme, parts.netloc


def _wants_the_same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    return all(one.get(name) == other.get(name) for name in _SAME_WISHES)


def _is_its_own(said: Excluded) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = feeds.c.parent == said.parent
    return mine


def _age(feed: UUID, seen: Mapping[UUID, datetime]) -> tuple[datetime, UUID]:
    """By its first entry, which never changes, so that of two feeds each takes the same one for the older."""
    return seen.get(feed, datetime.max.replace(tzinfo=UTC)), feed
