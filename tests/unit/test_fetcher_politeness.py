"""The pace of hosts: slots, pauses, and how it follows their answers."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.hosts.politeness import (
    ANSWERS_AT_ONCE,
    DEFAULT_POLICY,
    HostSlot,
    PolitenessPolicy,
    adapted,
    averaged,
    follow,
    pace,
    paced_address,
    penalty,
    reserve,
)
from services.fetcher.model import Timing

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LONGEST = DEFAULT_POLICY.longest_delay
SECONDS = st.floats(0, 100)


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


@given(SECONDS, st.one_of(st.none(), SECONDS))
def test_a_slow_site_is_asked_less_often_and_never_more(delay, answer):
    """So that it has four requests to answer at the same time, not more; a minute is the most."""
    asked = timedelta(seconds=delay)
    given = adapted(asked, answer)

    assert asked <= given <= max(asked, LONGEST)
    assert given >= min(timedelta(seconds=(answer or 0) / ANSWERS_AT_ONCE), LONGEST)
    assert answer or given == asked


def timing(seconds, *, good=True):
    return Timing(site="news.example", address=None, seconds=seconds, good=good)


@given(st.lists(SECONDS, min_size=1, max_size=20))
def test_the_average_stays_within_the_answers(answers):
    """It follows them: a quarter of the way to each."""
    average = None
    for each in answers:
        average = averaged(average, timing(each))

    assert min(answers) - 1e-9 <= average <= max(answers) + 1e-9


@given(st.floats(0, 200), SECONDS)
def test_a_refusal_makes_no_site_look_quicker(known, seconds):
    """It is quick because nothing was done; a good answer as quick does make it so."""
    refused, answered = averaged(known, timing(seconds, good=False)), averaged(known, timing(seconds))

    assert refused >= known
    assert answered <= known or seconds >= known


def test_the_first_answer_is_the_average():
    """There is nothing else to go by; an endless one counts as no longer than it changes the pace."""
    assert averaged(None, timing(3.0)) == 3.0
    assert adapted(SECOND, averaged(None, timing(1e9))) == LONGEST


@given(SECONDS, st.one_of(st.none(), st.floats(0, 240)))
def test_a_throttled_site_is_asked_half_as_often_afterwards(delay, answer):
    """Until its answers are good again, which a second refusal puts off; never beyond the longest delay."""
    before = HostSlot(next_allowed=NOW, delay=timedelta(seconds=delay), answer_seconds=answer)
    after = penalty(before, None, NOW)
    wanted = min(2 * before.delay, LONGEST)

    # Microseconds are lost where a fourth of the seconds is taken.
    assert adapted(timedelta(0), after.answer_seconds) >= wanted - timedelta(microseconds=1)
    assert (after.answer_seconds or 0) >= (answer or 0)
    assert adapted(timedelta(0), after.answer_seconds) <= max(wanted, LONGEST)


@given(st.floats(-100, 600), st.floats(0, 60))
def test_a_redirect_within_the_site_is_followed_soon_and_kept_apart_from_what_comes_next(ahead, delay):
    """With a slot of its own, a visit to a slow site would never end; what comes after it is a delay later."""
    before = slot(NOW + timedelta(seconds=ahead), timedelta(seconds=delay))
    start, after = follow(before, NOW)

    assert NOW <= start <= NOW + DEFAULT_POLICY.delay
    assert after.next_allowed >= max(before.next_allowed, start + before.delay)


@given(st.floats(0, 600), st.integers(2, 10))
def test_many_redirects_put_the_site_off_no_further_than_one(delay, redirects):
    """A slot is never further ahead than its start and a delay: beyond that a clock would have been set back."""
    _, current = reserve(slot(NOW, timedelta(seconds=delay)), NOW)
    for _ in range(redirects):
        start, current = follow(current, NOW)
        assert current.next_allowed == max(NOW, start) + current.delay


def test_a_redirect_waits_for_a_site_that_is_held():
    """The site asked for a pause, whatever it was that we wanted."""
    start, _ = follow(slot(NOW, blocked_until=NOW + 9 * SECOND), NOW)

    assert start == NOW + 9 * SECOND


def test_an_address_that_is_taken_is_waited_for():
    """By whichever site; the site's own next slot comes a delay after that."""
    assert reserve(slot(NOW), NOW, NOW + SECOND) == (NOW + SECOND, slot(NOW + 3 * SECOND))


@pytest.mark.parametrize(
    ("address", "paced"),
    [
        ("93.184.215.14", "93.184.215.14"),
        ("2606:4700::6810:84e5", "2606:4700::6810:84e5"),
        ("127.0.0.1", None),
        ("10.0.0.7", None),
        ("::1", None),
        (None, None),
    ],
)
def test_only_public_addresses_have_a_pace(address, paced):
    """A private one is the operator's own, where all sites may be behind one door."""
    assert paced_address(address) == paced
