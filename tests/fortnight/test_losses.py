"""What was ever listed is stored: through restarts, kills, outages, lies and lists that run over."""

from datetime import timedelta
from itertools import pairwise

import pytest
from fortnight.papers import END
from fortnight.recording import Recording
from fortnight.sites import DAY, HOUR
from fortnight.world import BURST_AT, OUTAGE, OUTAGE_END, scenes

pytestmark = pytest.mark.timeout(600)
LOST_ON_PURPOSE = {"gone", "alias"}
"""One is gone for good, the other one is read under its other address."""
NAMES = [scene.name for scene in scenes() if scene.name not in LOST_ON_PURPOSE]


@pytest.mark.parametrize("name", NAMES)
def test_every_entry_that_was_listed_is_stored(fortnight: Recording, name: str) -> None:
    """Those of the last two days apart: some feeds are asked once a day."""
    assert fortnight.unseen(name, end=END - 2 * DAY) == set()


def test_a_list_that_runs_over_is_read_on_in_its_archive(fortnight: Recording) -> None:
    """45 entries come at once, and the feed lists ten; each is found, and the archive is asked no more than it must."""
    archive = [
        each.asked.at
        for each in fortnight.exchanges
        if each.asked.host == "bursts.example" and "before" in each.asked.target and each.asked.at > BURST_AT
    ]

    assert fortnight.unseen("bursts") == set()
    assert 4 <= len(archive) <= 6


def test_an_outage_of_our_own_is_held_against_nobody(fortnight: Recording) -> None:
    """Within the time that each feed usually waits, it is polled again after the network is back."""
    assert fortnight.broken
    for scene in fortnight.scenes.values():
        asked = [each.asked.at for each in fortnight.at(scene.name)]
        before = [at for at in asked if at < OUTAGE_END][-6:]
        after = [at for at in asked if at >= OUTAGE_END]
        # The first of them asked for seven hours' pause an hour before.
        if scene.name in {"throttles", "gone", "alias", "moved", "skips", "loops", "ill"} or len(before) < 6:
            continue
        longest = max(later - earlier for earlier, later in pairwise(before))
        assert min(after) - OUTAGE_END <= longest * 1.5 + HOUR, scene.name


def test_nobody_is_asked_again_and_again_in_an_outage(fortnight: Recording) -> None:
    """While no site can be reached, each is tried now and then."""
    assert all(OUTAGE(each.at) for each in fortnight.broken)
    for scene in fortnight.scenes.values():
        tries = [each for each in fortnight.broken if each.url == scene.url]
        # aiohttp tries a request a second time when a kept connection breaks.
        assert len(tries) <= 2 * timedelta(hours=2) / timedelta(minutes=15), scene.name


def test_nothing_unexpected_is_logged(fortnight: Recording) -> None:
    """No poll meets an error of ours."""
    assert [line for line in fortnight.logs if line["log_level"] in {"error", "critical"}] == []
