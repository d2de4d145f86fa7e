from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from fakes import entry, response

from services.fetcher.model import Validators
from services.fetcher.pages.observation import (
    LONGEST_PAUSE,
    UNCONFIRMED_GONE,
    Again,
    Observe,
    VisitPolicy,
    judge_failure,
    judge_response,
    next_look,
)
from services.fetcher.web.responses import body_hash

HOUR = timedelta(hours=1)
POLICY = VisitPolicy(attempts=3, first_pause=timedelta(minutes=1), confirm_gone=HOUR, revisit_after=(HOUR, 6 * HOUR))
KNOWN: dict[str, Any] = {
    "validators": Validators(url="https://news.example/a", etag='"1"'),
    "body_hash": body_hash(b"<p>same</p>"),
}


@pytest.mark.parametrize(
    ("answer", "finding"),
    [
        (response(b"<p>text</p>"), Observe(kind="fetched")),
        (response(b"<p>same</p>"), Observe(kind="unchanged")),
        (response(b"", 304), Observe(kind="unchanged")),
        (response(b"<p>same</p>", 404), Again(reason=UNCONFIRMED_GONE, pause=HOUR)),
        (response(b"", 410), Again(reason=UNCONFIRMED_GONE, pause=HOUR)),
        (response(b"", 503), Again(reason="http_503", pause=timedelta(minutes=1))),
        (response(b"", 403), Observe(kind="feed_only", reason="http_403")),
        (response(b"", 451), Observe(kind="feed_only", reason="http_451")),
        (response(b"%PDF", content_type="application/pdf"), Observe(kind="feed_only", reason="not_html")),
        (response(b"<p>x</p>", content_type="Application/XHTML+XML; charset=x"), Observe(kind="fetched")),
        (response(b"<p>x</p>", content_type=""), Observe(kind="fetched")),
        (response(b" \n "), Observe(kind="feed_only", reason="empty_body")),
    ],
)
def test_what_an_answer_means(answer, finding) -> None:
    """For an entry whose page is known; the transport alone decides."""
    assert judge_response(entry(**KNOWN), answer, POLICY) == finding


WALL = {"cf_mitigated": "challenge"}


@pytest.mark.parametrize("status", [200, 202, 403, 404, 429, 503])
def test_a_wall_is_no_page(status) -> None:
    """Whatever its status: nothing is gone, nothing is fetched, and soon again would only annoy."""
    said = Observe(kind="feed_only", reason="challenge")

    assert judge_response(entry(**KNOWN), response(b"<p>same</p>", status, **WALL), POLICY) == said


@pytest.mark.parametrize(
    ("asked", "reached", "home"),
    [
        ("https://news.example/2026/a.html", "https://news.example/", True),
        ("https://news.example/?p=12", "https://www.news.example", True),
        ("http://news.example", "https://www.news.example/", False),
        ("https://news.example/2026/a.html", "https://news.example/?p=12", False),
        ("https://short.example/x", "https://news.example/", False),
        ("https://news.example/a", "https://news.example/fr/", False),
    ],
)
def test_an_article_that_leads_to_the_front_page_is_none(asked, reached, home) -> None:
    """Sites send there whoever asks for what they do not have; the front page is not that article."""
    answer = replace(response(b"<p>front page</p>", url=asked), final_url=reached)
    expected = Observe(kind="feed_only", reason="home_redirect") if home else Observe(kind="fetched")

    assert judge_response(entry(asked), answer, POLICY) == expected


def test_a_second_404_confirms_that_the_page_is_gone() -> None:
    """Only when the first one was the last thing seen."""
    assert judge_response(entry(reason=UNCONFIRMED_GONE), response(b"", 404), POLICY) == Observe(kind="gone")
    assert isinstance(judge_response(entry(reason="http_503"), response(b"", 404), POLICY), Again)


def test_not_modified_says_nothing_to_someone_who_has_nothing() -> None:
    """An unasked 304 is a fault of the server: taken at its word it would hide the page for good."""
    found = [judge_response(entry(attempts=attempts), response(b"", 304), POLICY) for attempts in range(3)]

    assert [type(each) for each in found] == [Again, Again, Observe]
    assert found[-1] == Observe(kind="feed_only", reason="http_304")


def test_patience_ends_with_the_feeds_own_text() -> None:
    """Pauses double up to a limit; after the last attempt there is an observation all the same."""
    patient = VisitPolicy(attempts=12, first_pause=timedelta(minutes=1), confirm_gone=HOUR, revisit_after=())
    found = [judge_failure(entry(attempts=attempts), "timeout", patient) for attempts in range(12)]
    pauses = [each.pause for each in found if isinstance(each, Again)]

    assert pauses[:3] == [timedelta(minutes=1), timedelta(minutes=2), timedelta(minutes=4)]
    assert (max(pauses), len(pauses)) == (LONGEST_PAUSE, 11)
    assert found[-1] == Observe(kind="feed_only", reason="timeout")


def test_the_next_look_follows_the_ages() -> None:
    """An hour after the first, five hours after the second, then no more."""
    assert [next_look(visits, POLICY) for visits in range(4)] == [HOUR, 5 * HOUR, None, None]
