"""A server of feeds in a process of its own: any host, plain and with TLS, one feed at each path, pages at all others.

As a program it prints its two ports and serves until its standard input ends, so that it never outlives the bench.
"""

import asyncio
import ssl
import subprocess
import sys
from asyncio.subprocess import PIPE
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import NamedTuple

import uvloop
from aiohttp import web

ETAG = '"1"'
ENTRIES = 20
SECURE_SITES = 40
"""Sites with TLS, each with any number of hosts: a certificate with a name for every host would be a large one."""

_TEXT = (
    "The council met until late in the evening and agreed on the plan for the quays; works begin in the spring. " * 4
)
_ITEM = """
<item><title>Edition {number} of the river gazette</title><link>http://{host}/{number}.html</link>
<guid isPermaLink="false">{number}</guid><description>{text}</description></item>"""
_FEED = """<?xml version="1.0" encoding="utf-8"?>
<rss version="2.0"><channel><title>{host}</title><link>http://{host}/</link><description>Bench</description>{items}
</channel></rss>"""
_PAGE = f"<!doctype html><html><body><article>{f'<p>{_TEXT}</p>' * 60}</article></body></html>".encode()


class Ports(NamedTuple):
    plain: int
    secure: int


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
        if request.path == "/robots.txt":
            return web.Response(status=404)
        if request.path.endswith(".html"):
            return web.Response(body=_PAGE, content_type="text/html")
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


async def serve(certificate: Path, key: Path) -> None:
    runner = web.ServerRunner(web.Server(Feeds().answer))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, key)
    await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context).start()
    print(*(address[1] for address in runner.addresses), flush=True)
    await asyncio.to_thread(sys.stdin.read)
    await runner.cleanup()


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """One for all hosts of the secure sites, and its key; who trusts the certificate's own file trusts the server."""
    certificate, key = folder / "server.pem", folder / "server.key"
    names = ",".join(f"DNS:*.s{number}.example" for number in range(SECURE_SITES))
    command = ("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")
    files = ("-keyout", key, "-out", certificate)
    subprocess.run(
        (*command, *files, "-subj", "/CN=Bench", "-addext", f"subjectAltName={names}"), check=True, capture_output=True
    )
    return certificate, key


@asynccontextmanager
async def feed_server(certificate: Path, key: Path) -> AsyncIterator[Ports]:
    """The server, answering; its ports."""
    command = (sys.executable, "-m", "bench.feed_server", str(certificate), str(key))
    process = await asyncio.create_subprocess_exec(*command, stdin=PIPE, stdout=PIPE)
    try:
        yield await _ports(process)
    finally:
        process.kill()
        await process.wait()


async def _ports(process: asyncio.subprocess.Process) -> Ports:
    if process.stdout is None:
        raise RuntimeError("the feed server's output is not read")
    async with asyncio.timeout(30):
        return Ports(*(int(port) for port in (await process.stdout.readline()).split()))


if __name__ == "__main__":
    uvloop.run(serve(Path(sys.argv[1]), Path(sys.argv[2])))
