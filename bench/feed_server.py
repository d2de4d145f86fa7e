"""A server of feeds in a process of its own: any host, one feed at each of three paths, one that answers each way.

As a program it prints its port and serves until its standard input ends, so that it never outlives the bench.
"""

import asyncio
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import uvloop
from aiohttp import web

ETAG = '"1"'
ENTRIES = 20

_TEXT = (
    "The council met until late in the evening and agreed on the plan for the quays; works begin in the spring. " * 4
)
_ITEM = """
<item><title>Edition {number} of the river gazette</title><link>http://{host}/{number}.html</link>
<guid isPermaLink="false">{number}</guid><description>{text}</description></item>"""
_FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>{host}</title><link>http://{host}/</link><description>Bench</description>{items}
</channel></rss>"""


def document(host: str, newest: int) -> bytes:
    """The feed's twenty newest entries, none of them dated; `newest` is the last one's number."""
    numbers = range(newest, newest - ENTRIES, -1)
    items = "".join(_ITEM.format(number=number, host=host, text=_TEXT) for number in numbers)
    return _FEED.format(host=host, items=items).encode()


class Feeds:
    """`/not-modified` knows its validator, `/same` has none, `/new` has one more entry each time, `/empty` has none."""

    def __init__(self) -> None:
        self._asked: Counter[str] = Counter()

    async def answer(self, request: web.BaseRequest) -> web.Response:
        if request.path == "/not-modified" and request.headers.get("If-None-Match") == ETAG:
            return web.Response(status=304, headers={"ETag": ETAG})
        headers = {"ETag": ETAG} if request.path == "/not-modified" else {}
        return web.Response(body=self._body(request.path, request.host), content_type="text/xml", headers=headers)

    def _body(self, path: str, host: str) -> bytes:
        if path == "/empty":
            return _FEED.format(host=host, items="").encode()
        if path != "/new":
            return document(host, ENTRIES)
        self._asked[host] += 1
        return document(host, ENTRIES + self._asked[host])


async def serve() -> None:
    runner = web.ServerRunner(web.Server(Feeds().answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    print(runner.addresses[0][1], flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


@asynccontextmanager
async def feed_server() -> AsyncIterator[int]:
    """The server, answering; its port."""
    command = (sys.executable, "-m", "bench.feed_server")
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield await _port(process)
    finally:
        process.kill()
        await process.wait()


async def _port(process: asyncio.subprocess.Process) -> int:
    if process.stdout is None:
        raise RuntimeError("the feed server's output is not read")
    async with asyncio.timeout(30):
        return int(await process.stdout.readline())


if __name__ == "__main__":
    uvloop.run(serve())
