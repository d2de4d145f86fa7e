"""Feeds that belong together, in the store: one feed under two addresses, and the sitemaps that an index lists."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

from sqlalchemy import ColumnElement, and_, bindparam, func, not_, or_, select, update

from services.fetcher.model import Backlog, Feed, FeedSettings, Rhythm, Sitemap, Standing
from services.fetcher.polling.catalogue import APPLYING
from services.fetcher.polling.feed_rows import dump_rhythm
from services.fetcher.subscribed.feeds import dump_settings, load_settings
from services.fetcher.tables import feed_entries, feeds
from shared.database import Connection, lock
from shared.statements import Excluded, upsert
from shared.urls import normalise, site_of

MOST_SITEMAPS = 10
"""Of an index; the newest. The others have been read, or are too old to be news."""
ALIKE_TWICE = 2
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
    """An older feed that is the same as one, by its address or only by the document that both got."""

    feed_id: UUID
    url: str
    by_address: bool

    def stands_for(self, standing: Standing) -> bool:
        """Two sections may list the same for a while: the same document counts the second time, when it is another."""
        return self.by_address or standing.alike + 1 >= ALIKE_TWICE


async def find_twin(connection: Connection, feed: Feed, final_url: str | None, body_hash: str | None) -> Twin | None:
    """The feed that may be polled in place of this one: the older, where the operator wants the same of both."""
    site = site_of(feed.address)
    asked = {"feed": feed.feed_id, "final_url": final_url, "body_hash": body_hash, "site": site}
    rows = (await connection.execute(_TWINS, asked)).all()
    if rows:
        own = await _settings(connection, feed)
        rows = [row for row in rows if all(row.settings.get(name) == own.get(name) for name in _SAME_WISHES)]
    if not rows:
        return None
    which = {"which": [feed.feed_id, *(row.feed_id for row in rows)]}
    seen = {row.feed_id: row.at for row in await connection.execute(_FIRST_SEEN, which)}
    oldest = min(rows, key=lambda row: _age(row.feed_id, seen))
    if _age(feed.feed_id, seen) < _age(oldest.feed_id, seen):
        return None
    by_address = final_url is not None and final_url in {oldest.final_url, oldest.url, normalise(oldest.url)}
    return Twin(feed_id=oldest.feed_id, url=oldest.url, by_address=by_address)


async def lock_catalogue(connection: Connection) -> None:
    """Before the transaction writes anything: who applies a feeds file has this lock, and waits for rows then."""
    await lock(connection, APPLYING)


async def store_children(connection: Connection, index: Feed, sitemaps: Sequence[Sitemap], now: datetime) -> None:
    """Subscribe to the newest sitemaps of an index; its others rest. A feed that is wanted for itself stays so."""
    settings = await _settings(connection, index)
    wanted = [_child(index, load_settings(settings), each) for each in newest(sitemaps)]
    keep = [each.feed_id for each in wanted]
    resting = update(feeds).where(feeds.c.parent == index.feed_id, feeds.c.feed_id.not_in(keep)).values(active=False)
    await connection.execute(resting)
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
    """By date; without dates the last ones listed."""
    numbered = sorted(enumerate(sitemaps), key=lambda each: (each[1].modified or _LONG_AGO, each[0]))
    return [sitemap for _, sitemap in numbered[-MOST_SITEMAPS:]]


async def _settings(connection: Connection, feed: Feed) -> Mapping[str, Any]:
    """As they are stored: those that a feed is leased with have its secrets filled in."""
    stored = select(feeds.c.settings).where(feeds.c.feed_id == feed.feed_id)
    found: Mapping[str, Any] = (await connection.execute(stored)).scalar_one()
    return found


def _child(index: Feed, settings: FeedSettings, sitemap: Sitemap) -> FeedSettings:
    """What comes to an index later lists nothing old: all of it is wanted."""
    first = index.rhythm.polls == 0
    return replace(settings, url=sitemap.url, backlog=settings.backlog if first else Backlog.ALL)


def _is_its_own(said: Excluded) -> ColumnElement[bool]:
    mine: ColumnElement[bool] = feeds.c.parent == said.parent
    return mine


def _age(feed: UUID, seen: Mapping[UUID, datetime]) -> tuple[datetime, UUID]:
    """By its first entry, which never changes, so that of two feeds each takes the same one for the older."""
    return seen.get(feed, datetime.max.replace(tzinfo=UTC)), feed
