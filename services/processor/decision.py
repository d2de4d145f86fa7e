"""What an observation means, from what was extracted and what is known. Pure: the first rule that fits decides.

* an address that was forgotten: forgotten
* no article on the page: not_an_article
* the page is gone: gone, superseded, withdrawn
* the page is unchanged: unchanged
* the addresses lead to a stored article: superseded, updated, feed_only_after_page, alias, unchanged, rebaselined
* they lead nowhere, but the text is known: alias or, of a withdrawn article, updated (same site), copied (another site)
* else: published
"""

from services.processor.model import (
    Article,
    Decision,
    Extracted,
    Known,
    NotAnArticle,
    Observation,
    Twin,
    Verdict,
)
from shared.urls import site_of

SHORT_TEXT_WORDS = 20
"""Below it, two articles may well say the same in the same words ("Match reporté."): the headline must agree too."""


LIVE_ELSEWHERE = "gone_here_live_elsewhere"
"""The rule under which a page that is gone says nothing about its article."""


def decide(observation: Observation, extracted: Extracted | None, known: Known | None, twin: Twin | None) -> Decision:
    """The verdict on one observation.

    `extracted` is None for `gone` and `unchanged`; `twin` is the first-seen article with the same text, which may be
    the known one. Raises ValueError when a `fetched` or `feed_only` observation comes without an extraction.
    """
    if (said := _said_already(observation, known)) is not None:
        return said
    if isinstance(extracted, NotAnArticle):
        return _decision(Verdict.NOT_AN_ARTICLE, "not_an_article", known, reason=extracted.reason)
    if observation.kind == "gone":
        return _gone(observation, known)
    if observation.kind == "unchanged":
        return _decision(Verdict.UNCHANGED, "unchanged", known)
    if extracted is None:
        raise ValueError(f"an observation that is {observation.kind!r} needs an extraction")
    if known is not None and _is_about(known, extracted):
        return _known(observation, extracted, known)
    return _unknown(extracted, twin)


def _said_already(observation: Observation, known: Known | None) -> Decision | None:
    if observation.forgotten:
        return _decision(Verdict.FORGOTTEN, "forgotten_address", None)
    if observation.gone_since:
        # Of an article that is not known, nothing else says that this page came late.
        return _decision(Verdict.SUPERSEDED, "gone_since", known)
    return None


def _gone(observation: Observation, known: Known | None) -> Decision:
    if known is None:
        return _decision(Verdict.GONE, "gone_unknown", None)
    if known.withdrawn:
        return _decision(Verdict.GONE, "gone_again", known)
    if known.live_elsewhere:
        return _decision(Verdict.GONE, LIVE_ELSEWHERE, known)
    if _is_older(observation, known):
        return _decision(Verdict.SUPERSEDED, "gone_before_revision", known)
    return _decision(Verdict.WITHDRAWN, "gone_known", known)


def _is_about(known: Known, article: Article) -> bool:
    """Some sites name one canonical address on every page: it alone, with nothing else alike, proves nothing."""
    return known.matched != "canonical" or _same_text(known, article) or _same_headline(known, article)


def _is_older(observation: Observation, known: Known) -> bool:
    """Whether the article was seen in the meantime. One entry's observations are numbered, whatever clocks say."""
    if observation.entry_id == known.entry_id and known.number is not None:
        return observation.number < known.number
    return observation.observed_at < known.observed_at


def _known(observation: Observation, article: Article, known: Known) -> Decision:
    if _is_older(observation, known):
        return _decision(Verdict.SUPERSEDED, "older_than_revision", known)
    if article.page_verdict is not None and known.observed_as != "feed_only":
        # A way in or an error page neither changes nor brings back what was seen as a page.
        return _decision(Verdict.FEED_ONLY_AFTER_PAGE, "no_article_after_page", known)
    if known.withdrawn:
        return _decision(Verdict.UPDATED, "returned", known)
    if observation.kind == "feed_only" and known.observed_as == "fetched":
        return _decision(Verdict.FEED_ONLY_AFTER_PAGE, "feed_only_after_page", known)
    return _compared(observation, article, known)


def _compared(observation: Observation, article: Article, known: Known) -> Decision:
    if _same_text(known, article) and not observation.address_known:
        return _decision(Verdict.ALIAS, "same_text_at_new_address", known)
    if _same_text(known, article) and _same_headline(known, article):
        if article.text_hash != known.text_hash:
            return _decision(Verdict.REBASELINED, "other_standing_lines", known)
        return _decision(Verdict.UNCHANGED, "same_text_and_headline", known)
    if article.extractor != known.extractor:
        return _decision(Verdict.REBASELINED, "other_extractor", known)
    return _decision(Verdict.UPDATED, "changed", known)


def _unknown(article: Article, twin: Twin | None) -> Decision:
    if twin is None or not _tells(article, twin):
        return _decision(Verdict.PUBLISHED, "new", None)
    if site_of(article.url) == twin.site:
        return _on_the_site(twin)
    return Decision(verdict=Verdict.COPIED, reason="copied", rule="text_elsewhere", twin=twin)


def _on_the_site(twin: Twin) -> Decision:
    known = twin.article_id
    if twin.withdrawn:
        return Decision(
            verdict=Verdict.UPDATED, reason="updated", rule="returned_elsewhere", article_id=known, moved=True
        )
    return Decision(verdict=Verdict.ALIAS, reason="alias", rule="text_on_site", article_id=known, twin=twin)


def _tells(article: Article, twin: Twin) -> bool:
    return article.word_count >= SHORT_TEXT_WORDS or article.headline_hash == twin.headline_hash


def _same_text(known: Known, article: Article) -> bool:
    """Whether the words are the same but for standing lines (docs/decisions/standing-lines.md has the cases)."""
    return not known.text_hashes.isdisjoint(article.text_hashes)


def _same_headline(known: Known, article: Article) -> bool:
    return known.headline_hash == article.headline_hash


def _decision(verdict: Verdict, rule: str, known: Known | None, *, reason: str | None = None) -> Decision:
    article_id = known.article_id if known else None
    return Decision(verdict=verdict, reason=reason or verdict.value, rule=rule, article_id=article_id)
