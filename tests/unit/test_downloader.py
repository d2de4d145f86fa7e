import asyncio
from dataclasses import replace
from datetime import timedelta

import pytest
from fakes import NOW, URL, Client, Entries, Gate, Hanging, Hosts, Outlet, entry, response, settings
from structlog.testing import capture_logs

from services.fetcher.errors import Disallowed, HostBusy
from services.fetcher.model import DownloadOutcome, Entry, Validators
from services.fetcher.pages.downloader import Downloader
from services.fetcher.pages.frontier import VisitResult
from services.fetcher.pages.observation import LONGEST_PAUSE, UNCONFIRMED_GONE, VisitPolicy
from services.fetcher.web.responses import body_hash
from shared.broker.protocols import Postponed, Rejected
from shared.errors import BrokerUnavailable, PermanentError, StoreUnavailable, TransientError
from shared.messages import RawPage, raw_id

HOUR = timedelta(hours=1)
POLICY = VisitPolicy(attempts=3, first_pause=timedelta(minutes=1), confirm_gone=HOUR, revisit_after=(HOUR,))
KEPT = Validators(url=URL, etag='"1"')


class Bench:
    """A downloader among stand-ins, and what it did to them."""

    def __init__(
        self,
        *answers: object,
        entries: Entries | None = None,
        gate: Gate | None = None,
        outlet: Outlet | None = None,
        hosts: Hosts | None = None,
    ) -> None:
        self.client = Client(*answers)  # type: ignore[arg-type]
        self.entries, self.gate = entries or Entries(), gate or Gate()
        self.outlet, self.hosts = outlet or Outlet(), hosts or Hosts()

    async def visit(self, seen: Entry) -> DownloadOutcome:
        works = Downloader(self.client, self.entries, self.hosts, self.gate, self.outlet, POLICY)
        return await works.visit(seen)

    @property
    def page(self) -> RawPage:
        return self.outlet.sent[-1][0]

    @property
    def result(self) -> VisitResult:
        return self.entries.results[-1]


async def test_a_page_is_published_and_then_marked() -> None:
    """With the number that was taken for it, and what a later look needs."""
    bench, seen = Bench(response(b"<p>text</p>", etag='"2"', x_robots_tag="noai")), entry(observations=4)
    outcome = await bench.visit(seen)

    assert outcome is DownloadOutcome.FETCHED
    assert (bench.page.observation, bench.page.raw_id) == (5, raw_id(seen.entry_id, 5))
    assert (bench.page.body, bench.page.kind, bench.page.rights) == (b"<p>text</p>", "fetched", ("x-robots-tag: noai",))
    assert (bench.result.state, bench.result.next_in, bench.result.visits) == ("queued", HOUR, 1)
    assert (bench.result.validators, bench.result.body_hash) == (
        Validators(url=URL, etag='"2"'),
        body_hash(b"<p>text</p>"),
    )


async def test_what_a_host_reserves_goes_with_its_page() -> None:
    """In the headers of the answer, and in the robots.txt of the host that gave it."""
    rules = {
        "news.example": "Content-Signal: ai-train=no\nUser-agent: GPTBot\nDisallow: /",
        "else.example": "User-agent: CCBot\nDisallow: /",
    }
    own, moved = Bench(response(x_robots_tag="noai"), gate=Gate(rules=rules)), Bench(gate=Gate(rules=rules))
    moved.client = Client(replace(response(), final_url="https://else.example/b"))
    moved.client.hops = ("https://else.example/b",)
    await own.visit(entry())
    await moved.visit(entry())

    assert set(own.page.rights) == {
        "x-robots-tag: noai",
        "robots.txt: content-signal: ai-train=no",
        "robots.txt: disallows GPTBot",
    }
    assert moved.page.rights == ("robots.txt: disallows CCBot",)


@pytest.mark.parametrize("status", [200, 202, 403, 503])
async def test_a_wall_is_never_an_article(status: int) -> None:
    """The feed's own text is, with the reason; the looks to come may find the page."""
    bench = Bench(response(b"<p>checking your browser</p>", status, cf_mitigated="challenge"))

    assert await bench.visit(entry()) is DownloadOutcome.FEED_ONLY
    assert (bench.page.no_page_reason, bench.page.body) == ("challenge", b"")
    assert (bench.result.state, bench.result.next_in, bench.result.validators) == ("queued", HOUR, None)


async def test_an_entry_without_an_address_is_its_feeds_own_text() -> None:
    """Nothing is asked of any host."""
    bench = Bench()

    assert await bench.visit(entry(None)) is DownloadOutcome.FEED_ONLY
    assert (bench.page.no_page_reason, bench.page.response, bench.client.asked) == ("no_address", None, [])


async def test_what_robots_forbid_is_the_feeds_own_text() -> None:
    """The page is not asked for."""
    bench = Bench(gate=Gate(Disallowed(URL)))

    assert await bench.visit(entry()) is DownloadOutcome.FEED_ONLY
    assert (bench.page.no_page_reason, bench.page.observation, bench.client.asked) == ("robots", 1, [])


