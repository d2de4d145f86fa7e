"""Which feed is meant, and what may be done with it."""

from uuid import uuid4

import pytest
from fakes import settings

from services.fetcher.model import FeedSettings
from services.fetcher.subscribed.feed_actions import (
    COMMAND,
    IMPORTED,
    Action,
    KnownFeed,
    Refused,
    check,
    check_new,
    meant,
)


def known(host: str, name: str = "News", source: str = COMMAND, **more) -> KnownFeed:
    return KnownFeed(settings=FeedSettings(url=f"https://{host}.example/rss", name=name), source=source, **more)


PRESSE = known("presse", "La Presse")
MATIN = known("matin", "Le Matin")
FILED = known("filed", "Listed", "feeds.yaml")


def test_a_feed_is_meant_by_its_address_or_its_name():
    """However they are written, and each feed once."""
    terms = ["HTTPS://Matin.example/rss#top", "la presse", "La Presse"]

    assert meant(terms, [PRESSE, MATIN, FILED]) == (MATIN, PRESSE)


@pytest.mark.parametrize(
    ("term", "said"),
    [
        ("La Prese", "no feed has the address or name 'La Prese': did you mean 'La Presse'?"),
        ("https://matin.example/rsss", "did you mean 'https://matin.example/rss'?"),
        ("Horoscope", "no feed has the address or name 'Horoscope'"),
        ("resting", "no feed has the address or name 'resting'"),
    ],
)
def test_what_nobody_knows_is_told_with_the_nearest(term: str, said: str):
    """If there is one that is near, and somebody wants it."""
    with pytest.raises(Refused) as caught:
        meant([term], [PRESSE, MATIN, known("rest", "Resting feed", active=False)])

    assert str(caught.value).endswith(said)


def test_all_that_is_unknown_is_told_at_once():
    """Nothing is done with the ones that are known."""
    with pytest.raises(Refused) as caught:
        meant(["Le Matin", "one", "two"], [MATIN])

    assert len(caught.value.reasons) == 2


def test_a_name_of_several_feeds_means_none_of_them():
    """The addresses to choose from are told; feeds that nobody wants do not count."""
    others = [known("first"), known("second"), known("third", active=False)]
    with pytest.raises(Refused, match=r"https://first\.example/rss, https://second\.example/rss$"):
        meant(["news"], others)

    assert meant(["news"], others[1:]) == (others[1],)


@pytest.mark.parametrize("action", Action)
def test_what_a_command_added_is_a_commands_to_change(action: Action):
    """And what was imported."""
    check(action, [PRESSE, known("a", source=IMPORTED + "mine.opml"), known("b", paused=True)], {})


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (Action.REMOVE, "feeds.yaml lists it: take it out there, or pause it"),
        (Action.EDIT, "feeds.yaml lists it: edit it there"),
        (Action.PAUSE, None),
        (Action.RESUME, None),
    ],
)
def test_what_a_file_lists_is_the_files_to_change(action: Action, said: str | None):
    """Or the next reload would undo it; it may be paused."""
    if said is None:
        check(action, [FILED], {})
        return
    with pytest.raises(Refused, match=f"^https://filed.example/rss: {said}$"):
        check(action, [PRESSE, FILED], {})


@pytest.mark.parametrize("action", Action)
def test_what_a_sitemap_index_lists_follows_the_index(action: Action):
    """It is the index that rests, and comes back."""
    with pytest.raises(Refused, match=f"{action} that \\(https://presse.example/rss\\)"):
        check(action, [known("child", parent=PRESSE.feed_id)], {PRESSE.feed_id: PRESSE})


@pytest.mark.parametrize("action", Action)
def test_what_rests_is_added_first(action: Action):
    """There is nothing to pause or to change about it."""
    with pytest.raises(Refused, match="not subscribed to: add it first"):
        check(action, [known("a", active=False)], {})


@pytest.mark.parametrize(
    ("there", "said"),
    [
        (FILED, "feeds.yaml lists it already"),
        (PRESSE, "to change it, edit it"),
        (known("paused", paused=True), "and paused: resume it"),
        (known("child", parent=uuid4()), "subscribed to already"),
    ],
)
def test_what_is_subscribed_to_is_not_added_again(there: KnownFeed, said: str):
    """It says what to do instead."""
    with pytest.raises(Refused, match=said):
        check_new([settings("https://new.example/"), there.settings], {there.feed_id: there})


def test_what_rests_may_be_added():
    """It comes back with its state."""
    resting = known("a", source="old.yaml", active=False)

    check_new([resting.settings], {resting.feed_id: resting})
