"""When a feed is asked again: never sooner than was asked for, and never much later than it need be."""

from bisect import bisect_left
from datetime import timedelta
from itertools import pairwise
from statistics import median

import pytest
from fortnight.papers import END, START
from fortnight.recording import Recording
from fortnight.sites import DAY, HOUR, PROVED
from fortnight.world import HINTS, IDLE_SECONDS, NIGHT, REFUSALS, VALIDATORS, WEEKEND, day

pytestmark = pytest.mark.timeout(600)
IDLE = timedelta(seconds=IDLE_SECONDS)
SLACK = timedelta(seconds=1)
"""Servers speak in whole seconds."""


@pytest.mark.parametrize("name", [*VALIDATORS, *HINTS, *REFUSALS, "fast", "slow", "whole", "cookies"])
def test_no_request_comes_sooner_than_the_answer_before_it_asked_for(fortnight: Recording, name: str) -> None:
    """By max-age less Age, Expires, ttl, the syndication module, Retry-After as seconds and as a date, on 200, 304,
    429 and 503; and by the quarter of an hour, or hour, of a server that asked for nothing.
    """
    for before, after in fortnight.successive(fortnight.scenes[name].url):
        assert after.asked.at - before.asked.at >= before.answer.leave - SLACK, before.asked.at


@pytest.mark.parametrize("name", ["throttles", "throttles-till", "overloaded", "blocks"])
def test_a_site_that_asks_us_to_slow_down_is_left_alone_at_all_its_addresses(fortnight: Recording, name: str) -> None:
    """robots.txt too. Both fetchers heed what one of them was told."""
    host = f"{name}.example"
    asked = [each for each in fortnight.exchanges if each.asked.host == host]
    told = [(before, after) for before, after in pairwise(asked) if "Retry-After" in before.answer.headers]

    assert told
    assert all(after.asked.at - before.asked.at >= before.answer.leave - SLACK for before, after in told)


def test_nothing_is_asked_in_the_hours_and_on_the_days_that_a_feed_skips(fortnight: Recording) -> None:
    """In GMT, as skipHours and skipDays are; the first answer is where they are said."""
    _, *others = [each.asked.at for each in fortnight.at("skips")]

    assert others
    assert [at for at in others if at.hour in NIGHT and (at - IDLE).hour in NIGHT] == []
    assert [at for at in others if at.weekday() in WEEKEND and (at - IDLE).weekday() in WEEKEND] == []


def test_a_max_age_that_the_server_wants_checked_each_time_is_no_reason_to_wait(fortnight: Recording) -> None:
    """`no-cache` beside `max-age`."""
    assert usual(fortnight, "no-cache") < 3 * HOUR


def test_a_max_age_of_a_year_keeps_nobody_away(fortnight: Recording) -> None:
    """It is believed for six hours."""
    assert 6 * HOUR <= usual(fortnight, "years") < 7 * HOUR


@pytest.mark.parametrize(
    ("name", "hint"), [("max-age", 2), ("aged", 3), ("expires", 2), ("ttl", 3), ("syndication", 12), ("kroll", 6)]
)
def test_a_hint_is_kept_to_and_not_much_exceeded(fortnight: Recording, name: str, hint: int) -> None:
    """A busy feed is asked again soon after the time that was asked for, and a little later at random."""
    assert hint * HOUR <= usual(fortnight, name) <= hint * HOUR * 1.1 + timedelta(minutes=40)


def test_a_fast_feed_is_asked_more_often_than_a_slow_one(fortnight: Recording) -> None:
    """Each at its rhythm: every quarter of an hour at most, and once a day at least."""
    assert PROVED <= usual(fortnight, "fast") <= timedelta(minutes=30)
    assert 2 * HOUR <= usual(fortnight, "slow") <= DAY + HOUR


@pytest.mark.parametrize("name", ["whole", "far-date", "liar"])
def test_a_server_that_sends_whole_documents_is_asked_once_an_hour_at_most(fortnight: Recording, name: str) -> None:
    """A request costs it more."""
    for before, after in fortnight.successive(fortnight.scenes[name].url):
        if before.answer.status == 200:
            assert after.asked.at - before.asked.at >= HOUR - SLACK


def test_a_subscription_begins_with_one_request(fortnight: Recording) -> None:
    """No second one within the quarter of an hour: strict sites answer it with 429."""
    for scene in fortnight.scenes.values():
        if scene.name == "original":
            # Its alias is a subscription of its own, until both are seen to be one.
            continue
        for first, second in list(fortnight.successive(scene.url))[:1]:
            assert second.asked.at - first.asked.at >= PROVED, scene.name


def test_subscriptions_that_begin_together_do_not_go_on_together(fortnight: Recording) -> None:
    """Never again do as many as half of them come within ten minutes, not even after a restart or an outage."""
    feeds = [each.asked.at for each in fortnight.exchanges if each.asked.target != "/robots.txt"]
    later = sorted(at for at in feeds if at > START + HOUR)
    crowds = (bisect_left(later, at + 2 * IDLE) - number for number, at in enumerate(later))

    assert max(crowds) < len(fortnight.scenes) / 2


@pytest.mark.parametrize("name", ["gone-once", "lost", "ill"])
def test_a_feed_that_fails_for_days_is_asked_less_and_less_and_never_given_up(fortnight: Recording, name: str) -> None:
    """At least once a day; when it comes back, it is read as before."""
    tried = fortnight.tries(fortnight.scenes[name].url)

    assert [pair for pair in pairwise(tried) if pair[1] - pair[0] > DAY + 2 * HOUR] == []
    assert fortnight.unseen(name) == set()


def test_a_feed_that_is_gone_is_asked_once_more_a_day_later_and_then_let_be(fortnight: Recording) -> None:
    """410 says so on purpose; it may be a mistake all the same."""
    asked = [each.asked.at for each in fortnight.at("gone") if each.asked.at >= day(3)]

    assert 2 <= len(asked) <= 20
    assert max(asked) >= min(asked) + DAY
    assert max(asked) <= min(asked) + 3 * DAY


def test_every_feed_is_polled_to_the_end(fortnight: Recording) -> None:
    """None is disabled by whatever befell it, but for the one that is gone for good and the one polled elsewhere."""
    ended = {
        scene.name
        for scene in fortnight.scenes.values()
        if not any(each.asked.at > END - 3 * DAY for each in fortnight.of(scene.paper.url))
    }

    assert ended == {"gone"}


def usual(fortnight: Recording, name: str) -> timedelta:
    """The usual time from one request to the next."""
    pairs = fortnight.successive(fortnight.scenes[name].url)
    return timedelta(
        seconds=median((after.asked.at - before.asked.at).total_seconds() for before, after in list(pairs)[1:])
    )
