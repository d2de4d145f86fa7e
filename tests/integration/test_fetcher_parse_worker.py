"""Parsing in its worker process: a hostile feed costs that process and nothing else."""

from datetime import UTC, datetime

import pytest

from services.fetcher.parsing import parse_feed
from shared.workers import WorkerLimits, WorkerLost, WorkerPool

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
FEED = b'<rss version="2.0"><channel><title>T</title><item><guid>1</guid>%s</item></channel></rss>'
HOSTILE = {
    "addresses": FEED % (b"<author>a@" + b"a." * 64_000 + b"</author>"),
    "attributes": FEED % (b"<x " + b" ".join(b"a%d='1'" % number for number in range(120_000)) + b"/>"),
}


@pytest.mark.parametrize("attack", HOSTILE)
async def test_a_feed_that_takes_too_long_is_killed_and_the_next_is_parsed(attack):
    """Feeds that keep the parser busy for minutes end at the limit; the pool goes on."""
    pool = WorkerPool("parsing", WorkerLimits(workers=1, seconds=3))
    try:
        with pytest.raises(WorkerLost, match="worker_timeout"):
            await pool.run(parse_feed, HOSTILE[attack], None, "https://courrier.example/rss", NOW)
        parsed = await pool.run(parse_feed, FEED % b"", None, "https://courrier.example/rss", NOW)
    finally:
        await pool.close()

    assert [entry.identity for entry in parsed.entries] == ["1"]
