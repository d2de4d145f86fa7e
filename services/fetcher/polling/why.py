"""Why a feed is polled next when it is: every rule that had a say, in words and as JSON. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from statistics import fmean
from typing import Any

from services.fetcher.model import FeedSettings, Rhythm, Standing, Validators
from services.fetcher.polling.feed_rows import dump_standing

RULES: Mapping[str, str] = {
    "rhythm": "by the usual time between two entries: half of it, less of a long one",
    "silence": "nothing new for a week and more",
    "overflow": "hardly anything listed was known: half of that",
    "max_age": "the server says for how long its answer is good (at most 6 h count)",
    "ttl": "the document says how long it stays as it is (at most 24 h count)",
    "period": "the document says how often it is renewed (at most 24 h count)",
    "pushed": "its hub tells of its news",
    "failures": "it failed more than once",
    "parked": "the server says that it is gone for good",
    "killed_worker": "reading it cost a worker process",
    "robots": "robots.txt does not let us ask for it",
    "retry_after": "the server asked for a pause",
    "shortest": "the shortest interval",
    "longest": "the longest interval that the operator allows",
    "jitter": "added at random, so that not all come at once",
    "skipped": "added, to pass the hours and days that the document says to skip",
}
WALLED = "a bot check or a block answered"
_ADDED = ("interval", "jitter", "skipped")
_BOUNDS = ("shortest", "longest")


@dataclass(frozen=True, slots=True, kw_only=True)
class Account:
    """All that the store knows of when a feed is polled. `terms` are of its last poll, in seconds.

    `same_as` is the address of the feed that is polled in its place, `parent` that of the index that lists it; the
    times of its host are those before which the host is not asked.
    """

    now: datetime
    settings: FeedSettings
    active: bool
    paused: bool
    next_poll_at: datetime
    terms: tuple[tuple[str, float], ...] = ()
    rhythm: Rhythm = field(default_factory=Rhythm)
    standing: Standing = field(default_factory=Standing)
    validators: Validators | None = None
    polled_at: datetime | None = None
    title: str | None = None
    final_url: str | None = None
    same_as: str | None = None
    parent: str | None = None
    pushed_until: datetime | None = None
    lease_until: datetime | None = None
    site: str = ""
    host_free_at: datetime | None = None
    host_held_until: datetime | None = None


def decided_by(terms: tuple[tuple[str, float], ...]) -> str | None:
    """The rule that gave the interval its length; None before the first poll."""
    said = dict(terms)
    interval = said.get("interval")
    if interval is None:
        return None
    rules = [name for name in reversed(said) if name not in {*_ADDED, *_BOUNDS}]
    return next((name for name in (*rules, *_BOUNDS) if abs(said.get(name, -1.0) - interval) < 1e-6), None)


def obstacles(account: Account) -> Iterator[str]:
    """What keeps the feed from being polled, or will, beside the time of its next poll."""
    if not account.active:
        yield "it rests: no feeds file lists it any more, or it was removed"
    if account.paused:
        yield "it is paused"
    if account.same_as:
        yield f"it is the same feed as {account.same_as}, polled in its place but for a look each week"
    if account.lease_until and account.lease_until > account.now:
        yield f"a fetcher has it in hand, until {_time(account.lease_until)} at the latest"
    if account.host_held_until and account.host_held_until > account.now:
        yield f"{account.site} asked us to stay away until {_time(account.host_held_until)}"
    elif account.host_free_at and account.host_free_at > max(account.now, account.next_poll_at):
        yield f"{account.site} has its next turn at {_time(account.host_free_at)}"


def explain(account: Account) -> dict[str, Any]:
    """As JSON: times in UTC, spans in seconds; what is not known is null or left out."""
    polled = account.active and not account.paused
    rhythm, validators = account.rhythm, account.validators
    return {
        "url": account.settings.url,
        "name": account.settings.name,
        "title": account.title,
        "next_poll": _time(account.next_poll_at) if polled else None,
        "last_poll": _time(account.polled_at),
        "decided_by": decided_by(account.terms),
        "terms": dict(account.terms),
        "obstacles": list(obstacles(account)),
        "rhythm": {
            "usual_gap": fmean(rhythm.gaps) if rhythm.gaps else None,
            "newest": _time(rhythm.newest),
            "failures": rhythm.failures,
            "polls": rhythm.polls,
        },
        "standing": dump_standing(account.standing),
        "validators": validators
        and {"etag": validators.etag, "last_modified": validators.last_modified, "url": validators.url},
        "final_url": account.final_url,
        "same_as": account.same_as,
        "parent": account.parent,
        "pushed_until": _time(account.pushed_until),
        "host": {
            "site": account.site,
            "free_at": _time(account.host_free_at),
            "held_until": _time(account.host_held_until),
        },
    }


def lines(account: Account) -> list[str]:
    """For people: the next poll first, then why."""
    return [*_head(account), *_why(account), *_known(account)]


def _head(account: Account) -> Iterator[str]:
    yield f"{account.settings.name}  {account.settings.url}"
    stopped = list(obstacles(account))
    if account.active and not account.paused:
        due = account.next_poll_at - account.now
        yield f"next poll  {_time(account.next_poll_at)}, " + (f"in {_span(due)}" if due > timedelta(0) else "due now")
    yield from (f"but        {each}" for each in stopped)
    yield f"last poll  {_time(account.polled_at) or 'never'}" + _outcome(account)


def _outcome(account: Account) -> str:
    standing = account.standing
    said = ", ".join(each for each in (standing.outcome, standing.reason) if each)
    since = f", failing since {_time(standing.failing_since)}" if standing.failing_since else ""
    return (f": {said}" if said else "") + since


def _why(account: Account) -> Iterator[str]:
    decisive = decided_by(account.terms)
    for name, seconds in account.terms:
        if name != "interval":
            mark = "→" if name == decisive else " "
            said = RULES.get(name, WALLED)
            yield f"  {mark} {name:<14}{_span(timedelta(seconds=seconds)):>10}  {said}"


def _known(account: Account) -> Iterator[str]:
    standing = account.standing
    if standing.moved_to:
        yield f"moved for good to {standing.moved_to}, and is asked for there"
    elif standing.moving:
        yield f"redirected for good to {standing.moving.url} since {_time(standing.moving.since)}; not believed yet"
    if standing.lied_at:
        yield f"answered 304 though it had changed ({_time(standing.lied_at)}): asked without validators for a month"
    elif account.validators is None and account.polled_at:
        yield "sends no validators: each poll gets the whole document"
    if standing.unread:
        yield f"earlier documents are still to be read, from {standing.unread.url} on"
    if account.pushed_until and account.pushed_until > account.now:
        yield f"its hub tells of its news, until {_time(account.pushed_until)}"
    if account.parent:
        yield f"listed by {account.parent}"


def _span(span: timedelta) -> str:
    seconds = round(span.total_seconds())
    days, hours, minutes = seconds // 86_400, seconds // 3600 % 24, seconds // 60 % 60
    parts = [f"{days} d" if days else "", f"{hours} h" if hours else "", f"{minutes} min" if minutes else ""]
    return " ".join([each for each in parts if each][:2]) or f"{seconds} s"


def _time(at: datetime | None) -> str | None:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ") if at else None
