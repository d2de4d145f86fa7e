"""Two hours in which our own network is away, right when a hundred feeds are due."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pytest
from fortnight.papers import START, Paper, steady
from fortnight.playing import Play, recorded, until
from fortnight.readers import Fetcher, Surroundings
from fortnight.recording import Recording
from fortnight.sites import HOUR, Forgetful, between
from fortnight.world import Scene

pytestmark = pytest.mark.timeout(600)
BEGINS = START + HOUR
"""When they are due for the second time."""
ENDS = START + 3 * HOUR
MINUTES = timedelta(minutes=1)


@pytest.fixture(scope="module")
def night() -> Recording:
    """Every feed is polled about once an hour."""
    scenes = [_scene(number) for number in range(100)]
    return recorded(Play(scenes=scenes, course=_seven_hours, away=between(BEGINS, ENDS), idle_seconds=15.0))


def _scene(number: int) -> Scene:
    url = f"http://paper{number}.example/feed.xml"
    paper = Paper(url=url, times=steady(2 * HOUR, seed=number), window=5)
    return Scene(name=str(number), url=url, paper=paper, sites={f"paper{number}.example": Forgetful(paper=paper)})


async def _seven_hours(around: Surroundings) -> Sequence[datetime]:
    fetcher = Fetcher(around)
    fetcher.start()
    await until(around, START + 7 * HOUR)
    await fetcher.stop()
    return ()


def test_an_outage_is_noticed_while_it_begins(night: Recording) -> None:
    """After some dozens of requests that nobody answers, the other feeds are not even tried."""
    first = min(each.at for each in night.broken)

    assert len({each.url for each in night.broken if each.at < first + 10 * MINUTES}) <= len(night.scenes) * 2 / 3
    assert [line["event"] for line in night.logs if str(line["event"]).startswith("network_")] == [
        "network_away",
        "network_back",
    ]


def test_in_an_outage_one_site_is_tried_now_and_then(night: Recording) -> None:
    """Four a minute at most: that is how its end is noticed."""
    settled = sorted(each.at for each in night.broken if each.at > BEGINS + 20 * MINUTES)
    # aiohttp asks a second time where a connection that was kept breaks.
    busiest = max(sum(at <= other < at + MINUTES for other in settled) for at in settled)

    assert settled
    assert busiest <= 8


def test_after_an_outage_every_feed_goes_on_as_before(night: Recording) -> None:
    """Each at about its hour, and spread out: nobody is to blame for our network."""
    for scene in night.scenes:
        asked = [each.asked.at for each in night.at(scene)]
        first, second, *_ = [at for at in asked if at >= ENDS]

        assert first <= ENDS + HOUR * 1.2
        assert second - first <= HOUR * 1.75


def test_an_outage_loses_no_entry(night: Recording) -> None:
    """Each is there an hour and a half before the end."""
    assert [scene for scene in night.scenes if night.unseen(scene, end=START + 5 * HOUR)] == []
