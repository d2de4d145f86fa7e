"""The operator's feeds: read from a feeds file, written to and read from the store, filled in for use."""

import os
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from services.fetcher.model import Backlog, Bounds, FeedSettings
from services.fetcher.subscribed.feed_values import PLACEHOLDER, variables
from services.fetcher.subscribed.feeds_yaml import Fault, read_feeds
from services.fetcher.subscribed.opml import read_opml
from shared.errors import PermanentError


class InvalidFeeds(Exception):
    """A feeds file with all its faults; `str()` has one `file:line: message` for each."""

    def __init__(self, path: Path, faults: tuple[Fault, ...]) -> None:
        super().__init__(path, faults)
        self.path = path
        self.faults = faults

    def __str__(self) -> str:
        return "\n".join(f"{self.path}:{fault.line}: {fault.message}" for fault in self.faults)


def load_feeds(path: Path, environ: Mapping[str, str] = os.environ) -> tuple[FeedSettings, ...]:
    """The feeds of the file that are not paused; `${NAME}` stays as written. Raises InvalidFeeds."""
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise _unreadable(path, error) from error
    settings, faults = read_feeds(text, environ)
    if faults:
        raise InvalidFeeds(path, faults)
    return settings


def load_opml(path: Path) -> tuple[tuple[FeedSettings, ...], tuple[Fault, ...]]:
    """The feeds that an OPML file lists, and its outlines that name none. Raises InvalidFeeds when there are none."""
    try:
        document = path.read_bytes()
    except OSError as error:
        raise _unreadable(path, error) from error
    settings, faults = read_opml(document)
    if not settings:
        raise InvalidFeeds(path, faults or (Fault(1, "lists no feeds: no outline has an xmlUrl"),))
    return settings, faults


def expand(settings: FeedSettings, environ: Mapping[str, str]) -> FeedSettings:
    """The settings as they are used: `${NAME}` filled in, username and password as an Authorization header.

    Raises PermanentError `unset_variable` naming the variables that the environment does not set: without them the
    feed is another feed.
    """
    written = (*settings.headers.values(), settings.username or "", settings.password or "")
    unset = sorted({name for text in written for name in variables(text) if not environ.get(name)})
    if unset:
        raise PermanentError("unset_variable", f"{', '.join(unset)} for {settings.url}")
    headers = {name: _filled(text, environ) for name, text in settings.headers.items()}
    if settings.username and settings.password:
        pair = f"{_filled(settings.username, environ)}:{_filled(settings.password, environ)}"
        headers["Authorization"] = "Basic " + b64encode(pair.encode()).decode("ascii")
    return replace(settings, headers=headers, username=None, password=None)


def dump_settings(settings: FeedSettings) -> dict[str, object]:
    """For the store: JSON's own types, durations in seconds, placeholders unfilled."""
    revisits = settings.revisit_after
    return {
        "url": settings.url,
        "name": settings.name,
        "language": settings.language,
        "section": settings.section,
        "shortest": settings.bounds.shortest.total_seconds(),
        "longest": settings.bounds.longest.total_seconds(),
        "headers": dict(settings.headers),
        "username": settings.username,
        "password": settings.password,
        "include": list(settings.include),
        "exclude": list(settings.exclude),
        "backlog": settings.backlog.value,
        "backlog_newest": settings.backlog_newest,
        "revisit_after": None if revisits is None else [each.total_seconds() for each in revisits],
        "page_delay": None if settings.page_delay is None else settings.page_delay.total_seconds(),
    }


def load_settings(stored: Mapping[str, Any]) -> FeedSettings:
    """The reverse of `dump_settings`."""
    revisits, delay = stored["revisit_after"], stored["page_delay"]
    return FeedSettings(
        url=stored["url"],
        name=stored["name"],
        language=stored["language"],
        section=stored["section"],
        bounds=Bounds(shortest=timedelta(seconds=stored["shortest"]), longest=timedelta(seconds=stored["longest"])),
        headers=dict(stored["headers"]),
        username=stored["username"],
        password=stored["password"],
        include=tuple(stored["include"]),
        exclude=tuple(stored["exclude"]),
        backlog=Backlog(stored["backlog"]),
        backlog_newest=stored["backlog_newest"],
        revisit_after=None if revisits is None else tuple(timedelta(seconds=each) for each in revisits),
        page_delay=None if delay is None else timedelta(seconds=delay),
    )


def _unreadable(path: Path, error: OSError | UnicodeDecodeError) -> InvalidFeeds:
    reason = getattr(error, "strerror", None) or error
    return InvalidFeeds(path, (Fault(1, f"cannot be read: {reason}"),))


def _filled(text: str, environ: Mapping[str, str]) -> str:
    return PLACEHOLDER.sub(lambda found: environ[found[1]], text)
