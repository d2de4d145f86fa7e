"""One observation's share of the store: what is known, what it means, and what that changes.

Within one transaction; what it means is decided in `decision`.
"""

from dataclasses import replace
from uuid import UUID

from services.processor.composition import snapshot_event, withdrawal_event
from services.processor.decision import LIVE_ELSEWHERE, decide
from services.processor.ledger import Ledger
from services.processor.model import (
    EVENT_VERDICTS,
    Article,
    Decision,
    Extracted,
    Known,
    Observation,
    Places,
    Revised,
    Verdict,
    article_id,
)
from shared.events import ArticleEvent
from shared.messages import RawPage
from shared.urls import address_key

LEARNED_FROM = EVENT_VERDICTS | {Verdict.ALIAS, Verdict.UNCHANGED, Verdict.REBASELINED}
"""Verdicts on an article as it is now; an older look at it would put back lines that it has no more."""


async def settle(
    ledger: Ledger, page: RawPage, extracted: Extracted | None, places: Places
) -> tuple[Decision, ArticleEvent | None]:
    """Decide what the observation means, and bring the store to it; the event, where there is one."""
    article = extracted if isinstance(extracted, Article) else None
    known = await _known(ledger, page, places)
    observation = Observation(
        kind=page.kind,
        entry_id=page.entry_id,
        number=page.observation,
        observed_at=page.observed_at,
        address_known=await ledger.address_known(places.own[0]),
        # After the article was locked: it may have been forgotten while we waited for it.
        forgotten=await ledger.forgotten(places),
        gone_since=await ledger.gone_since(page.entry_id, page.observation),
    )
    twin = await ledger.twin(article) if article else None
    decision = decide(observation, extracted, known, twin)
    subject = decision.article_id
    if subject is None and article and decision.verdict not in {Verdict.FORGOTTEN, Verdict.SUPERSEDED}:
        subject = article_id(address_key(places.own[-1]))
    event = await _apply(ledger, page, article, decision, subject, places)
    await ledger.settle(page, decision, subject, event)
    if article and subject and decision.verdict in LEARNED_FROM:
        await ledger.remember_lines(subject, article)
    return decision, event


async def _known(ledger: Ledger, page: RawPage, places: Places) -> Known | None:
    known = await ledger.known(places)
    if known is None or page.kind != "gone":
        return known
    return replace(known, live_elsewhere=await ledger.live_elsewhere(known.article_id, page.entry_id))


async def _apply(
    ledger: Ledger, page: RawPage, article: Article | None, decision: Decision, subject: UUID | None, places: Places
) -> ArticleEvent | None:
    """Bring the store to what was decided; the event, where there is one."""
    match decision.verdict:
        case Verdict.PUBLISHED | Verdict.COPIED | Verdict.UPDATED if article and subject:
            return await _publish(ledger, page, article, decision, subject, places)
        case Verdict.WITHDRAWN if subject:
            return await _withdraw(ledger, page, subject)
        case Verdict.ALIAS if subject:
            await ledger.add_addresses(subject, places.all)
            await ledger.confirm(subject, page)
        case Verdict.UNCHANGED | Verdict.REBASELINED if article and subject:
            # Also when the words are the same: from now on they count as this extractor's.
            await ledger.rebaseline(subject, page, _revised(article))
        case Verdict.UNCHANGED | Verdict.GONE if subject and decision.rule != LIVE_ELSEWHERE:
            await ledger.confirm(subject, page)
    return None


async def _publish(
    ledger: Ledger, page: RawPage, article: Article, decision: Decision, subject: UUID, places: Places
) -> ArticleEvent:
    stored = await ledger.stored(subject) if decision.article_id else None
    await ledger.add_addresses(subject, places.all)
    event = snapshot_event(
        page,
        article,
        decision,
        article_id=subject,
        stored=stored,
        urls=await ledger.urls(subject),
        now=ledger.now,
    )
    await ledger.publish(event, page, _revised(article))
    return event


async def _withdraw(ledger: Ledger, page: RawPage, subject: UUID) -> ArticleEvent:
    stored = await ledger.stored(subject)
    event = withdrawal_event(page, stored, urls=await ledger.urls(subject), now=ledger.now)
    nothing = Revised(text_hash="", headline_hash="", page_hash="", extractor="", withdrawn=True)
    await ledger.publish(event, page, nothing)
    return event


def _revised(article: Article) -> Revised:
    return Revised(
        text_hash=article.text_hash,
        full_hash=article.full_hash,
        headline_hash=article.headline_hash,
        page_hash=article.page_hash,
        extractor=article.extractor,
        withdrawn=False,
    )
