import asyncio
from itertools import count

import pytest
from broker_traffic import eventually
from fakes import Publisher, ids, raw_page
from structlog.testing import capture_logs

from services.fetcher.pages import outlet as outlet_module
from services.fetcher.pages.outlet import Outlet
from shared.broker.protocols import ATTEMPT_HEADER, Postponed, Rejected, Unconfirmed, Unroutable
from shared.errors import BrokerUnavailable, TransientError
from shared.lifecycle import Stop, work_off
from shared.waiting import waiting


@pytest.fixture(autouse=True)
def no_delays(monkeypatch):
    monkeypatch.setattr(outlet_module, "FIRST_DELAY", 0.001)


@pytest.mark.parametrize(
    "error", [Rejected("full"), Unconfirmed("late"), Unroutable("no_queue"), BrokerUnavailable("x")]
)
async def test_a_page_is_published_under_one_id_until_the_broker_has_it(error: TransientError) -> None:
    """Whatever the broker said in between: a repeat is a repeat of the same fact."""
    publisher, page = Publisher(error, error), raw_page()
    await Outlet(publisher, patience_seconds=60).send(page)

    assert (publisher.attempts, ids(publisher.published)) == ([str(page.raw_id)] * 3, [str(page.raw_id)])


async def test_patience_ends_with_the_brokers_last_word() -> None:
    """The caller still owns the page, and looks at its entry again."""
    publisher = Publisher(*[Rejected("full")] * 1000)
    with pytest.raises(Rejected):
        await Outlet(publisher, patience_seconds=0.02).send(raw_page())

    assert 1 < len(publisher.attempts) < 1000


async def test_a_postponed_page_goes_back_at_once() -> None:
    """It is the caller's to schedule; repeating it would only ask again."""
    publisher = Publisher(Postponed("busy", retry_after=10))
    with pytest.raises(Postponed):
        await Outlet(publisher, patience_seconds=60).send(raw_page())

    assert len(publisher.attempts) == 1


async def test_the_loops_are_told_while_a_page_waits() -> None:
    """Also when the one who waited was cancelled."""
    publisher = Publisher(*[Rejected("full")] * 1000)
    outlet = Outlet(publisher, patience_seconds=60)
    task = asyncio.create_task(outlet.send(raw_page()))
    await eventually(lambda: outlet.blocked, "the page waits")
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)

    assert not outlet.blocked


async def test_work_is_taken_up_as_the_broker_takes_pages() -> None:
    """None while a page waits; then one alone, as a trial, until the broker takes a page."""
    publisher = Publisher(*[Rejected("queue_full")] * 1000)
    outlet = Outlet(publisher, patience_seconds=0.02)
    before = outlet.admits(3, 8)
    first = asyncio.create_task(outlet.send(raw_page()))
    await eventually(lambda: outlet.blocked, "the page waits")
    meanwhile = outlet.admits(3, 8)
    await asyncio.gather(first, return_exceptions=True)

    assert (before, meanwhile) == (3, 0)
    assert [outlet.admits(free, 8) for free in (3, 7, 8)] == [0, 0, 1]
    publisher.relent()
    await outlet.send(raw_page())
    assert outlet.admits(3, 8) == 3


async def test_while_the_queue_stays_full_one_page_at_a_time_is_fetched() -> None:
    """All the places are in use when it fills up; from then on a single trial tells as much as all of them."""
    places, stop, in_hand, seen = 4, Stop(), set[int](), list[int]()
    outlet = Outlet(Publisher(*[Rejected("queue_full")] * 10_000), patience_seconds=0.01)
    numbers = count()

    async def lease(free: int) -> list[int]:
        return [next(numbers) for _ in range(outlet.admits(free, places))]

    async def visit(number: int) -> None:
        in_hand.add(number)
        seen.append(len(in_hand))
        if len(seen) == 10:
            stop.set()
        try:
            await outlet.send(raw_page())
        finally:
            in_hand.remove(number)

    async with asyncio.timeout(30):
        await work_off(stop, lease, visit, concurrency=places, idle_seconds=0.001)

    assert seen == [1, 2, 3, 4, 1, 1, 1, 1, 1, 1]


async def test_a_broker_that_answers_takes_pages() -> None:
    """Also when it wants this one later."""
    publisher = Publisher(*[Rejected("queue_full")] * 1000)
    outlet = Outlet(publisher, patience_seconds=0.0)
    with pytest.raises(Rejected):
        await outlet.send(raw_page())
    publisher.relent(Postponed("busy", retry_after=10))
    with pytest.raises(Postponed):
        await outlet.send(raw_page())

    assert outlet.admits(3, 8) == 3


async def test_pages_that_wait_are_told_of_once() -> None:
    """Not each of them, nor at each attempt; and again when the broker takes pages."""
    waiting.reset()
    publisher = Publisher(*[Rejected("queue_full")] * 40)
    outlet = Outlet(publisher, patience_seconds=60)
    with capture_logs() as logs:
        await asyncio.gather(*(outlet.send(raw_page(f"https://news.example/{n}")) for n in range(10)))
    told = [(line["event"], line["dependency"], line.get("reason")) for line in logs if line["log_level"] != "debug"]

    assert told == [("waiting_for_dependency", "broker", "queue_full"), ("dependency_answers", "broker", None)]


@pytest.mark.parametrize(("attempt", "header"), [(1, None), (3, 3)])
async def test_the_attempt_travels_with_the_page(attempt: int, header: int | None) -> None:
    """A first attempt need not be said."""
    publisher = Publisher()
    await Outlet(publisher, patience_seconds=60).send(raw_page(), attempt=attempt)

    assert publisher.published[0][2].headers.get(ATTEMPT_HEADER) == header
