"""When a feed is polled next, and what servers say of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.hints import LONGEST, Hints, read_hints
from services.fetcher.model import Bounds, Rhythm
from services.fetcher.schedule import Failure, fail, first_poll_at, next_poll, observe

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FEED = UUID(int=7)
HOUR = timedelta(hours=1)
WIDE = Bounds(shortest=timedelta(minutes=15), longest=timedelta(hours=24))
HOURLY = Rhythm(gaps=(3600.0,) * 5, newest=NOW - HOUR)


def plan(rhythm=HOURLY, *, bounds=WIDE, hints=Hints(), failed=None, feed_id=FEED, jitter=0.0):  # noqa: B008 - frozen
    return next_poll(rhythm, now=NOW, bounds=bounds, hints=hints, failed=failed, feed_id=feed_id, jitter=jitter)


def test_a_feed_is_polled_at_half_its_usual_gap():
    """Two looks per entry; a single long pause among the gaps does not change the rhythm."""
    rhythm = Rhythm(gaps=(3600.0, 3600.0, 90_000.0, 3600.0), newest=NOW)

    assert plan(rhythm).interval == timedelta(minutes=30)


@pytest.mark.parametrize(
    ("rhythm", "expected"),
    [
        (Rhythm(), HOUR),
        (Rhythm(gaps=(1.0,), newest=NOW), timedelta(minutes=15)),
        (Rhythm(gaps=(1e6,), newest=NOW), timedelta(hours=24)),
        (replace(HOURLY, newest=NOW - timedelta(days=7)), HOUR / 2),
        (replace(HOURLY, newest=NOW - timedelta(days=8)), timedelta(hours=6)),
        (replace(HOURLY, newest=NOW - timedelta(days=15)), timedelta(hours=12)),
        (replace(HOURLY, newest=NOW - timedelta(days=31)), timedelta(hours=24)),
    ],
    ids=["unknown", "too busy", "too slow", "quiet", "silent a week", "silent two weeks", "silent a month"],
)
def test_rhythm_and_silence_within_the_bounds(rhythm, expected):
    """Unknown: four times the shortest. Silent: a quarter, half and all of the longest."""
    assert expected == plan(rhythm).interval


@pytest.mark.parametrize(
    ("hints", "expected"),
    [
        (Hints(max_age=timedelta(minutes=10)), HOUR / 2),
        (Hints(max_age=2 * HOUR), 2 * HOUR),
        (Hints(max_age=timedelta(days=365)), 6 * HOUR),
        (Hints(ttl=3 * HOUR), 3 * HOUR),
        (Hints(ttl=timedelta(days=3)), 24 * HOUR),
        (Hints(max_age=HOUR, ttl=3 * HOUR), 3 * HOUR),
        (Hints(retry_after=5 * HOUR), 5 * HOUR),
        (Hints(retry_after=timedelta(seconds=5)), HOUR / 2),
        (Hints(retry_after=timedelta(days=3)), timedelta(days=3)),
        (Hints(retry_after=timedelta(days=30)), timedelta(days=7)),
    ],
)
def test_hints_only_ever_slow_down_and_are_not_believed_for_ever(hints, expected):
    """max-age counts for 6 hours at most, ttl for a day, Retry-After for a week and beyond the longest interval."""
    assert expected == plan(hints=hints).interval


def test_the_operators_longest_interval_beats_all_hints_but_retry_after():
    """Someone who says `at least hourly` knows the feed; a server that asks for a pause gets it."""
    bounds = Bounds(shortest=timedelta(minutes=1), longest=HOUR)
    hints = Hints(max_age=5 * HOUR, ttl=9 * HOUR)

    assert plan(bounds=bounds, hints=hints).interval == HOUR
    assert plan(bounds=bounds, hints=replace(hints, retry_after=2 * HOUR)).interval == 2 * HOUR


def test_a_second_is_a_possible_interval():
    """Nothing but the operator's shortest interval stands in the way of a fast demo, the jitter is a tenth."""
    schedule = plan(Rhythm(gaps=(0.5,), newest=NOW), bounds=Bounds(shortest=timedelta(seconds=1)), jitter=0.99)

    assert schedule.interval == timedelta(seconds=1)
    assert timedelta(seconds=1) <= schedule.wait < timedelta(seconds=1.1)


def test_failures_stretch_the_interval_one_by_one():
    """The first failure changes nothing, the third makes it three times as long, and a day is the most."""
    failed = [replace(HOURLY, failures=count) for count in (1.0, 3.0, 100.0)]

    assert [plan(each, failed=Failure.LASTING).interval for each in failed] == [HOUR / 2, 1.5 * HOUR, 24 * HOUR]


def test_a_week_long_interval_is_not_shortened_by_a_failure():
    """The day that failures may stretch to is no upper limit of its own."""
    bounds = Bounds(shortest=timedelta(days=6), longest=timedelta(days=7))
    rhythm = replace(HOURLY, failures=2.0)

    assert plan(rhythm, bounds=bounds, failed=Failure.LASTING).interval == timedelta(days=6)


