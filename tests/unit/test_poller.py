import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from fakes import NOW, Client, Feeds, Hanging, Hosts, answers, feed, parsed, response, settings
from structlog.testing import capture_logs

from services.fetcher.errors import Disallowed, HostBusy, ParsersBusy
from services.fetcher.model import (
    Backlog,
    Feed,
    FeedLinks,
    Hop,
    Hub,
    ParsedFeed,
    PollOutcome,
    Response,
    Rhythm,
    Sitemap,
    Standing,
    Unread,
    Validators,
    Wishes,
)
from services.fetcher.polling.outage import LEAST_SITES, Network
from services.fetcher.polling.poller import Poller
from services.fetcher.polling.reading import MOST_UNREAD
from services.fetcher.polling.sameness import content_hash
from services.fetcher.polling.schedule import Failure
from services.fetcher.polling.store import Poll
from services.fetcher.web.responses import body_hash
from shared.errors import PermanentError, StoreUnavailable, TransientError
from shared.waiting import SITES_NAMED, waiting
from shared.workers import WorkerLost

FEED_URL = "https://news.example/feed.xml"
KEPT = Validators(url=FEED_URL, etag='"1"', last_modified="Mon")
BODY = b"<rss/>"
ITEM = b"<item><guid>a</guid></item></channel></rss>"
HOUR, DAY = timedelta(hours=1), timedelta(days=1)
READ_BEFORE = Rhythm(polls=9, newest=NOW - HOUR, gaps=(7200.0,) * 5)


class Gate:
    """Lets everyone in, unless `refusal` is given; `asked_now` robots.txt takes the slot that was taken."""

    def __init__(self, refusal: Exception | None = None, *, asked_now: bool = False) -> None:
        self._refusal = refusal
        self._asked_now = asked_now
        self.checked: list[str] = []

    async def check_feed(self, url: str) -> bool:
        self.checked.append(url)
        if self._refusal is not None:
            raise self._refusal
        return self._asked_now


async def polled(
    answer: object,
    leased: Feed | None = None,
    *,
    parse: object = None,
    feeds: Feeds | None = None,
    hosts: Hosts | None = None,
    gate: Gate | None = None,
) -> tuple[PollOutcome, Poll]:
    works = feeds or Feeds()
    document = parse or ParsedFeed(entries=(parsed("a"), parsed("b", "https://news.example/b")))
    client = Client(answer)  # type: ignore[arg-type]
    poller = Poller(client, works, hosts or Hosts(), answers(document), delay=timedelta(0), gate=gate)
    outcome = await poller.poll(leased or feed(rhythm=Rhythm(polls=1)))
    return outcome, works.polls[-1]


async def test_new_entries_are_committed_with_the_validators_that_cover_them() -> None:
    """One commit has both, and the body's hash."""
    outcome, poll = await polled(response(BODY, url=FEED_URL, etag='"2"'))

    assert outcome is PollOutcome.CHANGED
    assert poll.selection is not None
    assert [entry.identity for entry in poll.selection.new] == ["a", "b"]
    assert (poll.validators, poll.body_hash) == (Validators(url=FEED_URL, etag='"2"'), body_hash(BODY))


async def test_the_request_is_conditional_and_has_the_feeds_own_headers() -> None:
    """What was kept of the last answer is asked with."""
    said = settings(headers={"Authorization": "Basic eA=="})
    client = Client(response(status=304))
    poller = Poller(client, Feeds(), Hosts(), answers(), delay=timedelta(0))
    await poller.poll(feed(settings=said, validators=KEPT))

    assert client.asked == [(FEED_URL, KEPT, {"Authorization": "Basic eA=="})]


async def test_a_304_reads_nothing_and_keeps_what_it_does_not_replace() -> None:
    """A new ETag is taken over, the date stays."""
    outcome, poll = await polled(
        response(b"", 304, FEED_URL, etag='"2"'), feed(validators=KEPT, body_hash="abc"), parse=KeyError("read")
    )

    assert outcome is PollOutcome.NOT_MODIFIED
    assert (poll.selection, poll.body_hash) == (None, "abc")
    assert poll.validators == Validators(url=FEED_URL, etag='"2"', last_modified="Mon")


async def test_a_304_that_nobody_asked_for_is_a_failure() -> None:
    """There is nothing that could be unmodified."""
    outcome, poll = await polled(response(b"", 304, FEED_URL))

    assert (outcome, poll.rhythm.failures > 0) == (PollOutcome.FAILED, True)


async def test_a_body_that_is_known_is_not_parsed() -> None:
    """Many servers send the same document again without a 304."""
    outcome, poll = await polled(response(BODY, url=FEED_URL), feed(body_hash=body_hash(BODY)), parse=KeyError("read"))

    assert (outcome, poll.selection, poll.body_hash) == (PollOutcome.UNCHANGED, None, body_hash(BODY))


