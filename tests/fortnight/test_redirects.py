"""Addresses that move: for good, for a while, in circles."""

import pytest
from fortnight.recording import Recording
from fortnight.sites import DAY, HOUR
from fortnight.world import BACK, STEP, day

pytestmark = pytest.mark.timeout(600)
WEEK = 7 * DAY


def test_a_permanent_redirect_is_believed_after_a_week(fortnight: Recording) -> None:
    """Until then the old address is asked first, each time; afterwards the new one alone."""
    old = [each.asked.at for each in fortnight.at("moved")]
    new = [each.asked.at for each in fortnight.of(fortnight.scenes["moved"].paper.url)]

    assert max(old) >= min(old) + WEEK
    assert max(old) <= min(old) + WEEK + DAY
    assert max(new) > day(13)


def test_a_redirect_for_the_time_being_is_never_believed(fortnight: Recording) -> None:
    """302: the old address is asked to the end."""
    assert max(each.asked.at for each in fortnight.at("lent")) > day(13)


def test_of_mixed_redirects_the_permanent_part_is_believed(fortnight: Recording) -> None:
    """308 and then 302: up to where the second one starts."""
    assert max(each.asked.at for each in fortnight.at("mixed")) <= day(8)
    assert max(each.asked.at for each in fortnight.of(STEP)) > day(13)


def test_redirects_in_a_circle_are_noticed_at_once_and_outlived(fortnight: Recording) -> None:
    """Each of the two is asked once in a poll; when the circle is mended, the feed is read again."""
    there = [each.asked.at for each in fortnight.at("loops") if day(4) <= each.asked.at < day(7)]
    back = [each.asked.at for each in fortnight.of(BACK)]

    assert len(back) == len(there) <= 3 * 24
    assert all(
        after.asked.at - before.asked.at >= HOUR
        for before, after in fortnight.successive(fortnight.scenes["loops"].url)
        if before.asked.at in there
    )
    assert fortnight.unseen("loops") == set()


@pytest.mark.parametrize("name", ["moved", "lent", "mixed"])
def test_validators_are_kept_across_redirects_and_go_to_the_address_they_came_from(
    fortnight: Recording, name: str
) -> None:
    """Where a document is, it is asked for with its validators; on the way there, nothing is sent along."""
    target = fortnight.scenes[name].paper.url
    _, *others = fortnight.of(target)

    assert all(each.asked.conditional for each in others if not fortnight.was_interrupted(each)) or name == "moved"
    assert not any(each.asked.conditional for url in (fortnight.scenes[name].url, STEP) for each in fortnight.of(url))


@pytest.mark.parametrize("name", ["moved", "lent", "mixed", "original"])
def test_no_entry_is_lost_on_a_move(fortnight: Recording, name: str) -> None:
    """Everything that was out a day before the end is there."""
    assert fortnight.unseen(name) == set()


def test_a_feed_under_two_addresses_is_polled_under_one(fortnight: Recording) -> None:
    """From the second day on one of the two is looked at once a week; the other's document is asked for as if alone."""
    alias = [each.asked.at for each in fortnight.at("alias") if each.asked.at > day(3)]
    document = [pair for pair in fortnight.successive(fortnight.scenes["original"].url) if pair[0].asked.at > day(3)]
    hasty = [pair for pair in document if pair[1].asked.at - pair[0].asked.at < HOUR]

    assert 1 <= len(alias) <= 2
    assert len(hasty) <= 2 * len(alias)
