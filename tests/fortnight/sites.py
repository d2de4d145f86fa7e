"""Servers as they are found: how each answers a request for its paper's document."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fortnight.papers import Paper, http_date
from fortnight.recorder import NOTHING, Answer, Asked, Site

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)
PROVED = timedelta(minutes=15)
"""The least between two requests to a server that answers 304, or says how long its answer is fresh."""
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Served:
    """A server that keeps the rules of RFC 9110: ETag and Last-Modified, the first before the second.

    `tag` and `date` make them of the document's version and time; `headers` come with every answer, and `leave` is how
    long all of it asks to be left alone.
    """

    paper: Paper
    tag: Callable[[int], str] | None = '"v{}"'.format
    date: Callable[[datetime], str] | None = http_date
    headers: Callable[[Asked], Headers] = lambda _asked: {}
    leave: timedelta = PROVED

    def answer(self, asked: Asked) -> Answer:
        if asked.target != _target(self.paper.url):
            return self._archived(asked)
        said = {**self.validators(asked.at), **self.headers(asked)}
        if self.is_known(asked):
            return Answer(status=304, headers=said, leave=self.leave)
        return self.document(asked, said)

    def document(self, asked: Asked, said: Headers) -> Answer:
        headers = {"Content-Type": self.paper.content_type, **said}
        return Answer(headers=headers, body=self.paper.document(asked.at), leave=self.leave)

    def validators(self, at: datetime) -> dict[str, str]:
        said = {
            "ETag": self.tag(self.paper.count(at)) if self.tag else None,
            "Last-Modified": self.date(self.paper.changed(at)) if self.date else None,
        }
        return {name: value for name, value in said.items() if value}

    def is_known(self, asked: Asked) -> bool:
        current = self.validators(asked.at)
        if asked.tag is not None and "ETag" in current:
            return asked.tag.removeprefix("W/") == current["ETag"].removeprefix("W/")
        return asked.date is not None and asked.date == current.get("Last-Modified")

    def _archived(self, asked: Asked) -> Answer:
        path, _, before = asked.target.partition("?before=")
        if self.paper.archived and path == _target(self.paper.url) and before.isdecimal():
            headers = {"Content-Type": self.paper.content_type}
            return Answer(headers=headers, body=self.paper.archive(int(before)))
        return Answer(status=404)


@dataclass(frozen=True, slots=True, kw_only=True)
class Forgetful(Served):
    """Sends no validators, and the whole document each time."""

    tag: Callable[[int], str] | None = None
    date: Callable[[datetime], str] | None = None
    leave: timedelta = HOUR


@dataclass(frozen=True, slots=True, kw_only=True)
class Liar(Served):
    """Answers 304 to whoever asks with a condition, whatever has come out since."""

    def is_known(self, asked: Asked) -> bool:
        return asked.conditional


@dataclass(frozen=True, slots=True, kw_only=True)
class ByDate(Served):
    """Has an ETag that stays as it is, and looks at dates only."""

    tag: Callable[[int], str] | None = lambda _version: '"always"'

    def is_known(self, asked: Asked) -> bool:
        return asked.date == self.validators(asked.at)["Last-Modified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Deflating(Served):
    """Apache's mod_deflate: an ETag in which `-gzip` stands never matches; a date by itself does."""

    tag: Callable[[int], str] | None = '"v{}-gzip"'.format

    def is_known(self, asked: Asked) -> bool:
        return asked.tag is None and asked.date == self.validators(asked.at)["Last-Modified"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewing(Served):
    """Gives out a new ETag with each answer, 304s too, and knows only the last one it gave out."""

    given: list[str] = field(default_factory=list)
    versions: list[int] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        version, known = self.paper.count(asked.at), self.given[-1:] == [asked.tag]
        unchanged = known and self.versions[-1] == version
        self.given.append(f'"{version}.{len(self.given)}"')
        self.versions.append(version)
        said = {"ETag": self.given[-1]}
        if unchanged:
            return Answer(status=304, headers=said, leave=self.leave)
        return self.document(asked, said)


@dataclass(frozen=True, slots=True, kw_only=True)
class Strict:
    """Lets an hour pass between two requests, and a day between two without a condition, or else answers 429."""

    site: Site
    seen: list[tuple[datetime, bool]] = field(default_factory=list)

    def answer(self, asked: Asked) -> Answer:
        early = any(
            asked.at - at < (HOUR if asked.conditional or conditional else DAY) for at, conditional in self.seen
        )
        self.seen.append((asked.at, asked.conditional))
        if early:
            return Answer(status=429, headers={"Retry-After": "3600"}, leave=HOUR)
        return self.site.answer(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Refusing:
    """`refusal` in place of the site's own answer whenever `when` says so."""

    site: Site
    when: Callable[[datetime], bool]
    refusal: Callable[[Asked], Answer]

    def answer(self, asked: Asked) -> Answer:
        return self.refusal(asked) if self.when(asked.at) else self.site.answer(asked)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moved:
    """Sends everyone to `target`."""

    status: int
    target: str

    def answer(self, asked: Asked) -> Answer:
        return Answer(status=self.status, headers={"Location": self.target})


@dataclass(frozen=True, slots=True, kw_only=True)
class Host:
    """Several papers, or what else there is, at paths of one host."""

    paths: Mapping[str, Site]

    def answer(self, asked: Asked) -> Answer:
        site = self.paths.get(asked.target)
        return site.answer(asked) if site else Answer(status=404)


def says(**headers: str) -> Callable[[Asked], Headers]:
    """The same with every answer; `cache_control` stands for `cache-control`."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda _asked: named


def expires_in(span: timedelta, ahead: timedelta) -> Callable[[Asked], Headers]:
    """`Expires`, by a clock that is `ahead`."""
    return lambda asked: {"Date": http_date(asked.at + ahead), "Expires": http_date(asked.at + ahead + span)}


def throttled(
    status: int, wait: timedelta, *, dated: bool = False, cache_control: str = ""
) -> Callable[[Asked], Answer]:
    """`Retry-After`, in seconds or as a date."""

    def refuse(asked: Asked) -> Answer:
        after = http_date(asked.at + wait) if dated else str(round(wait.total_seconds()))
        # A date has no fractions.
        leave = wait - timedelta(seconds=1) if dated else wait
        return Answer(status=status, headers={"Retry-After": after, "Cache-Control": cache_control}, leave=leave)

    return refuse


def refused(status: int, leave: timedelta = NOTHING) -> Callable[[Asked], Answer]:
    return lambda _asked: Answer(status=status, leave=leave)


def between(start: datetime, end: datetime) -> Callable[[datetime], bool]:
    return lambda at: start <= at < end


def at_hours(hours: Sequence[int]) -> Callable[[datetime], bool]:
    return lambda at: at.hour in hours


def _target(url: str) -> str:
    return "/" + url.split("/", 3)[3]