async def test_a_document_that_broke_off_is_not_remembered() -> None:
    """Its rest must not be hidden by a 304; what came is used."""
    cut = response(BODY, url=FEED_URL, etag='"2"')
    cut = type(cut)(**{name: getattr(cut, name) for name in cut.__slots__} | {"truncated": True})
    outcome, poll = await polled(cut)

    assert (outcome, poll.validators, poll.body_hash) == (PollOutcome.CHANGED, None, None)
    assert poll.selection is not None
    assert len(poll.selection.new) == 2


@pytest.mark.parametrize(
    ("answer", "outcome", "held"),
    [
        (response(status=429, retry_after="120"), PollOutcome.THROTTLED, True),
        (response(status=503), PollOutcome.THROTTLED, True),
        (response(status=500), PollOutcome.FAILED, False),
        (response(status=410), PollOutcome.FAILED, False),
        (TransientError("timeout"), PollOutcome.FAILED, False),
        (PermanentError("too_large"), PollOutcome.FAILED, False),
        (PermanentError("address_refused"), PollOutcome.BLOCKED, False),
    ],
)
async def test_a_failure_is_an_outcome_that_forgets_nothing(answer: object, outcome: PollOutcome, held: bool) -> None:
    """Validators, hash and entries stay; the failure counts, and a site that throttles is held."""
    hosts = Hosts()
    found, poll = await polled(answer, feed(validators=KEPT, body_hash="abc"), hosts=hosts)

    assert found is outcome
    assert (poll.validators, poll.body_hash, poll.selection) == (KEPT, "abc", None)
    assert poll.rhythm.failures > 0
    assert bool(hosts.held) is held


async def test_retry_after_moves_the_next_poll() -> None:
    """However short the feed's own interval is."""
    _, poll = await polled(response(status=429, retry_after="86400"))

    assert poll.schedule.interval >= timedelta(days=1)


@pytest.mark.parametrize("error", [PermanentError("not_a_feed"), WorkerLost("worker_timeout")])
async def test_a_document_that_cannot_be_read_is_asked_for_again(error: PermanentError) -> None:
    """Its validators are not kept: the next poll gets it whole once more."""
    outcome, poll = await polled(
        response(BODY, url=FEED_URL, etag='"2"'), feed(validators=KEPT, body_hash="abc"), parse=error
    )

    assert (outcome, poll.validators, poll.body_hash) == (PollOutcome.FAILED, KEPT, "abc")


async def test_a_busy_host_is_no_poll() -> None:
    """The feed is handed back until the host is free; it is not a failure, and not a success."""
    feeds, leased = Feeds(), feed()
    poller = Poller(Client(), feeds, Hosts(HostBusy(NOW)), answers(), delay=timedelta(0))

    assert await poller.poll(leased) is PollOutcome.WAITING
    assert (feeds.polls, feeds.postponed) == ([], [(leased, NOW)])


@pytest.mark.parametrize("way", ["redirect", "robots"])
async def test_a_busy_host_on_the_way_puts_the_feed_off_for_longer(way: str) -> None:
    """Its own server was asked for nothing; at a time of the feed's own, for others may lead to the same host."""
    feeds, hosts, ways = Feeds(), Hosts(), [settings(f"https://blog{number}.example/feed") for number in range(9)]
    for each in ways:
        client, gate = Client(HostBusy(NOW)), Gate(HostBusy(NOW)) if way == "robots" else None
        poller = Poller(client, feeds, hosts, answers(), delay=timedelta(0), gate=gate)
        await poller.poll(feed(settings=each, feed_id=each.feed_id))

    untils = [until for _, until in feeds.postponed]
    assert all(NOW + HOUR / 4 <= until <= NOW + HOUR / 2 for until in untils)
    assert len(set(untils)) == len(ways)


async def test_earlier_documents_are_waited_for_longer_than_the_feed() -> None:
    """Its own took the slot just now: the next one of a slow site is beyond what is waited for else."""

    class Slow(Hosts):
        async def reserve(self, site: str, delay: timedelta, patience: timedelta = timedelta(seconds=10)) -> timedelta:
            if self.reserved and patience < timedelta(seconds=59):
                raise HostBusy(NOW)
            return await super().reserve(site, delay, patience)

    poll, client = await walked(feed(rhythm=READ_BEFORE), {"b": "0"}, hosts=Slow())

    assert (len(client.asked), poll.standing.unread) == (2, None)


async def test_a_lost_lease_is_said() -> None:
    """What was found is another's to find."""
    outcome, _ = await polled(response(BODY, url=FEED_URL), feeds=Feeds(kept=False))

    assert outcome is PollOutcome.LEASE_LOST


async def test_an_outage_of_the_store_is_no_outcome_of_the_feed() -> None:
    """It is raised: the loop waits, and the feed is polled again when its lease is over."""
    feeds = Feeds()
    poller = Poller(Client(), feeds, Hosts(StoreUnavailable("down")), answers(), delay=timedelta(0))
    with pytest.raises(StoreUnavailable):
        await poller.poll(feed())

    assert feeds.polls == []


