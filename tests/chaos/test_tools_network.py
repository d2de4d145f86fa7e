"""The proxy does to connections what it says, and what it held or broke works again afterwards."""

import asyncio
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import pytest
from broker_traffic import Inbox, consuming, eventually, page, send
from chaos.proxy import Proxy
from postgres_cluster import PostgresCluster
from quick_topology import quick_topology

from shared.broker.rabbitmq import RabbitBroker
from shared.broker.rabbitmq_topology import apply_topology
from shared.database import Database
from shared.errors import StoreUnavailable
from shared.topology import RAW_WORK

DEADLINE_SECONDS = 20.0
SILENCE_SECONDS = 0.3
"""What would have come in spite of all would have come by then; waiting longer would only catch more."""


class Echo:
    """A server that says again what it hears, and counts the connections that ended."""

    def __init__(self) -> None:
        self.heard = bytearray()
        self.ended = 0
        self.connections: list[StreamWriter] = []

    async def __call__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.connections.append(writer)
        with suppress(OSError):
            while piece := await reader.read(65536):
                self.heard += piece
                writer.write(piece)
                await writer.drain()
        self.ended += 1
        writer.close()


class Caller:
    def __init__(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.reader, self.writer = reader, writer

    @classmethod
    @asynccontextmanager
    async def of(cls, proxy: Proxy) -> AsyncIterator["Caller"]:
        """One whose connection has been passed on."""
        reader, writer = await asyncio.open_connection("127.0.0.1", proxy.port)
        try:
            yield cls(reader, writer)
        finally:
            writer.transport.abort()

    async def hears(self, count: int) -> bytes:
        async with asyncio.timeout(DEADLINE_SECONDS):
            return await self.reader.readexactly(count)

    async def says(self, word: bytes) -> bytes:
        """What comes back."""
        self.writer.write(word)
        return await self.hears(len(word))

    async def hears_nothing(self) -> bool:
        try:
            await asyncio.wait_for(self.reader.read(1), SILENCE_SECONDS)
        except TimeoutError:
            return True
        return False


@pytest.fixture
def echo() -> Echo:
    return Echo()


@pytest.fixture
async def proxy(echo: Echo) -> AsyncIterator[Proxy]:
    server = await asyncio.start_server(echo, "127.0.0.1", 0)
    async with server, Proxy.to(f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}") as proxy:
        yield proxy


async def test_a_proxy_passes_both_ways_and_the_end(proxy: Proxy) -> None:
    """What is sent comes back, and when one end is done the other hears so."""
    async with Caller.of(proxy) as caller:
        assert await caller.says(b"one") == b"one"
        caller.writer.write_eof()
        assert await caller.reader.read() == b""
    await eventually(lambda: proxy.open_connections == 0, "the proxy lets go of both connections")


async def test_reset_connections_end_at_once_and_new_ones_pass(proxy: Proxy, echo: Echo) -> None:
    """Both ends of every connection see it reset; the next connection works."""
    async with Caller.of(proxy) as one, Caller.of(proxy) as other:
        await one.says(b"before")
        await other.says(b"before")
        proxy.reset()
        with pytest.raises(ConnectionResetError):
            await one.hears(1)
        with pytest.raises(ConnectionResetError):
            await other.hears(1)
        await eventually(lambda: echo.ended == 2, "the server sees both end")
    async with Caller.of(proxy) as caller:
        assert await caller.says(b"after") == b"after"


async def test_a_refusing_proxy_keeps_what_is_open(proxy: Proxy) -> None:
    """New connections are refused while an open one goes on, and are taken again on the same port."""
    async with Caller.of(proxy) as caller:
        await caller.says(b"before")
        proxy.refuse()
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", proxy.port)
        assert await caller.says(b"during") == b"during"
        await proxy.pass_on()
        async with Caller.of(proxy) as other:
            assert await other.says(b"after") == b"after"


async def test_a_black_hole_holds_what_it_swallows(proxy: Proxy, echo: Echo) -> None:
    """On connections old and new nothing passes; then all of it does, once and in order."""
    async with Caller.of(proxy) as old:
        await old.says(b"before")
        proxy.black_hole()
        async with Caller.of(proxy) as new:
            for word in (b"one ", b"two ", b"three"):
                old.writer.write(word)
            new.writer.write(b"new")
            assert await new.hears_nothing()
            assert (bytes(echo.heard), len(echo.connections)) == (b"before", 1)
            await proxy.pass_on()
            assert (await old.hears(13), await new.hears(3)) == (b"one two three", b"new")


@pytest.mark.parametrize("how", ["fin", "rst"])
async def test_a_black_hole_holds_the_end_of_a_connection_too(proxy: Proxy, echo: Echo, how: str) -> None:
    """Who closes or aborts meanwhile is heard of afterwards, and not before."""
    async with Caller.of(proxy) as caller, Caller.of(proxy) as witness:
        await caller.says(b"before")
        await witness.says(b"before")
        proxy.black_hole()
        if how == "fin":
            caller.writer.close()
        else:
            caller.writer.transport.abort()
        assert await witness.hears_nothing()
        assert echo.ended == 0
        await proxy.pass_on()
        await eventually(lambda: echo.ended == 1, "the server hears that one has gone")
        assert await witness.says(b"after") == b"after"


async def test_half_open_to_the_client(proxy: Proxy, echo: Echo) -> None:
    """The server has lost the connection; the client's end stays open, silent for ever; new connections pass."""
    async with Caller.of(proxy) as caller:
        await caller.says(b"before")
        proxy.half_open()
        await eventually(lambda: echo.ended == 1, "the server loses the connection")
        await proxy.pass_on()
        for _ in range(20):
            caller.writer.write(b"into nowhere")
            await caller.writer.drain()
        assert await caller.hears_nothing()
        assert bytes(echo.heard) == b"before"
        async with Caller.of(proxy) as other:
            assert await other.says(b"after") == b"after"
    await eventually(lambda: proxy.open_connections == 0, "the proxy lets go when the client does")


async def test_half_open_to_the_server(proxy: Proxy, echo: Echo) -> None:
    """The client has lost the connection; the server's end stays open, as after a client's power cut."""
    async with Caller.of(proxy) as caller:
        await caller.says(b"before")
        proxy.half_open("client")
        with pytest.raises(ConnectionResetError):
            await caller.hears(1)
    async with Caller.of(proxy) as other:
        echo.connections[0].write(b"is anybody there?")
        await echo.connections[0].drain()
        assert await other.says(b"after") == b"after"
    assert (echo.ended, echo.connections[0].is_closing()) == (0, False)


async def test_latency_delays_each_way(proxy: Proxy) -> None:
    """An answer takes the latency twice, and pieces that follow each other wait together."""
    proxy.latency_seconds = 0.1
    now = asyncio.get_running_loop().time
    async with Caller.of(proxy) as caller:
        sent = now()
        assert await caller.says(b"one") == b"one"
        # Never shorter; how much longer is this machine's affair.
        assert now() - sent >= 2 * proxy.latency_seconds


async def test_what_a_reader_does_not_take_is_not_piled_up(proxy: Proxy) -> None:
    """A sender is stopped by a black hole before long, and all that it sent arrives afterwards."""
    # More than the system keeps for two connections.
    everything = bytes(24 * 1024 * 1024)
    async with Caller.of(proxy) as caller:
        await caller.says(b"before")
        proxy.black_hole()
        caller.writer.write(everything)
        sending = asyncio.create_task(caller.writer.drain())
        done, _ = await asyncio.wait([sending], timeout=SILENCE_SECONDS)
        assert not done
        await proxy.pass_on()
        assert await caller.hears(len(everything)) == everything
        await sending


@pytest.mark.rabbitmq
async def test_a_broker_behind_a_proxy(rabbitmq_url: str) -> None:
    """Pages go through, and go on after every connection was reset."""
    await apply_topology(rabbitmq_url, quick_topology())
    inbox = Inbox()
    async with (
        Proxy.to(rabbitmq_url) as proxy,
        RabbitBroker(proxy.url(rabbitmq_url), name="test").running() as broker,
        consuming(broker, RAW_WORK, inbox),
    ):
        await send(broker, page("before"))
        proxy.reset()
        await send(broker, page("after"))
        await eventually(lambda: {"page-before", "page-after"} <= set(inbox.ids), "both pages are handled")
        assert proxy.accepted > proxy.open_connections


@pytest.mark.postgres
async def test_a_store_behind_a_proxy(postgres_cluster: PostgresCluster) -> None:
    """It answers, is away while connections are refused and reset, and answers again."""
    url = postgres_cluster.fresh_url()
    async with Proxy.to(url) as proxy:
        database = Database.open(proxy.url(url))
        try:
            await database.ping()
            proxy.refuse()
            proxy.reset()
            with pytest.raises(StoreUnavailable):
                await database.ping()
            await proxy.pass_on()
            await database.ping()
        finally:
            await database.close()
