import asyncio

import pytest
from fakes import NOW, URL, Broken, answers, article, delivery, raw_page
from structlog.testing import capture_logs

from services.processor.handler import Handler
from services.processor.model import NotAnArticle, Places, Source
from shared.delivery import Ack, DeadLetter, Pause, Retry
from shared.envelope import Message
from shared.errors import StoreUnavailable, TransientError
from shared.messages import EntryFacts, RawPage, ResponseFacts
from shared.topology import RETRY_TIERS
from shared.waiting import waiting
from shared.workers import WorkerLost


class Ledger:
    """A transaction in which everything is new; remembers what it was asked to do, in order."""

    def __init__(self, *, seen: bool = False) -> None:
        self.now = NOW
        self._seen = seen
        self.done: list[str] = []

    async def lock(self, *_) -> None:
        self.done.append("lock")

    async def seen(self, _) -> bool:
        self.done.append("seen")
        return self._seen

    async def address_known(self, _) -> bool:
        return False

    async def known(self, _) -> None:
        return None

    async def forgotten(self, _) -> bool:
        return False

    async def gone_since(self, *_) -> bool:
        return False

    async def twin(self, _) -> None:
        return None

    async def urls(self, _) -> tuple[str, ...]:
        return (URL,)

    async def add_addresses(self, *_) -> None:
        self.done.append("addresses")

    async def publish(self, event, page, revised) -> None:
        self.done.append(f"publish {event.verb}")

    async def settle(self, page, decision, article, event) -> None:
        self.done.append(f"settle {decision.reason}")

    async def remember_lines(self, *_) -> None:
        self.done.append("lines")


class Store:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger

    def begin(self) -> "Store":
        return self

    async def standing(self, places: Places) -> frozenset[str]:
        return frozenset({f"a line of {places.own[-1]}"})

    async def __aenter__(self) -> Ledger:
        return self.ledger

    async def __aexit__(self, kind, *_) -> None:
        self.ledger.done.append("undone" if kind else "committed")


def works(extract, ledger: Ledger | None = None) -> tuple[Handler, Ledger]:
    used = ledger or Ledger()
    return Handler(Store(used), extract, lambda: used.done.append("nudge")), used  # type: ignore[arg-type]


async def test_everything_an_observation_causes_is_one_transaction() -> None:
    """Locks come first, the relay is nudged after the commit, and the ack is the last."""
    handler, ledger = works(answers(article()))

    assert await handler.handle(delivery(raw_page())) == Ack()
    written = ["addresses", "publish published", "settle published", "lines"]
    assert ledger.done == ["lock", "seen", *written, "committed", "nudge"]


async def test_a_repeat_is_acked_and_changes_nothing() -> None:
    """Its first delivery has committed."""
    handler, ledger = works(answers(article()), Ledger(seen=True))

    assert await handler.handle(delivery(raw_page())) == Ack()
    assert ledger.done == ["lock", "seen", "committed"]


async def test_a_page_without_an_article_is_settled_with_its_reason() -> None:
    """No event, no nudge."""
    handler, ledger = works(answers(NotAnArticle(reason="consent_wall")))

    assert await handler.handle(delivery(raw_page())) == Ack()
    assert ledger.done == ["lock", "seen", "settle consent_wall", "committed"]


async def test_what_kept_us_from_the_page_is_the_reason_worth_recording() -> None:
    """That the feed's own text was empty as well is a detail of it."""
    handler, ledger = works(answers(NotAnArticle(reason="empty")))
    await handler.handle(delivery(raw_page(kind="feed_only", no_page_reason="http_403", body=b"")))

    assert "settle http_403" in ledger.done


@pytest.mark.parametrize("kind", ["gone", "unchanged"])
async def test_what_has_no_text_is_not_extracted(kind: str) -> None:
    """There is nothing to read."""
    handler, ledger = works(answers())

    assert await handler.handle(delivery(raw_page(kind=kind, body=b""))) == Ack()
    assert ledger.done[-1] == "committed"


@pytest.mark.parametrize(
    ("page", "source"),
    [
        (raw_page(body=b"<p>page</p>"), (URL, b"<p>page</p>")),
        (
            raw_page(
                kind="feed_only", response=None, entry=EntryFacts(identity="a", url=URL, content="é", summary="s")
            ),
            (URL, "é".encode()),
        ),
        (raw_page(None, kind="feed_only", entry=EntryFacts(identity="a", url=None, summary="s")), (None, b"s")),
    ],
)
async def test_the_extractor_gets_the_page_or_the_feeds_own_text(
    page: RawPage, source: tuple[str | None, bytes]
) -> None:
    """An entry without an address is known by its own id."""
    got: list[Source] = []

    async def extract(asked: Source) -> NotAnArticle:
        got.append(asked)
        return NotAnArticle(reason="empty")

    handler, _ = works(extract)
    await handler.handle(delivery(page))

    url = source[0] or f"urn:fildactu:entry:{page.entry_id}"
    assert [(each.url, each.body) for each in got] == [(url, source[1])]


