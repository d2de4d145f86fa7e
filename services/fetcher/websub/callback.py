"""The address that hubs call (WebSub). Strangers reach it: everything is bounded in number, size and time."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from typing import Protocol

import structlog
from aiohttp import web

from services.fetcher.websub.websub import Delivery, Subscription
from shared.errors import TransientError

log = structlog.get_logger()
MOST_BYTES = 2 * 2**20
"""Of one delivery; who tells of news need not bring them."""
MOST_AT_ONCE = 16
MOST_CONNECTIONS = 256
BODY_SECONDS = 10.0
RETRY_AFTER_SECONDS = "60"
LINGER_SECONDS = 1.0
KEEP_ALIVE_SECONDS = 15.0
SHUTDOWN_SECONDS = 3.0
_PLAIN = {"X-Content-Type-Options": "nosniff"}


class Pushes(Protocol):
    async def find(self, token: str) -> Subscription | None: ...
    async def verify(self, subscription: Subscription, query: Mapping[str, str]) -> str | None: ...
    async def take(self, delivery: Delivery) -> None: ...


class Callback:
    """Answers hubs: 200 and the challenge, 2xx, 404 to a question that we did not expect, 410 to what nobody wants."""

    def __init__(self, pushes: Pushes) -> None:
        self._pushes = pushes
        self._places = asyncio.Semaphore(MOST_AT_ONCE)

    def application(self) -> web.Application:
        app = web.Application(client_max_size=MOST_BYTES)
        # The last part of the path is the token: a proxy may take a prefix away, or leave it.
        app.router.add_get("/{path:.*}", self._in_bounds(self._verify), allow_head=False)
        app.router.add_post("/{path:.*}", self._in_bounds(self._take))
        return app

    def _in_bounds(
        self, handle: Callable[[web.Request], Awaitable[web.Response]]
    ) -> Callable[[web.Request], Awaitable[web.Response]]:
        """With a place, or told to come again; also while the store is away: the hub has what we did not keep."""

        async def bounded(request: web.Request) -> web.Response:
            if self._places.locked():
                return _later()
            async with self._places:
                try:
                    return await handle(request)
                except TransientError as error:
                    log.debug("push_put_off", reason=str(error))
                    return _later()

        return bounded

    async def _verify(self, request: web.Request) -> web.Response:
        subscription = await self._pushes.find(_token(request))
        said = None if subscription is None else await self._pushes.verify(subscription, request.query)
        return web.Response(status=404) if said is None else web.Response(text=said, headers=_PLAIN)

    async def _take(self, request: web.Request) -> web.Response:
        subscription = await self._pushes.find(_token(request))
        if subscription is None or not subscription.wanted:
            return _closing(410)
        try:
            async with asyncio.timeout(BODY_SECONDS):
                body = await _body(request)
        except TimeoutError:
            return _closing(408)
        if body is None:
            return _closing(413)
        headers = request.headers
        delivery = Delivery(
            subscription=subscription,
            body=body,
            content_type=headers.get("Content-Type"),
            encoding=headers.get("Content-Encoding"),
            signature=headers.get("X-Hub-Signature"),
        )
        await self._pushes.take(delivery)
        return web.Response(status=202)


@asynccontextmanager
async def served(pushes: Pushes, *, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port that was bound. Ends the process where the port cannot be had."""
    runner = web.AppRunner(
        Callback(pushes).application(),
        access_log=None,
        # The signature is over what was sent, and a small body stays small.
        auto_decompress=False,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        lingering_time=LINGER_SECONDS,
        shutdown_timeout=SHUTDOWN_SECONDS,
    )
    await runner.setup()
    try:
        try:
            listener = await asyncio.get_running_loop().create_server(_door(runner), host, port)
        except OSError as error:
            log.error("callback_not_served", host=host, port=port, reason=error.strerror)  # noqa: TRY400 - all is said
            raise SystemExit(1) from error
        try:
            yield listener.sockets[0].getsockname()[1]
        finally:
            listener.close()
    finally:
        await runner.cleanup()


def _door(runner: web.AppRunner) -> Callable[[], asyncio.BaseProtocol]:
    """Lets so many in at a time: each takes an open file, of which polls and downloads need theirs."""

    def enter() -> asyncio.BaseProtocol:
        server = runner.server
        return _Refused() if server is None or len(server.connections) >= MOST_CONNECTIONS else server()

    return enter


class _Refused(asyncio.Protocol):
    """A connection for which there is no room."""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        transport.close()


async def _body(request: web.Request) -> bytes | None:
    """As it was sent; None when it is larger than we read."""
    if (request.content_length or 0) > MOST_BYTES:
        return None
    body = bytearray()
    async for chunk in request.content.iter_any():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def _token(request: web.Request) -> str:
    return request.path.rpartition("/")[2]


def _later() -> web.Response:
    response = web.Response(status=503, headers={"Retry-After": RETRY_AFTER_SECONDS})
    response.force_close()
    return response


def _closing(status: int) -> web.Response:
    """The rest of the request is not read."""
    response = web.Response(status=status)
    response.force_close()
    return response
