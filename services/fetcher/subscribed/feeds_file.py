"""The operator's feeds file, applied at the start and again whenever it changes: no restart, and no state lost."""

import asyncio
import signal
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import structlog

from services.fetcher.model import FeedSettings
from services.fetcher.subscribed.feeds import InvalidFeeds, load_feeds

log = structlog.get_logger()

LOOK_SECONDS = 2.0
FAULTS_TOLD = 20
Version = tuple[int, ...] | None
"""What changes with each edit, also of one that a rename put in its place; None while there is no file."""


class Catalogue(Protocol):
    async def apply(self, source: str, wanted: Sequence[FeedSettings]) -> int: ...


class FeedsFile:
    """Of one path, or of none, which lists nothing. A file with faults is told of once: the feeds stay as they were."""

    def __init__(self, path: Path | None, catalogue: Catalogue, *, source: str | None = None) -> None:
        self._path = path
        self._catalogue = catalogue
        self._source = source or (path.name if path else "")
        self._applied: Version = None
        self._seen: Version = None
        self._asked = False

    async def apply(self) -> None:
        """Make the store hold what the file lists. Raises InvalidFeeds."""
        if self._path is None:
            return
        version = _version(self._path)
        # A thread: a hundred thousand feeds take many seconds to read, and polls go on meanwhile.
        wanted = await asyncio.to_thread(load_feeds, self._path)
        active = await self._catalogue.apply(self._source, wanted)
        self._applied = self._seen = version
        log.info("feeds_applied", file=self._path.name, active=active)

    async def look(self) -> None:
        """Apply the file if it changed since it was applied last, once it stays as it is."""
        version, asked = _version(self._path), self._asked
        if not asked and (version == self._applied or version != self._seen):
            # Half of a file that is just being written would have the feeds of the other half rest.
            self._seen = version
            return
        try:
            await self.apply()
        except InvalidFeeds as error:
            self._applied = self._seen = version
            _tell(error)
        self._asked = False

    def ask(self) -> None:
        """Have the next look apply the file, changed or not."""
        self._asked = True


@contextmanager
def at_hangup(act: Callable[[], None]) -> Iterator[None]:
    """Call `act` at SIGHUP, by which operators have a service read its files again."""
    loop = asyncio.get_running_loop()
    loop.add_signal_handler(signal.SIGHUP, act)
    try:
        yield
    finally:
        loop.remove_signal_handler(signal.SIGHUP)


def _version(path: Path | None) -> Version:
    try:
        found = path.stat() if path else None
    except OSError:
        found = None
    if found is None:
        return None
    return found.st_mtime_ns, found.st_size, found.st_ino


def _tell(error: InvalidFeeds) -> None:
    log.error(
        "feeds_faulty",
        file=str(error.path),
        faults=[f"{fault.line}: {fault.message}" for fault in error.faults[:FAULTS_TOLD]],
        count=len(error.faults),
        remedy="the feeds stay as they were until the file is right; `fildactu feeds check` tells all its faults",
    )
