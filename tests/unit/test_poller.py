import asyncio
from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import NOW, Client, Feeds, Hanging, Hosts, answers, feed, parsed, response, settings
from structlog.testing import capture_logs

from services.fetcher.errors import HostBusy
from services.fetcher.model import Feed, ParsedFeed, PollOutcome, Rhythm, Validators
from services.fetcher.observation import body_hash
from services.fetcher.poller import Poller
from services.fetcher.schedule import Failure
from services.fetcher.store import Poll
from shared.errors import PermanentError, StoreUnavailable, TransientError
from shared.waiting import SITES_NAMED, waiting
from shared.workers import WorkerLost

FEED_URL = "https://news.example/feed.xml"
KEPT = Validators(url=FEED_URL, etag='"1"', last_modified="Mon")
BODY = b"<rss/>"


async def polled(
    answer: object,
    leased: Feed | None = None,
    *,
    parse: object = None,
    feeds: Feeds | None = None,
    hosts: Hosts | None = None,
) -> tuple[PollOutcome, Poll]:
    works = feeds or Feeds()
    document = parse or ParsedFeed(entries=(parsed("a"), parsed("b", "https://news.example/b")))
    poller = Poller(Client(answer), works, hosts or Hosts(), answers(document), delay=timedelta(0))  # type: ignore[arg-type]
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