@pytest.mark.parametrize("kind", ["fetched", "feed_only"])
async def test_the_extractor_is_told_what_stands_on_the_host_that_answered(kind: str) -> None:
    """A redirect may lead to another host than the one that was asked."""
    got: list[Source] = []

    async def extract(asked: Source) -> NotAnArticle:
        got.append(asked)
        return NotAnArticle(reason="empty")

    handler, _ = works(extract)
    answered = ResponseFacts(requested_url=URL, final_url="https://b.example/1", status=200)
    await handler.handle(delivery(raw_page(kind=kind, response=answered)))

    assert [each.standing for each in got] == [frozenset({"a line of https://b.example/1"})]


async def test_a_page_that_costs_a_worker_is_tried_once_more() -> None:
    """It may have been its neighbour's fault."""
    handler, ledger = works(answers(WorkerLost("worker_died"), article()))

    assert await handler.handle(delivery(raw_page())) == Ack()
    assert "committed" in ledger.done


async def test_a_page_that_costs_two_workers_is_given_up() -> None:
    """Nothing of it is stored; it goes to the quarantine with its reason."""
    handler, ledger = works(answers(WorkerLost("worker_died"), WorkerLost("worker_timeout", "over 20 s")))

    assert await handler.handle(delivery(raw_page())) == DeadLetter("worker_timeout", "over 20 s")
    assert ledger.done == []


async def test_suspects_are_tried_one_at_a_time() -> None:
    """Two heavy pages must not take the memory from each other twice."""
    at_work, most = 0, 0
    tried: set[str] = set()

    async def extract(source: Source) -> NotAnArticle:
        nonlocal at_work, most
        if source.url not in tried:
            tried.add(source.url)
            raise WorkerLost("worker_died")
        at_work += 1
        most = max(most, at_work)
        await asyncio.sleep(0)
        at_work -= 1
        return NotAnArticle(reason="empty")

    handler, _ = works(extract)
    await asyncio.gather(*(handler.handle(delivery(raw_page(f"https://s{n}.example/"))) for n in range(5)))

    assert most == 1


async def test_what_cannot_be_decoded_is_given_up_at_once() -> None:
    """Another try reads the same bytes."""
    handler, ledger = works(answers())
    junk = Message(body=b"junk", message_id="", kind="fildactu.raw-page.v1", content_type="x/y")
    foreign = Message(body=raw_page().encode(), message_id="", kind="other", content_type="x/y")
    verdicts = [await handler.handle(delivery(each)) for each in (junk, foreign)]

    assert [getattr(each, "reason", None) for each in verdicts] == ["undecodable", "undecodable"]
    assert ledger.done == []


async def test_an_outage_of_the_store_pauses() -> None:
    """The message stays as it is: no attempt is counted, and no retry queue fills up."""
    handler = Handler(Broken(StoreUnavailable("down")), answers(article()), lambda: None)

    assert await handler.handle(delivery(raw_page())) == Pause("down")


async def test_an_outage_is_told_once_and_not_for_each_page() -> None:
    """All pages that are at work meet it, and those that are handed over while the store is away."""
    waiting.reset()
    handler = Handler(Broken(StoreUnavailable("down")), answers(*[article()] * 30), lambda: None)
    with capture_logs() as logs:
        await asyncio.gather(*(handler.handle(delivery(raw_page(f"https://s{n}.example/"))) for n in range(30)))
    told = [(line["event"], line["dependency"]) for line in logs if line["log_level"] != "debug"]

    assert told == [("waiting_for_dependency", "store")]


@pytest.mark.parametrize("error", [TransientError("store_conflict"), KeyError("bug")])
async def test_what_may_pass_is_tried_again_and_then_given_up(error: Exception) -> None:
    """Later at each attempt; a bug gets the same bounded tries."""
    handler = Handler(Broken(error), answers(*[article()] * 4), lambda: None)
    verdicts = [await handler.handle(delivery(raw_page(), attempt)) for attempt in (1, 2, 3, 4)]

    assert [each.tier for each in verdicts if isinstance(each, Retry)] == list(RETRY_TIERS)
    assert isinstance(verdicts[-1], DeadLetter)


async def test_an_error_inside_the_transaction_undoes_it() -> None:
    """And nudges nobody."""

    class Failing(Ledger):
        async def settle(self, page, decision, article, event) -> None:
            raise KeyError("in the middle")

    ledger = Failing()

    handler, _ = works(answers(article()), ledger)

    assert isinstance(await handler.handle(delivery(raw_page())), Retry)
    assert ledger.done[-1] == "undone"