async def test_only_a_first_poll_has_a_backlog() -> None:
    """Later every entry is new, however many there are."""
    said = settings(backlog="none")
    first = await polled(response(BODY, url=FEED_URL), feed(settings=said, rhythm=Rhythm(polls=0)))
    later = await polled(response(BODY, url=FEED_URL), feed(settings=said, rhythm=Rhythm(polls=1)))

    counts = [(len(poll.selection.new), len(poll.selection.skipped)) for _, poll in (first, later) if poll.selection]
    assert counts == [(0, 2), (2, 0)]


async def test_a_bug_is_a_failed_poll() -> None:
    """Or it would be met again each time that the lease ends; it says nothing against the feed."""
    outcome, poll = await polled(
        response(BODY, url=FEED_URL), feed(validators=KEPT, body_hash="abc"), parse=KeyError("bug")
    )

    assert (outcome, poll.validators, poll.body_hash, poll.selection) == (PollOutcome.FAILED, KEPT, "abc", None)
    assert poll.rhythm.failures == Failure.OURS.value


async def test_a_bug_in_storing_is_a_failed_poll_too() -> None:
    """Without what could not be stored."""

    class Choosy(Feeds):
        async def commit(self, poll: Poll) -> bool:
            if poll.selection is not None:
                raise ValueError("bug")
            return await super().commit(poll)

    outcome, poll = await polled(response(BODY, url=FEED_URL), feeds=Choosy())

    assert (outcome, poll.rhythm.failures) == (PollOutcome.FAILED, Failure.OURS.value)


async def test_a_poll_that_is_cancelled_hands_its_feed_back() -> None:
    """The next run would wait for the lease to end otherwise."""
    client, feeds, leased = Hanging(), Feeds(), feed()
    task = asyncio.create_task(Poller(client, feeds, Hosts(), answers(), delay=timedelta(0)).poll(leased))
    async with asyncio.timeout(10):
        await client.reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (task.cancelled(), feeds.released) == (True, [leased])


async def test_the_host_that_throttles_is_held_not_the_one_that_led_to_it() -> None:
    """After a redirect they differ."""
    hosts = Hosts()
    await polled(replace(response(status=429, url=FEED_URL), final_url="https://else.example/feed"), hosts=hosts)

    assert [site for site, _ in hosts.held] == ["else.example"]


async def test_a_host_that_was_held_while_its_slot_was_waited_for_is_not_asked() -> None:
    """A slot that was reserved before the host asked us to slow down is void."""
    client, feeds, hosts, leased = Client(), Feeds(), Hosts(), feed()
    hosts.wait, hosts.held_meanwhile = timedelta(milliseconds=1), HostBusy(NOW)
    outcome = await Poller(client, feeds, hosts, answers(), delay=timedelta(0)).poll(leased)

    assert (outcome, client.asked, feeds.postponed) == (PollOutcome.WAITING, [], [(leased, NOW)])


async def test_when_all_feeds_are_away_a_few_are_warned_of() -> None:
    """It is our own network then; the lines of the others are for information."""
    waiting.reset()
    with capture_logs() as logs:
        for number in range(40):
            away = settings(f"https://site{number}.example/feed.xml")
            await polled(TransientError("timeout"), feed(settings=away, feed_id=away.feed_id))
    levels = Counter(line["log_level"] for line in logs if line["event"] == "feed_polled")
    waiting.reset()

    assert levels == {"warning": SITES_NAMED, "info": 40 - SITES_NAMED}


async def test_a_feed_that_its_site_refuses_is_always_warned_of() -> None:
    """The site answers: it is the feed's owner who must mend that."""
    with capture_logs() as logs:
        for number in range(10):
            refused = settings(f"https://site{number}.example/feed.xml")
            await polled(response(b"", 404), feed(settings=refused, feed_id=refused.feed_id))

    assert [line["log_level"] for line in logs] == ["warning"] * 10


async def test_a_body_that_only_has_a_new_time_is_not_parsed() -> None:
    """Its own hash is kept, so that the next one like it is known at once; the entries' stays."""
    known, new = (b"<rss><channel><lastBuildDate>%d</lastBuildDate>" % hour + ITEM for hour in (8, 9))
    leased = feed(body_hash=body_hash(known), content_hash=content_hash(known))
    outcome, poll = await polled(response(new, url=FEED_URL), leased, parse=KeyError("read"))

    assert (outcome, poll.selection) == (PollOutcome.UNCHANGED, None)
    assert (poll.body_hash, poll.content_hash) == (body_hash(new), leased.content_hash)


