"""What polls teach of a server, and how it is asked because of that."""

from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import NOW, feed, response, settings
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Hop, Moving, Rhythm, Standing, Unread, Validators, Wishes
from services.fetcher.polling.feed_rows import dump_rhythm, dump_standing, read_rhythm, read_standing
from services.fetcher.polling.standing import (
    LIAR_FOR,
    PARKED,
    PROBE_EVERY,
    Request,
    failed,
    followed,
    holds,
    is_considerate,
    not_modified,
    refused,
    request,
    told,
    usable,
)

HOUR, DAY = timedelta(hours=1), timedelta(days=1)
FEED_URL = "https://news.example/feed.xml"
ELSEWHERE = "https://elsewhere.example/feed.xml"
BOTH = Validators(url=FEED_URL, etag='"1"', last_modified="Mon, 23 Nov 2026 08:00:00 GMT")
GZIP = replace(BOTH, etag='"1-gzip"')
HOURLY = Rhythm(gaps=(3600.0,) * 5, newest=NOW)


def answered(at=NOW, url=FEED_URL, status=200, hops=(), **headers):
    return replace(response(b"<rss/>", status, url, **headers), fetched_at=at, hops=hops)


def quiet(hours, unmodified=3, **more):
    """A feed with an entry an hour that gave nothing but 304s for so many hours."""
    standing = Standing(told_at=NOW - hours * HOUR, unmodified=unmodified, unmodified_at=NOW - HOUR / 2, **more)
    return feed(validators=BOTH, rhythm=HOURLY, standing=standing)


def redirected(to, *statuses, at=NOW):
    """An answer from `to`, after redirects with these statuses."""
    urls = [FEED_URL, *(f"{to}?{number}" for number in range(1, len(statuses)))]
    hops = tuple(Hop(url=url, status=status) for url, status in zip(urls, statuses, strict=True))
    return answered(at, to, hops=hops)


def polled_daily(days, *statuses, target=ELSEWHERE, proved=True, leased=None):
    """What is known after polls on so many days that were redirected each time."""
    asked = leased or feed()
    for day in range(days):
        answer = redirected(target, *statuses, at=NOW + day * DAY)
        asked = replace(asked, standing=followed(asked, answer, proved=proved))
    return asked.standing


@pytest.mark.parametrize(
    ("hours", "unmodified", "probed", "doubted"),
    [
        (5, 3, None, True),
        (4, 3, None, False),
        (5, 2, None, False),
        (500, 30, NOW - PROBE_EVERY + HOUR, False),
        (500, 30, NOW - PROBE_EVERY, True),
    ],
    ids=["four gaps", "not yet", "too few", "probed lately", "probed long ago"],
)
def test_304s_that_go_on_for_too_long_are_doubted_now_and_then(hours, unmodified, probed, doubted):
    """One request without validators after four times the usual gap, and one a week at most."""
    asked = request(quiet(hours, unmodified, probed_at=probed), NOW)

    assert asked == Request(url=FEED_URL, validators=None if doubted else BOTH, probe=doubted)


def test_without_gaps_to_go_by_304s_are_believed_for_a_week():
    """Nobody knows how long such a feed is silent."""
    leased = [replace(quiet(hours), rhythm=Rhythm()) for hours in (24, 24 * 9)]

    assert [request(each, NOW).probe for each in leased] == [False, True]


@pytest.mark.parametrize(
    ("headers", "same", "lied"),
    [
        ({"etag": BOTH.etag, "last_modified": BOTH.last_modified}, False, True),
        ({"etag": BOTH.etag, "last_modified": BOTH.last_modified}, True, False),
        ({"etag": '"2"', "last_modified": "Mon, 23 Nov 2026 11:59:00 GMT"}, False, False),
        ({"etag": '"2"', "last_modified": "Mon, 23 Nov 2026 09:00:00 GMT"}, False, True),
        ({"etag": '"2"'}, False, False),
    ],
    ids=["same validators", "same document", "new since", "older than the last 304", "no date"],
)
def test_a_server_lies_that_said_304_of_what_had_changed(headers, same, lied):
    """Another document under the same validators, or one that by its own date was there when 304 was said."""
    probed = told(quiet(5), Request(url=FEED_URL, probe=True), answered(**headers), same=same)

    assert (probed.lied_at, probed.probed_at, probed.unmodified) == (NOW if lied else None, NOW, 0)


