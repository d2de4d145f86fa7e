"""What is known: one transaction for everything that an observation causes."""

from collections.abc import Collection, Iterable
from datetime import datetime
from uuid import UUID, uuid5

from sqlalchemy import ColumnElement, Row, and_, bindparam, case, or_, select, update

from services.processor.model import NAMESPACE, Article, Decision, Known, Places, Revised, Stored, Twin
from services.processor.standing_lines import remember
from services.processor.tables import (
    LONGEST_REASON,
    addresses,
    articles,
    forgotten,
    inbox,
    outbox,
    revisions,
)
from shared import outcomes
from shared.database import Connection, lock
from shared.events import ArticleEvent
from shared.messages import RawPage
from shared.outcomes import QUARANTINED
from shared.statements import Excluded, insert, insert_new, upsert
from shared.urls import KEY_VERSION, address_key, host_of, site_of

URLS_IN_EVENT = 20

SETTLED = select(inbox.c.raw_id).where(inbox.c.raw_id == bindparam("which"), inbox.c.verdict != QUARANTINED)
ADDRESS = select(addresses.c.url).where(addresses.c.address_id == bindparam("which"))
# Locked: a withdrawn article that is found by its text was not locked yet.
ARTICLE = select(articles).where(articles.c.article_id == bindparam("which")).with_for_update()
ARTICLE_AT = (
    select(articles)
    .select_from(addresses.join(articles, articles.c.article_id == addresses.c.article_id))
    .where(or_(addresses.c.address_id == bindparam("itself"), addresses.c.key_id == bindparam("key")))
    .order_by(case((addresses.c.address_id == bindparam("itself"), 0), else_=1), addresses.c.first_seen_at)
    .limit(1)
    .with_for_update(of=articles)
)
# Outcomes of an entry whose page is not there any more.
OUTCOMES_OF_GONE = ("gone", "withdrawn")
LIVE_ENTRY = (
    select(inbox.c.entry_id)
    .select_from(inbox.join(outcomes.entry_outcomes, outcomes.entry_outcomes.c.entry_id == inbox.c.entry_id))
    .where(inbox.c.article_id == bindparam("which"), inbox.c.entry_id != bindparam("but"))
    .where(outcomes.entry_outcomes.c.outcome.not_in(OUTCOMES_OF_GONE))
    .limit(1)
)
GONE_SINCE = select(outcomes.entry_outcomes.c.entry_id).where(
    outcomes.entry_outcomes.c.entry_id == bindparam("which"),
    outcomes.entry_outcomes.c.observation > bindparam("than"),
    outcomes.entry_outcomes.c.outcome.in_(OUTCOMES_OF_GONE),
)
FIRST_WITH_TEXT = (
    select(articles, revisions.c.headline_hash.label("headline_then"))
    .select_from(revisions.join(articles, articles.c.article_id == revisions.c.article_id))
    .where(revisions.c.text_hash.in_([bindparam("text"), bindparam("full")]))
    .order_by(revisions.c.created_at, articles.c.first_seen_at)
    .limit(1)
)
FORGOTTEN = select(forgotten.c.key_id).where(forgotten.c.key_id.in_(bindparam("keys", expanding=True))).limit(1)
URLS = (
    select(addresses.c.url)
    .where(addresses.c.article_id == bindparam("which"))
    .order_by(addresses.c.first_seen_at, addresses.c.url)
)


