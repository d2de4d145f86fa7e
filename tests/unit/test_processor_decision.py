"""The rules of de-duplication, one row a rule, and the laws that hold for all of them together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.decision import decide
from services.processor.fingerprint import text_hash
from services.processor.model import (
    EVENT_VERDICTS,
    Article,
    Decision,
    Known,
    NotAnArticle,
    Observation,
    Twin,
    Verdict,
)
from services.processor.text.lines import Line, kept
from services.processor.text.standing import line_keys, without_standing
from shared.events import Language

NOW = datetime(2026, 7, 1, 12, tzinfo=UTC)
KNOWN_ID, TWIN_ID, ENTRY, OTHER_ENTRY = (UUID(int=number) for number in range(1, 5))

ARTICLE = Article(
    url="https://fr.journal.example/a", canonical_url=None, headline="H", lede=None, paragraphs=("P",), word_count=100,
    language=Language(code="fr", confidence=1.0), text_hash="t1", headline_hash="h1", page_hash="p", extractor="x/1",
)  # fmt: skip
KNOWN = Known(
    article_id=KNOWN_ID, revision=1, withdrawn=False, entry_id=OTHER_ENTRY, number=7, observed_at=NOW,
    observed_as="fetched", text_hash="t1",
    headline_hash="h1", extractor="x/1", story_id=UUID(int=3),
)  # fmt: skip
TWIN = Twin(
    article_id=TWIN_ID,
    story_id=UUID(int=4),
    url="https://www.autre.example/b",
    site="autre.example",
    headline_hash="h1",
)
FETCHED = Observation(
    kind="fetched", entry_id=ENTRY, number=3, observed_at=NOW + timedelta(hours=1), address_known=True
)
EARLIER = NOW - timedelta(hours=1)
SEEN_BEFORE = replace(KNOWN, entry_id=ENTRY, number=2)
SEEN_SINCE = replace(KNOWN, entry_id=ENTRY, number=4)

FEED_ONLY = replace(FETCHED, kind="feed_only")
GONE = replace(FETCHED, kind="gone")
ALIAS_ADDRESS = replace(FETCHED, address_known=False)
WITHDRAWN = replace(KNOWN, withdrawn=True)
LIVE_ELSEWHERE = replace(KNOWN, live_elsewhere=True)
FORGOTTEN = replace(FETCHED, forgotten=True)
BY_CANONICAL = replace(KNOWN, matched="canonical")
OTHER_TEXT = replace(ARTICLE, text_hash="t2")
WALLED = replace(ARTICLE, text_hash="t2", page_verdict="login")
LEARNED = replace(ARTICLE, text_hash="t2", full_hash="t1")
OTHER_HEADLINE = replace(ARTICLE, headline_hash="h2")
OTHER = replace(ARTICLE, text_hash="t2", headline_hash="h2")
SAME_SITE = replace(TWIN, site="journal.example")
WITHDRAWN_ON_SITE = replace(SAME_SITE, withdrawn=True)
SHORT = replace(ARTICLE, word_count=19)

RULES = [
    (FETCHED, NotAnArticle(reason="consent_wall"), KNOWN, None, Verdict.NOT_AN_ARTICLE, "not_an_article", KNOWN_ID),
    (FEED_ONLY, NotAnArticle(reason="empty"), None, None, Verdict.NOT_AN_ARTICLE, "not_an_article", None),
    (GONE, None, None, None, Verdict.GONE, "gone_unknown", None),
    (GONE, None, WITHDRAWN, None, Verdict.GONE, "gone_again", KNOWN_ID),
    (replace(GONE, observed_at=EARLIER), None, KNOWN, None, Verdict.SUPERSEDED, "gone_before_revision", KNOWN_ID),
    (GONE, None, KNOWN, None, Verdict.WITHDRAWN, "gone_known", KNOWN_ID),
    (GONE, None, LIVE_ELSEWHERE, None, Verdict.GONE, "gone_here_live_elsewhere", KNOWN_ID),
    (
        replace(GONE, observed_at=EARLIER),
        None,
        LIVE_ELSEWHERE,
        None,
        Verdict.GONE,
        "gone_here_live_elsewhere",
        KNOWN_ID,
    ),
    (FORGOTTEN, ARTICLE, KNOWN, TWIN, Verdict.FORGOTTEN, "forgotten_address", None),
    (FORGOTTEN, NotAnArticle(reason="empty"), None, None, Verdict.FORGOTTEN, "forgotten_address", None),
    (replace(FORGOTTEN, kind="gone"), None, KNOWN, None, Verdict.FORGOTTEN, "forgotten_address", None),
    (replace(FETCHED, gone_since=True), ARTICLE, None, None, Verdict.SUPERSEDED, "gone_since", None),
    (replace(FETCHED, gone_since=True), ARTICLE, None, TWIN, Verdict.SUPERSEDED, "gone_since", None),
    (replace(FETCHED, kind="unchanged"), None, KNOWN, None, Verdict.UNCHANGED, "unchanged", KNOWN_ID),
    (replace(FETCHED, kind="unchanged"), None, None, None, Verdict.UNCHANGED, "unchanged", None),
    (replace(FETCHED, observed_at=EARLIER), OTHER, KNOWN, None, Verdict.SUPERSEDED, "older_than_revision", KNOWN_ID),
    (FETCHED, OTHER, SEEN_SINCE, None, Verdict.SUPERSEDED, "older_than_revision", KNOWN_ID),
    (replace(FETCHED, observed_at=EARLIER), OTHER, SEEN_BEFORE, None, Verdict.UPDATED, "changed", KNOWN_ID),
    (GONE, None, SEEN_SINCE, None, Verdict.SUPERSEDED, "gone_before_revision", KNOWN_ID),
    (replace(GONE, observed_at=EARLIER), None, SEEN_BEFORE, None, Verdict.WITHDRAWN, "gone_known", KNOWN_ID),
    (
        replace(FETCHED, observed_at=EARLIER),
        ARTICLE,
        WITHDRAWN,
        None,
        Verdict.SUPERSEDED,
        "older_than_revision",
        KNOWN_ID,
    ),
    (FETCHED, ARTICLE, WITHDRAWN, None, Verdict.UPDATED, "returned", KNOWN_ID),
    (FEED_ONLY, OTHER, KNOWN, None, Verdict.FEED_ONLY_AFTER_PAGE, "feed_only_after_page", KNOWN_ID),
    (FETCHED, WALLED, KNOWN, None, Verdict.FEED_ONLY_AFTER_PAGE, "no_article_after_page", KNOWN_ID),
    (FETCHED, WALLED, WITHDRAWN, None, Verdict.FEED_ONLY_AFTER_PAGE, "no_article_after_page", KNOWN_ID),
    (FETCHED, WALLED, replace(KNOWN, observed_as="feed_only"), None, Verdict.UPDATED, "changed", KNOWN_ID),
    (FETCHED, WALLED, None, None, Verdict.PUBLISHED, "new", None),
    (FEED_ONLY, OTHER, replace(KNOWN, observed_as="feed_only"), None, Verdict.UPDATED, "changed", KNOWN_ID),
    (FETCHED, OTHER, replace(KNOWN, observed_as="feed_only"), None, Verdict.UPDATED, "changed", KNOWN_ID),
    (FETCHED, ARTICLE, KNOWN, None, Verdict.UNCHANGED, "same_text_and_headline", KNOWN_ID),
    (FETCHED, replace(ARTICLE, extractor="x/2"), KNOWN, None, Verdict.UNCHANGED, "same_text_and_headline", KNOWN_ID),
    (FETCHED, LEARNED, KNOWN, None, Verdict.REBASELINED, "other_standing_lines", KNOWN_ID),
    (FETCHED, replace(LEARNED, headline_hash="h2"), KNOWN, None, Verdict.UPDATED, "changed", KNOWN_ID),
    (ALIAS_ADDRESS, LEARNED, BY_CANONICAL, None, Verdict.ALIAS, "same_text_at_new_address", KNOWN_ID),
    (ALIAS_ADDRESS, ARTICLE, BY_CANONICAL, None, Verdict.ALIAS, "same_text_at_new_address", KNOWN_ID),
    (ALIAS_ADDRESS, OTHER_HEADLINE, BY_CANONICAL, None, Verdict.ALIAS, "same_text_at_new_address", KNOWN_ID),
    (ALIAS_ADDRESS, OTHER_TEXT, BY_CANONICAL, None, Verdict.UPDATED, "changed", KNOWN_ID),
    (ALIAS_ADDRESS, OTHER, BY_CANONICAL, None, Verdict.PUBLISHED, "new", None),
    (replace(ALIAS_ADDRESS, observed_at=EARLIER), OTHER, BY_CANONICAL, None, Verdict.PUBLISHED, "new", None),
    (ALIAS_ADDRESS, OTHER, BY_CANONICAL, TWIN, Verdict.COPIED, "text_elsewhere", None),
    (FETCHED, replace(OTHER, extractor="x/2"), KNOWN, None, Verdict.REBASELINED, "other_extractor", KNOWN_ID),
    (FETCHED, OTHER_TEXT, KNOWN, None, Verdict.UPDATED, "changed", KNOWN_ID),
    (FETCHED, OTHER_HEADLINE, KNOWN, None, Verdict.UPDATED, "changed", KNOWN_ID),
    (FETCHED, OTHER_TEXT, KNOWN, TWIN, Verdict.UPDATED, "changed", KNOWN_ID),
    (ALIAS_ADDRESS, ARTICLE, None, None, Verdict.PUBLISHED, "new", None),
    (ALIAS_ADDRESS, ARTICLE, None, SAME_SITE, Verdict.ALIAS, "text_on_site", TWIN_ID),
    (ALIAS_ADDRESS, ARTICLE, None, WITHDRAWN_ON_SITE, Verdict.UPDATED, "returned_elsewhere", TWIN_ID),
    (ALIAS_ADDRESS, ARTICLE, None, replace(TWIN, withdrawn=True), Verdict.COPIED, "text_elsewhere", None),
    (ALIAS_ADDRESS, ARTICLE, None, TWIN, Verdict.COPIED, "text_elsewhere", None),
    (ALIAS_ADDRESS, OTHER_HEADLINE, None, TWIN, Verdict.COPIED, "text_elsewhere", None),
    (ALIAS_ADDRESS, SHORT, None, TWIN, Verdict.COPIED, "text_elsewhere", None),
    (ALIAS_ADDRESS, replace(SHORT, headline_hash="h2"), None, TWIN, Verdict.PUBLISHED, "new", None),
    (ALIAS_ADDRESS, replace(SHORT, headline_hash="h2"), None, SAME_SITE, Verdict.PUBLISHED, "new", None),
    (FEED_ONLY, ARTICLE, None, TWIN, Verdict.COPIED, "text_elsewhere", None),
]


@pytest.mark.parametrize(("observation", "extracted", "known", "twin", "verdict", "rule", "article_id"), RULES)
def test_a_rule(observation, extracted, known, twin, verdict, rule, article_id):
    """Each row is one rule: what is observed and known, and what that means for which article."""
    found = decide(observation, extracted, known, twin)

    assert (verdict, rule, article_id) == (found.verdict, found.rule, found.article_id)


def test_the_reason_is_the_verdict_or_the_pages_own():
    """What is recorded says why there is no event."""
    wall = decide(FETCHED, NotAnArticle(reason="consent_wall"), None, None)

    assert (wall.reason, decide(ALIAS_ADDRESS, ARTICLE, BY_CANONICAL, None).reason) == ("consent_wall", "alias")


def test_a_copy_names_its_twin():
    """The event of a copy says where its text was seen first; an article that is merely new names none."""
    expected = Decision(verdict=Verdict.COPIED, reason="copied", rule="text_elsewhere", twin=TWIN)

    assert expected == decide(ALIAS_ADDRESS, ARTICLE, None, TWIN)
    assert decide(ALIAS_ADDRESS, replace(SHORT, headline_hash="h2"), None, TWIN).twin is None


@pytest.mark.parametrize("kind", ["fetched", "feed_only"])
def test_a_page_must_have_been_extracted(kind):
    """A decision without an extraction is a caller's bug, not a verdict."""
    with pytest.raises(ValueError, match=kind):
        decide(replace(FETCHED, kind=kind), None, KNOWN, None)