async def test_validators_are_replaced_by_those_of_every_document() -> None:
    """An ETag that a new answer does not have was the old document's."""
    known = feed(validators=KEPT, body_hash=body_hash(BODY))
    _, same = await polled(response(BODY, url=FEED_URL, last_modified="Tue"), known)
    _, other = await polled(response(BODY + b"!", url=FEED_URL), known)

    assert same.validators == Validators(url=FEED_URL, last_modified="Tue")
    assert other.validators is None


async def test_a_partial_document_is_read_and_replaces_no_hash() -> None:
    """It says nothing of what the feed lists, so nothing is missing in it."""
    with capture_logs() as logs:
        _, poll = await polled(
            response(BODY, 226, FEED_URL, etag='"2"'), feed(rhythm=READ_BEFORE, body_hash="abc", content_hash="def")
        )

    assert (poll.body_hash, poll.content_hash, poll.validators) == ("abc", "def", Validators(url=FEED_URL, etag='"2"'))
    assert poll.selection is not None
    assert "overflow" not in dict(poll.schedule.terms)
    assert [line["event"] for line in logs] == ["feed_polled"]


@pytest.mark.parametrize(
    ("answer", "seconds"),
    [
        (response(BODY, url=FEED_URL, cache_control="max-age=9000"), 9000.0),
        (response(BODY, url=FEED_URL), None),
        (response(b"", 304, FEED_URL, cache_control="max-age=9000"), 9000.0),
        (response(b"", 304, FEED_URL, cache_control="no-cache"), None),
        (response(b"", 304, FEED_URL), 7200.0),
        (response(b"", 429, FEED_URL, cache_control="max-age=9000"), 9000.0),
        (response(b"", 500, FEED_URL, cache_control="max-age=9000"), 7200.0),
        (TransientError("timeout"), 7200.0),
    ],
)
async def test_how_long_a_document_is_good_is_said_anew_by_each_answer(answer: object, seconds: float | None) -> None:
    """A 200, a 304 and a 429 renew it; a 304 that is silent about it leaves it, as failures do."""
    known = feed(validators=KEPT, rhythm=READ_BEFORE, standing=Standing(max_age=2 * HOUR))
    _, poll = await polled(answer, known)

    assert dict(poll.schedule.terms).get("max_age") == seconds


async def test_the_wishes_of_a_document_go_on_over_304s() -> None:
    """A 304 has no document."""
    wishes = Wishes(ttl=5 * HOUR, skip_hours=frozenset({1, 2}))
    _, first = await polled(response(BODY, url=FEED_URL), parse=ParsedFeed(entries=(parsed(),), wishes=wishes))
    _, later = await polled(response(b"", 304, FEED_URL), feed(validators=KEPT, standing=first.standing))

    assert first.standing.wishes == later.standing.wishes == wishes
    assert dict(later.schedule.terms)["ttl"] == 5 * 3600.0


async def test_a_304_earns_a_server_a_shorter_interval() -> None:
    """One that never gave one is asked once an hour at most."""
    busy = Rhythm(gaps=(60.0,) * 9, newest=NOW, polls=9)
    _, first = await polled(response(BODY, url=FEED_URL), feed(rhythm=busy), feeds=Feeds({"a": "1"}))
    _, later = await polled(response(b"", 304, FEED_URL), feed(rhythm=busy, validators=KEPT, standing=first.standing))

    assert (first.schedule.interval, later.schedule.interval) == (HOUR, HOUR / 4)


async def test_a_feed_with_news_at_each_poll_may_be_asked_as_often_as_one_that_answers_304() -> None:
    """As long as its server gives validators; it never had a chance to answer 304."""
    busy = Rhythm(gaps=(60.0,) * 9, newest=NOW, polls=9)
    intervals = []
    for body, answer in ((b"old", response(BODY, etag='"2"')), (BODY, response(BODY, etag='"2"'))):
        known = feed(rhythm=busy, validators=KEPT, body_hash=body_hash(body))
        _, poll = await polled(replace(answer, final_url=FEED_URL), known, feeds=Feeds({"a": "1"}))
        intervals.append(poll.schedule.interval)

    assert intervals == [HOUR / 4, HOUR]


async def test_entries_that_all_are_unknown_are_a_gap() -> None:
    """Some may have come and gone since the last poll: it is said, and the feed is polled twice as often."""
    with capture_logs() as logs:
        _, poll = await polled(response(BODY, url=FEED_URL), feed(rhythm=READ_BEFORE))

    gaps = [(line["log_level"], line["closed"]) for line in logs if line["event"] == "feed_gap"]
    assert gaps == [("warning", False)]
    assert "overflow" in dict(poll.schedule.terms)


@pytest.mark.parametrize(
    ("rhythm", "known"), [(Rhythm(), {}), (Rhythm(polls=3), {}), (READ_BEFORE, {"a": "1"})], ids=["new", "empty", "met"]
)
async def test_where_nothing_could_be_known_or_something_is_there_is_no_gap(
    rhythm: Rhythm, known: Mapping[str, str]
) -> None:
    """A first poll, a feed that was empty so far, and one of whose entries one is known."""
    with capture_logs() as logs:
        await polled(response(BODY, url=FEED_URL), feed(rhythm=rhythm), feeds=Feeds(known))

    assert [line for line in logs if line["event"] == "feed_gap"] == []


