"""The guarded HTTP client; the only importer of aiohttp's client.

Every connection is checked where it is made, at the socket, with the address that is really connected to: names,
literals, redirects and names that change their address between two look-ups all come past there. Redirects are
followed here, not by aiohttp, which would carry our headers along and turn `user:password@` into credentials.
"""

import asyncio
import errno
import socket
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

import aiohttp
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from services.fetcher.decoding import DecodingLimits, decode
from services.fetcher.exchange import Wanted, checked, is_redirect, read_headers, redirect_target
from services.fetcher.guard import WEB_PORTS, GuardPolicy, Network, refusal
from services.fetcher.model import Response, Validators
from shared.errors import PermanentError, TransientError

AddressInfo = tuple[
    int | socket.AddressFamily, int | socket.SocketKind, int, str, tuple[str, int] | tuple[str, int, int, int]
]

KEEP_ALIVE_SECONDS = 3.0
_REFUSED = "address_refused"
_REASONS: tuple[tuple[type[Exception], str], ...] = (
    (TimeoutError, "timeout"),
    (aiohttp.ClientConnectorDNSError, "dns"),
    (aiohttp.ClientSSLError, "tls"),
    (aiohttp.ClientConnectorError, "connect"),
    (aiohttp.ClientOSError, "reset"),
    (aiohttp.ServerDisconnectedError, "reset"),
    (aiohttp.ClientError, "payload"),
)


@dataclass(frozen=True, slots=True, kw_only=True)
class HttpPolicy:
    """Limits of one request. `resolve` (host → address and port) replaces DNS for its hosts; its ports are allowed.

    `total_seconds` covers all hops but not the waits of `before_hop`; the byte rate counts after `slow_start_seconds`.
    """

    user_agent: str
    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    max_body_bytes: int = 10 * 2**20
    max_redirects: int = 10
    max_ratio: float = 200.0
    least_bytes_per_second: float = 1000.0
    slow_start_seconds: float = 10.0
    allowed_networks: tuple[Network, ...] = ()
    allowed_ports: frozenset[int] = WEB_PORTS
    resolve: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def guard(self) -> GuardPolicy:
        ports = self.allowed_ports.union(port for _, port in self.resolve.values())
        return GuardPolicy(allowed_networks=self.allowed_networks, allowed_ports=ports)