def test_another_document_under_the_same_etag_is_a_lie_without_any_date():
    """What has no date to compare has validators to compare."""
    undated = replace(quiet(5), validators=replace(BOTH, last_modified=None))
    probe = Request(url=FEED_URL, probe=True)
    found = [told(undated, probe, answered(etag=etag), same=False).lied_at for etag in (BOTH.etag, '"2"')]

    assert found == [NOW, None]


def test_a_document_that_came_without_a_probe_proves_no_lie():
    """The validators were sent, and the server did not say 304."""
    answer = answered(etag=BOTH.etag, last_modified=BOTH.last_modified)
    known = told(quiet(5), Request(url=FEED_URL, validators=BOTH), answer, same=False)

    assert known.lied_at is None


def test_a_liar_is_asked_without_validators_and_less_often_for_a_month():
    """Then its 304s are believed again: it may have been mended."""
    lied = Standing(proved=True, max_age=HOUR, lied_at=NOW)
    known = feed(validators=BOTH, standing=lied)

    assert request(known, NOW + LIAR_FOR / 2) == Request(url=FEED_URL)
    assert not is_considerate(lied, BOTH, NOW + LIAR_FOR / 2)
    assert request(known, NOW + LIAR_FOR).validators == BOTH
    assert is_considerate(lied, BOTH, NOW + LIAR_FOR)


def test_a_server_is_considerate_that_answered_304_or_says_a_max_age():
    """Each is a reason to ask it more often than once an hour."""
    shown = [Standing(), not_modified(Standing(), BOTH, NOW), Standing(max_age=HOUR)]

    assert [is_considerate(each, None, NOW) for each in shown] == [False, True, True]


def test_a_server_with_validators_is_considerate_until_a_document_comes_twice_under_them():
    """One with news at each poll cannot answer 304; one that sends what is known does not look at them."""
    known = feed(validators=BOTH)
    asked = Request(url=FEED_URL, validators=BOTH)
    news = told(known, asked, answered(etag='"2"'), same=False)
    twice = told(known, asked, answered(etag='"2"'), same=True)
    probed = told(known, Request(url=FEED_URL, probe=True), answered(etag='"2"'), same=True)

    assert [is_considerate(each, BOTH, NOW) for each in (news, twice, probed)] == [True, False, True]
    assert not is_considerate(told(replace(known, standing=twice), asked, answered(), same=False), BOTH, NOW)
    assert is_considerate(not_modified(twice, BOTH, NOW), BOTH, NOW)


def test_an_etag_that_apache_does_not_know_again_is_left_out_after_three_times():
    """Its `-gzip` never matches; the date alone does. Another ETag, or a 304 to it, and both are sent again."""
    known = feed(validators=GZIP)
    for _ in range(3):
        assert request(known, NOW).validators == GZIP
        answer = answered(etag=GZIP.etag)
        known = replace(known, standing=told(known, request(known, NOW), answer, same=True))

    dated = replace(GZIP, etag=None)
    assert request(known, NOW).validators == dated
    again = replace(known, standing=not_modified(known.standing, dated, NOW))
    assert request(again, NOW).validators == dated
    heard = replace(known, standing=not_modified(known.standing, GZIP, NOW))
    assert request(heard, NOW).validators == GZIP
    assert request(replace(known, validators=BOTH), NOW).validators == BOTH


def test_a_marked_etag_without_a_date_is_still_sent():
    """It is all there is."""
    only = replace(GZIP, last_modified=None)

    assert request(feed(validators=only, standing=Standing(deaf=9)), NOW).validators == only


@pytest.mark.parametrize("etag", ['"1"', 'W/"1"', "unquoted"])
def test_other_etags_are_sent_whatever_they_did(etag):
    """Byte for byte, however many full answers they brought."""
    validators = replace(BOTH, etag=etag)
    known = feed(validators=validators)
    for _ in range(5):
        known = replace(known, standing=told(known, request(known, NOW), answered(etag=etag), same=True))

    assert request(known, NOW).validators == validators


@pytest.mark.parametrize("statuses", [(301,), (308,), (301, 308)])
def test_a_permanent_redirect_is_believed_after_three_polls_in_a_week(statuses):
    """Not before; the feed's own address stays what it is known by."""
    assert polled_daily(7, *statuses).moved_to is None
    moved = polled_daily(8, *statuses)

    assert (moved.moved_to, moved.moving) == (ELSEWHERE, None)
    assert request(feed(standing=moved), NOW).url == ELSEWHERE