async def walked(
    leased: Feed, known: Mapping[str, str], *rest: object, hosts: Hosts | None = None
) -> tuple[Poll, Client]:
    """A poll of a feed whose document lists a, and whose earlier document lists a and b; or what `rest` has for it."""
    earlier = "https://news.example/page/2"
    documents = [
        ParsedFeed(entries=(parsed("a"),), links=FeedLinks(earlier=earlier)),
        ParsedFeed(entries=(parsed("a", fingerprint="old"), parsed("b", "https://news.example/b"))),
    ]
    client = Client(response(BODY, url=FEED_URL), *(rest or (response(BODY, url=earlier),)))  # type: ignore[arg-type]
    feeds = Feeds(known)
    await Poller(client, feeds, hosts or Hosts(), answers(*documents), delay=timedelta(0)).poll(leased)
    return feeds.polls[-1], client


async def test_a_gap_is_closed_by_earlier_documents_in_the_same_commit() -> None:
    """Asked for without validators; what both list is as the newer one says."""
    with capture_logs() as logs:
        poll, client = await walked(feed(rhythm=READ_BEFORE, validators=KEPT), {"b": "0"})

    assert poll.selection is not None
    assert [(each.identity, each.fingerprint) for each in poll.selection.new] == [("a", "1")]
    assert [each.identity for each in poll.selection.changed] == ["b"]
    assert [(url, validators) for url, validators, _ in client.asked][1:] == [("https://news.example/page/2", None)]
    gaps = [(line["closed"], line["documents"]) for line in logs if line["event"] == "feed_gap"]
    assert gaps == [(True, 2)]


@pytest.mark.parametrize(("backlog", "documents"), [("all", 2), ("newest", 1), ("none", 1)])
async def test_a_first_poll_brings_what_the_operator_wants_of_the_past(backlog: str, documents: int) -> None:
    """All there is, in earlier documents too, or only what is at hand."""
    _, client = await walked(feed(settings=settings(backlog=Backlog(backlog))), {})

    assert len(client.asked) == documents


async def test_a_walk_that_was_interrupted_goes_on_at_the_next_poll() -> None:
    """Also where that says 304; the feed's own document was committed meanwhile."""
    first, _ = await walked(feed(rhythm=READ_BEFORE), {}, TransientError("timeout"))
    assert first.selection is not None
    assert [each.identity for each in first.selection.new] == ["a"]
    assert first.standing.unread == Unread(url="https://news.example/page/2", left=10)

    feeds, client = Feeds(), Client(response(b"", 304, FEED_URL), response(BODY, url="https://news.example/page/2"))
    later = feed(rhythm=first.rhythm, validators=KEPT, standing=first.standing)
    old = ParsedFeed(entries=(parsed("b", "https://news.example/b"),))
    await Poller(client, feeds, Hosts(), answers(old), delay=timedelta(0)).poll(later)

    assert feeds.polls[-1].selection is not None
    assert [each.identity for each in feeds.polls[-1].selection.new] == ["b"]
    assert feeds.polls[-1].standing.unread is None


async def test_a_walk_goes_on_though_the_newest_document_has_no_gap_any_more() -> None:
    """What it left unread is older than what is known now."""
    left = Unread(url="https://news.example/page/2", left=7)
    known = feed(rhythm=READ_BEFORE, standing=Standing(unread=left))
    feeds, client = Feeds({"a": "1"}), Client(response(BODY, url=FEED_URL), response(BODY, url=left.url))
    documents = [ParsedFeed(entries=(parsed(name, f"https://news.example/{name}"),)) for name in ("a", "b")]
    await Poller(client, feeds, Hosts(), answers(*documents), delay=timedelta(0)).poll(known)

    assert feeds.polls[-1].selection is not None
    assert [each.identity for each in feeds.polls[-1].selection.new] == ["b"]


@pytest.mark.parametrize("newest", [response(BODY, url=FEED_URL), response(b"", 304, FEED_URL)])
async def test_an_earlier_document_that_kills_its_worker_is_counted(newest: Response) -> None:
    """What the newest one lists is stored all the same; the feed is held as for any that kills."""
    left = Unread(url="https://news.example/page/2", left=7)
    known = feed(rhythm=READ_BEFORE, validators=KEPT, standing=Standing(unread=left))
    feeds, client = Feeds(), Client(newest, response(BODY, url=left.url))
    first = () if newest.status == 304 else (ParsedFeed(entries=(parsed(),)),)
    documents = answers(*first, WorkerLost("worker_died"))
    await Poller(client, feeds, Hosts(), documents, delay=timedelta(0)).poll(known)

    (poll,) = feeds.polls
    assert poll.selection is not None
    assert len(poll.selection.new) == len(first)
    assert (poll.standing.kills, poll.standing.unread) == (1, None)
    assert poll.schedule.interval >= HOUR


