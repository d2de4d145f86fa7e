"""When a feed is polled next, and what servers say of it."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID, uuid5

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Bounds, Rhythm, Wishes
from services.fetcher.polling.schedule import (
    HOUR,
    Failure,
    Situation,
    allowed_at,
    fail,
    first_poll_at,
    next_poll,
    observe,
    shortest,
)
from services.fetcher.web.hints import LONGEST, Hints, read_hints

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FEED = UUID(int=7)
DAY = timedelta(days=1)
MINUTE = timedelta(minutes=1)
WIDE = Bounds(shortest=timedelta(minutes=15), longest=timedelta(hours=24))
TWO_HOURLY = Rhythm(gaps=(7200.0,) * 5, newest=NOW - HOUR, polls=9)
"""Polled every half hour."""
MONDAY = 0


def plan(rhythm=TWO_HOURLY, *, feed_id=FEED, jitter=0.0, now=NOW, **more):
    said = Situation(**{"bounds": WIDE, "considerate": True, **more})
    return next_poll(rhythm, said, now=now, feed_id=feed_id, jitter=jitter)


@pytest.mark.parametrize(
    ("gaps", "expected"),
    [
        ((1200.0, 1200.0), timedelta(minutes=10)),
        ((1800.0,), timedelta(minutes=15)),
        ((7200.0,) * 4, timedelta(minutes=30)),
        ((600.0, 13_800.0), timedelta(minutes=30)),
        ((50 * 3600.0,), timedelta(hours=2.5)),
    ],
    ids=["short", "just so", "long", "bursts", "two days"],
)
def test_a_feed_is_polled_twice_in_a_short_gap_and_more_often_in_a_long_one(gaps, expected):
    """Half the mean gap; of one over half an hour, half the geometric mean of both: rare news is not kept waiting."""
    bounds = Bounds(shortest=MINUTE)

    assert plan(Rhythm(gaps=gaps, newest=NOW), bounds=bounds).interval == expected


@pytest.mark.parametrize(
    ("rhythm", "expected"),
    [
        (Rhythm(), HOUR),
        (Rhythm(gaps=(1.0,), newest=NOW), timedelta(minutes=15)),
        (Rhythm(gaps=(1e9,), newest=NOW), timedelta(hours=24)),
        (replace(TWO_HOURLY, newest=NOW - timedelta(days=7)), HOUR / 2),
        (replace(TWO_HOURLY, newest=NOW - timedelta(days=8)), timedelta(hours=6)),
        (replace(TWO_HOURLY, newest=NOW - timedelta(days=15)), timedelta(hours=12)),
        (replace(TWO_HOURLY, newest=NOW - timedelta(days=31)), timedelta(hours=24)),
    ],
    ids=["unknown", "too busy", "too slow", "quiet", "silent a week", "silent two weeks", "silent a month"],
)
def test_rhythm_and_silence_within_the_bounds(rhythm, expected):
    """Unknown: four times the shortest. Silent: a quarter, half and all of the longest."""
    assert expected == plan(rhythm).interval


@pytest.mark.parametrize(
    ("bounds", "considerate", "expected"),
    [
        (WIDE, True, 15 * MINUTE),
        (WIDE, False, HOUR),
        (Bounds(shortest=MINUTE), False, MINUTE),
        (Bounds(shortest=30 * MINUTE), False, 30 * MINUTE),
        (Bounds(shortest=2 * HOUR), False, 2 * HOUR),
        (Bounds(longest=30 * MINUTE), False, 30 * MINUTE),
    ],
)
def test_a_server_must_earn_short_intervals_unless_the_operator_says_otherwise(bounds, considerate, expected):
    """One that never answered 304 nor said a max-age sends the whole document each time: once an hour at most."""
    assert shortest(Situation(bounds=bounds, considerate=considerate)) == expected
    assert plan(Rhythm(gaps=(1.0,), newest=NOW), bounds=bounds, considerate=considerate).interval == expected


@pytest.mark.parametrize(("overlap", "expected"), [(None, HOUR), (0.34, HOUR), (0.32, HOUR / 2), (0.0, HOUR / 2)])
def test_a_list_that_nearly_ran_over_halves_the_hour_of_a_server_that_earned_nothing(overlap, expected):
    """What it has to send for that is news."""
    assert plan(Rhythm(gaps=(1.0,), newest=NOW), overlap=overlap, considerate=False).interval == expected


@pytest.mark.parametrize(
    ("asked", "expected"),
    [
        ({"max_age": timedelta(minutes=10)}, HOUR / 2),
        ({"max_age": 2 * HOUR}, 2 * HOUR),
        ({"max_age": timedelta(days=365)}, 6 * HOUR),
        ({"wishes": Wishes(ttl=3 * HOUR)}, 3 * HOUR),
        ({"wishes": Wishes(ttl=3 * DAY)}, 24 * HOUR),
        ({"wishes": Wishes(period=4 * HOUR)}, 4 * HOUR),
        ({"wishes": Wishes(period=30 * DAY)}, 24 * HOUR),
        ({"wishes": Wishes(ttl=3 * HOUR, period=HOUR), "max_age": HOUR}, 3 * HOUR),
        ({"retry_after": 5 * HOUR}, 5 * HOUR),
        ({"retry_after": timedelta(seconds=5)}, HOUR / 2),
        ({"retry_after": 3 * DAY}, 3 * DAY),
        ({"retry_after": 30 * DAY}, 7 * DAY),
        ({"pushed": True}, 6 * HOUR),
        ({"holds": (("robots", 2 * DAY),)}, 2 * DAY),
    ],
)
def test_hints_only_ever_slow_down_and_are_not_believed_for_ever(asked, expected):
    """max-age counts for 6 hours at most, ttl and period for a day, Retry-After for a week, a hold as it is."""
    assert expected == plan(**asked).interval


def test_the_operators_longest_interval_beats_all_hints_but_retry_after():
    """Someone who says `at least hourly` knows the feed; a server that asks for a pause gets it."""
    bounds = Bounds(shortest=timedelta(minutes=1), longest=HOUR)
    hints = {"max_age": 5 * HOUR, "wishes": Wishes(ttl=9 * HOUR), "pushed": True}

    assert plan(bounds=bounds, **hints).interval == HOUR
    assert plan(bounds=bounds, **hints, retry_after=2 * HOUR).interval == 2 * HOUR


def test_a_second_is_a_possible_interval():
    """Nothing but the operator's shortest interval stands in the way of a fast demo, the jitter is a tenth."""
    schedule = plan(Rhythm(gaps=(0.5,), newest=NOW, polls=9), bounds=Bounds(shortest=timedelta(seconds=1)), jitter=0.99)

    assert schedule.interval == timedelta(seconds=1)
    assert timedelta(seconds=1) <= schedule.wait < timedelta(seconds=1.1)


