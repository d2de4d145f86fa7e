"""Reads page after page in the workers: many at once, told in the order in which they were asked for."""

import asyncio
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any

from services.console.page_sources import Wanted, checked, read_page
from services.fetcher import asking as fetching
from services.fetcher.config import FetcherSettings
from services.processor import asking as reading
from services.processor.asking import Page
from services.processor.config import ProcessorSettings
from shared.errors import PermanentError, PipelineError, Unavailable

UNREADABLE = "unreadable"
IN_HAND = 4
"""Pages held for each worker: one that it reads, and some that are ready while a slow one is waited for."""


def is_read(told: dict[str, Any]) -> bool:
    """Whether the verdict is about the page; what could not be read has none."""
    return told["verdict"] != UNREADABLE and told["verdict"] not in reading.UNREAD


class Extracting:
    """What came out of pages, as JSON values. Whatever one page does, the others are read."""

    def __init__(self, pages: reading.Asking, web: fetching.Asking, *, workers: int, max_body_bytes: int) -> None:
        self._pages = pages
        self._web = web
        self._most_at_once = IN_HAND * workers
        self._max_body_bytes = max_body_bytes

    async def told(self, wanted: Iterable[Wanted]) -> AsyncGenerator[dict[str, Any], None]:
        """One object a page, in the order of `wanted`; no more pages are held than the workers have use for."""
        ahead: deque[asyncio.Task[dict[str, Any]]] = deque()
        try:
            for each in wanted:
                ahead.append(asyncio.create_task(self._told(each)))
                if len(ahead) >= self._most_at_once:
                    yield await ahead.popleft()
            while ahead:
                yield await ahead.popleft()
        finally:
            for task in ahead:
                task.cancel()

    async def _told(self, wanted: Wanted) -> dict[str, Any]:
        try:
            page = await (self._fetched(wanted) if wanted.is_address else self._kept(wanted))
        except Unavailable:
            raise
        except PipelineError as error:
            url = wanted.source if wanted.is_address else wanted.url
            return {"file": _file(wanted), "url": url, "verdict": UNREADABLE, "detail": _cause(error)}
        return {"file": _file(wanted), **await self._pages.describe(page)}

    async def _fetched(self, wanted: Wanted) -> Page:
        answer = await self._web.page(wanted.source)
        return Page(body=checked(answer.body), url=answer.final_url, content_type=answer.headers.get("content-type"))

    async def _kept(self, wanted: Wanted) -> Page:
        body = await asyncio.to_thread(read_page, wanted.source, self._max_body_bytes)
        return Page(body=body, url=wanted.url, content_type=wanted.content_type)


@asynccontextmanager
async def extracting(
    processor: ProcessorSettings, fetcher: FetcherSettings, *, workers: int
) -> AsyncIterator[Extracting]:
    """With workers and a client of its own."""
    async with reading.asking(processor, workers=workers) as pages, fetching.asking(fetcher) as web:
        yield Extracting(pages, web, workers=workers, max_body_bytes=fetcher.max_body_bytes)


def _file(wanted: Wanted) -> str | None:
    return None if wanted.is_address else wanted.source


def _cause(error: PipelineError) -> str:
    if isinstance(error, PermanentError) and error.reason == UNREADABLE:
        return error.detail
    return str(error)
