"""The newsroom over HTTP: one application that answers for every outlet, by the Host header."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict, dataclass
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime

from aiohttp import web

from services.newsroom.press import Document, Press
from services.newsroom.script import EDITIONS, expected

RECORDED_HEADERS = ("If-None-Match", "If-Modified-Since", "User-Agent", "Accept-Encoding")
# A newsroom that is left running for weeks must not grow with every poll.
MOST_REQUESTS = 200_000
# Below this a compressed body is hardly shorter, if at all.
SMALLEST_GZIPPED = 256


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answered request; `at` is the event loop's time of its arrival, in seconds."""

    host: str
    path_qs: str
    at: float
    status: int
    headers: Mapping[str, str]


class Newsroom:
    """Sample outlets and the edition they stand at; `bulk` adds an outlet with that many articles.

    `started_at` is an aware UTC datetime, from which all published times are counted back.
    `filler_bytes` is the least weight of an article's page.
    """

    def __init__(self, *, started_at: datetime, filler_bytes: int = 0, bulk: int = 0) -> None:
        self._press = Press(started_at=started_at.replace(microsecond=0), filler_bytes=filler_bytes, bulk=bulk)
        self.edition = 1
        self.last_edition = len(EDITIONS)
        self.requests: list[Request] = []
        self.first_feed_request = asyncio.Event()

    @property
    def hosts(self) -> tuple[str, ...]:
        return self._press.hosts

    @property
    def feed_urls(self) -> tuple[str, ...]:
        return tuple(f"http://{host}{path}" for host, path in self._press.feed_addresses)

    def advance(self) -> bool:
        """Turn to the next edition; False when there is none."""
        if self.edition == self.last_edition:
            return False
        self.edition += 1
        self._press.turn_to(self.edition)
        return True

    def application(self) -> web.Application:
        """Build the application; besides the outlets it has /healthz, /expected.json and POST /advance on any host."""
        application = web.Application()
        application.router.add_get("/healthz", self._health)
        application.router.add_get("/expected.json", self._expected)
        application.router.add_post("/advance", self._advance)
        application.router.add_get("/{path:.*}", self._answer)
        return application

    async def _health(self, _request: web.Request) -> web.Response:
        return web.Response(text="ok\n")

    async def _expected(self, _request: web.Request) -> web.Response:
        return web.json_response(asdict(expected(self.edition)))

    async def _advance(self, _request: web.Request) -> web.Response:
        return web.json_response({"advanced": self.advance(), "edition": self.edition})

    async def _answer(self, request: web.Request) -> web.Response:
        at = asyncio.get_running_loop().time()
        address = (request.host.partition(":")[0].lower(), request.path)
        response = respond(self._press.document(address), request.headers)
        self._record(request, host=address[0], at=at, status=response.status)
        if address in self._press.feed_addresses:
            self.first_feed_request.set()
        return response

    def _record(self, request: web.Request, *, host: str, at: float, status: int) -> None:
        if len(self.requests) >= MOST_REQUESTS:
            del self.requests[: MOST_REQUESTS // 2]
        headers = {name: request.headers[name] for name in RECORDED_HEADERS if name in request.headers}
        self.requests.append(Request(host=host, path_qs=request.path_qs, at=at, status=status, headers=headers))


def respond(document: Document, asked: Mapping[str, str]) -> web.Response:
    """Answer with the document, compressed if the asker takes gzip, or with 304 if the asker has it already."""
    headers = _headers(document)
    if document.status == 200 and is_unchanged(document, asked):
        return web.Response(status=304, headers=headers)
    body = document.body
    headers["Content-Type"] = document.content_type
    if len(body) >= SMALLEST_GZIPPED:
        headers["Vary"] = "Accept-Encoding"
        if "gzip" in asked.get("Accept-Encoding", ""):
            headers["Content-Encoding"] = "gzip"
            body = document.gzipped
    return web.Response(status=document.status, body=body, headers=headers)


def is_unchanged(document: Document, asked: Mapping[str, str]) -> bool:
    """Decide by the entity tag if there is one, else by date (RFC 9110, section 13.2.2)."""
    if (tags := asked.get("If-None-Match")) is not None:
        known = {tag.strip().removeprefix("W/") for tag in tags.split(",")}
        return document.etag is not None and document.etag.removeprefix("W/") in known
    since = asked.get("If-Modified-Since")
    if since is None or document.last_modified is None:
        return False
    try:
        return document.last_modified <= parsedate_to_datetime(since)
    except (ValueError, TypeError):
        # RFC 9110, section 13.1.3: a date that is none, or has no zone to compare by, is ignored.
        return False


def _headers(document: Document) -> dict[str, str]:
    headers = {}
    if document.etag:
        headers["ETag"] = document.etag
    if document.last_modified:
        headers["Last-Modified"] = format_datetime(document.last_modified, usegmt=True)
    if document.location:
        headers["Location"] = document.location
    return headers


@asynccontextmanager
async def serve(newsroom: Newsroom, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    """Serve the newsroom until the context ends; yields the port, chosen by the system when 0 was asked for."""
    runner = web.AppRunner(newsroom.application(), access_log=None, shutdown_timeout=2.0)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        yield int(runner.addresses[0][1])
    finally:
        await runner.cleanup()