def test_the_terms_say_why():
    """Each rule that took part is named with what it asked for, in seconds."""
    rhythm = replace(HOURLY, failures=2.0, newest=NOW - timedelta(days=8))
    hints = Hints(max_age=HOUR, ttl=2 * HOUR, retry_after=HOUR)
    terms = dict(plan(rhythm, hints=hints, failed=Failure.PASSING).terms)
    random = terms.pop("jitter")

    assert terms == {
        "rhythm": 1800.0,
        "silence": 21_600.0,
        "max_age": 3600.0,
        "ttl": 7200.0,
        "failures": 43_200.0,
        "retry_after": 3600.0,
        "shortest": 900.0,
        "longest": 86_400.0,
    }
    assert 0 <= random <= 1800


def test_one_draw_for_many_feeds_spreads_them():
    """A batch that is scheduled with the same random number does not come back at the same time."""
    feeds = [uuid5(FEED, str(number)) for number in range(50)]

    assert len({plan(feed_id=feed).wait for feed in feeds}) == 50
    assert len({first_poll_at(feed, NOW, HOUR) for feed in feeds}) == 50


def test_the_first_poll_is_within_the_spread_and_the_same_at_every_start():
    """A restart does not draw lots again."""
    at = first_poll_at(FEED, NOW, HOUR)

    assert NOW <= at < NOW + HOUR
    assert at == first_poll_at(FEED, NOW, HOUR)


def test_observing_keeps_the_newest_gaps_and_forgives_failures():
    """Gaps are counted from the newest entry known; twenty are kept; a success ends a row of failures."""
    rhythm = Rhythm(gaps=(1.0,) * 19, newest=NOW - 3 * HOUR, failures=4.5, polls=2)
    seen = observe(rhythm, [NOW - HOUR, NOW - 2 * HOUR], NOW)

    assert seen == Rhythm(gaps=(1.0,) * 18 + (3600.0, 3600.0), newest=NOW - HOUR, failures=0.0, polls=3)


def test_entries_without_a_time_count_as_of_now_and_of_one_instant_once():
    """Dates that are missing, ahead of the clock or all the same make no false gaps of zero."""
    seen = observe(Rhythm(newest=NOW - HOUR), [None, None, NOW + HOUR, NOW], NOW)

    assert (seen.gaps, seen.newest) == ((3600.0,), NOW)


def test_late_entries_do_not_turn_back_the_rhythm():
    """An entry older than the newest known says nothing of the pace."""
    seen = observe(Rhythm(gaps=(60.0,), newest=NOW), [NOW - timedelta(days=300)], NOW)

    assert (seen.gaps, seen.newest) == ((60.0,), NOW)


def test_a_poll_without_news_only_counts():
    """A 304 is a success."""
    assert observe(Rhythm(failures=2.0), (), NOW) == Rhythm(polls=1)


def test_failures_add_up_by_weight():
    """Four that may be ours weigh as much as one that lasts."""
    rhythm = Rhythm()
    for _ in range(4):
        rhythm = fail(rhythm, Failure.OURS.value)

    assert rhythm.failures == Failure.LASTING.value


spans = st.timedeltas(min_value=timedelta(seconds=1), max_value=timedelta(days=400))
rhythms = st.builds(
    Rhythm,
    gaps=st.lists(st.floats(0, 1e8), max_size=20).map(tuple),
    newest=st.none() | st.timedeltas(timedelta(0), timedelta(days=400)).map(lambda ago: NOW - ago),
    failures=st.floats(0, 200),
)
all_bounds = st.tuples(spans, spans).map(lambda pair: Bounds(shortest=min(pair), longest=max(pair)))
all_hints = st.builds(Hints, max_age=st.none() | spans, ttl=st.none() | spans, retry_after=st.none() | spans)
jitters = st.floats(0, 1)


@given(rhythms, all_bounds, all_hints, st.none() | st.sampled_from(Failure), jitters)
def test_the_bounds_always_hold(rhythm, bounds, hints, failed, jitter):
    """The interval is within the bounds or what Retry-After asks for; the jitter is positive and a tenth at most."""
    schedule = plan(rhythm, bounds=bounds, hints=hints, failed=failed, jitter=jitter)
    asked = min(hints.retry_after or timedelta(0), timedelta(days=7))
    random = schedule.wait - schedule.interval

    assert bounds.shortest <= schedule.interval <= max(bounds.longest, asked)
    assert schedule.interval >= asked
    assert timedelta(0) <= random <= min(schedule.interval / 10, timedelta(minutes=30)) + timedelta(microseconds=1)


@given(rhythms, all_bounds, all_hints, st.sampled_from(Failure), jitters, st.floats(0, 50))
def test_more_failures_never_make_it_sooner(rhythm, bounds, hints, failed, jitter, more):
    """Whatever else holds: another failure keeps the next poll where it was, or moves it away."""
    fewer = plan(rhythm, bounds=bounds, hints=hints, failed=failed, jitter=jitter)
    worse = plan(fail(rhythm, more), bounds=bounds, hints=hints, failed=failed, jitter=jitter)

    assert worse.wait >= fewer.wait


