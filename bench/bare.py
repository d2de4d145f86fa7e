"""What the fetcher is compared with: the same requests in a bare aiohttp loop, and feedparser called directly."""

import asyncio
import ssl
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from io import BytesIO

import aiohttp
import feedparser
from aiohttp.abc import AbstractResolver, ResolveResult

from bench.clock import Clock

AT_ONCE = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Pace:
    """Results a second, and the CPU time of this process for each, in microseconds."""

    rate: float
    cpu: float


@contextmanager
def paced(clock: Clock, into: list[Pace]) -> Iterator[None]:
    """Append the pace of what ticks the clock inside."""
    began = time.process_time()
    yield
    into.append(Pace(rate=clock.rate, cpu=(time.process_time() - began) / len(clock.times) * 1e6))


async def bare(urls: Sequence[str], headers: Mapping[str, str], port: int) -> Pace:
    """The same GETs, as many at once, answers thrown away."""
    clock, left, found = Clock(len(urls)), iter(urls), list[Pace]()
    connector = aiohttp.TCPConnector(
        resolver=ToServer(port), ssl=ssl.create_default_context(), limit=256, limit_per_host=4
    )
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:
        with paced(clock, found):
            await asyncio.gather(*(_get_each(session, left, headers, clock.tick) for _ in range(AT_ONCE)))
    return found[0]


async def _get_each(
    session: aiohttp.ClientSession, left: Iterator[str], headers: Mapping[str, str], tick: Callable[[], None]
) -> None:
    for url in left:
        async with session.get(url, headers=headers) as answer:
            await answer.read()
        tick()


class ToServer(AbstractResolver):
    """Every host is the server."""

    def __init__(self, port: int) -> None:
        self._port = port

    async def resolve(self, host: str, port: int = 0, family: int = 0) -> list[ResolveResult]:  # noqa: ARG002
        return [ResolveResult(hostname=host, host="127.0.0.1", port=self._port, family=2, proto=0, flags=0)]

    async def close(self) -> None:
        return


def parsed_alone(body: bytes, count: int) -> float:
    """Documents a second that feedparser reads in a loop, as quickly as it can: without its sanitising."""
    began = time.perf_counter()
    for _ in range(count):
        feedparser.parse(BytesIO(body), sanitize_html=False, resolve_relative_uris=False)
    return count / (time.perf_counter() - began)