@pytest.mark.parametrize(
    ("overlap", "expected"), [(None, HOUR), (1.0, HOUR), (0.34, HOUR), (0.32, HOUR / 2), (0.0, HOUR / 2)]
)
def test_a_list_that_nearly_ran_over_is_read_twice_as_often(overlap, expected):
    """Hardly anything of it was known: with a few entries more, some would have gone unseen."""
    rhythm = Rhythm(gaps=(4 * 7200.0,), newest=NOW)

    assert plan(rhythm, overlap=overlap).interval == expected


def test_a_list_that_runs_over_is_still_not_read_sooner_than_asked():
    """The server's own word comes before our wish not to miss anything."""
    assert plan(Rhythm(gaps=(28_800.0,), newest=NOW), overlap=0.0, max_age=3 * HOUR).interval == 3 * HOUR


def test_failures_stretch_the_interval_one_by_one():
    """The first changes nothing, the third makes it three times as long; a day is the most, beyond thirty a month."""
    failed = [replace(TWO_HOURLY, failures=count) for count in (1.0, 3.0, 30.0, 100.0, 10_000.0)]

    assert [plan(each, failed=Failure.LASTING).interval for each in failed] == [
        HOUR / 2,
        1.5 * HOUR,
        15 * HOUR,
        50 * HOUR,
        30 * DAY,
    ]
    assert plan(replace(TWO_HOURLY, failures=30.0), failed=Failure.LASTING, max_age=5 * HOUR).interval == DAY


