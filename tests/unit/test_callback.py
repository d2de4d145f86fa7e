"""The address that hubs call, and strangers: what it answers, and that it stays within its bounds."""

import asyncio
import tracemalloc
from contextlib import AsyncExitStack, asynccontextmanager
from uuid import uuid4

import aiohttp
import pytest

from services.fetcher.websub import callback
from services.fetcher.websub.callback import MOST_AT_ONCE, MOST_BYTES, MOST_CONNECTIONS, served
from services.fetcher.websub.websub import Delivery, Subscription
from shared.errors import StoreUnavailable

TOKEN = "t" * 43
OURS = Subscription(token=TOKEN, feed_id=uuid4(), hub="https://hub.example/", topic="https://news.example/f")
LEFT = Subscription(token=TOKEN, feed_id=uuid4(), hub=OURS.hub, topic=OURS.topic, wanted=False)


class Pushes:
    """Knows one token; `taken` holds deliveries. With `closed` set, takes wait for it to be opened."""

    def __init__(self, ours=OURS, *, error: Exception | None = None):
        self._ours, self._error = ours, error
        self.found: list[str] = []
        self.asked: list[dict[str, str]] = []
        self.taken: list[Delivery] = []
        self.opened = asyncio.Event()
        self.opened.set()

    async def find(self, token):
        self.found.append(token)
        return self._ours if token == TOKEN else None

    async def verify(self, subscription, query):
        self.asked.append(dict(query))
        return query.get("hub.challenge")

    async def take(self, delivery):
        if self._error is not None:
            raise self._error
        self.taken.append(delivery)
        await self.opened.wait()


@asynccontextmanager
async def calling(pushes: Pushes):
    """The callback and a client for it; yields a function that asks and gives status, body and headers."""
    async with served(pushes, host="127.0.0.1", port=0) as port, aiohttp.ClientSession() as client:

        async def call(method: str, path: str, **more):
            async with client.request(method, f"http://127.0.0.1:{port}{path}", **more) as answer:
                return answer.status, await answer.text(), answer.headers

        yield call


@pytest.mark.parametrize("path", [f"/{TOKEN}", f"/behind/a/proxy/{TOKEN}"])
async def test_a_question_is_answered_with_its_challenge(path: str) -> None:
    """As plain text, whatever a browser would take it for; under any prefix."""
    pushes = Pushes()
    async with calling(pushes) as call:
        query = {"hub.mode": "subscribe", "hub.topic": "a&b", "hub.challenge": "<script>"}
        status, body, headers = await call("GET", path, params=query)

    assert (status, body, pushes.asked) == (200, "<script>", [query])
    assert (headers["Content-Type"].split(";")[0], headers["X-Content-Type-Options"]) == ("text/plain", "nosniff")


async def test_what_nobody_asked_for_is_not_found() -> None:
    """Neither is what nobody knows; a delivery of that is gone."""
    async with calling(Pushes()) as call:
        unexpected, _, _ = await call("GET", f"/{TOKEN}")
        unknown, _, _ = await call("GET", "/" + "x" * 43, params={"hub.challenge": "abc"})
        delivered, _, _ = await call("POST", "/" + "x" * 43, data=b"<rss/>")

    assert (unexpected, unknown, delivered) == (404, 404, 410)


async def test_a_delivery_that_is_not_wanted_any_more_is_gone() -> None:
    """So that the hub stops."""
    pushes = Pushes(LEFT)
    async with calling(pushes) as call:
        status, _, _ = await call("POST", f"/{TOKEN}", data=b"<rss/>")

    assert (status, pushes.taken) == (410, [])


async def test_a_delivery_is_taken_as_it_was_sent() -> None:
    """Its signature is over these bytes, packed or not."""
    pushes = Pushes()
    headers = {"Content-Type": "application/atom+xml", "X-Hub-Signature": "sha1=0", "Content-Encoding": "gzip"}
    async with calling(pushes) as call:
        status, _, _ = await call("POST", f"/{TOKEN}", data=b"not really gzip", headers=headers)

    (taken,) = pushes.taken
    assert (status, taken.body, taken.encoding) == (202, b"not really gzip", "gzip")
    assert (taken.content_type, taken.signature) == ("application/atom+xml", "sha1=0")


async def test_a_hub_is_asked_to_come_again_while_the_store_is_away() -> None:
    """What it has to say is not lost with that."""
    async with calling(Pushes(error=StoreUnavailable("away"))) as call:
        status, _, headers = await call("POST", f"/{TOKEN}", data=b"<rss/>")

    assert (status, headers["Retry-After"]) == (503, "60")


async def test_a_delivery_that_says_that_it_is_huge_is_refused_unread() -> None:
    """Nothing of it need be sent."""
    pushes = Pushes()
    async with served(pushes, host="127.0.0.1", port=0) as port:
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        writer.write(f"POST /{TOKEN} HTTP/1.1\r\nHost: h\r\nContent-Length: {MOST_BYTES + 1}\r\n\r\n".encode())
        async with asyncio.timeout(5):
            status = await reader.readline()
        writer.close()

    assert (b" 413 " in status, pushes.taken) == (True, [])


