"""A feeds file that changes under a running fetcher."""

import os
import signal

import pytest
from broker_traffic import eventually
from structlog.testing import capture_logs

from services.fetcher.subscribed.feeds import InvalidFeeds
from services.fetcher.subscribed.feeds_file import FeedsFile, at_hangup
from shared.errors import StoreUnavailable

FEED = "feeds:\n  - {{url: 'https://{0}.example/rss', name: {0}}}\n"


class Catalogue:
    """Remembers what was applied; the next of its `failures` is raised instead."""

    def __init__(self):
        self.applied = []
        self.failures = []

    async def apply(self, source, wanted):
        if self.failures:
            raise self.failures.pop()
        self.applied.append((source, [each.name for each in wanted]))
        return len(wanted)


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "feeds.yaml"
    path.write_text(FEED.format("first"))
    return path


@pytest.fixture
async def catalogue():
    return Catalogue()


@pytest.fixture
async def file(path, catalogue):
    """As it is after the start."""
    file = FeedsFile(path, catalogue)
    await file.apply()
    assert catalogue.applied.pop() == ("feeds.yaml", ["first"])
    return file


async def looks(file, count=4):
    for _ in range(count):
        await file.look()


async def test_a_file_that_changed_is_applied_once(file, catalogue, path):
    """Not before, and not again."""
    await looks(file)
    assert catalogue.applied == []

    path.write_text(FEED.format("second"))
    await looks(file)

    assert catalogue.applied == [("feeds.yaml", ["second"])]


async def test_a_file_that_is_put_in_place_of_the_old_one_is_applied(file, catalogue, path, tmp_path):
    """Editors and deployments rename; size and time may be the same."""
    old = path.stat()
    new = tmp_path / "new"
    new.write_text(FEED.format("other"))
    os.utime(new, ns=(old.st_atime_ns, old.st_mtime_ns))
    new.rename(path)
    await looks(file)

    assert catalogue.applied == [("feeds.yaml", ["other"])]


async def test_a_file_that_is_still_being_written_waits(file, catalogue, path):
    """Half of it would have the feeds of the other half rest."""
    for name in ("a", "bb", "ccc"):
        path.write_text(FEED.format(name))
        await file.look()
    assert catalogue.applied == []

    await looks(file)
    assert catalogue.applied == [("feeds.yaml", ["ccc"])]


@pytest.mark.parametrize("content", ["feeds:\n  - url: nowhere\n    name: A\n", "", None])
async def test_a_faulty_file_is_told_once_and_changes_nothing(file, catalogue, path, content):
    """With its lines; when it is right again it is applied."""
    path.unlink()
    if content is not None:
        path.write_text(content)
    with capture_logs() as logs:
        await looks(file)
    assert [(line["event"], line["count"], len(line["faults"])) for line in logs] == [("feeds_faulty", 1, 1)]
    assert catalogue.applied == []

    path.write_text(FEED.format("right"))
    await looks(file)
    assert catalogue.applied == [("feeds.yaml", ["right"])]


async def test_a_store_that_is_away_is_asked_again(file, catalogue, path):
    """The change is not forgotten."""
    path.write_text(FEED.format("second"))
    catalogue.failures = [StoreUnavailable("away")]
    await file.look()
    with pytest.raises(StoreUnavailable):
        await file.look()
    await file.look()

    assert catalogue.applied == [("feeds.yaml", ["second"])]


async def test_the_first_reading_raises_what_is_wrong(path, catalogue):
    """A service does not start on a faulty file."""
    path.write_text("feeds: []")

    with pytest.raises(InvalidFeeds):
        await FeedsFile(path, catalogue).apply()


async def test_a_hangup_has_the_file_applied_at_the_next_look(file, catalogue):
    """Whether it changed or not, and once."""
    with at_hangup(file.ask):
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: file._asked, "the signal arrives")
        await looks(file)

    assert catalogue.applied == [("feeds.yaml", ["first"])]


async def test_without_a_file_there_is_nothing_to_apply(catalogue):
    """Feeds may come by command alone; a hangup then means nothing."""
    file = FeedsFile(None, catalogue)
    await file.apply()
    file.ask()
    await looks(file)

    assert catalogue.applied == []