class Ledger:
    """One observation's transaction. `now` is the database's clock at its start."""

    def __init__(self, connection: Connection, now: datetime) -> None:
        self._connection = connection
        self.now = now

    async def seen(self, raw_id: UUID) -> bool:
        """Whether the observation was settled; one in the quarantine is not, or replaying it would do nothing."""
        return (await self._connection.execute(SETTLED, {"which": raw_id})).first() is not None

    async def lock(self, places: Places, text_hashes: Collection[str]) -> None:
        """Keep other processors away from the same article and the same text until the end.

        Sorted, so that two processors never wait for each other. SQLite has one writer anyway.
        """
        names = {f"key:{key_id(url)}" for url in places.all} | {f"text:{text_hash}" for text_hash in text_hashes}
        await lock_names(self._connection, names)

    async def forgotten(self, places: Places) -> bool:
        """Whether one of the addresses is that of an article that was forgotten, in any spelling."""
        keys = [key_id(url) for url in places.all]
        return (await self._connection.execute(FORGOTTEN, {"keys": keys})).first() is not None

    async def live_elsewhere(self, article: UUID, entry: UUID) -> bool:
        """Whether an entry other than this one led to the article, and its page was not gone when last seen."""
        return (await self._connection.execute(LIVE_ENTRY, {"which": article, "but": entry})).first() is not None

    async def gone_since(self, entry: UUID, observation: int) -> bool:
        """Whether the newest observation of the entry is a later one, and found its page gone."""
        return (await self._connection.execute(GONE_SINCE, {"which": entry, "than": observation})).first() is not None

    async def address_known(self, url: str) -> bool:
        return (await self._connection.execute(ADDRESS, {"which": address_id(url)})).first() is not None

    async def known(self, places: Places) -> Known | None:
        """The article that these addresses lead to, locked; an address of its own goes before the canonical one.

        Two observations may reach one article at different addresses, where `lock` does not keep them apart.
        """
        for url in places.own:
            if row := await self._at(url):
                return _known(row, "address")
        row = await self._at(places.canonical) if places.canonical else None
        return _known(row, "canonical") if row else None

    async def _at(self, url: str) -> Row[tuple[object, ...]] | None:
        """By the address itself, or by its key: an address that was stored under an older rule is found as well."""
        which = {"itself": address_id(url), "key": key_id(url)}
        return (await self._connection.execute(ARTICLE_AT, which)).first()

    async def twin(self, article: Article) -> Twin | None:
        """The article that was first seen with this text; its site's standing lines may not have been known then."""
        which = {"text": article.text_hash, "full": article.full_hash or article.text_hash}
        row = (await self._connection.execute(FIRST_WITH_TEXT, which)).first()
        if row is None:
            return None
        return Twin(
            article_id=row.article_id,
            story_id=row.story_id,
            url=row.url,
            site=site_of(row.url),
            headline_hash=row.headline_then,
            withdrawn=row.withdrawn,
        )

    async def stored(self, article: UUID) -> Stored:
        row = (await self._connection.execute(ARTICLE, {"which": article})).one()
        return Stored(**{name: getattr(row, name) for name in Stored.__slots__})

    async def urls(self, article: UUID) -> tuple[str, ...]:
        return tuple((await self._connection.execute(URLS, {"which": article})).scalars())[:URLS_IN_EVENT]

    async def add_addresses(self, article: UUID, urls: Iterable[str]) -> None:
        """An address that leads to an article already keeps leading there."""
        rows = [
            {
                "address_id": address_id(url),
                "key_id": key_id(url),
                "key_version": KEY_VERSION,
                "url": url,
                "article_id": article,
                "first_seen_at": self.now,
            }
            for url in dict.fromkeys(urls)
        ]
        await insert_new(self._connection, addresses, *rows)

    async def confirm(self, article: UUID, page: RawPage) -> None:
        """The current revision was seen again: what is older than this cannot change it any more."""
        seen = articles.c
        same_entry = and_(seen.observed_by == page.entry_id, seen.observation < page.observation)
        other_entry = and_(seen.observed_by.is_distinct_from(page.entry_id), seen.observed_at < page.observed_at)
        newer = update(articles).where(seen.article_id == article, or_(same_entry, other_entry))
        await self._connection.execute(newer.values(**_seen(page)))

    async def rebaseline(self, article: UUID, page: RawPage, revised: Revised) -> None:
        """Our own extractor changed: its text is the one to compare with from now on."""
        changed = update(articles).where(articles.c.article_id == article)
        await self._connection.execute(changed.values(**_seen(page), **_hashes(revised)))
        current = select(articles.c.revision).where(articles.c.article_id == article).scalar_subquery()
        revision = update(revisions).where(revisions.c.article_id == article, revisions.c.number == current)
        # Copies are found by the revisions' texts.
        await self._connection.execute(
            revision.values(text_hash=revised.text_hash, headline_hash=revised.headline_hash)
        )

    async def publish(self, event: ArticleEvent, page: RawPage, revised: Revised) -> None:
        """Store the article's new state, the revision and the event in the outbox."""
        await self._store_article(event, page, revised)
        data, message = event.data, event.message()
        revision = {
            "article_id": data.article_id,
            "number": data.revision,
            "verb": event.verb,
            "event_id": event.event_id,
            "text_hash": revised.text_hash,
            "headline_hash": revised.headline_hash,
            "observed_at": page.observed_at,
            "created_at": self.now,
        }
        await insert(self._connection, revisions, revision)
        pending = {
            "event_id": event.event_id,
            "sequence": int(self.now.timestamp() * 1_000_000),
            "article_id": data.article_id,
            "verb": event.verb,
            "routing_key": event.routing_key,
            "correlation_id": message.correlation_id,
            "headers": dict(message.headers),
            "body": message.body,
            "created_at": self.now,
        }
        await insert(self._connection, outbox, pending)

    async def _store_article(self, event: ArticleEvent, page: RawPage, revised: Revised) -> None:
        data = event.data
        state = {
            "url": data.url,
            "host": data.site.host,
            "site_name": data.site.name,
            "headline": data.headline,
            "language": data.language.code,
            "language_confidence": data.language.confidence,
            "story_id": data.story.id,
            "role": data.story.role,
            "revision": data.revision,
            "withdrawn": revised.withdrawn,
            "observed_as": "feed_only" if data.provenance.page_verdict else page.kind,
            **_seen(page),
            **_hashes(revised),
        }
        key = {"article_id": data.article_id}
        await upsert(self._connection, articles, key, state, once={"first_seen_at": self.now})

    async def settle(self, page: RawPage, decision: Decision, article: UUID | None, event: ArticleEvent | None) -> None:
        """Record what the observation came to, for the inbox and for its entry."""
        reason = decision.reason[:LONGEST_REASON]
        said = {
            "verdict": decision.verdict.value,
            "reason": reason,
            "rule": decision.rule,
            "article_id": article,
            "event_id": event.event_id if event else None,
            "received_at": self.now,
        }
        once = {"entry_id": page.entry_id, "observation": page.observation}
        await upsert(self._connection, inbox, {"raw_id": page.raw_id}, said, once=once, where=_was_quarantined)
        await outcomes.record(
            self._connection, page.entry_id, observation=page.observation, outcome=reason, at=self.now
        )

    async def remember_lines(self, subject: UUID, article: Article) -> None:
        """Learn from the article which lines stand on its host; last, because others' rows are written for it."""
        if host := host_of(article.url):
            await remember(self._connection, host, subject, article.line_keys, self.now)