async def test_a_huge_delivery_is_not_held() -> None:
    """It is read no further than the bound."""

    async def endless():
        for _ in range(64):
            yield b"x" * 2**20

    pushes = Pushes()
    tracemalloc.start()
    try:
        async with calling(pushes) as call:
            try:
                status, _, _ = await call("POST", f"/{TOKEN}", data=endless())
            except aiohttp.ClientError:
                # It was still sending when the connection was closed.
                status = 413
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert (status, pushes.taken) == (413, [])
    assert most < 8 * MOST_BYTES


async def test_a_delivery_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    """It has its place for a while only."""
    monkeypatch.setattr(callback, "BODY_SECONDS", 0.2)

    async def dripping():
        yield b"<rss>"
        await asyncio.Event().wait()

    pushes = Pushes()
    async with calling(pushes) as call:
        async with asyncio.timeout(10):
            status, _, _ = await call("POST", f"/{TOKEN}", data=dripping())

    assert (status, pushes.taken) == (408, [])


async def test_more_callers_than_places_are_asked_to_come_again() -> None:
    """Those that have a place are served; then there are places again."""
    pushes = Pushes()
    pushes.opened.clear()
    async with calling(pushes) as call:
        held = [asyncio.create_task(call("POST", f"/{TOKEN}", data=b"<rss/>")) for _ in range(MOST_AT_ONCE)]
        async with asyncio.timeout(10):
            while len(pushes.taken) < MOST_AT_ONCE:  # noqa: ASYNC110 - the fake has no event for it
                await asyncio.sleep(0.01)
        refused = [await call("POST", f"/{TOKEN}", data=b"<rss/>") for _ in range(3)]
        pushes.opened.set()
        served_ones = [status for status, _, _ in await asyncio.gather(*held)]
        after, _, _ = await call("POST", f"/{TOKEN}", data=b"<rss/>")

    assert [(status, headers["Retry-After"]) for status, _, headers in refused] == [(503, "60")] * 3
    assert (served_ones, after) == ([202] * MOST_AT_ONCE, 202)


async def test_a_flood_of_strangers_leaves_nothing_behind() -> None:
    """Many made-up addresses with large bodies: none is kept, and a hub is answered after it."""
    pushes, body = Pushes(), b"x" * 2**18
    async with calling(pushes) as call:

        async def stranger(number: int):
            try:
                return (await call("POST", f"/made-up/{number:043}", data=body))[0]
            except aiohttp.ClientError:
                return 410

        tracemalloc.start()
        try:
            statuses = {status for _ in range(4) for status in await asyncio.gather(*map(stranger, range(40)))}
            _, most = tracemalloc.get_traced_memory()
        finally:
            tracemalloc.stop()
        after, _, _ = await call("POST", f"/{TOKEN}", data=b"<rss/>")

    assert statuses <= {410, 503}
    assert (after, len(pushes.taken)) == (202, 1)
    assert most < 64 * 2**20


async def test_callers_who_say_nothing_take_no_more_than_their_room() -> None:
    """Beyond it connections are closed at once; when they hang up there is room again."""
    pushes = Pushes()
    async with (
        served(pushes, host="127.0.0.1", port=0) as port,
        aiohttp.ClientSession() as client,
        AsyncExitStack() as held,
    ):
        for _ in range(MOST_CONNECTIONS):
            _, writer = await asyncio.open_connection("127.0.0.1", port)
            held.push_async_callback(writer.wait_closed)
            held.callback(writer.close)
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        async with asyncio.timeout(10):
            assert await reader.read() == b""
        writer.close()
        await held.aclose()

        async with asyncio.timeout(10):
            while await answered(client, port) != 202:  # noqa: ASYNC110 - the server has no event for it
                await asyncio.sleep(0.01)


async def answered(client: aiohttp.ClientSession, port: int) -> int | None:
    """The status of a delivery; None where the connection was closed."""
    try:
        async with client.post(f"http://127.0.0.1:{port}/{TOKEN}", data=b"<rss/>") as answer:
            return answer.status
    except aiohttp.ClientError:
        return None


@pytest.mark.parametrize("method", ["PUT", "DELETE", "HEAD", "OPTIONS"])
async def test_other_requests_are_not_for_us(method: str) -> None:
    """They touch nothing."""
    pushes = Pushes()
    async with calling(pushes) as call:
        status, _, _ = await call(method, f"/{TOKEN}")

    assert (status, pushes.found) == (405, [])


async def test_a_port_that_cannot_be_had_ends_the_process() -> None:
    """Else hubs would call in vain."""
    async with served(Pushes(), host="127.0.0.1", port=0) as port:
        with pytest.raises(SystemExit):
            async with served(Pushes(), host="127.0.0.1", port=port):
                pass
