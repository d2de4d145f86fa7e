"""What a hub is asked, and what its answers lead to."""

import asyncio
from datetime import timedelta
from uuid import uuid4

import pytest
from fakes import NOW, Hosts, response

from services.fetcher.errors import HostBusy
from services.fetcher.websub.hub import Subscriber
from services.fetcher.websub.subscriptions import Request
from services.fetcher.websub.websub import VERIFIED_WITHIN, Mode, Subscription
from shared.errors import PermanentError, StoreUnavailable, TransientError

HUB = "https://hub.example/"


class Client:
    """Gives its answer to each form; `asked` holds addresses and forms."""

    def __init__(self, answer):
        self._answer = answer
        self.asked = []

    async def post_form(self, url, fields, *, before_hop=None):
        self.asked.append((url, dict(fields)))
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


class Hanging(Client):
    """A hub that never answers."""

    def __init__(self):
        super().__init__(None)
        self.reached = asyncio.Event()

    async def post_form(self, url, fields, *, before_hop=None):
        self.reached.set()
        await asyncio.Event().wait()


class Subscriptions:
    """Remembers what requests came to."""

    def __init__(self):
        self.settled, self.postponed, self.released = [], [], []

    async def settle(self, request, wait, reason):
        self.settled.append((wait, reason))

    async def postpone(self, request, until):
        self.postponed.append(until)

    async def release(self, request):
        self.released.append(request)


def request(failures: int = 0, mode: Mode = Mode.SUBSCRIBE) -> Request:
    subscription = Subscription(
        token="t" * 43, feed_id=uuid4(), hub=HUB, topic="https://news.example/f", secret="s", failures=failures
    )
    return Request(subscription=subscription, mode=mode, lease=uuid4())


def subscriber(client, subscriptions, hosts=None) -> Subscriber:
    delay = timedelta(seconds=2)
    return Subscriber(client, subscriptions, hosts or Hosts(), callback="https://reader.example", delay=delay)


async def outcome(answer, failures: int = 0):
    subscriptions = Subscriptions()
    await subscriber(Client(answer), subscriptions).ask(request(failures))
    return subscriptions.settled


async def test_a_hub_that_accepts_has_a_while_to_verify() -> None:
    """It is posted the form, in its host's turn; each time that it does not verify it is asked later."""
    client, hosts, subscriptions = Client(response(b"", 202)), Hosts(), Subscriptions()
    await subscriber(client, subscriptions, hosts).ask(request())

    ((url, form),) = client.asked
    assert (url, form["hub.callback"]) == (HUB, "https://reader.example/" + "t" * 43)
    assert (hosts.reserved, subscriptions.settled) == (["hub.example"], [(VERIFIED_WITHIN, None)])
    assert await outcome(response(b"", 202), failures=9) == [(timedelta(minutes=512), None)]


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (response(b"no", 500), "http_500"),
        (response(b"", 302, location="https://else.example/"), "http_302"),
        (response(b"no", 404), "http_404"),
        (TransientError("timeout"), "timeout"),
        (
            PermanentError("address_refused", "127.0.0.1 is not a public address"),
            "address_refused: 127.0.0.1 is not a public address",
        ),
    ],
)
async def test_a_hub_that_fails_is_asked_again_with_growing_pauses(answer, reason: str) -> None:
    """Never given up: also an address that we refuse may become another."""
    assert await outcome(answer) == [(timedelta(minutes=1), reason)]
    assert await outcome(answer, failures=3) == [(timedelta(minutes=8), reason)]
    assert await outcome(answer, failures=500) == [(timedelta(days=1), reason)]


async def test_a_hub_that_asks_for_a_pause_gets_it() -> None:
    """Its host is held for all that goes there."""
    hosts = Hosts()
    await subscriber(Client(response(b"", 429, url=HUB, retry_after="120")), Subscriptions(), hosts).ask(request())

    assert hosts.held == [("hub.example", timedelta(seconds=120))]


async def test_a_hub_whose_host_is_busy_is_not_asked() -> None:
    """The request waits in the store, and is no failure."""
    client, subscriptions = Client(None), Subscriptions()
    await subscriber(client, subscriptions, Hosts(busy=HostBusy(NOW))).ask(request())

    assert (client.asked, subscriptions.postponed, subscriptions.settled) == ([], [NOW], [])


async def test_a_request_that_is_cancelled_is_handed_back() -> None:
    """Another fetcher need not wait for the end of its lease."""
    client, subscriptions = Hanging(), Subscriptions()
    asked = request()
    task = asyncio.create_task(subscriber(client, subscriptions).ask(asked))
    await client.reached.wait()
    task.cancel()
    await asyncio.wait([task])

    assert (subscriptions.released, subscriptions.settled) == ([asked], [])


async def test_a_store_that_is_away_is_no_failure_of_the_hub() -> None:
    """The lease ends by itself."""
    subscriptions = Subscriptions()
    with pytest.raises(StoreUnavailable):
        await subscriber(Client(StoreUnavailable("away")), subscriptions).ask(request())

    assert subscriptions.settled == []
