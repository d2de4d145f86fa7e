"""The guarded HTTP client; with `connections` the only importer of aiohttp's client.

Redirects are followed here, not by aiohttp, which would carry our headers along and turn `user:password@` into
credentials.
"""

import asyncio
import errno
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import TracebackType
from typing import Self, cast

import aiohttp
from aiohttp.abc import AbstractResolver
from yarl import URL

from services.fetcher.model import Hop, Response, Validators
from services.fetcher.web.connections import REFUSED, Answer, Flood, session
from services.fetcher.web.decoding import Decoding, DecodingLimits
from services.fetcher.web.exchange import Wanted, checked, is_redirect, read_cookies, read_headers
from services.fetcher.web.guard import WEB_PORTS, GuardPolicy, Network
from shared.errors import PermanentError, TransientError

MOST_OF_A_REPLY = 64 * 1024
"""Bytes of an answer to a form."""
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

    `total_seconds` covers all hops but not the waits of `before_hop`; the head of each answer must be there after
    `head_seconds`, and of its body `least_bytes_per_second` after `slow_start_seconds`.
    """

    user_agent: str
    total_seconds: float = 30.0
    connect_seconds: float = 10.0
    head_seconds: float = 20.0
    max_body_bytes: int = 10 * 2**20
    max_redirects: int = 10
    max_ratio: float = 200.0
    least_bytes_per_second: float = 1000.0
    slow_start_seconds: float = 10.0
    allowed_networks: tuple[Network, ...] = ()
    refused_networks: tuple[Network, ...] = ()
    allowed_ports: frozenset[int] = WEB_PORTS
    resolve: Mapping[str, tuple[str, int]] = field(default_factory=dict)

    @property
    def guard(self) -> GuardPolicy:
        ports = self.allowed_ports.union(port for _, port in self.resolve.values())
        return GuardPolicy(
            allowed_networks=self.allowed_networks, refused_networks=self.refused_networks, allowed_ports=ports
        )


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
        self._dns = dns
        self._session: aiohttp.ClientSession | None = None
        # Time is kept here, by what has come already; the connector alone knows when it connects.
        self._timeout = aiohttp.ClientTimeout(total=None, sock_connect=policy.connect_seconds)

    async def __aenter__(self) -> Self:
        policy = self._policy
        self._session = session(policy.user_agent, policy.guard, policy.resolve, self._dns)
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

    async def post_form(
        self, url: str, fields: Mapping[str, str], *, before_hop: Callable[[str], Awaitable[None]] | None = None
    ) -> Response:
        """The answer to a form, whatever its status; only 307 and 308 lead on, and never from https into the clear.

        Raises what `get` does.
        """
        wanted = Wanted(
            url=checked(url), accept="*/*", validators=None, headers={}, max_body_bytes=MOST_OF_A_REPLY, form=fields
        )
        return await self._follow(wanted, before_hop, self._policy.total_seconds)

    async def _follow(
        self, wanted: Wanted, before_hop: Callable[[str], Awaitable[None]] | None, seconds: float
    ) -> Response:
        hop, seen = wanted.url, {wanted.url}
        hops: tuple[Hop, ...] = ()
        while True:
            answer = await self._ask(wanted, hop, hops, seconds)
            target = wanted.leads_to(answer)
            if target is None:
                return answer
            if target in seen:
                raise PermanentError("redirect_loop", f"{hop} leads back to {target}")
            if len(seen) > self._policy.max_redirects:
                raise PermanentError("too_many_redirects", f"more than {self._policy.max_redirects}")
            seen.add(target)
            hops = (*hops, Hop(url=hop, status=answer.status))
            seconds -= answer.seconds
            hop = target
            if before_hop is not None:
                await before_hop(hop)

    async def _ask(self, wanted: Wanted, hop: str, hops: tuple[Hop, ...], seconds: float) -> Response:
        if seconds <= 0:
            raise TransientError("timeout")
        began = asyncio.get_running_loop().time()
        with _mapped_errors():
            async with asyncio.timeout(min(seconds, self._policy.head_seconds)):
                answer = await self._head(wanted, hop)
            async with answer:
                headers, body, truncated = read_headers(answer.raw_headers), b"", False
                if not is_redirect(answer.status, headers):
                    body, truncated = await self._body(answer, headers, wanted.max_body_bytes, began + seconds)
        return Response(
            requested_url=wanted.url,
            final_url=hop,
            status=answer.status,
            headers=headers,
            body=body,
            fetched_at=self._clock(),
            seconds=asyncio.get_running_loop().time() - began,
            truncated=truncated,
            address=answer.peer,
            hops=hops,
            cookies=read_cookies(answer.raw_headers),
        )

    async def _head(self, wanted: Wanted, hop: str) -> Answer:
        if self._session is None:
            raise RuntimeError("the client is not open")
        answer = await self._session.request(
            "GET" if wanted.form is None else "POST",
            URL(hop, encoded=True),
            data=wanted.form,
            headers=wanted.headers_at(hop),
            timeout=self._timeout,
            allow_redirects=False,
        )
        return cast("Answer", answer)

    async def _body(
        self, answer: Answer, headers: Mapping[str, str], max_bytes: int, until: float
    ) -> tuple[bytes, bool]:
        """The body without its codings, and whether it broke off."""
        if answer.content.at_eof():
            return b"", False
        if (answer.content_length or 0) > max_bytes:
            raise PermanentError("too_large", f"{answer.content_length} bytes announced")
        limits = DecodingLimits(max_bytes=max_bytes, max_ratio=self._policy.max_ratio)
        decoding = Decoding(headers.get("content-encoding", ""), limits)
        whole = False
        try:
            await self._receive(answer, decoding, max_bytes, until)
            whole = True
        except Flood:
            raise
        except aiohttp.ClientPayloadError:
            # Some servers always announce more than they send, and what they send is good.
            await _decode(decoding, answer.left_over())
            if not decoding.sent:
                raise
        body, ended_early = decoding.end()
        return body, ended_early or not whole

    async def _receive(self, answer: Answer, decoding: Decoding, max_bytes: int, until: float) -> None:
        """Decode what comes as it comes: a bomb ends after its first bytes. Each byte buys the time for the next."""
        slow, size = self._policy.slow_start_seconds, 0
        began = asyncio.get_running_loop().time()
        patience = asyncio.timeout_at(min(began + slow, until))
        try:
            async with patience:
                async for chunk in answer.content.iter_any():
                    size += len(chunk)
                    if size > max_bytes:
                        raise PermanentError("too_large", f"over {max_bytes} bytes")
                    await _decode(decoding, chunk)
                    paid = max(slow, size / self._policy.least_bytes_per_second)
                    patience.reschedule(min(began + paid, until))
        except TimeoutError as error:
            raise TransientError("timeout" if patience.when() == until else "too_slow") from error


async def _decode(decoding: Decoding, chunk: bytes) -> None:
    for _ in decoding.feed(chunk):
        await asyncio.sleep(0)


@contextmanager
def _mapped_errors() -> Iterator[None]:
    try:
        yield
    except aiohttp.InvalidURL as error:
        raise PermanentError("bad_url", str(error)) from error
    except Flood as error:
        raise PermanentError("too_large", str(error)) from error
    except (aiohttp.ClientError, TimeoutError) as error:
        if isinstance(error, aiohttp.ClientConnectorError) and _all_refused(error.os_error):
            raise PermanentError(REFUSED, (error.os_error.strerror or "").replace(f"{REFUSED}: ", "")) from error
        raise TransientError(next(reason for kind, reason in _REASONS if isinstance(error, kind))) from error


def _all_refused(error: OSError) -> bool:
    """Of several addresses, one that failed otherwise leaves no common errno: then another time may do."""
    return error.errno == errno.EACCES and REFUSED in str(error)