async def test_a_second_gap_leaves_the_first_to_be_read() -> None:
    """The newest comes first; then where the one before was interrupted."""
    page, left = "https://news.example/page/2", Unread(url="https://news.example/old", left=7)
    broken, _ = await walked(feed(rhythm=READ_BEFORE, standing=Standing(unread=left)), {}, TransientError("timeout"))
    closed, _ = await walked(feed(rhythm=READ_BEFORE, standing=Standing(unread=left)), {"b": "1"})
    assert broken.standing.unread == Unread(url=page, left=10, then=left)
    assert closed.standing.unread == left

    feeds, client = Feeds(), Client(response(b"", 304, FEED_URL), response(BODY, url=page))
    later = feed(rhythm=READ_BEFORE, validators=KEPT, standing=broken.standing)
    old = ParsedFeed(entries=(parsed("b"),))
    await Poller(client, feeds, Hosts(), answers(old), delay=timedelta(0)).poll(later)
    assert feeds.polls[-1].standing.unread == left


async def test_gaps_whose_host_never_answers_do_not_pile_up() -> None:
    """The oldest are kept: those are what is gone first."""
    standing = Standing()
    for _ in range(9):
        poll, _ = await walked(feed(rhythm=READ_BEFORE, standing=standing), {}, TransientError("timeout"))
        standing = poll.standing

    depth, unread = 0, standing.unread
    while unread:
        depth, unread = depth + 1, unread.then
    assert depth == MOST_UNREAD


async def test_only_the_feeds_own_whole_document_counts_as_read() -> None:
    """Not a 304 with earlier documents after it, nor the part that is new: hub and twins are what a document says."""
    left = Unread(url="https://news.example/page/2", left=7)
    feeds, client = Feeds(), Client(response(b"", 304, FEED_URL), response(BODY, url=left.url))
    waiting = feed(rhythm=READ_BEFORE, validators=KEPT, standing=Standing(unread=left), pushed=True)
    old = ParsedFeed(entries=(parsed("b", published=NOW - DAY),))
    await Poller(client, feeds, Hosts(), answers(old), delay=timedelta(0)).poll(waiting)
    _, whole = await polled(response(BODY, url=FEED_URL))
    _, part = await polled(response(BODY, 226, FEED_URL), feed(rhythm=READ_BEFORE, validators=KEPT))

    assert [poll.document_read for poll in (feeds.polls[-1], whole, part)] == [False, True, False]
    assert feeds.polls[-1].selection is not None
    assert feeds.polls[-1].push_silent is False


async def test_what_earlier_documents_list_says_nothing_against_a_hub() -> None:
    """It is from before; only news in the feed's own document is what a hub should have told."""
    earlier = "https://news.example/page/2"
    documents = [
        ParsedFeed(entries=(parsed("a", published=datetime.now(UTC)),), links=FeedLinks(earlier=earlier)),
        ParsedFeed(entries=(parsed("b", "https://news.example/b", published=NOW - DAY),)),
    ]
    feeds, client = Feeds(), Client(response(BODY, url=FEED_URL), response(BODY, url=earlier))
    leased = feed(rhythm=READ_BEFORE, pushed=True)
    await Poller(client, feeds, Hosts(), answers(*documents), delay=timedelta(0)).poll(leased)

    assert feeds.polls[-1].selection is not None
    assert [each.identity for each in feeds.polls[-1].selection.new] == ["a", "b"]
    assert feeds.polls[-1].push_silent is False


async def test_a_walk_takes_a_slot_of_the_host_for_each_document() -> None:
    """And holds it where it is asked to slow down."""
    hosts, feeds = Hosts(), Feeds()
    client = Client(response(BODY, url=FEED_URL), response(status=429, url="https://news.example/page/2"))
    first = ParsedFeed(entries=(parsed("a"),), links=FeedLinks(earlier="https://news.example/page/2"))
    await Poller(client, feeds, hosts, answers(first), delay=timedelta(0)).poll(feed(rhythm=READ_BEFORE))

    assert (hosts.reserved, [site for site, _ in hosts.held]) == (["news.example"] * 2, ["news.example"])
    assert feeds.polls[-1].standing.unread is not None


async def test_robots_txt_is_asked_in_the_slot_and_another_taken_when_it_was_fetched_in_it() -> None:
    """At every hop, too."""
    hosts, gate, feeds = Hosts(), Gate(asked_now=True), Feeds()
    client = Client(response(BODY, url=FEED_URL))
    client.hops = ("https://else.example/feed",)
    document = ParsedFeed(entries=(parsed(),))
    await Poller(client, feeds, hosts, answers(document), delay=timedelta(0), gate=gate).poll(feed())

    assert gate.checked == [FEED_URL, "https://else.example/feed"]
    assert hosts.reserved == ["news.example"] * 2 + ["else.example"] * 2