@given(rhythms, all_bounds, all_hints, all_hints, jitters)
def test_a_hint_never_makes_it_sooner(rhythm, bounds, hints, more, jitter):
    """A server can ask us to come later, not earlier."""
    both = Hints(
        **{
            name: max(filter(None, (getattr(hints, name), getattr(more, name))), default=None)
            for name in ("max_age", "ttl", "retry_after")
        }
    )

    assert (
        plan(rhythm, bounds=bounds, hints=both, jitter=jitter).wait
        >= plan(rhythm, bounds=bounds, hints=hints, jitter=jitter).wait
    )


moments = st.timedeltas(timedelta(days=-9000), timedelta(days=900)).map(lambda away: NOW + away)


@given(rhythms, st.lists(st.none() | moments))
def test_no_observation_breaks_the_rhythm(rhythm, published):
    """At most twenty gaps, all positive, and no newest entry in the future."""
    seen = observe(replace(rhythm, gaps=()), published, NOW)

    assert len(seen.gaps) <= 20
    assert all(gap > 0 for gap in seen.gaps)
    assert seen.newest is None or seen.newest <= NOW


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ({"cache-control": "max-age=600"}, 600),
        ({"cache-control": 'public, Max-Age="600"'}, 600),
        ({"cache-control": "max-age=600, s-maxage=9999"}, 600),
        ({"cache-control": "max-age=600", "age": "200"}, 400),
        ({"cache-control": "max-age=600", "age": "900"}, None),
        ({"cache-control": "max-age=600", "age": "soon"}, 600),
        ({"cache-control": "no-cache, max-age=600"}, None),
        ({"cache-control": "no-store", "expires": "Mon, 23 Nov 2026 13:00:00 GMT"}, None),
        ({"cache-control": "max-age=0", "expires": "Mon, 23 Nov 2026 13:00:00 GMT"}, None),
        ({"cache-control": "max-age=-1"}, None),
        ({"cache-control": "max-age=²"}, None),
        ({"cache-control": "max-age=" + "9" * 40}, LONGEST.total_seconds()),
        ({"expires": "Mon, 23 Nov 2026 13:00:00 GMT", "date": "Mon, 23 Nov 2026 12:30:00 GMT"}, 1800),
        ({"expires": "Mon, 23 Nov 2026 13:00:00 GMT"}, 3600),
        ({"expires": "Mon, 23 Nov 2026 11:00:00 GMT", "date": "Mon, 23 Nov 2026 10:00:00 GMT"}, 3600),
        ({"expires": "0"}, None),
        ({"expires": "Mon, 23 Nov 2026 11:00:00 GMT"}, None),
        ({"expires": "Fri, 31 Dec 9999 23:59:59 GMT"}, LONGEST.total_seconds()),
        ({}, None),
    ],
)
def test_freshness_is_read_as_a_private_cache_reads_it(headers, seconds):
    """max-age less Age, else Expires by the server's own clock; nothing where caching is forbidden."""
    found = read_hints(headers, 200, NOW).max_age

    assert seconds == (found.total_seconds() if found else None)


@pytest.mark.parametrize(
    ("status", "counts"), [*((status, True) for status in (200, 226, 304, 429)), (404, False), (500, False)]
)
def test_freshness_counts_on_answers_that_speak_of_the_feed(status, counts):
    """A 304 and a 429 renew it; an error page's freshness is not the feed's."""
    assert counts == (read_hints({"cache-control": "max-age=600"}, status, NOW).max_age is not None)


@pytest.mark.parametrize(
    ("said", "seconds"),
    [
        ("120", 120),
        (" 120 ", 120),
        ("Mon, 23 Nov 2026 12:02:00 GMT", 120),
        ("Mon, 23 Nov 2026 12:02:00", 120),
        ("Mon, 23 Nov 2026 11:00:00 GMT", None),
        ("0", None),
        ("-5", None),
        ("later", None),
        ("", None),
        ("9" * 30, LONGEST.total_seconds()),
    ],
)
@pytest.mark.parametrize("status", [429, 503, 301])
def test_retry_after_is_seconds_or_a_date(said, seconds, status):
    """Both forms, on any answer that is no success; nonsense is none."""
    found = read_hints({"retry-after": said}, status, NOW).retry_after

    assert seconds == (found.total_seconds() if found else None)


@pytest.mark.parametrize("status", [200, 304])
def test_retry_after_means_nothing_on_a_success(status):
    """The server answered; there is nothing to try again."""
    assert read_hints({"retry-after": "120"}, status, NOW) == Hints()


@given(
    st.dictionaries(st.sampled_from(["cache-control", "age", "expires", "date", "retry-after"]), st.text(max_size=40))
)
def test_no_header_breaks_the_reading(headers):
    """Any text gives positive spans or none."""
    hints = read_hints(headers, 429, NOW)

    assert all(span is None or timedelta(0) < span <= LONGEST for span in (hints.max_age, hints.retry_after))
