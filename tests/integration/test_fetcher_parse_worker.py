"""Parsing in worker processes: a hostile feed costs one of them now and then, and its neighbours nothing."""

import asyncio
from contextlib import suppress

import pytest

from services.fetcher.documents.parsers import MOST_ASIDE, Parsers
from services.fetcher.errors import ParsersBusy
from shared.errors import PermanentError
from shared.workers import WorkerLimits, WorkerLost

FEED = b'<rss version="2.0"><channel><title>T</title><item><guid>1</guid>%s</item></channel></rss>'
GOOD, BAD = "https://courrier.example/rss", "https://hostile.example/rss"
HOSTILE = {
    "categories": FEED % b"".join(b"<category>c%d</category>" % number for number in range(100_000)),
    "unclosed lists": FEED % (b"<skipHours>" * 1_000_000),
}


@pytest.fixture
async def parsers():
    made = Parsers(WorkerLimits(workers=1, seconds=2.0))
    yield made
    await made.close()


@pytest.mark.parametrize("attack", HOSTILE)
async def test_a_feed_that_takes_too_long_is_killed_and_the_next_is_parsed(parsers, attack):
    """Feeds that keep the parser busy for minutes end at the limit; the only worker goes on with the next."""
    with pytest.raises(WorkerLost, match="worker_timeout"):
        await parsers.parse(HOSTILE[attack], None, BAD)
    parsed = await parsers.parse(FEED % b"", None, GOOD)

    assert [entry.identity for entry in parsed.entries] == ["1"]


async def test_a_hostile_feed_never_holds_up_its_neighbours_twice(parsers):
    """It is read again and again; meanwhile the others come through one by one on the single common worker."""
    killed = 0

    async def again_and_again():
        nonlocal killed
        while True:
            with suppress(WorkerLost):
                await parsers.parse(HOSTILE["categories"], None, BAD)
            killed += 1

    with pytest.raises(WorkerLost):
        await parsers.parse(HOSTILE["categories"], None, BAD)
    attack = asyncio.create_task(again_and_again())
    try:
        for number in range(60):
            await parsers.parse(FEED % b"", None, f"{GOOD}/{number}")
    finally:
        attack.cancel()

    # Were they in one queue, each would have waited for a kill.
    assert killed < 30


async def test_many_hostile_feeds_do_not_queue_up():
    """Few wait for the worker of suspects, and each costs it; the others are refused at once and can come later."""
    parsers, urls = Parsers(WorkerLimits(workers=2, seconds=1.0)), [f"{BAD}/{number}" for number in range(6)]

    async def attacked():
        attacks = (parsers.parse(HOSTILE["categories"], None, url) for url in urls)
        return [type(each) for each in await asyncio.gather(*attacks, return_exceptions=True)]

    try:
        first, second = await attacked(), await attacked()
        parsed = await parsers.parse(FEED % b"", None, urls[-1])
    finally:
        await parsers.close()

    assert first == [WorkerLost] * 6
    assert second == [WorkerLost] * MOST_ASIDE + [ParsersBusy] * (6 - MOST_ASIDE)
    assert [entry.identity for entry in parsed.entries] == ["1"]


async def test_a_document_without_an_address_casts_no_suspicion(parsers):
    """Files have none, and would all be suspected for one of them."""
    with pytest.raises(WorkerLost):
        await parsers.parse(HOSTILE["categories"], None, "")

    assert not parsers.suspected("")


async def test_a_feed_that_is_read_again_is_no_longer_suspect(parsers):
    """A feed that was too heavy once comes back among the others as soon as it is read."""
    with pytest.raises(WorkerLost):
        await parsers.parse(HOSTILE["categories"], None, BAD)
    suspected = parsers.suspected(BAD)
    await parsers.parse(FEED % b"", None, BAD)

    assert (suspected, parsers.suspected(BAD)) == (True, False)


async def test_a_page_in_place_of_a_feed_is_no_reason_for_suspicion(parsers):
    """Only what costs a worker is kept apart."""
    with pytest.raises(PermanentError, match="not_a_feed"):
        await parsers.parse(b"<html></html>", None, BAD)

    assert not parsers.suspected(BAD)


async def test_suspects_are_forgotten_when_there_are_too_many():
    """Whoever moves from address to address fills no memory."""
    parsers = Parsers(WorkerLimits(workers=1, seconds=1.0), most_suspects=1)
    try:
        for url in (BAD, f"{BAD}/2"):
            with pytest.raises(WorkerLost):
                await parsers.parse(HOSTILE["categories"], None, url)
    finally:
        await parsers.close()

    assert [parsers.suspected(url) for url in (BAD, f"{BAD}/2")] == [False, True]