async def test_a_feed_that_robots_txt_forbids_is_not_asked_for_and_looked_at_a_day_later() -> None:
    """It is the owner's word, and no failure that lasts."""
    feeds, client = Feeds(), Client()
    poller = Poller(client, feeds, Hosts(), answers(), delay=timedelta(0), gate=Gate(Disallowed(FEED_URL)))

    assert (await poller.poll(feed()), client.asked) == (PollOutcome.BLOCKED, [])
    assert feeds.polls[-1].schedule.interval == DAY
    assert feeds.polls[-1].rhythm.failures == Failure.PASSING.value


@pytest.mark.parametrize("status", [200, 403, 503])
async def test_a_bot_check_is_no_document_and_no_reason_to_insist(status: int) -> None:
    """Whatever its status: looked at again hours later, with what was known."""
    wall = response(b"<html>", status, FEED_URL, cf_mitigated="challenge")
    outcome, poll = await polled(wall, feed(validators=KEPT, body_hash="abc"), parse=KeyError("read"))

    assert (outcome, poll.validators, poll.body_hash) == (PollOutcome.BLOCKED, KEPT, "abc")
    assert poll.schedule.interval == 6 * HOUR
    assert poll.rhythm.failures == Failure.PASSING.value


async def test_documents_that_kill_their_worker_are_held_back_longer_each_time() -> None:
    """Until one can be read."""
    standing, waits = Standing(), []
    for _ in range(3):
        _, poll = await polled(
            response(BODY, url=FEED_URL), feed(standing=standing), parse=WorkerLost("worker_timeout")
        )
        standing = poll.standing
        waits.append(dict(poll.schedule.terms)["killed_worker"])
    _, well = await polled(response(BODY, url=FEED_URL), feed(standing=standing))

    assert (waits, well.standing.kills) == ([3600.0, 7200.0, 14_400.0], 0)


async def test_gone_twice_with_a_day_between_is_told_once() -> None:
    """And asked about once a month from then on."""
    standing = Standing(gone_since=NOW - DAY)
    with capture_logs() as logs:
        for _ in range(2):
            _, poll = await polled(response(b"", 410, FEED_URL), feed(standing=standing))
            standing = poll.standing

    assert poll.schedule.interval == 30 * DAY
    assert [line["event"] for line in logs].count("feed_gone") == 1


async def test_a_feed_that_moved_for_good_is_asked_for_there_without_the_operators_headers_elsewhere() -> None:
    """The site that they were given for is another."""
    said = settings(headers={"X-Key": "secret"})
    for address, headers in (("https://www.news.example/rss", said.headers), ("https://else.example/rss", {})):
        client = Client(response(status=304, url=address))
        known = Validators(url=address, etag='"1"')
        moved = feed(settings=said, validators=known, standing=Standing(moved_to=address))
        await Poller(client, Feeds(), Hosts(), answers(), delay=timedelta(0)).poll(moved)

        assert client.asked == [(address, known, headers)]


async def test_a_redirect_is_proved_by_what_was_known_before_it() -> None:
    """Or by a feed that was never read elsewhere; not by what its target brought itself."""
    answer = replace(response(BODY, url="https://new.example/f"), hops=(Hop(url=FEED_URL, status=301),))
    proved = []
    for known, rhythm in (({"a": "1"}, READ_BEFORE), ({}, READ_BEFORE), ({}, Rhythm())):
        _, first = await polled(answer, feed(rhythm=rhythm), feeds=Feeds(known))
        _, later = await polled(answer, feed(rhythm=READ_BEFORE, standing=first.standing), feeds=Feeds({"a": "1"}))
        proved.append([poll.standing.moving and poll.standing.moving.proved for poll in (first, later)])

    assert proved == [[True, True], [False, False], [True, True]]


async def test_what_it_is_called_and_where_it_is_are_stored() -> None:
    """With its hub, by the header's word before the document's."""
    document = ParsedFeed(
        title="Courrier", entries=(parsed(),), links=FeedLinks(hub="https://other.example/", own="https://o.example/")
    )
    answer = replace(response(BODY, url=FEED_URL, link="<https://hub.example/>; rel=hub"), final_url=FEED_URL + "?2")
    _, poll = await polled(answer, parse=document)

    assert (poll.title, poll.final_url) == ("Courrier", FEED_URL + "?2")
    assert poll.hub == Hub(url="https://hub.example/", topic="https://o.example/")


async def test_sitemaps_of_an_index_are_passed_on() -> None:
    """A document that is none says nothing of them."""
    listed = (Sitemap(url="https://news.example/sitemap-1.xml"),)
    _, index = await polled(response(BODY, url=FEED_URL), parse=ParsedFeed(sitemaps=listed))
    _, other = await polled(response(BODY, url=FEED_URL))

    assert (index.sitemaps, other.sitemaps) == (listed, None)


