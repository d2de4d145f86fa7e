"""Why a feed is polled next when it is."""

import json
from datetime import timedelta

import pytest
from fakes import NOW, settings
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Bounds, Moving, Rhythm, Standing, Unread, Validators, Wishes
from services.fetcher.polling.schedule import Failure, Situation, next_poll
from services.fetcher.polling.why import RULES, Account, decided_by, explain, lines

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
TWO_HOURLY = Rhythm(gaps=(7200.0,) * 5, newest=NOW - HOUR, polls=9)
FEED_URL = "https://news.example/feed.xml"


def terms(rhythm=TWO_HOURLY, **more):
    said = Situation(**{"bounds": Bounds(), "considerate": True, **more})
    return next_poll(rhythm, said, now=NOW, feed_id=settings().feed_id, jitter=0.5).terms


def account(**more):
    said = {
        "now": NOW,
        "settings": settings(),
        "active": True,
        "paused": False,
        "next_poll_at": NOW + HOUR,
        "polled_at": NOW - HOUR,
        "terms": terms(),
        "site": "news.example",
        "validators": Validators(url=FEED_URL, etag='"1"'),
    }
    return Account(**{**said, **more})


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (terms(), "rhythm"),
        (terms(considerate=False), "shortest"),
        (terms(max_age=2 * HOUR), "max_age"),
        (terms(Rhythm(gaps=(1e9,), newest=NOW)), "longest"),
        (terms(Rhythm(gaps=(1e9,), newest=NOW), retry_after=2 * DAY), "retry_after"),
        (terms(Rhythm(gaps=(3600.0,), newest=NOW, failures=3.0), failed=Failure.LASTING), "failures"),
        (terms(overlap=0.0, bounds=Bounds(shortest=timedelta(minutes=1))), "overflow"),
        (terms(wishes=Wishes(ttl=3 * HOUR), max_age=2 * HOUR), "ttl"),
        (terms(holds=(("challenge", DAY),)), "challenge"),
        ((), None),
        ((("rhythm", 1800.0), ("jitter", 5.0)), None),
    ],
)
def test_the_rule_is_named_that_decided(said, expected):
    """Of a row without the interval (never polled, or by an earlier release) nobody knows."""
    assert decided_by(said) == expected


def test_people_are_told_the_next_poll_first_and_every_rule_that_had_a_say():
    """The decisive one is marked."""
    text = lines(account(terms=terms(max_age=2 * HOUR, wishes=Wishes(skip_hours=frozenset({14})))))

    assert text[0] == f"News  {FEED_URL}"
    assert text[1] == "next poll  2026-11-23T13:00:00Z, in 1 h"
    assert text[2] == "last poll  2026-11-23T11:00:00Z"
    assert [line.split()[0] for line in text[3:] if "→" not in line] == [
        "rhythm",
        "shortest",
        "longest",
        "jitter",
        "skipped",
    ]
    assert [line.split()[1:4] for line in text if "→" in line] == [["max_age", "2", "h"]]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        ({"paused": True}, "it is paused"),
        ({"active": False}, "it rests"),
        ({"same_as": "https://old.example/"}, "the same feed as https://old.example/"),
        ({"lease_until": NOW + HOUR}, "a fetcher has it in hand"),
        ({"host_held_until": NOW + HOUR}, "news.example asked us to stay away until 2026-11-23T13:00:00Z"),
        ({"host_free_at": NOW + 2 * HOUR}, "news.example has its next turn at 2026-11-23T14:00:00Z"),
        ({"next_poll_at": NOW}, "due now"),
        ({"polled_at": None, "terms": ()}, "last poll  never"),
        ({"standing": Standing(outcome="failed", reason="http_500", failing_since=NOW)}, "failed, http_500, failing"),
        ({"standing": Standing(moved_to="https://new.example/")}, "moved for good to https://new.example/"),
        ({"standing": Standing(moving=Moving(url="https://new.example/", since=NOW))}, "not believed yet"),
        ({"standing": Standing(lied_at=NOW)}, "answered 304 though it had changed"),
        ({"standing": Standing(unread=Unread(url=FEED_URL, left=3))}, "still to be read"),
        ({"validators": None}, "sends no validators"),
        ({"pushed_until": NOW + HOUR}, "its hub tells of its news"),
        ({"parent": "https://news.example/index.xml"}, "listed by https://news.example/index.xml"),
    ],
)
def test_whatever_has_a_bearing_on_it_is_said(facts, expected):
    """Each in its own line; without it, nothing of it."""
    assert expected in "\n".join(lines(account(**facts)))
    assert expected not in "\n".join(lines(account()))


@pytest.mark.parametrize("facts", [{"paused": True}, {"active": False}])
def test_a_feed_that_is_not_polled_has_no_next_poll(facts):
    """Whatever its row says."""
    said = explain(account(**facts))

    assert (said["next_poll"], len(said["obstacles"])) == (None, 1)
    assert not any(line.startswith("next poll") for line in lines(account(**facts)))


def test_it_is_said_as_json_too():
    """With the same terms, and all that is known of the server."""
    said = json.loads(json.dumps(explain(account(rhythm=TWO_HOURLY, standing=Standing(proved=True, max_age=HOUR)))))

    assert (said["next_poll"], said["decided_by"]) == ("2026-11-23T13:00:00Z", "rhythm")
    assert said["terms"]["rhythm"] == 1800.0
    assert said["rhythm"] == {"usual_gap": 7200.0, "newest": "2026-11-23T11:00:00Z", "failures": 0.0, "polls": 9}
    assert said["standing"] == {"proved": True, "max_age": 3600.0}
    assert said["validators"]["etag"] == '"1"'


def test_each_rule_is_in_words():
    """Whatever the schedule knows."""
    everything = terms(
        Rhythm(gaps=(1.0,), newest=NOW - 9 * DAY, failures=3.0),
        wishes=Wishes(ttl=HOUR, period=HOUR, skip_hours=frozenset(range(23))),
        max_age=HOUR,
        retry_after=HOUR,
        failed=Failure.LASTING,
        pushed=True,
        overlap=0.0,
        holds=(("parked", HOUR), ("killed_worker", HOUR), ("robots", HOUR)),
    )

    assert {name for name, _ in everything} - {"interval"} == set(RULES)


@given(st.floats(0, 1e8), st.booleans(), st.none() | st.timedeltas(timedelta(0), timedelta(days=90)))
def test_some_rule_always_decided(gap, considerate, max_age):
    """The interval is what one of the terms asked for."""
    assert decided_by(terms(Rhythm(gaps=(gap,), newest=NOW), considerate=considerate, max_age=max_age or None))