def test_a_week_long_interval_is_not_shortened_by_a_failure():
    """The day that failures may stretch to is no upper limit of its own."""
    bounds = Bounds(shortest=timedelta(days=6), longest=timedelta(days=7))
    rhythm = replace(TWO_HOURLY, failures=2.0)

    assert plan(rhythm, bounds=bounds, failed=Failure.LASTING).interval == timedelta(days=6)


def test_the_terms_say_why():
    """Each rule that took part is named with what it asked for, in seconds."""
    rhythm = replace(TWO_HOURLY, failures=2.0, newest=NOW - timedelta(days=8))
    terms = dict(
        plan(
            rhythm,
            max_age=HOUR,
            wishes=Wishes(ttl=2 * HOUR, period=3 * HOUR, skip_days=frozenset({MONDAY})),
            retry_after=HOUR,
            failed=Failure.PASSING,
            pushed=True,
            overlap=0.1,
            holds=(("parked", 2 * DAY),),
        ).terms
    )
    random, skipped = terms.pop("jitter"), terms.pop("skipped", None)

    assert terms == {
        "rhythm": 1800.0,
        "silence": 21_600.0,
        "overflow": 10_800.0,
        "max_age": 3600.0,
        "ttl": 7200.0,
        "period": 10_800.0,
        "pushed": 21_600.0,
        "failures": 43_200.0,
        "parked": 172_800.0,
        "retry_after": 3600.0,
        "shortest": 900.0,
        "longest": 86_400.0,
        "interval": 172_800.0,
    }
    assert (0 <= random <= 1800, skipped) == (True, None)


@pytest.mark.parametrize(
    ("wishes", "expected"),
    [
        (Wishes(), "2026-11-23 12:30"),
        (Wishes(skip_hours=frozenset({11, 13})), "2026-11-23 12:30"),
        (Wishes(skip_hours=frozenset({12, 13})), "2026-11-23 14:00"),
        (Wishes(skip_hours=frozenset(range(12, 24))), "2026-11-24 00:00"),
        (Wishes(skip_days=frozenset({MONDAY})), "2026-11-24 00:00"),
        (Wishes(skip_days=frozenset({MONDAY}), skip_hours=frozenset(range(6))), "2026-11-24 06:00"),
        (Wishes(skip_days=frozenset(range(6))), "2026-11-29 00:00"),
        (Wishes(skip_hours=frozenset(range(24))), "2026-11-23 12:30"),
        (Wishes(skip_days=frozenset(range(7))), "2026-11-23 12:30"),
    ],
)
def test_hours_and_days_that_a_feed_skips_are_waited_for(wishes, expected):
    """In GMT, to the start of the next hour that is none of them; a feed that skips all of them skips none."""
    at = allowed_at(NOW + 30 * MINUTE, wishes)

    assert at == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_poll_that_would_fall_into_a_skipped_hour_comes_after_it():
    """Not all at the stroke of the next: they are spread over half of it."""
    wishes = Wishes(skip_hours=frozenset({12, 13}))
    waits = {plan(wishes=wishes, feed_id=uuid5(FEED, str(number))).wait for number in range(50)}

    assert len(waits) == 50
    assert all(2 * HOUR <= wait <= 2.5 * HOUR for wait in waits)
    assert "skipped" in dict(plan(wishes=wishes).terms)


