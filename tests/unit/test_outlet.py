import asyncio

import pytest
from broker_traffic import eventually
from fakes import Publisher, ids, raw_page
from structlog.testing import capture_logs

from services.fetcher import outlet as outlet_module
from services.fetcher.outlet import Outlet
from shared.broker.protocols import ATTEMPT_HEADER, Postponed, Rejected, Unconfirmed, Unroutable
from shared.errors import BrokerUnavailable, TransientError
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