hashes = st.sampled_from(["a", "b"])
moments = st.sampled_from([EARLIER, NOW, NOW + timedelta(hours=1)])
kinds = st.sampled_from(["fetched", "feed_only"])
articles = st.builds(
    lambda text, headline, extractor, words: replace(
        ARTICLE, text_hash=text, headline_hash=headline, extractor=extractor, word_count=words
    ),
    hashes, hashes, st.sampled_from(["x/1", "x/2"]), st.sampled_from([5, 100]),
)  # fmt: skip
observations = st.builds(
    Observation,
    kind=kinds,
    entry_id=st.sampled_from([ENTRY, OTHER_ENTRY]),
    number=st.integers(1, 9),
    observed_at=moments,
    address_known=st.booleans(),
)
known_articles = st.builds(
    lambda text, headline, withdrawn, kind, matched: replace(
        KNOWN, text_hash=text, headline_hash=headline, withdrawn=withdrawn, observed_as=kind, matched=matched
    ),
    hashes, hashes, st.booleans(), kinds, st.sampled_from(["address", "canonical"]),
)  # fmt: skip
twins = st.builds(
    lambda site, headline: replace(TWIN, site=site, headline_hash=headline),
    st.sampled_from(["autre.example", "journal.example"]), hashes,
)  # fmt: skip