def test_two_polls_are_too_few_however_far_apart():
    """A site that is being moved may point anywhere for a moment."""
    first = followed(feed(), redirected(ELSEWHERE, 301), proved=True)
    second = followed(feed(standing=first), redirected(ELSEWHERE, 301, at=NOW + 30 * DAY), proved=True)

    assert (second.moved_to, second.moving and second.moving.polls) == (None, 2)


@pytest.mark.parametrize("status", [302, 303, 307])
def test_a_redirect_for_the_time_being_is_never_believed(status):
    """It is followed anew each time."""
    standing = polled_daily(30, status)

    assert (standing.moved_to, standing.moving) == (None, None)


def test_of_a_mixed_chain_the_permanent_beginning_is_believed():
    """Where that ends, the rest may lead elsewhere tomorrow."""
    assert polled_daily(8, 301, 302).moved_to == f"{ELSEWHERE}?1"
    assert polled_daily(8, 302, 301).moved_to is None


def test_a_target_that_never_listed_what_is_known_is_not_believed():
    """A page for logging in can be the target of a permanent redirect, too."""
    assert polled_daily(30, 301, proved=False).moved_to is None


def test_only_the_first_answer_of_a_target_proves_it():
    """Later ones list what was stored at the first, whosever it is; so does another target after one unproved."""
    standing = Standing()
    for day in range(30):
        answer = redirected(ELSEWHERE, 301, at=NOW + day * DAY)
        standing = followed(feed(standing=standing), answer, proved=day > 0)
    assert (standing.moved_to, standing.moving and standing.moving.proved) == (None, False)

    for day in range(30, 60):
        answer = redirected(f"{ELSEWHERE}?2", 301, at=NOW + day * DAY)
        standing = followed(feed(standing=standing), answer, proved=True)
    assert standing.moved_to is None


def test_another_target_starts_anew():
    """Two targets in turn are a fault of the site."""
    almost = feed(standing=polled_daily(7, 301))
    other = followed(almost, redirected("https://third.example/feed", 301, at=NOW + 9 * DAY), proved=True)

    assert other.moving == Moving(url="https://third.example/feed", since=NOW + 9 * DAY, polls=1, proved=True)
    assert followed(almost, answered(NOW + 9 * DAY), proved=True).moving is None


def test_the_same_address_by_https_is_believed_at_once():
    """And no other: neither another path nor another host, nor the way back to http."""
    plain = "http://news.example/feed.xml"
    insecure = feed(settings=settings(plain))
    hops = (Hop(url=plain, status=301),)

    assert followed(insecure, answered(url=FEED_URL, hops=hops), proved=False).moved_to == FEED_URL
    assert followed(insecure, answered(url="https://news.example/other", hops=hops), proved=True).moved_to is None
    assert polled_daily(30, 301, target=plain).moved_to is None


def test_a_feed_with_secrets_never_moves_to_another_site():
    """They are sent to the site that the operator named."""
    secret = feed(settings=settings(headers={"Authorization": "Basic eA=="}))

    assert polled_daily(30, 301, leased=secret).moved_to is None
    assert polled_daily(30, 301, target="https://www.news.example/rss", leased=secret).moved_to is not None


def test_an_address_that_fails_again_and_again_is_given_up_for_the_old_one():
    """A move that went wrong is undone without anybody's help."""
    moved = Standing(moved_to=ELSEWHERE)

    assert [failed(moved, failures).moved_to for failures in (0.5, 2.5, 3.0)] == [ELSEWHERE, ELSEWHERE, None]


def test_gone_is_believed_a_day_later_and_asked_about_once_a_month():
    """Never given up: one that comes back is polled as ever."""
    once = refused(Standing(), 410, NOW)
    soon = refused(once, 410, NOW + DAY - HOUR)
    later = refused(soon, 410, NOW + DAY)

    assert [holds(each) for each in (once, soon, later)] == [(), (), (("parked", PARKED),)]
    assert holds(not_modified(later, BOTH, NOW + 30 * DAY)) == ()
    assert told(feed(standing=later), Request(url=FEED_URL), answered(), same=False).parked is False