def test_feeds_that_were_overdue_together_do_not_come_back_together():
    """After a stop the next polls are spread over a quarter of an interval; in the usual run over a tenth."""
    spread = []
    for late in (timedelta(0), 5 * HOUR):
        waits = [plan(feed_id=uuid5(FEED, str(number)), late=late).wait for number in range(200)]
        spread.append((max(waits) - min(waits)) / (HOUR / 2))

    assert spread[0] <= 0.1
    assert 0.2 < spread[1] <= 0.25


def test_feeds_that_begin_together_do_not_go_on_together():
    """The second polls of an imported list are spread over a quarter of the interval, half an hour at most."""
    began = replace(TWO_HOURLY, polls=1)
    waits = [plan(began, feed_id=uuid5(FEED, str(number))).wait for number in range(200)]

    assert 0.2 < (max(waits) - min(waits)) / (HOUR / 2) <= 0.25
    assert (
        max(plan(replace(began, newest=NOW - 40 * DAY), jitter=each / 10).wait for each in range(10)) <= DAY + HOUR / 2
    )


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

    assert seen == Rhythm(gaps=(1.0,) * 18 + (3600.0, 3600.0), newest=NOW - HOUR, last_new=NOW, failures=0.0, polls=3)


def test_entries_without_a_time_count_as_of_now_and_of_one_instant_once():
    """Dates that are missing, ahead of the clock or all the same make no false gaps of zero."""
    seen = observe(Rhythm(newest=NOW - HOUR), [None, None, NOW + HOUR, NOW], NOW)

    assert (seen.gaps, seen.newest) == ((3600.0,), NOW)


def test_late_entries_do_not_turn_back_the_rhythm():
    """An entry older than the newest known says nothing of the pace."""
    seen = observe(Rhythm(gaps=(60.0,), newest=NOW), [NOW - timedelta(days=300)], NOW)

    assert (seen.gaps, seen.newest) == ((60.0,), NOW)


def test_news_that_is_always_dated_long_ago_is_no_silence():
    """What counts is when something new was found; without it, as of rows of earlier releases, the newest date."""
    old = NOW - timedelta(days=40)
    rhythm = observe(Rhythm(gaps=(7200.0,), newest=old - HOUR, last_new=NOW - HOUR, polls=5), [old], NOW)

    assert rhythm.last_new == NOW
    assert "silence" not in dict(plan(rhythm).terms)
    assert "silence" in dict(plan(replace(rhythm, last_new=None, newest=old)).terms)


def test_a_backdated_entry_counts_as_of_now():
    """It was not there when the last new one was found an hour and more after its date."""
    known = Rhythm(newest=NOW - 5 * HOUR, last_new=NOW - 5 * HOUR, polls=3)
    backdated = observe(known, [NOW - 40 * DAY], NOW)
    in_time = observe(known, [NOW - 4 * HOUR], NOW)

    assert (backdated.gaps, backdated.newest) == ((5 * 3600.0,), NOW)
    assert (in_time.gaps, in_time.newest) == ((3600.0,), NOW - 4 * HOUR)


def test_what_a_first_poll_finds_is_as_new_as_its_date():
    """A feed that has been silent for a year is not new because we have just come."""
    first = observe(Rhythm(), [NOW - 400 * DAY, NOW - 401 * DAY], NOW)

    assert (first.last_new, first.gaps) == (NOW - 400 * DAY, (86_400.0,))


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
    polls=st.integers(0, 3),
)
all_bounds = st.tuples(spans, spans).map(lambda pair: Bounds(shortest=min(pair), longest=max(pair)))
hours = st.frozensets(st.integers(0, 23))
days = st.frozensets(st.integers(0, 6))
all_wishes = st.builds(Wishes, ttl=st.none() | spans, period=st.none() | spans, skip_hours=hours, skip_days=days)
situations = st.builds(
    Situation,
    bounds=all_bounds,
    wishes=all_wishes,
    max_age=st.none() | spans,
    retry_after=st.none() | spans,
    failed=st.none() | st.sampled_from(Failure),
    considerate=st.booleans(),
    pushed=st.booleans(),
    overlap=st.none() | st.floats(0, 1),
    late=st.just(timedelta(0)) | spans,
)
jitters = st.floats(0, 1)


