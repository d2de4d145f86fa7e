"""The fetcher's eyes without its loops, for people who ask what it would find or read at an address."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from time import monotonic
from typing import Any
from urllib.parse import urlsplit

from services.fetcher.config import FetcherSettings
from services.fetcher.documents import finding
from services.fetcher.documents.feed_description import describe
from services.fetcher.documents.finding import Candidate
from services.fetcher.documents.parsers import Parsers
from services.fetcher.errors import Disallowed
from services.fetcher.hosts import robots
from services.fetcher.hosts.robotstxt import Robots
from services.fetcher.model import Response
from services.fetcher.pages import downloader
from services.fetcher.polling.feed_client import ACCEPT
from services.fetcher.web.http import HttpClient
from shared.errors import PermanentError, PipelineError, TransientError
from shared.urls import normalise, site_of

WEB = ("http://", "https://")
PAUSE_SECONDS = 1.0
"""Between two requests to one site: nobody waits for the answer but a person."""


class Asking:
    """Reads feeds one by one, by the same guarded client and killable workers as a poll; nothing is stored."""

    def __init__(self, client: HttpClient, parsers: Parsers, *, agent: str, workers: int, max_body_bytes: int) -> None:
        self._client = client
        self._parsers = parsers
        self._agent = agent
        self._at_once = 2 * workers
        self._most = max_body_bytes
        self._robots: dict[str, Robots] = {}
        self._asking = asyncio.Lock()
        self._asked: dict[str, float] = {}

    async def find(self, url: str) -> Sequence[Candidate]:
        """The feeds that the page at `url` leads to. Raises PipelineError when the page itself cannot be had."""
        return await finding.find(self._client, self._parsers.parse, url)

    async def page(self, address: str) -> Response:
        """What is served at `address`, where robots.txt lets us; nothing that is no success. Raises PipelineError."""
        url = _web_address(address)
        async with self._asking:
            await self._leave(url)
            return _success(await self._client.get(url, accept=downloader.ACCEPT, before_hop=self._leave))

    async def descriptions(self, sources: Sequence[str]) -> AsyncIterator[dict[str, Any]]:
        """What is read in each of the files and at each of the addresses, in their order; JSON values.

        One that cannot be read has `error` and `detail` in place of what it holds.
        """
        ahead: deque[asyncio.Task[dict[str, Any]]] = deque()
        try:
            for source in sources:
                ahead.append(asyncio.create_task(self._described(source)))
                if len(ahead) >= self._at_once:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()

    async def _described(self, source: str) -> dict[str, Any]:
        try:
            body, content_type, url = await (self._at(source) if source.startswith(WEB) else self._in(Path(source)))
            parsed = await self._parsers.parse(body, content_type, url or "")
        except PipelineError as error:
            reason, detail = getattr(error, "reason", str(error)), getattr(error, "detail", "")
            return {"source": source, "error": reason, "detail": detail}
        return {"source": source, **describe(parsed, url)}

    async def _at(self, address: str) -> tuple[bytes, str | None, str | None]:
        url = _web_address(address)
        async with self._asking:
            await self._pause(site_of(url))
            answer = _success(await self._client.get(url, accept=ACCEPT))
        return answer.body, answer.headers.get("content-type"), answer.final_url

    async def _in(self, path: Path) -> tuple[bytes, str | None, str | None]:
        try:
            body = await asyncio.to_thread(_read, path, self._most)
        except OSError as error:
            raise PermanentError("unreadable", f"{path} cannot be read: {error.strerror}") from error
        return body, None, None

    async def _leave(self, url: str) -> None:
        """Raises Disallowed, or TransientError where robots.txt cannot be had: then nothing is allowed."""
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(url))
        if origin not in self._robots:
            await self._pause(site_of(url))
            answer = await self._client.get(f"{origin}/robots.txt", accept=robots.ACCEPT)
            self._robots[origin] = Robots.parse(answer.status, answer.body)
        if not self._robots[origin].reachable:
            raise TransientError("robots_unreachable")
        if not self._robots[origin].allowed(url, self._agent):
            raise Disallowed(url)
        await self._pause(site_of(url))

    async def _pause(self, site: str) -> None:
        with suppress(KeyError):
            await asyncio.sleep(self._asked[site] + PAUSE_SECONDS - monotonic())
        self._asked[site] = monotonic()


@asynccontextmanager
async def asking(settings: FetcherSettings) -> AsyncIterator[Asking]:
    async with AsyncExitStack() as stack:
        parsers = Parsers(settings.parser)
        stack.push_async_callback(parsers.close)
        client = await stack.enter_async_context(HttpClient(settings.http))
        yield Asking(
            client,
            parsers,
            agent=settings.http.user_agent,
            workers=settings.parse_workers,
            max_body_bytes=settings.max_body_bytes,
        )


def _web_address(address: str) -> str:
    """As it is requested; raises PermanentError `bad_url`."""
    url = normalise(address)
    if url is None:
        raise PermanentError("bad_url", f"{address!r} is no http(s) address")
    return url


def _success(answer: Response) -> Response:
    """Raises PermanentError for any status but 2xx."""
    if not 200 <= answer.status < 300:
        raise PermanentError(f"http_{answer.status}", f"{answer.final_url} answers {answer.status}")
    return answer


def _read(path: Path, most: int) -> bytes:
    """Raises PermanentError `too_large` for more than `most` bytes."""
    with path.open("rb") as file:
        body = file.read(most + 1)
    if len(body) > most:
        raise PermanentError("too_large", f"{path} has more than {most} bytes")
    return body
