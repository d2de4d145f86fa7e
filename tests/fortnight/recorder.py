"""A server that plays every site of the fortnight and writes down each request, as it came in, and its answer."""

import gzip
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from aiohttp import web

NOTHING = timedelta(0)
LEAST_BYTES_COMPRESSED = 1000


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A request. `target` is the path with its query, header names are in lower case, values as they came in."""

    at: datetime
    host: str
    target: str
    headers: Mapping[str, str]

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.target}"

    @property
    def tag(self) -> str | None:
        return self.headers.get("if-none-match")

    @property
    def date(self) -> str | None:
        return self.headers.get("if-modified-since")

    @property
    def conditional(self) -> bool:
        return self.tag is not None or self.date is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """`leave` is how long this answer asks to be left alone, by the rules of fetching.md."""

    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""
    leave: timedelta = NOTHING


@dataclass(frozen=True, slots=True, kw_only=True)
class Exchange:
    asked: Asked
    answer: Answer


class Site(Protocol):
    def answer(self, asked: Asked) -> Answer: ...


class Recorder:
    """Answers for `sites` (host → site). While `away` says so, every connection breaks: our own network is out."""

    def __init__(
        self, sites: Mapping[str, Site], now: Callable[[], datetime], away: Callable[[datetime], bool] = lambda _: False
    ) -> None:
        self._sites = sites
        self._now = now
        self._away = away
        self.exchanges: list[Exchange] = []
        self.broken: list[Asked] = []

    @asynccontextmanager
    async def serving(self) -> AsyncIterator[int]:
        """Its port."""
        runner = web.ServerRunner(web.Server(self._handle))
        await runner.setup()
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        try:
            yield runner.addresses[0][1]
        finally:
            await runner.cleanup()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        asked = _asked(request, self._now())
        if self._away(asked.at):
            self.broken.append(asked)
            assert request.transport is not None
            request.transport.abort()
            return web.Response()
        answer = self._answer(asked)
        self.exchanges.append(Exchange(asked=asked, answer=answer))
        return _sent(answer, asked)

    def _answer(self, asked: Asked) -> Answer:
        site = self._sites.get(asked.host)
        if site is None or asked.target in {"/robots.txt", "/favicon.ico"}:
            return Answer(status=404)
        return site.answer(asked)


def _asked(request: web.BaseRequest, now: datetime) -> Asked:
    headers = {name.decode().lower(): value.decode() for name, value in request.raw_headers}
    return Asked(at=now, host=request.host, target=request.raw_path, headers=headers)


def _sent(answer: Answer, asked: Asked) -> web.Response:
    headers, body = dict(answer.headers), answer.body
    if len(body) > LEAST_BYTES_COMPRESSED and "gzip" in asked.headers.get("accept-encoding", ""):
        headers["Content-Encoding"] = "gzip"
        body = gzip.compress(body, compresslevel=1)
    response = web.Response(status=answer.status, headers=headers, body=body)
    # aiohttp's client counts in real time for how long it keeps a connection; here that would be hours.
    response.force_close()
    return response
