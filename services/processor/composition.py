"""An event from its parts. Pure: article, decision and what is stored go in, the ArticleEvent comes out."""

from datetime import datetime
from uuid import UUID

from services.processor.model import Article, Decision, Stored, Twin, Verdict, story_id
from shared.events import (
    Access,
    ArticleData,
    ArticleEvent,
    FirstSeen,
    Language,
    Moment,
    Provenance,
    Site,
    Story,
    Verb,
)
from shared.messages import RawPage
from shared.urls import host_of

VERBS: dict[Verdict, Verb] = {
    Verdict.PUBLISHED: "published",
    Verdict.UPDATED: "updated",
    Verdict.COPIED: "copied",
    Verdict.WITHDRAWN: "withdrawn",
}


def snapshot_event(
    page: RawPage,
    article: Article,
    decision: Decision,
    *,
    article_id: UUID,
    stored: Stored | None,
    urls: tuple[str, ...],
    now: datetime,
) -> ArticleEvent:
    """A `published`, `copied` or `updated` event: the whole article as it is now."""
    url = stored.url if stored and not decision.moved else (article.canonical_url or article.url)
    host = host_of(url) or host_of(page.feed.url)
    data = ArticleData(
        article_id=article_id,
        revision=stored.revision + 1 if stored else 1,
        previous_revision=stored.revision if stored else None,
        url=url,
        urls=urls,
        site=Site(host=host, name=article.site_name or page.feed.name),
        headline=article.headline,
        lede=article.lede,
        text=article.text,
        paragraphs=article.paragraphs,
        word_count=article.word_count,
        language=article.language,
        authors=article.authors,
        published=article.published,
        modified=article.modified,
        fetched=Moment(at=page.observed_at, source="fetch"),
        section=article.section,
        tags=article.tags,
        images=article.images,
        related=article.related,
        form=article.form,
        access=Access(free=article.free, excerpt=article.excerpt),
        rights=page.rights,
        story=_story(stored, decision.twin, article_id),
        provenance=_provenance(page, article),
    )
    return ArticleEvent(verb=VERBS[decision.verdict], time=now, traceparent=page.traceparent, data=data)


def withdrawal_event(page: RawPage, stored: Stored, *, urls: tuple[str, ...], now: datetime) -> ArticleEvent:
    """A `withdrawn` event: what article it is and where it stood, no text."""
    data = ArticleData(
        article_id=stored.article_id,
        revision=stored.revision + 1,
        previous_revision=stored.revision,
        url=stored.url,
        urls=urls,
        site=Site(host=stored.host, name=stored.site_name),
        headline=stored.headline,
        language=Language(code=stored.language, confidence=stored.language_confidence),
        fetched=Moment(at=page.observed_at, source="fetch"),
        rights=page.rights,
        story=_story(stored, None, stored.article_id),
        provenance=_provenance(page, None),
    )
    return ArticleEvent(verb="withdrawn", time=now, traceparent=page.traceparent, data=data)


def _story(stored: Stored | None, twin: Twin | None, article_id: UUID) -> Story:
    if stored is not None:
        return Story(id=stored.story_id, role="copy" if stored.role == "copy" else "original")
    if twin is None:
        return Story(id=story_id(article_id), role="original")
    first = FirstSeen(article_id=twin.article_id, url=twin.url, site=host_of(twin.url))
    return Story(id=twin.story_id, role="copy", similarity=1.0, first_seen=first)


def _provenance(page: RawPage, article: Article | None) -> Provenance:
    return Provenance(
        feed_url=page.feed.url,
        feed_name=page.feed.name,
        entry_id=page.entry_id,
        raw_id=page.raw_id,
        observation=page.observation,
        observed_as=page.kind,
        extractor=article.extractor if article else None,
        page_verdict=article.page_verdict if article else None,
        fields=dict(article.fields) if article else {},
    )
