"""`python -m services.newsroom`: serve the sample outlets, an edition at a time, until told to stop."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Sequence
from datetime import UTC, datetime

from services.newsroom.server import Newsroom, serve


def main(arguments: Sequence[str] | None = None) -> None:
    asyncio.run(_run(_parse(arguments)))


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="services.newsroom", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8800)
    parser.add_argument(
        "--every",
        "--edition-seconds",
        dest="every",
        type=float,
        default=15.0,
        metavar="SECONDS",
        help="time between editions, counted from the first request for a feed; 0 starts at the last edition",
    )
    parser.add_argument("--manual", action="store_true", help="turn to the next edition only at POST /advance")
    parser.add_argument("--filler-bytes", type=int, default=0, help="least weight of an article's page")
    parser.add_argument("--bulk", type=int, default=0, help="serve bulk.example with that many articles, too")
    return parser.parse_args(arguments)


async def _run(options: argparse.Namespace) -> None:
    newsroom = Newsroom(started_at=datetime.now(UTC), filler_bytes=options.filler_bytes, bulk=options.bulk)
    stopped = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stopped.set)
    async with serve(newsroom, host=options.host, port=options.port) as port:
        sys.stderr.write(f"newsroom: {len(newsroom.hosts)} outlets on {options.host}:{port}\n")
        turning = asyncio.create_task(_turn_editions(newsroom, options))
        await stopped.wait()
        turning.cancel()


async def _turn_editions(newsroom: Newsroom, options: argparse.Namespace) -> None:
    if options.manual:
        return
    if options.every > 0:
        # A stack that is slow to start must not miss an edition.
        await newsroom.first_feed_request.wait()
    while newsroom.edition < newsroom.last_edition:
        await asyncio.sleep(options.every)
        newsroom.advance()
        sys.stderr.write(f"newsroom: edition {newsroom.edition} of {newsroom.last_edition}\n")


if __name__ == "__main__":
    main()