def planned(rhythm, situation, jitter=0.0):
    return next_poll(rhythm, situation, now=NOW, feed_id=FEED, jitter=jitter)


def without_skips(situation):
    return replace(situation, wishes=replace(situation.wishes, skip_hours=frozenset(), skip_days=frozenset()))


@given(rhythms, situations, jitters)
def test_the_bounds_always_hold(rhythm, situation, jitter):
    """Never sooner than the shortest, nor than Retry-After; never later than the longest but for what says so."""
    schedule = planned(rhythm, situation, jitter)
    asked = min(situation.retry_after or timedelta(0), 7 * DAY)
    given_up = 30 * DAY if situation.failed and rhythm.failures > 30 else timedelta(0)

    assert schedule.interval >= max(shortest(situation), asked)
    assert schedule.interval <= max(situation.bounds.longest, asked, given_up)


@given(rhythms, situations, jitters)
def test_jitter_only_ever_adds_a_little(rhythm, situation, jitter):
    """A tenth and half an hour at most; a quarter of the interval where the poll was overdue, or one of the first."""
    schedule = planned(rhythm, without_skips(situation), jitter)
    random, interval = schedule.wait - schedule.interval, schedule.interval
    usual = min(interval / 10, timedelta(minutes=30))
    first = min(interval / 4, timedelta(minutes=30)) if rhythm.polls <= 1 else usual
    widest = max(first, interval / 4) if situation.late > timedelta(minutes=30) else max(first, usual)

    assert timedelta(0) <= random <= widest + timedelta(microseconds=1)


@given(rhythms, situations, jitters)
def test_no_poll_falls_into_what_the_feed_skips(rhythm, situation, jitter):
    """Unless it skips every hour or every day; and skipping never makes it sooner."""
    wishes, at = situation.wishes, NOW + planned(rhythm, situation, jitter).wait

    assert at >= NOW + planned(rhythm, without_skips(situation), jitter).wait
    if len(wishes.skip_hours) < 24 and len(wishes.skip_days) < 7:
        assert at.hour not in wishes.skip_hours
        assert at.weekday() not in wishes.skip_days


@given(rhythms, situations, st.sampled_from(Failure), jitters, st.floats(0, 50))
def test_more_failures_never_make_it_sooner(rhythm, situation, failed, jitter, more):
    """Whatever else holds: another failure keeps the next poll where it was, or moves it away."""
    failing = replace(without_skips(situation), failed=failed)

    assert planned(fail(rhythm, more), failing, jitter).wait >= planned(rhythm, failing, jitter).wait


@given(rhythms, situations, spans, st.sampled_from(["max_age", "retry_after", "ttl", "period"]), jitters)
def test_a_hint_never_makes_it_sooner(rhythm, situation, more, name, jitter):
    """A server or a document can ask us to come later, not earlier."""
    said = without_skips(situation)
    if name in {"ttl", "period"}:
        longer = max(getattr(said.wishes, name) or more, more)
        asking = replace(said, wishes=replace(said.wishes, **{name: longer}))
    else:
        asking = replace(said, **{name: max(getattr(said, name) or more, more)})

    assert planned(rhythm, asking, jitter).wait >= planned(rhythm, said, jitter).wait


@given(rhythms, situations, jitters)
def test_a_hub_a_hold_and_an_inconsiderate_server_never_make_it_sooner(rhythm, situation, jitter):
    """Each of them is a reason to come later."""
    said = replace(without_skips(situation), pushed=False, considerate=True)
    slower = (replace(said, pushed=True), replace(said, considerate=False), replace(said, holds=(("robots", DAY),)))

    assert all(planned(rhythm, each, jitter).wait >= planned(rhythm, said, jitter).wait for each in slower)


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
