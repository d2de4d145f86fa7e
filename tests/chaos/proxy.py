"""A TCP proxy that stands between a service and what it talks to, and does to its connections what networks do.

It runs in the event loop of whoever opens it; every buffer is bounded, so that a fast sender waits for a slow reader.
"""

import asyncio
import socket
import struct
from asyncio import StreamReader, StreamWriter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from typing import Literal, Self

from loopback_ports import free_ports
from yarl import URL

PIECE_BYTES = 32 * 1024
PIECES_UNDER_WAY = 64
"""Read and not yet written, each way of a connection."""

FIN = b""
End = Literal["client", "server"]
Way = asyncio.Queue[tuple[float, bytes | None]]
"""When each piece is due by the loop's clock. FIN ends the stream, None stands for RST."""

_RST_AT_CLOSE = struct.pack("ii", 1, 0)


class Link:
    """A client's connection and the one that was opened for it."""

    def __init__(self, client: tuple[StreamReader, StreamWriter], server: tuple[StreamReader, StreamWriter]) -> None:
        self.from_client, self.to_client = client
        self.from_server, self.to_server = server
        self.half_open = False

    def abort(self) -> None:
        _abort(self.to_client)
        _abort(self.to_server)


class Proxy:
    """Passes everything on until it is told otherwise."""

    def __init__(self, host: str, port: int) -> None:
        (self.port,) = free_ports(1)
        self.latency_seconds = 0.0
        self.accepted = 0
        self._target = (host, port)
        self._listener: asyncio.Server | None = None
        self._links: set[Link] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._flowing = asyncio.Event()

    @classmethod
    @asynccontextmanager
    async def to(cls, target: str) -> AsyncIterator[Self]:
        """`target` is the URL of a server; its host and port count."""
        url = URL(target)
        proxy = cls(url.host or "127.0.0.1", url.port or 80)
        await proxy.pass_on()
        try:
            yield proxy
        finally:
            await proxy.close()

    def url(self, url: str) -> str:
        """The same URL by way of this proxy."""
        return str(URL(url).with_host("127.0.0.1").with_port(self.port))

    @property
    def open_connections(self) -> int:
        return len(self._links)

    async def pass_on(self) -> None:
        """Listen again, and let flow what was held."""
        if self._listener is None:
            self._listener = await asyncio.start_server(self._accept, "127.0.0.1", self.port, backlog=512)
        self._flowing.set()

    def reset(self) -> None:
        """RST to both ends of every connection; new ones pass."""
        for link in self._links:
            link.abort()

    def refuse(self) -> None:
        """New connections are refused, those that are open go on; `pass_on` ends it."""
        if self._listener is not None:
            self._listener.close()
            self._listener = None

    def black_hole(self) -> None:
        """Connections are accepted, and nothing passes on them, old or new, not even their end; `pass_on` ends it."""
        self._flowing.clear()

    def half_open(self, gone: End = "server") -> None:
        """One end of every connection is gone, and the other end never hears of it; new connections pass."""
        for link in self._links:
            link.half_open = True
            _abort(link.to_server if gone == "server" else link.to_client)

    async def close(self) -> None:
        self.refuse()
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _accept(self, reader: StreamReader, writer: StreamWriter) -> None:
        self.accepted += 1
        task = asyncio.create_task(self._serve(reader, writer))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _serve(self, reader: StreamReader, writer: StreamWriter) -> None:
        try:
            await self._flowing.wait()
            server = await asyncio.open_connection(*self._target)
        except BaseException as error:
            _abort(writer)
            if isinstance(error, OSError):
                return
            raise
        await self._serve_link(Link((reader, writer), server))

    async def _serve_link(self, link: Link) -> None:
        self._links.add(link)
        forth, back = Way(PIECES_UNDER_WAY), Way(PIECES_UNDER_WAY)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._take(link.from_client, forth))
                group.create_task(self._give(forth, link, link.to_server))
                group.create_task(self._take(link.from_server, back))
                group.create_task(self._give(back, link, link.to_client))
            link.to_client.close()
            link.to_server.close()
        except BaseException:
            link.abort()
            raise
        finally:
            self._links.discard(link)

    async def _take(self, reader: StreamReader, way: Way) -> None:
        piece: bytes | None = None
        while piece != FIN:
            try:
                piece = await reader.read(PIECE_BYTES)
            except OSError:
                piece = None
            await way.put((asyncio.get_running_loop().time() + self.latency_seconds, piece))
            if piece is None:
                return

    async def _give(self, way: Way, link: Link, writer: StreamWriter) -> None:
        while True:
            due, piece = await way.get()
            await asyncio.sleep(max(0.0, due - asyncio.get_running_loop().time()))
            await self._flowing.wait()
            if piece:
                await _write(writer, piece)
                continue
            if not link.half_open:
                link.abort() if piece is None else _end(writer)
            return


async def _write(writer: StreamWriter, piece: bytes) -> None:
    # An end that is gone takes everything and says nothing; that it is gone, its own reader finds out.
    if not writer.is_closing():
        with suppress(OSError):
            writer.write(piece)
            await writer.drain()


def _end(writer: StreamWriter) -> None:
    if not writer.is_closing():
        with suppress(OSError):
            writer.write_eof()


def _abort(writer: StreamWriter) -> None:
    """Close with RST; what is not written yet is dropped."""
    own: socket.socket | None = writer.get_extra_info("socket")
    with suppress(OSError):
        if own is not None and not writer.is_closing():
            own.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RST_AT_CLOSE)
    writer.transport.abort()
