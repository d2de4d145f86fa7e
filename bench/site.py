"""The sample newsroom's bulk outlet in a process of its own, and its pages as a bare loop would have them."""

import asyncio
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp
import feedparser

HOST = "bulk.example"
FEED_LENGTH = 100


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    url: str
    title: str
    content_type: str
    body: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """`feeds` are the addresses of its feeds; `resolve` leads to it instead of DNS."""

    port: int
    articles: int

    @property
    def feeds(self) -> list[str]:
        return [f"http://{HOST}/feed/{number}.xml" for number in range(1, -(-self.articles // FEED_LENGTH) + 1)]

    @property
    def resolve(self) -> dict[str, str]:
        return {HOST: f"127.0.0.1:{self.port}"}

    async def pages(self) -> list[Page]:
        """Every page, in the feeds' order; fetching them also fills the site's own cache."""
        async with aiohttp.ClientSession(headers={"Host": HOST}) as session:
            pages = []
            for feed in self.feeds:
                for entry in feedparser.parse(await self._get(session, feed)).entries:
                    async with session.get(self._local(entry.link)) as answer:
                        kind, body = answer.content_type, await answer.read()
                    pages.append(Page(url=entry.link, title=entry.title, content_type=kind, body=body))
        return pages

    async def _get(self, session: aiohttp.ClientSession, url: str) -> str:
        async with session.get(self._local(url)) as answer:
            return await answer.text()

    def _local(self, url: str) -> str:
        return url.replace(f"http://{HOST}", f"http://127.0.0.1:{self.port}")


@asynccontextmanager
async def site(articles: int, page_bytes: int) -> AsyncIterator[Site]:
    """The site, serving; ended by its own process id."""
    port = _free_port()
    command = [sys.executable, "-m", "services.newsroom", "--port", str(port), "--every", "0"]
    options = ["--bulk", str(articles), "--filler-bytes", str(page_bytes)]
    process = subprocess.Popen([*command, *options], stderr=subprocess.DEVNULL)  # noqa: ASYNC220 - starts at once
    try:
        await _answering(port, process)
        yield Site(port=port, articles=articles)
    finally:
        process.terminate()
        process.wait(10)


async def _answering(port: int, process: subprocess.Popen[bytes]) -> None:
    async with asyncio.timeout(60), aiohttp.ClientSession() as session:
        while process.poll() is None:
            try:
                async with session.get(f"http://127.0.0.1:{port}/healthz"):
                    return
            except aiohttp.ClientError:
                await asyncio.sleep(0.1)
    raise RuntimeError("the sample newsroom ended before it answered")


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])