def test_gone_and_back_and_gone_is_not_gone_twice():
    """A 404 or any other answer in between starts the day anew."""
    between = refused(refused(Standing(), 410, NOW), 404, NOW + HOUR)

    assert refused(between, 410, NOW + 2 * DAY).parked is False


def test_documents_that_kill_their_worker_are_asked_for_less_and_less_often():
    """An hour, two, four, up to a week."""
    waits = [dict(holds(Standing(kills=kills))).get("killed_worker") for kills in (0, 1, 2, 3, 100)]

    assert waits == [None, HOUR, 2 * HOUR, 4 * HOUR, 7 * DAY]


@pytest.mark.parametrize(
    ("modified", "kept"),
    [
        ("Mon, 23 Nov 2026 11:00:00 GMT", True),
        ("Tue, 24 Nov 2026 11:00:00 GMT", True),
        ("Fri, 19 Jan 2038 03:14:07 GMT", False),
        ("soon", True),
    ],
)
@pytest.mark.parametrize("etag", ['"1"', None])
def test_a_date_from_the_future_is_not_sent_back(modified, kept, etag):
    """Nothing would ever be newer; what cannot be read as a date is the server's own affair."""
    found = usable(Validators(url=FEED_URL, etag=etag, last_modified=modified), answered())
    expected = Validators(url=FEED_URL, etag=etag, last_modified=modified if kept else None)

    assert found == (expected if kept or etag else None)


moments = st.datetimes(timezones=st.just(NOW.tzinfo)).map(lambda at: at.replace(fold=0))
spans = st.timedeltas(timedelta(seconds=1), timedelta(days=300))
unreads = st.builds(Unread, url=st.text(min_size=1), left=st.integers(1, 9))
standings = st.builds(
    Standing,
    wishes=st.builds(
        Wishes,
        ttl=st.none() | spans,
        period=st.none() | spans,
        skip_hours=st.frozensets(st.integers(0, 23)),
        skip_days=st.frozensets(st.integers(0, 6)),
    ),
    max_age=st.none() | spans,
    proved=st.booleans(),
    told_at=st.none() | moments,
    unmodified=st.integers(0, 9),
    unmodified_at=st.none() | moments,
    probed_at=st.none() | moments,
    lied_at=st.none() | moments,
    deaf=st.integers(0, 9),
    moving=st.none() | st.builds(Moving, url=st.text(min_size=1), since=moments, polls=st.integers(0, 9)),
    moved_to=st.none() | st.text(min_size=1),
    gone_since=st.none() | moments,
    parked=st.booleans(),
    kills=st.integers(0, 9),
    alike=st.integers(0, 9),
    alike_since=st.none() | moments,
    unheard=st.booleans(),
    leaving=st.booleans(),
    unread=st.none() | unreads | st.builds(Unread, url=st.text(min_size=1), left=st.integers(1, 9), then=unreads),
    outcome=st.none() | st.text(min_size=1),
    reason=st.none() | st.text(min_size=1),
    failing_since=st.none() | moments,
)


@given(standings)
def test_what_is_written_of_a_feed_is_read_again(standing):
    """Byte for byte through JSON's own types."""
    assert read_standing(dump_standing(standing), {}) == standing


@given(
    st.builds(
        Rhythm,
        gaps=st.lists(st.floats(0, 1e9)).map(tuple),
        newest=st.none() | moments,
        last_new=st.none() | moments,
        polls=st.integers(0),
    )
)
def test_a_rhythm_that_is_written_is_read_again(rhythm):
    """The same for what is known of its entries."""
    assert read_rhythm(dump_rhythm(rhythm)) == rhythm


def test_rows_of_earlier_releases_are_read_with_defaults():
    """They have no standing, and a ttl among the rhythm."""
    old = {"gaps": [60.0], "newest": None, "failures": 1.5, "polls": 3, "ttl": 3600.0}

    assert read_rhythm(old) == Rhythm(gaps=(60.0,), failures=1.5, polls=3)
    assert read_standing({}, old) == Standing(wishes=Wishes(ttl=HOUR))
    assert (read_rhythm({}), read_standing({}, {})) == (Rhythm(), Standing())
    assert set(dump_rhythm(Rhythm())) >= set(old)
    assert read_rhythm({"newest": NOW.isoformat()}).last_new == NOW
