"""Pace, robots.txt and marks of rights."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.politeness import (
    MOST_ROBOTS_BYTES,
    UNREACHABLE,
    HostSlot,
    PolitenessPolicy,
    Robots,
    pace,
    penalty,
    reserve,
    rights,
)

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
AGENT = "FilDActu/0.1 (+https://bot.example/about; otherbot)"
PAGE = "https://site.example/private/page"


def slot(next_allowed=NOW, delay=2 * SECOND, blocked_until=None):
    return HostSlot(next_allowed=next_allowed, delay=delay, blocked_until=blocked_until)


@pytest.mark.parametrize(
    ("before", "start"),
    [
        (slot(NOW - 5 * SECOND), NOW),
        (slot(NOW), NOW),
        (slot(NOW + SECOND), NOW + SECOND),
        (slot(NOW, blocked_until=NOW + 9 * SECOND), NOW + 9 * SECOND),
        (slot(NOW + SECOND, blocked_until=NOW - SECOND), NOW + SECOND),
    ],
    ids=["idle", "just now", "taken", "blocked", "no longer blocked"],
)
def test_a_slot_starts_when_the_site_may_be_asked(before, start):
    """At once if the site is idle, else after the last request's delay or the block; the next one a delay later."""
    assert reserve(before, NOW) == (start, slot(start + 2 * SECOND, blocked_until=before.blocked_until))


@given(st.lists(st.floats(0, 10), min_size=2, max_size=20), st.floats(0.1, 5))
def test_no_two_starts_are_closer_than_the_delay(waits, delay):
    """Whenever reservations are made, their starts keep the delay between them and none lies in the past."""
    now, current, starts = NOW, slot(NOW, timedelta(seconds=delay)), []
    for wait in waits:
        now += timedelta(seconds=wait)
        start, current = reserve(current, now)
        assert start >= now
        starts.append(start)

    assert all(later - earlier >= timedelta(seconds=delay) for earlier, later in pairwise(starts))


@pytest.mark.parametrize(
    ("retry_after", "blocked", "expected"),
    [
        (30 * SECOND, None, NOW + 30 * SECOND),
        (None, None, NOW + timedelta(minutes=10)),
        (timedelta(days=99), None, NOW + timedelta(days=7)),
        (30 * SECOND, NOW + 60 * SECOND, NOW + 60 * SECOND),
        (90 * SECOND, NOW + 60 * SECOND, NOW + 90 * SECOND),
    ],
)
def test_a_throttled_site_is_left_alone(retry_after, blocked, expected):
    """As long as it asks, ten minutes when it does not say, a week at most, and never shorter than promised before."""
    assert penalty(slot(blocked_until=blocked), retry_after, NOW).blocked_until == expected


@pytest.mark.parametrize(
    ("crawl_delay", "page_delay", "seconds"),
    [
        (None, None, 2),
        (10.0, None, 10),
        (1.0, None, 2),
        (1e9, None, 60),
        (None, 5, 5),
        (None, 0.1, 0.1),
        (10.0, 0.1, 10),
    ],
)
def test_the_pace_is_the_slowest_asked_for_within_reason(crawl_delay, page_delay, seconds):
    """The operator may go faster than our default, not faster than robots.txt; a minute is the most that it gets."""
    said = timedelta(seconds=page_delay) if page_delay is not None else None

    assert pace(crawl_delay, said, PolitenessPolicy()) == timedelta(seconds=seconds)


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        *((status, False) for status in (200, 204, 500, 503, UNREACHABLE, None)),
        *((status, True) for status in (301, 401, 403, 404, 410, 429)),
    ],
)
def test_a_missing_robots_txt_allows_all_and_an_unreachable_one_nothing(status, allowed):
    """RFC 9309: 2xx is obeyed, 4xx means there are no rules, 5xx or no answer means hands off."""
    assert allowed == Robots.parse(status, b"User-agent: *\nDisallow: /").allowed(PAGE, AGENT)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /private", False),
        ("User-agent: *\nDisallow: /private\nAllow: /private/page", True),
        ("User-agent: *\nDisallow: /*/page$", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: fildactu\nDisallow:", True),
        ("User-agent: *\nDisallow:\n\nUser-agent: FILDACTU\nDisallow: /", False),
        ("User-agent: otherbot\nDisallow: /", True),
        ("User-agent: bot\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("<html><body>Not found</body></html>", True),
    ],
)
def test_rules_are_obeyed_as_the_standard_says(text, allowed):
    """Longest match, Allow on a tie, our own group before `*`; only the product token of our agent counts."""
    assert allowed == Robots.parse(200, text.encode()).allowed(PAGE, AGENT)