async def lock_names(connection: Connection, names: Iterable[str]) -> None:
    for key in sorted(uuid5(NAMESPACE, name).int % 2**63 for name in names):
        await lock(connection, key)


def _was_quarantined(_said: Excluded) -> ColumnElement[bool]:
    return inbox.c.verdict == QUARANTINED


def _known(row: Row[tuple[object, ...]], matched: str) -> Known:
    return Known(
        article_id=row.article_id,
        revision=row.revision,
        withdrawn=row.withdrawn,
        entry_id=row.observed_by,
        number=row.observation,
        observed_at=row.observed_at,
        observed_as=row.observed_as,
        text_hash=row.text_hash,
        full_hash=row.full_hash,
        headline_hash=row.headline_hash,
        extractor=row.extractor,
        story_id=row.story_id,
        matched=matched,
    )


def _seen(page: RawPage) -> dict[str, object]:
    return {"observed_at": page.observed_at, "observed_by": page.entry_id, "observation": page.observation}


def _hashes(revised: Revised) -> dict[str, str | None]:
    return {
        "text_hash": revised.text_hash,
        "full_hash": revised.full_hash,
        "headline_hash": revised.headline_hash,
        "page_hash": revised.page_hash,
        "extractor": revised.extractor,
    }


def address_id(url: str) -> UUID:
    return uuid5(NAMESPACE, f"address:{url}")


def key_id(url: str) -> UUID:
    return uuid5(NAMESPACE, f"key:{address_key(url)}")
