"""Connections of the HTTP client: where they may lead, whom they trust, and how much of what comes is borne.

Every connection is checked where it is made, at the socket, with the address that is really connected to: names,
literals, redirects and names that change their address between two look-ups all come past there.
"""

import asyncio
import errno
import socket
import ssl
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.client_proto import ResponseHandler
from aiohttp.connector import Connection
from aiohttp.http_parser import RawResponseMessage

from services.fetcher.web.guard import GuardPolicy, refusal

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]

REFUSED = "address_refused"
KEEP_ALIVE_SECONDS = 3.0
MOST_HEAD_BYTES = 128 * 1024
"""Of all that comes before a body: interim answers, status line, headers."""
MOST_FRAME_BYTES = 1024 * 1024
"""Of chunk sizes, their extensions and trailers, beyond as much as the body itself: chunks of one byte are lawful."""
MOST_INTERIM = 16
"""Answers such as 103 before the one that was asked for."""
SLICE = 2**15
"""Bytes that are parsed at once: what a flood costs before it is noticed."""


def session(
    user_agent: str,
    guard: GuardPolicy,
    resolve: Mapping[str, tuple[str, int]],
    dns: Callable[[], AbstractResolver] | None,
) -> aiohttp.ClientSession:
    """Without cookies, proxies, credentials and decoding; its answers are `Answer`s."""
    connector = aiohttp.TCPConnector(
        resolver=_Resolver(resolve, dns or _dns),
        socket_factory=_guarded_sockets(guard),
        ssl=_verifying(),
        limit=256,
        limit_per_host=4,
        # The limits count connections in use: many hosts in a row would leave as many open files behind.
        keepalive_timeout=KEEP_ALIVE_SECONDS,
    )
    # There is no public way to a protocol of our own; should this one lead nowhere, test_attacks_http.py fails.
    connector._factory = partial(_Wire, asyncio.get_running_loop())  # type: ignore[assignment]  # noqa: SLF001
    return aiohttp.ClientSession(
        connector=connector,
        response_class=Answer,
        headers={"User-Agent": user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        # Sites with long policies and many cookies exceed the defaults of 8190 bytes and 128 headers.
        max_line_size=32 * 1024,
        max_field_size=64 * 1024,
        max_headers=512,
    )


class Flood(aiohttp.ClientPayloadError):
    """More came that is no body than any answer needs."""


class Answer(aiohttp.ClientResponse):
    """Remembers the address that it came from: its connection is given back before we have it."""

    peer: str | None = None

    async def start(self, connection: Connection) -> aiohttp.ClientResponse:
        if isinstance(connection.protocol, _Wire):
            self.peer = connection.protocol.peer
        return await super().start(connection)

    def left_over(self) -> bytes:
        """What came of a body that broke off and was not read yet: its stream does not give it away any more."""
        self.content.set_exception(None)  # type: ignore[arg-type]
        return self.content.read_nowait()


class _Wire(ResponseHandler):
    """Counts what comes over a connection: floods of what is no body are counted nowhere else, and cost the most."""

    peer: str | None = None

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop)
        self._begin()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.peer = transport.get_extra_info("peername")[0]

    def _begin(self) -> None:
        self._came = self._interim = 0
        self._body: aiohttp.StreamReader | None = None
        self._stopped = False

    def set_response_params(self, **options: Any) -> None:  # noqa: ANN401 - passed on as they are
        """A request is about to be sent."""
        self._begin()
        super().set_response_params(**options)

    def data_received(self, data: bytes) -> None:
        end = 0
        while not self._stopped:
            start, end = end, self._end_of_piece(data, end)
            piece = data[start:end]
            self._came += len(piece)
            super().data_received(piece)
            self._pass_on_the_end()
            self._weigh()
            if end == len(data):
                return

    def _end_of_piece(self, data: bytes, start: int) -> int:
        """A head is a piece of its own: the parser forgets one that came with what makes no sense after it.

        More than was announced makes none, nor does a body where there is none, as of a 304.
        """
        most = min(start + SLICE, len(data))
        head_end = data.find(b"\r\n\r\n", start, most) if self._body is None else -1
        return most if head_end < 0 else head_end + 4

    def feed_data(self, data: tuple[RawResponseMessage, aiohttp.StreamReader], size: int = 0) -> None:
        message, body = data
        if self._body is not None:
            # Nobody asked for it: it would be taken for the answer to the next request.
            self._stop()
            return
        if message.code >= 200 or message.code == 101:
            self._body, self._came = body, 0
        else:
            self._interim += 1
        super().feed_data(data, size)

    def _pass_on_the_end(self) -> None:
        """Framing that makes no sense ends the connection; whoever reads the body would wait for more of it."""
        error = self.exception()
        if error is not None and self._body is not None and not self._body.is_eof():
            self._body.set_exception(aiohttp.ClientPayloadError(str(error)))

    def _weigh(self) -> None:
        if self._body is None:
            if self._interim > MOST_INTERIM or self._came > MOST_HEAD_BYTES:
                self._stop(Flood(f"{self._came} bytes and no answer"))
        elif self._came - 2 * self._body.total_bytes > MOST_FRAME_BYTES:
            self._stop(Flood(f"{self._came} bytes, of which {self._body.total_bytes} are body"))

    def _stop(self, error: Flood | None = None) -> None:
        self._stopped = True
        if error is not None:
            self.set_exception(error)
            if self._body is not None:
                self._body.set_exception(error)
        if self.transport is not None:
            self.transport.abort()


class _Resolver(AbstractResolver):
    """DNS, but for the hosts whose address and port are given."""

    def __init__(self, given: Mapping[str, tuple[str, int]], dns: Callable[[], AbstractResolver]) -> None:
        self._given = given
        self._make_dns = dns
        self._dns: AbstractResolver | None = None

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        if host in self._given:
            return [_given_address(host, *self._given[host])]
        if self._dns is None:
            self._dns = self._make_dns()
        return await self._dns.resolve(host, port, family)

    async def close(self) -> None:
        if self._dns is not None:
            await self._dns.close()


def _given_address(host: str, address: str, port: int) -> ResolveResult:
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    return ResolveResult(
        hostname=host,
        host=address,
        port=port,
        family=family,
        proto=0,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )


def _dns() -> AbstractResolver:
    """Aiodns where it works; else the system's resolver in threads, of which a slow name server can take all."""
    try:
        return aiohttp.AsyncResolver()
    except (RuntimeError, OSError):
        return aiohttp.ThreadedResolver()


def _verifying() -> ssl.SSLContext:
    """Certificates and host names are always checked; whom to trust is the system's (`SSL_CERT_FILE` adds to it)."""
    context = ssl.create_default_context()
    context.set_alpn_protocols(["http/1.1"])
    return context


def _guarded_sockets(policy: GuardPolicy) -> Callable[[AddressInfo], socket.socket]:
    def guarded_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        reason = refusal(address[0], address[1], policy)
        if reason is not None:
            raise PermissionError(errno.EACCES, f"{REFUSED}: {reason}")
        return socket.socket(family, kind, protocol)

    return guarded_socket
