"""Which feed an operator means, and what may be done with it. Pure."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from enum import StrEnum
from uuid import UUID

from services.fetcher.model import FeedSettings, feed_id
from shared.errors import PipelineError

COMMAND = "command"
"""The source of a feed that was added by command."""
IMPORTED = "import "
"""What the source of an imported feed begins with; the name of the file follows."""


class Action(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    REMOVE = "remove"
    EDIT = "edit"


class Refused(PipelineError):
    """What was asked for cannot be done, and nothing was; `str()` has a line for each feed in the way."""

    def __init__(self, reasons: Sequence[str]) -> None:
        super().__init__("\n".join(reasons))
        self.reasons = tuple(reasons)


@dataclass(frozen=True, slots=True, kw_only=True)
class KnownFeed:
    """A feed as it is subscribed to; `settings` as written, and `source` is who wants it: a file, or a command.

    One that is not `active` rests: nobody wants it any more. `same_as` is the feed that is polled in its place,
    `parent` the sitemap index that lists it.
    """

    settings: FeedSettings
    source: str
    active: bool = True
    paused: bool = False
    same_as: UUID | None = None
    parent: UUID | None = None

    @property
    def feed_id(self) -> UUID:
        return self.settings.feed_id

    @property
    def file(self) -> str | None:
        """The feeds file that lists it, and by which alone it is changed."""
        return None if self.source == COMMAND or self.source.startswith(IMPORTED) else self.source


def meant(terms: Iterable[str], known: Sequence[KnownFeed]) -> tuple[KnownFeed, ...]:
    """The feeds of these addresses or names, each once. Raises Refused for terms that mean none, or several."""
    by_id = {each.feed_id: each for each in known}
    by_name: dict[str, list[KnownFeed]] = {}
    for each in known:
        by_name.setdefault(each.settings.name.casefold(), []).append(each)
    found: dict[UUID, KnownFeed] = {}
    reasons: list[str] = []
    for term in terms:
        feed = by_id.get(feed_id(term))
        named = [feed] if feed else _wanted_first(by_name.get(term.casefold(), []))
        if len(named) == 1:
            found[named[0].feed_id] = named[0]
        else:
            reasons.append(_ambiguous(term, named) if named else _unknown(term, known))
    if reasons:
        raise Refused(reasons)
    return tuple(found.values())


def check(action: Action, feeds: Iterable[KnownFeed], parents: Mapping[UUID, KnownFeed]) -> None:
    """Raises Refused unless it may be done with each of them."""
    reasons = (f"{each.settings.url}: {reason}" for each in feeds if (reason := _against(action, each, parents)))
    if refused := tuple(reasons):
        raise Refused(refused)


def check_new(wanted: Iterable[FeedSettings], known: Mapping[UUID, KnownFeed]) -> None:
    """Raises Refused when one of the feeds is subscribed to already."""
    there = (known[each.feed_id] for each in wanted if each.feed_id in known)
    if refused := tuple(f"{each.settings.url}: {_already(each)}" for each in there if each.active):
        raise Refused(refused)


def _against(action: Action, feed: KnownFeed, parents: Mapping[UUID, KnownFeed]) -> str | None:
    if feed.parent is not None:
        parent = parents.get(feed.parent)
        return f"a sitemap index lists it: {action} that ({parent.settings.url if parent else feed.parent})"
    if not feed.active:
        return "it is not subscribed to: add it first"
    if feed.file is not None and action in CHANGES:
        return f"{feed.file} lists it: {CHANGES[action]}"
    return None


def _already(feed: KnownFeed) -> str:
    if feed.file is not None:
        return f"{feed.file} lists it already"
    return "it is subscribed to already" + (", and paused: resume it" if feed.paused else "; to change it, edit it")


CHANGES: Mapping[Action, str] = {
    Action.REMOVE: "take it out there, or pause it",
    Action.EDIT: "edit it there",
}


def _wanted_first(feeds: list[KnownFeed]) -> list[KnownFeed]:
    """Of several with one name, those that rest do not count."""
    return [each for each in feeds if each.active] or feeds


def _ambiguous(name: str, feeds: Iterable[KnownFeed]) -> str:
    return f"{name!r} is the name of several feeds: say which address, {', '.join(each.settings.url for each in feeds)}"


def _unknown(term: str, known: Sequence[KnownFeed]) -> str:
    near = _nearest(term, known)
    return f"no feed has the address or name {term!r}" + (f": did you mean {near!r}?" if near else "")


def _nearest(term: str, known: Sequence[KnownFeed]) -> str | None:
    read: Callable[[KnownFeed], str]
    read = _address if "/" in term else _name
    near = get_close_matches(term.casefold(), {read(each).casefold() for each in known if each.active}, n=1)
    return next((read(each) for each in known if near and read(each).casefold() == near[0]), None)


def _address(feed: KnownFeed) -> str:
    return feed.settings.url


def _name(feed: KnownFeed) -> str:
    return feed.settings.name
