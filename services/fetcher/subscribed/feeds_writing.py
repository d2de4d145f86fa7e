"""From settings to the text of a feeds file, the reverse of `feeds_yaml`. Pure."""

from collections.abc import Iterable
from datetime import timedelta

import yaml

from services.fetcher.model import Backlog, Bounds, FeedSettings

# libyaml writes ten thousand feeds in a second or two, the pure writer in ten.
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)
UNITS = (("d", timedelta(days=1)), ("h", timedelta(hours=1)), ("m", timedelta(minutes=1)))
WIDTH = 120


def write_feeds(feeds: Iterable[tuple[FeedSettings, bool]]) -> str:
    """A feeds file of these feeds, each with whether it is paused."""
    return as_yaml({"feeds": [keys(settings) | ({"paused": True} if paused else {}) for settings, paused in feeds]})


def as_yaml(document: object) -> str:
    return str(yaml.dump(document, Dumper=DUMPER, allow_unicode=True, sort_keys=False, width=WIDTH))


def keys(settings: FeedSettings) -> dict[str, object]:
    """The feed as a feeds file has it; what is as usual is left out."""
    usual = Bounds()
    shortest, longest = settings.bounds.shortest, settings.bounds.longest
    said: dict[str, object] = {
        "url": settings.url,
        "name": settings.name,
        "language": settings.language,
        "section": settings.section,
        "min_interval": None if shortest == usual.shortest else duration(shortest),
        "max_interval": None if longest == usual.longest else duration(longest),
        "headers": dict(settings.headers) or None,
        "username": settings.username,
        "password": settings.password,
        "include": list(settings.include) or None,
        "exclude": list(settings.exclude) or None,
        "backlog": _backlog(settings),
        "revisit_after": None if settings.revisit_after is None else [duration(age) for age in settings.revisit_after],
        "page_delay": None if settings.page_delay is None else duration(settings.page_delay),
    }
    return {name: value for name, value in said.items() if value is not None}


def duration(span: timedelta) -> str:
    """In the largest unit that has no fractions."""
    for unit, size in UNITS:
        if span and not span % size:
            return f"{span // size}{unit}"
    return f"{span.total_seconds():.6f}".rstrip("0").rstrip(".") + "s"


def _backlog(settings: FeedSettings) -> str | None:
    if settings.backlog is Backlog.NEWEST:
        return f"{Backlog.NEWEST} {settings.backlog_newest}"
    return None if settings.backlog is Backlog.ALL else str(settings.backlog)
