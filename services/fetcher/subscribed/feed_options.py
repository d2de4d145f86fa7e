"""Settings of a single feed from what was asked for on a command line, by the rules of the feeds file. Pure."""

from collections.abc import Collection, Iterable, Mapping, Sequence

from services.fetcher.model import FeedSettings
from services.fetcher.subscribed.feeds_writing import as_yaml, keys
from services.fetcher.subscribed.feeds_yaml import KEYS, read_feeds
from shared.errors import PipelineError
from shared.urls import host_of

Keys = Mapping[str, object]
"""Of a feeds file, with text, lists of texts, or a mapping of headers."""

MAY_BE_UNSET = frozenset(KEYS) - {"url", "name", "paused"}


class InvalidOptions(PipelineError):
    """What a feed was to be, and cannot; `str()` has a line for each fault."""

    def __init__(self, faults: Sequence[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = tuple(faults)


def new_feeds(urls: Iterable[str], said: Keys) -> tuple[FeedSettings, ...]:
    """Feeds that are not there yet, each once; one without a name is called by its host. Raises InvalidOptions."""
    found = [_read({"url": url, "name": host_of(url) or url, **said}) for url in dict.fromkeys(urls)]
    wanted = {each.feed_id: each for each in found}
    if "name" in said and len(wanted) > 1:
        raise InvalidOptions(["name: it is for one feed; add these one by one, or name them later"])
    return tuple(wanted.values())


def edited(settings: FeedSettings, said: Keys, unset: Collection[str] = ()) -> FeedSettings:
    """The feed with some keys said anew, and without what was said of those to `unset`. Raises InvalidOptions."""
    if unknown := sorted(set(unset) - MAY_BE_UNSET):
        raise InvalidOptions([f"{', '.join(unknown)}: cannot be unset; {', '.join(sorted(MAY_BE_UNSET))} can"])
    kept = {name: value for name, value in keys(settings).items() if name not in unset}
    return _read({**kept, **said})


def _read(written: Keys) -> FeedSettings:
    # Whether the environment sets the variables is for the fetcher to tell: it is the one that fills them in.
    feeds, faults = read_feeds(as_yaml({"feeds": [dict(written)]}), None)
    if faults:
        raise InvalidOptions([fault.message for fault in faults])
    return feeds[0]
