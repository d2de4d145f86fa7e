"""Commands on a store, and what they say when it is not as it should be."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console import stores
from services.console.embedded import Settings, open_state
from services.fetcher.model import Bounds, FeedSettings
from shared.config import InvalidSettings
from shared.errors import PermanentError, TransientError

FIRST = FeedSettings(url="http://a.example/rss", name="First", bounds=Bounds(shortest=timedelta(hours=1)))
SECOND = FeedSettings(url="http://b.example/rss", name="second")


@pytest.fixture
def store_url(tmp_path):
    return f"sqlite:///{tmp_path}/state/store.db"


async def test_a_file_takes_the_place_of_its_earlier_version(store_url):
    """Feeds that a source no longer has rest; those of other sources stay."""
    await stores.apply_feeds(store_url, "mine.yaml", [FIRST, SECOND])
    await stores.apply_feeds(store_url, "other.yaml", [FeedSettings(url="http://c.example/", name="Third")])
    active = await stores.apply_feeds(store_url, "mine.yaml", [SECOND])

    feeds, now = await stores.list_feeds(store_url)

    assert active == 1
    assert [(feed.name, feed.source, feed.due) for feed in feeds] == [
        ("second", "mine.yaml", True),
        ("Third", "other.yaml", True),
    ]
    assert abs(now - datetime.now(UTC)) < timedelta(minutes=1)


async def test_preparing_a_store_may_be_repeated(store_url):
    """The tables are made once; a second time there is nothing to do."""
    for _ in range(2):
        await stores.prepare(store_url, "inprocess:", wait_seconds=20)

    assert (await stores.list_feeds(store_url))[0] == ()


async def test_preparing_gives_up_when_the_broker_does_not_answer(store_url):
    """A broker that is not there is waited for, but not for ever."""
    with pytest.raises(TransientError, match="did not answer within"):
        await stores.prepare(store_url, "amqp://nobody:nothing@127.0.0.1:9/", wait_seconds=0.5)


async def test_a_state_that_is_not_there_is_told(store_url):
    """Looking into a state that no run has made makes none."""
    with pytest.raises(PermanentError, match="nothing was run there"):
        await stores.list_feeds(store_url)


async def test_nothing_is_forgotten_of_an_unknown_address(store_url):
    """An address that nobody knows has neither addresses nor entries."""
    await stores.apply_feeds(store_url, "mine.yaml", [FIRST])

    assert await stores.forget(store_url, "http://a.example/never") == ([], 0)


def test_a_state_folder_that_cannot_be_made_is_told(tmp_path):
    """A file where the folder should be is one clear error."""
    (tmp_path / "state").write_text("")

    with pytest.raises(PermanentError, match="cannot be used"):
        open_state(tmp_path / "state")


def test_settings_with_faults_are_told_at_once(monkeypatch):
    """Faults in the settings of both services come together."""
    monkeypatch.setenv("FETCHER_POLLERS", "many")
    monkeypatch.setenv("PROCESSOR_WORKERS", "0")

    with pytest.raises(InvalidSettings) as caught:
        Settings.from_environment()

    assert [line.split(":")[0] for line in str(caught.value).splitlines()] == ["FETCHER_POLLERS", "PROCESSOR_WORKERS"]