@given(observations, articles, known_articles, st.none() | twins)
def test_nothing_different_is_never_an_event(observation, article, known, twin):
    """Same text and same headline as a standing article: a reason, whatever else is so."""
    same = replace(article, text_hash=known.text_hash, headline_hash=known.headline_hash)

    assert decide(observation, same, replace(known, withdrawn=False), twin).verdict not in EVENT_VERDICTS


@given(observations, articles, known_articles, st.none() | twins)
def test_an_older_observation_of_a_known_address_is_never_an_event(observation, article, known, twin):
    """Retries and replays reorder: what was seen before the current revision changes nothing."""
    older = replace(
        observation,
        number=min(observation.number, known.number - 1),
        observed_at=known.observed_at - timedelta(seconds=1),
    )

    assert decide(older, article, replace(known, matched="address"), twin).verdict == Verdict.SUPERSEDED


@given(observations, articles, st.none() | known_articles, st.none() | twins)
def test_events_are_about_the_right_article(observation, article, known, twin):
    """An update has an article to update, a copy has a twin, a new article has none; the same question, one answer."""
    found = decide(observation, article, known, twin)

    assert found == decide(observation, article, known, twin)
    assert (found.verdict in {Verdict.PUBLISHED, Verdict.COPIED}) == (found.article_id is None)
    assert (found.verdict is Verdict.COPIED) <= (found.twin is not None)


