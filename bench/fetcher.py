"""The fetcher beside a bare aiohttp loop: polls and pages a second, CPU for each, memory, the store's share, lag.

Each feed has a host of its own, as most do, so every poll and every bare GET makes its own connection. Rates are
counted from the `WARM_UP`-th answer on; CPU is the fetcher's own process, without its parser's and the server's.
"""

import argparse
import asyncio
import os
import tempfile
from contextlib import AsyncExitStack
from itertools import islice
from pathlib import Path
from statistics import median

import uvloop

from bench.attack import Lag, attacked
from bench.bare import Pace, bare, parsed_alone
from bench.feed_server import ENTRIES, Ports, document, feed_server, make_certificate
from bench.footprint import Footprint, footprint
from bench.report import report, spread
from bench.subscribed import EMPTY, MODES, Mode, fetcher, fill, polled, store, visited
from shared import logs

BENCH_SECONDS = 580.0
PAGES = Mode(name="pages", path="/pages", outcome=EMPTY.outcome)
Rounds = list[tuple[Pace, Pace]]
"""Of each round the bare loop's pace and the fetcher's."""


async def polls(options: argparse.Namespace, folder: Path, ports: Ports) -> dict[str, Rounds]:
    """For each mode; the modes take turns."""
    found: dict[str, Rounds] = {mode.name: [] for mode in MODES}
    async with AsyncExitStack() as stack:
        at_work = []
        for mode in MODES:
            port, urls = ports.secure if mode.secure else ports.plain, mode.urls(options.polls)
            database = await stack.enter_async_context(store(folder, mode))
            await fill(database, mode, options.feeds)
            running = await stack.enter_async_context(fetcher(database, dict.fromkeys(urls, port)))
            # The first poll of a feed asks for its robots.txt, and reads all of it.
            await polled(running, database, mode, options.polls, first=True)
            at_work.append((mode, port, database, running))
        for _round in range(options.rounds):
            for mode, port, database, running in at_work:
                # The bare loop has hosts of its own: the server counts what each host was asked.
                base = await bare(mode.urls(options.polls, "b"), mode.headers, port)
                found[mode.name].append((base, await polled(running, database, mode, options.polls)))
    return found


async def pages(options: argparse.Namespace, folder: Path, port: int) -> Rounds:
    """A round asks for as many pages as feeds are polled in one, twenty of each host."""
    # One host more for each round: when the last page comes that is counted, others are under way.
    hosts, found = -(-options.polls * options.rounds // ENTRIES) + options.rounds, Rounds()
    urls = PAGES.urls(hosts)
    asked = (f"http://b{host:05}.example/{number}.html" for host in range(hosts) for number in range(ENTRIES))
    async with store(folder, PAGES) as database, fetcher(database, dict.fromkeys(urls, port)) as running:
        await fill(database, PAGES, hosts)
        await polled(running, database, PAGES, hosts, first=True)
        for _round in range(options.rounds):
            base = await bare(list(islice(asked, options.polls)), {}, port)
            found.append((base, await visited(running, options.polls)))
    return found


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of everything, in a minute")
    parser.add_argument("--feeds", type=int, default=10_000, help="feeds in the store while polls are timed")
    parser.add_argument("--polls", type=int, default=800, help="feeds polled, and pages asked for, in each round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--many", type=int, nargs="+", default=[1_000, 10_000, 100_000], help="feeds that are weighed")
    parser.add_argument("--attack-seconds", type=float, default=20.0)
    found = parser.parse_args()
    if found.quick:
        found.feeds, found.polls, found.rounds, found.many, found.attack_seconds = 1_000, 300, 1, [1_000, 10_000], 5.0
    return found


async def main(options: argparse.Namespace) -> None:
    logs.configure(service="bench", level="error")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        certificate, key = make_certificate(folder)
        # OpenSSL's own variable: whoever makes a context from now on trusts the server, as the fetcher's client does.
        os.environ["SSL_CERT_FILE"] = str(certificate)
        async with asyncio.timeout(BENCH_SECONDS), feed_server(certificate, key) as ports:
            found = await polls(options, folder, ports)
            found["pages"] = await pages(options, folder, ports.plain)
            report("fetcher", {"feeds": options.feeds, "polls": options.polls}, [row(*each) for each in found.items()])
            alone = parsed_alone(document("f.example", ENTRIES), options.polls)
            print(f"feedparser called directly on the same document: {alone:.0f} a second")
            weighed = [await footprint(folder, each, options.polls, ports.plain) for each in options.many]
            report("fetcher-feeds", {"polls": options.polls}, [weight(each) for each in weighed])
            lags = await attacked(folder, options.polls, ports.plain, options.attack_seconds)
            report("fetcher-lag", {"seconds": options.attack_seconds}, [*map(lateness, ("alone", "attacked"), lags)])


def row(name: str, rounds: Rounds) -> dict[str, object]:
    speed = spread([pace.rate for _, pace in rounds])
    ratio = spread([pace.rate / base.rate for base, pace in rounds])
    return {
        "": name,
        "a second": speed["median"],
        "min": speed["min"],
        "max": speed["max"],
        "µs CPU": median(pace.cpu for _, pace in rounds),
        "bare": median(base.rate for base, _ in rounds),
        "bare µs CPU": median(base.cpu for base, _ in rounds),
        "ratio": ratio["median"],
        "ratio CPU": median(base.cpu / pace.cpu for base, pace in rounds),
    }


def weight(found: Footprint) -> dict[str, object]:
    return {
        "feeds": found.feeds,
        "MiB": found.mebibytes,
        "bytes a feed in the file": found.bytes_per_feed,
        "µs CPU of the store a poll": found.store.cpu,
        "polls a second of the store": found.store.rate,
    }


def lateness(name: str, lag: Lag) -> dict[str, object]:
    return {
        "": name,
        "loop late p99 ms": lag.p99,
        "longest ms": lag.longest,
        "good polls/s": lag.good_a_second,
        "attacks": lag.attacks,
    }


if __name__ == "__main__":
    uvloop.run(main(options()))