async def test_an_unchanged_page_keeps_what_is_known_of_it() -> None:
    """A 304 leaves the hash and replaces the validators that it brings."""
    bench = Bench(response(b"", 304))
    outcome = await bench.visit(entry(validators=KEPT, body_hash="abc", visits=1))

    assert (outcome, bench.page.kind, bench.page.body) == (DownloadOutcome.UNCHANGED, "unchanged", b"")
    assert (bench.result.validators, bench.result.body_hash, bench.result.next_in) == (KEPT, "abc", None)


async def test_a_page_that_is_gone_is_told_after_a_second_look() -> None:
    """The first look reschedules and publishes nothing; after the second the page is left alone."""
    first, second = Bench(response(b"", 404)), Bench(response(b"", 404))

    assert await first.visit(entry(validators=KEPT)) is DownloadOutcome.RETRY
    assert (first.outlet.sent, first.result.next_in, first.result.reason) == ([], HOUR, UNCONFIRMED_GONE)
    assert await second.visit(entry(validators=KEPT, reason=UNCONFIRMED_GONE)) is DownloadOutcome.GONE
    assert (second.page.kind, second.result.next_in, second.result.validators) == ("gone", None, None)


@pytest.mark.parametrize("failure", [TransientError("timeout"), response(b"", 500)])
async def test_a_failure_that_may_pass_is_tried_again_and_ends(failure: object) -> None:
    """Publishing nothing until the attempts are used up, then the feed's own text with the reason."""
    first, last = Bench(failure), Bench(failure)

    assert await first.visit(entry()) is DownloadOutcome.RETRY
    assert (first.outlet.sent, first.result.state, first.result.attempts) == ([], "pending", 1)
    assert await last.visit(entry(attempts=2)) is DownloadOutcome.FEED_ONLY
    assert (last.page.kind, last.result.state, last.result.attempts) == ("feed_only", "queued", 0)


async def test_a_lasting_failure_is_the_feeds_own_text_at_once() -> None:
    """With its reason, under the number that was taken."""
    bench = Bench(PermanentError("too_large"))

    assert await bench.visit(entry()) is DownloadOutcome.FEED_ONLY
    assert (bench.page.no_page_reason, bench.page.observation) == ("too_large", 1)


async def test_a_host_that_throttles_is_held() -> None:
    """For as long as it asks for."""
    bench = Bench(response(b"", 429, retry_after="90"))
    await bench.visit(entry())

    assert bench.hosts.held == [("news.example", timedelta(seconds=90))]


@pytest.mark.parametrize("where", ["slot", "robots", "redirect"])
async def test_a_busy_host_hands_the_entry_back(where: str) -> None:
    """Until the host is free, wherever on the way it was met: it must not sit out its lease."""
    busy = HostBusy(NOW)
    bench = Bench(
        response(),
        entries=Entries(busy=busy if where == "slot" else None),
        gate=Gate(busy if where == "robots" else None),
        hosts=Hosts(busy if where == "redirect" else None),
    )
    bench.client.hops = ("https://else.example/b",)

    assert await bench.visit(entry()) is DownloadOutcome.WAITING
    assert (bench.entries.postponed, bench.entries.results, bench.outlet.sent) == ([NOW], [], [])


async def test_each_redirect_has_leave_and_a_slot_of_its_own() -> None:
    """The host it leads to is asked at its own pace, by its own rules."""
    bench = Bench(response())
    bench.client.hops = ("https://else.example/b",)
    await bench.visit(entry())

    assert (bench.gate.checked, bench.hosts.reserved) == ([URL, "https://else.example/b"], ["else.example"])


@pytest.mark.parametrize("error", [StoreUnavailable("down"), BrokerUnavailable("down"), Rejected("queue_full")])
async def test_an_outage_of_ours_writes_nothing(error: TransientError) -> None:
    """The lease ends by itself, and the entry is looked at again."""
    bench = Bench(response(), outlet=Outlet(error))
    with capture_logs() as logs:
        assert await bench.visit(entry()) is DownloadOutcome.RETRY

    assert bench.entries.results == []
    # All entries meet it; who waits for store and broker tells it once.
    assert [line["event"] for line in logs if line["log_level"] != "debug"] == []


async def test_a_page_that_was_overtaken_on_its_way_is_not_published() -> None:
    """Another fetcher has a later number and may have seen an older page: this one must not look older than that."""
    entries = Entries()
    entries.overtaken = True
    bench = Bench(response(), entries=entries)

    assert await bench.visit(entry()) is DownloadOutcome.LEASE_LOST
    assert (bench.outlet.sent, entries.results) == ([], [])