def test_only_the_first_half_mebibyte_is_read():
    """An endless file costs no more than the standard asks for."""
    body = b"#" * MOST_ROBOTS_BYTES + b"\nUser-agent: *\nDisallow: /"

    assert Robots.parse(200, body).allowed(PAGE, AGENT)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 7.5", 7.5),
        ("User-agent: *\nRequest-rate: 1/10s", 10.0),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("User-agent: otherbot\nCrawl-delay: 7", None),
        ("", None),
    ],
)
def test_the_pace_that_robots_txt_asks_for(text, seconds):
    """Crawl-delay, or a request rate as the delay that it amounts to."""
    assert seconds == Robots.parse(200, text).crawl_delay(AGENT)


def test_without_rules_there_is_no_pace():
    """A missing file asks for nothing."""
    assert Robots.parse(404, "User-agent: *\nCrawl-delay: 7").crawl_delay(AGENT) is None


@pytest.mark.parametrize(
    ("status", "max_age", "kept"),
    [
        (200, None, timedelta(hours=24)),
        (200, timedelta(hours=3), timedelta(hours=3)),
        (200, timedelta(days=9), timedelta(hours=24)),
        (200, timedelta(minutes=1), timedelta(minutes=10)),
        (404, None, timedelta(hours=24)),
        (503, None, timedelta(minutes=10)),
        (UNREACHABLE, timedelta(hours=9), timedelta(minutes=10)),
    ],
)
def test_robots_txt_is_kept_for_a_day_at_most(status, max_age, kept):
    """As its answer says within ten minutes and a day; a host that did not answer is asked again soon."""
    assert Robots.parse(status, b"").fresh_for(max_age) == kept


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, ()),
        ({"x-robots-tag": "noai, noimageai"}, ("x-robots-tag: noai", "x-robots-tag: noimageai")),
        ({"x-robots-tag": "NoIndex, follow, max-snippet: 20"}, ("x-robots-tag: noindex",)),
        ({"x-robots-tag": "googlebot: noindex, noai"}, ("x-robots-tag: googlebot: noindex", "x-robots-tag: noai")),
        ({"x-robots-tag": "noai, noai"}, ("x-robots-tag: noai",)),
        ({"x-robots-tag": "all"}, ()),
        ({"tdm-reservation": "1", "tdm-policy": "https://s.example/tdm.json"},
         ("tdm-reservation: 1", "tdm-policy: https://s.example/tdm.json")),
        ({"tdm-reservation": " 0 "}, ()),
        ({"content-usage": "train-ai=n"}, ("content-usage: train-ai=n",)),
    ],
)  # fmt: skip
def test_marks_of_rights_are_kept_as_said(headers, expected):
    """What reserves something is recorded word for word; what permits is not."""
    assert expected == rights(headers)


def test_robots_txt_can_carry_a_mark_too():
    """Content-Signal lines stand beside the rules."""
    robots = Robots.parse(200, "User-agent: *\nContent-Signal: search=yes, ai-train=no # why\nAllow: /")

    assert rights({}, robots) == ("robots.txt: content-signal: search=yes, ai-train=no",)