@given(articles, known_articles)
def test_an_update_settles(article, known):
    """After an update the same page is unchanged: no page updates itself for ever."""
    found = decide(FETCHED, article, replace(known, matched="address"), None)
    stored = replace(
        known, text_hash=article.text_hash, headline_hash=article.headline_hash, extractor=article.extractor,
        withdrawn=False, observed_at=FETCHED.observed_at, observed_as="fetched", matched="address",
    )  # fmt: skip

    if found.verdict in {Verdict.UPDATED, Verdict.REBASELINED}:
        assert decide(FETCHED, article, stored, None).verdict == Verdict.UNCHANGED


NEWS, CORRECTED = "Le conseil a voté le budget de la ville.", "Le conseil a rejeté le budget de la ville."
CALL, FOLLOW = "Abonnez-vous.", "Suivez-nous."


def read(paragraphs, standing) -> Article:
    """What the extractor makes of a page of these paragraphs while the lines `standing` are known to stand."""
    full = tuple(Line(text=paragraph) for paragraph in paragraphs)
    lines = without_standing(full, frozenset(line_keys(standing)))
    whole = text_hash(kept(full)) if lines != full else None
    return replace(ARTICLE, paragraphs=kept(lines), text_hash=text_hash(kept(lines)), full_hash=whole)