async def test_a_lost_lease_publishes_nothing() -> None:
    """It is found out when the observation is numbered."""
    bench = Bench(response(), entries=Entries(lost=True))

    assert await bench.visit(entry()) is DownloadOutcome.LEASE_LOST
    assert (bench.outlet.sent, bench.entries.results) == ([], [])


async def test_a_postponed_page_is_looked_at_again_and_counted() -> None:
    """The processor judges by the count when to give up; our own patience with the page is another matter."""
    bench = Bench(response(), response(), outlet=Outlet(Postponed("unexpected_error", retry_after=10)))
    assert await bench.visit(entry(attempts=1, postponed=1)) is DownloadOutcome.RETRY
    later = bench.result
    assert (later.state, later.next_in) == ("pending", timedelta(seconds=10))
    assert (later.attempts, later.postponed, later.visits, later.reason) == (1, 2, 0, "unexpected_error")

    await bench.visit(entry(postponed=2))
    assert (bench.outlet.sent[-1][1], bench.result.postponed) == (3, 0)


async def test_a_page_that_no_broker_takes_is_the_feeds_own_text() -> None:
    """Under the same number, for nothing has it yet; or it would be downloaded for ever."""
    bench = Bench(response(b"x" * 100), outlet=Outlet(PermanentError("too_large_to_publish")))

    assert await bench.visit(entry()) is DownloadOutcome.FEED_ONLY
    assert (bench.page.no_page_reason, bench.page.body, bench.page.observation) == ("too_large_to_publish", b"", 1)
    assert bench.result.validators is None


async def test_credentials_go_to_the_feeds_own_site_only() -> None:
    """A feed may list pages of other sites."""
    said = settings(headers={"Cookie": "secret"})
    own, foreign = Bench(response()), Bench(response())
    await own.visit(entry(feed=said))
    await foreign.visit(entry("https://else.example/b", feed=said))

    assert [bench.client.asked[0][2] for bench in (own, foreign)] == [{"Cookie": "secret"}, {}]


async def test_a_feed_may_say_itself_when_to_look_again() -> None:
    """Never is one of the answers, and a page that is gone is confirmed no later than the first look."""
    never, soon = settings(revisit_after=()), settings(revisit_after=(timedelta(minutes=5),))
    first, second = Bench(response()), Bench(response(b"", 404))
    await first.visit(entry(feed=never))
    await second.visit(entry(feed=soon))

    assert (first.result.next_in, second.result.next_in) == (None, timedelta(minutes=5))


async def test_a_bug_is_met_again_after_a_pause_and_ends() -> None:
    """Not each time that a lease ends: it counts as an attempt, and after the last the feed's own text is used."""
    first, last = Bench(KeyError("bug")), Bench(KeyError("bug"))

    assert await first.visit(entry()) is DownloadOutcome.RETRY
    assert (first.result.reason, first.result.attempts) == ("unexpected_error", 1)
    assert first.result.next_in == POLICY.first_pause
    assert await last.visit(entry(attempts=2)) is DownloadOutcome.FEED_ONLY
    assert (last.page.no_page_reason, last.result.state) == ("unexpected_error", "queued")


@pytest.mark.parametrize("error", [KeyError("bug"), PermanentError("too_large_to_publish")])
async def test_an_entry_of_which_nothing_can_be_sent_is_met_seldom(error: Exception) -> None:
    """Neither its page nor its feed's own text."""
    bench = Bench(response(), outlet=Outlet(error, error, error))

    assert await bench.visit(entry(attempts=2)) is DownloadOutcome.RETRY
    assert (bench.outlet.sent, bench.result.next_in) == ([], LONGEST_PAUSE)


async def test_a_visit_that_is_cancelled_hands_its_entry_back() -> None:
    """The next run would wait for the lease to end otherwise."""
    bench, client, seen = Bench(), Hanging(), entry()
    bench.client = client
    task = asyncio.create_task(bench.visit(seen))
    async with asyncio.timeout(10):
        await client.reached.wait()
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert (task.cancelled(), bench.entries.released) == (True, [seen])


async def test_the_host_that_throttles_is_held_not_the_one_that_led_to_it() -> None:
    """After a redirect they differ."""
    bench = Bench(replace(response(b"", 503), final_url="https://else.example/b"))
    await bench.visit(entry())

    assert [site for site, _ in bench.hosts.held] == ["else.example"]


@pytest.mark.parametrize("where", ["page", "redirect"])
async def test_a_host_that_was_held_while_its_slot_was_waited_for_is_not_asked(where: str) -> None:
    """A slot that was reserved before the host asked us to slow down is void."""
    bench = Bench()
    bench.client.hops = ("https://else.example/b",)
    late = bench.entries if where == "page" else bench.hosts
    late.wait, bench.hosts.held_meanwhile = timedelta(milliseconds=1), HostBusy(NOW)

    assert await bench.visit(entry()) is DownloadOutcome.WAITING
    assert (len(bench.client.asked), bench.entries.postponed) == (0 if where == "page" else 1, [NOW])