@pytest.mark.parametrize(
    ("ago", "silent"), [(timedelta(minutes=5), False), (timedelta(minutes=20), True), (None, True)]
)
async def test_old_news_that_no_push_brought_ends_the_trust_in_a_hub(ago: timedelta | None, silent: bool) -> None:
    """The feed is polled at its own pace again; news of this minute may still be on its way."""
    entry = parsed(published=None if ago is None else datetime.now(UTC) - ago)
    leased = feed(pushed=True, rhythm=READ_BEFORE)
    with capture_logs() as logs:
        _, poll = await polled(response(BODY, url=FEED_URL), leased, parse=ParsedFeed(entries=(entry,)))

    assert poll.push_silent is silent
    assert ("pushed" in dict(poll.schedule.terms)) is not silent
    assert ("push_silent" in [line["event"] for line in logs]) is silent


async def test_what_is_known_already_says_nothing_against_a_hub() -> None:
    """It may have brought it."""
    _, poll = await polled(
        response(BODY, url=FEED_URL), feed(pushed=True, rhythm=READ_BEFORE), feeds=Feeds({"a": "1", "b": "1"})
    )

    assert (poll.push_silent, dict(poll.schedule.terms)["pushed"]) == (False, 6 * 3600.0)


@pytest.mark.parametrize(("told", "silent"), [(timedelta(minutes=1), False), (timedelta(hours=2), True)])
async def test_a_hub_that_told_us_just_now_is_not_silent(told: timedelta, silent: bool) -> None:
    """What it told may be why the feed was polled; not every entry has a time, nor is it of today."""
    leased = feed(pushed=True, pushed_at=datetime.now(UTC) - told, rhythm=READ_BEFORE)
    _, poll = await polled(response(BODY, url=FEED_URL), leased, parse=ParsedFeed(entries=(parsed(),)))

    assert poll.push_silent is silent


async def test_an_outage_of_our_own_network_is_held_against_no_feed() -> None:
    """Most of twenty sites give no answer at all: told once, none counts, and those before it are forgiven."""
    waiting.reset()
    feeds, network = Feeds(), Network()
    with capture_logs() as logs:
        outcomes = []
        for number in range(LEAST_SITES + 5):
            away = settings(f"https://site{number}.example/feed.xml")
            poller = Poller(
                Client(TransientError("dns")), feeds, Hosts(), answers(), delay=timedelta(0), network=network
            )
            outcomes.append(await poller.poll(feed(settings=away, feed_id=away.feed_id)))
        assert [wait.dependency for wait in waiting.current()] == ["network"]
        await Poller(Client(response(status=500)), feeds, Hosts(), answers(), delay=timedelta(0), network=network).poll(
            feed()
        )

    assert outcomes == [PollOutcome.FAILED] * (LEAST_SITES - 1) + [PollOutcome.WAITING] * 6
    committed = {each.feed.feed_id for each in feeds.polls[:-1]}
    assert committed <= {each.feed_id for each in feeds.put_off_feeds}
    assert len(feeds.put_off_feeds) == LEAST_SITES + 5
    told = [line["event"] for line in logs if line["event"].startswith("network")]
    assert (told, waiting.current()) == (["network_away", "network_back"], [])
    waiting.reset()


async def test_a_document_that_broke_off_before_it_was_known_for_a_feed_may_come_whole() -> None:
    """A page in place of the feed is for its owner to mend; a line that breaks is not."""
    whole = response(b"<?xml", url=FEED_URL)
    polls = [
        (await polled(answer, parse=PermanentError("not_a_feed")))[1]
        for answer in (whole, replace(whole, truncated=True))
    ]

    assert [poll.rhythm.failures for poll in polls] == [Failure.LASTING.value, Failure.PASSING.value]


async def test_a_document_that_finds_no_parse_worker_is_put_off() -> None:
    """Others keep the worker busy: nothing is learned of the feed, and its document is asked for as before."""
    feeds, leased = Feeds(), feed(validators=KEPT)
    client, parse = Client(response(BODY, url=FEED_URL)), answers(ParsersBusy())
    outcome = await Poller(client, feeds, Hosts(), parse, delay=timedelta(0)).poll(leased)

    assert (outcome, feeds.polls, feeds.put_off_feeds) == (PollOutcome.WAITING, [], [leased])


async def test_how_a_poll_ended_is_remembered() -> None:
    """And since when it fails; a success ends that."""
    _, failing = await polled(response(b"", 500, FEED_URL))
    _, still = await polled(TransientError("timeout"), feed(standing=failing.standing))
    _, well = await polled(response(BODY, url=FEED_URL), feed(standing=still.standing))

    assert (failing.standing.outcome, failing.standing.reason) == ("failed", "http_500")
    assert still.standing.failing_since == failing.standing.failing_since is not None
    assert (well.standing.outcome, well.standing.failing_since) == ("changed", None)