def seen_again(before: Article, after: Article) -> Decision:
    known = replace(KNOWN, text_hash=before.text_hash, full_hash=before.full_hash)
    return decide(FETCHED, after, known, None)


STANDING_LINES = [
    ("it is learned", (NEWS, CALL), (), (NEWS, CALL), (CALL,), Verdict.REBASELINED),
    ("it is forgotten", (NEWS, CALL), (CALL,), (NEWS, CALL), (), Verdict.REBASELINED),
    ("another is learned", (NEWS, CALL, FOLLOW), (CALL,), (NEWS, CALL, FOLLOW), (FOLLOW,), Verdict.REBASELINED),
    ("it stays", (NEWS, CALL), (CALL,), (NEWS, CALL), (CALL,), Verdict.UNCHANGED),
    ("the site takes it away", (NEWS, CALL), (CALL,), (NEWS,), (CALL,), Verdict.UNCHANGED),
    ("the site puts it there", (NEWS,), (CALL,), (NEWS, CALL), (CALL,), Verdict.UNCHANGED),
    ("taken away and forgotten", (NEWS, CALL), (CALL,), (NEWS,), (), Verdict.UNCHANGED),
    ("forgotten, and another put there", (NEWS, CALL), (CALL,), (NEWS, CALL, FOLLOW), (FOLLOW,), Verdict.REBASELINED),
    ("learned, and the text corrected", (NEWS, CALL), (), (CORRECTED, CALL), (CALL,), Verdict.UPDATED),
    ("known, and the text corrected", (NEWS, CALL), (CALL,), (CORRECTED, CALL), (CALL,), Verdict.UPDATED),
    ("forgotten, and the text corrected", (NEWS, CALL), (CALL,), (CORRECTED, CALL), (), Verdict.UPDATED),
    ("unknown, and put there", (NEWS,), (), (NEWS, CALL), (), Verdict.UPDATED),
    # Subscribers have it in the text, and what else the page said is not known any more.
    ("learned when it is gone", (NEWS, CALL), (), (NEWS,), (CALL,), Verdict.UPDATED),
]


@pytest.mark.parametrize(
    ("before", "stood", "after", "stands", "verdict"),
    [row[1:] for row in STANDING_LINES],
    ids=[row[0] for row in STANDING_LINES],
)
def test_what_becomes_of_a_standing_line_is_no_correction(before, stood, after, stands, verdict):
    """Each row: a page and the lines that stood then, the same page now and those that stand now."""
    assert seen_again(read(before, stood), read(after, stands)).verdict == verdict


words = st.sampled_from(["pluie", "marché", "route", "école", "récolte", "prix", "雨", "نهر"])
paragraphs = st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join), min_size=1, max_size=6)
learned = st.lists(st.lists(words, min_size=1, max_size=5).map(" ".join), max_size=4)


@given(paragraphs, learned, learned)
def test_the_same_words_are_never_a_correction(text, stood, stands):
    """Whichever lines are learned or forgotten between two looks; and the next look finds nothing at all."""
    before, after = read(text, stood), read(text, stands)

    assert seen_again(before, after).verdict in {Verdict.UNCHANGED, Verdict.REBASELINED}
    assert seen_again(after, after).verdict == Verdict.UNCHANGED


@given(paragraphs, learned, learned, st.data())
def test_another_word_is_always_a_correction(text, stood, stands, data):
    """Whichever lines are learned or forgotten meanwhile: a line with a word that is new is none of them."""
    at = data.draw(st.integers(0, len(text) - 1))
    corrected = [*text[:at], f"{text[at]} démenti", *text[at + 1 :]]

    assert seen_again(read(text, stood), read(corrected, stands)).verdict == Verdict.UPDATED