class HttpClient:
    """An async context manager; one for the process, shared by all polls and downloads."""

    def __init__(
        self,
        policy: HttpPolicy,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        dns: Callable[[], AbstractResolver] | None = None,
    ) -> None:
        self._policy = policy
        self._clock = clock
        self._dns = dns or _dns
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = _session(self._policy, self._dns)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        before_hop: Callable[[str], Awaitable[None]] | None = None,
        total_seconds: float | None = None,
        max_body_bytes: int | None = None,
    ) -> Response:
        """The answer at the end of the redirects, whatever its status; `before_hop` is awaited before each redirect.

        Raises TransientError (timeout, dns, connect, tls, reset, payload, too_slow), PermanentError (address_refused,
        too_large, too_many_redirects, redirect_loop, bad_url, decompression_ratio), and what `before_hop` raises.
        """
        wanted = Wanted(
            url=checked(url),
            accept=accept,
            validators=validators,
            headers=headers or {},
            max_body_bytes=max_body_bytes or self._policy.max_body_bytes,
        )
        return await self._follow(wanted, before_hop, total_seconds or self._policy.total_seconds)

    async def _follow(
        self, wanted: Wanted, before_hop: Callable[[str], Awaitable[None]] | None, seconds: float
    ) -> Response:
        hop, seen = wanted.url, {wanted.url}
        while True:
            answer = await self._ask(hop, wanted, seconds)
            target = redirect_target(answer)
            if target is None:
                return answer
            if target in seen:
                raise PermanentError("redirect_loop", f"{hop} leads back to {target}")
            if len(seen) > self._policy.max_redirects:
                raise PermanentError("too_many_redirects", f"more than {self._policy.max_redirects}")
            seen.add(target)
            seconds -= answer.seconds
            hop = target
            if before_hop is not None:
                await before_hop(hop)

    async def _ask(self, hop: str, wanted: Wanted, seconds: float) -> Response:
        if self._session is None:
            raise RuntimeError("the client is not open")
        if seconds <= 0:
            raise TransientError("timeout")
        loop = asyncio.get_running_loop()
        began = loop.time()
        timeout = aiohttp.ClientTimeout(total=seconds, sock_connect=self._policy.connect_seconds)
        request = self._session.get(
            URL(hop, encoded=True), headers=wanted.headers_at(hop), timeout=timeout, allow_redirects=False
        )
        with _mapped_errors():
            async with request as answer:
                headers = read_headers(answer.raw_headers)
                encoded = (
                    b"" if is_redirect(answer.status, headers) else await self._read(answer, wanted.max_body_bytes)
                )
        limits = DecodingLimits(max_bytes=wanted.max_body_bytes, max_ratio=self._policy.max_ratio)
        body, truncated = decode(encoded, headers.get("content-encoding", ""), limits)
        return Response(
            requested_url=wanted.url,
            final_url=hop,
            status=answer.status,
            headers=headers,
            body=body,
            fetched_at=self._clock(),
            seconds=loop.time() - began,
            truncated=truncated,
        )

    async def _read(self, answer: aiohttp.ClientResponse, max_bytes: int) -> bytes:
        """The body as sent, in chunks: reading it whole would let a small compressed body fill the memory."""
        if (answer.content_length or 0) > max_bytes:
            raise PermanentError("too_large", f"{answer.content_length} bytes announced")
        loop, body = asyncio.get_running_loop(), bytearray()
        began = loop.time()
        async for chunk in answer.content.iter_any():
            body += chunk
            if len(body) > max_bytes:
                raise PermanentError("too_large", f"over {max_bytes} bytes")
            elapsed = loop.time() - began
            if elapsed > self._policy.slow_start_seconds and len(body) < elapsed * self._policy.least_bytes_per_second:
                raise TransientError("too_slow")
        return bytes(body)


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


def _session(policy: HttpPolicy, dns: Callable[[], AbstractResolver]) -> aiohttp.ClientSession:
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(
            resolver=_Resolver(policy.resolve, dns),
            socket_factory=_guarded_sockets(policy.guard),
            limit=256,
            limit_per_host=4,
            # The limits count connections in use: many hosts in a row would leave as many open files behind.
            keepalive_timeout=KEEP_ALIVE_SECONDS,
        ),
        headers={"User-Agent": policy.user_agent},
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=False,
        # Sites with long policies and many cookies exceed the defaults of 8190 bytes and 128 headers.
        max_line_size=32 * 1024,
        max_field_size=64 * 1024,
        max_headers=512,
    )


def _guarded_sockets(policy: GuardPolicy) -> Callable[[AddressInfo], socket.socket]:
    def guarded_socket(info: AddressInfo) -> socket.socket:
        family, kind, protocol, _, address = info
        reason = refusal(address[0], address[1], policy)
        if reason is not None:
            raise PermissionError(errno.EACCES, f"{_REFUSED}: {reason}")
        return socket.socket(family, kind, protocol)

    return guarded_socket


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise PermanentError("bad_url", str(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error, aiohttp.ClientConnectorError) and _all_refused(error.os_error):
            raise PermanentError(_REFUSED, (error.os_error.strerror or "").replace(f"{_REFUSED}: ", "")) from error
        raise TransientError(next(reason for kind, reason in _REASONS if isinstance(error, kind))) from error


def _all_refused(error: OSError) -> bool:
    """Of several addresses, one that failed otherwise leaves no common errno: then another time may do."""
    return error.errno == errno.EACCES and _REFUSED in str(error)
