"""What is remembered of a feed, as JSON in its row.

Rows were written by earlier releases and are read by them while services are replaced one by one: what is not there
has its default, and what they read stays.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from services.fetcher.model import Moving, Rhythm, Standing, Unread, Wishes

_PLAIN = (
    *("proved", "unmodified", "deaf", "moved_to", "parked", "kills", "alike", "unheard", "leaving"),
    *("outcome", "reason"),
)
_TIMES = ("told_at", "unmodified_at", "probed_at", "lied_at", "gone_since", "alike_since", "failing_since")


def dump_rhythm(rhythm: Rhythm) -> dict[str, object]:
    return {
        "gaps": list(rhythm.gaps),
        "newest": rhythm.newest.isoformat() if rhythm.newest else None,
        "last_new": rhythm.last_new.isoformat() if rhythm.last_new else None,
        "failures": rhythm.failures,
        "polls": rhythm.polls,
        # Read by the release before.
        "ttl": None,
    }


def read_rhythm(stored: Mapping[str, Any]) -> Rhythm:
    """The reverse of `dump_rhythm`."""
    usual = Rhythm()
    return Rhythm(
        gaps=tuple(stored.get("gaps", usual.gaps)),
        newest=_time(stored.get("newest")),
        # The release before did not write it.
        last_new=_time(stored.get("last_new", stored.get("newest"))),
        failures=stored.get("failures", usual.failures),
        polls=stored.get("polls", usual.polls),
    )


def dump_standing(standing: Standing) -> dict[str, object]:
    """Only what differs from the default, so that the row of a feed without history stays small."""
    said = {
        **{name: getattr(standing, name) for name in _PLAIN},
        **{name: at.isoformat() for name in _TIMES if (at := getattr(standing, name))},
        "wishes": _dump_wishes(standing.wishes),
        "max_age": _seconds(standing.max_age),
        "moving": _dump_moving(standing.moving),
        "unread": _dump_unread(standing.unread),
    }
    return {name: value for name, value in said.items() if value}


def read_standing(stored: Mapping[str, Any], rhythm: Mapping[str, Any]) -> Standing:
    """The reverse of `dump_standing`; the release before kept a feed's `ttl` with its `rhythm`."""
    said: dict[str, Any] = {name: stored[name] for name in _PLAIN if name in stored}
    said |= {name: _time(stored.get(name)) for name in _TIMES}
    return Standing(
        **said,
        wishes=_read_wishes(stored.get("wishes") or {"ttl": rhythm.get("ttl")}),
        max_age=_span(stored.get("max_age")),
        moving=_read_moving(stored["moving"]) if stored.get("moving") else None,
        unread=_read_unread(stored.get("unread")),
    )


def _dump_wishes(wishes: Wishes) -> dict[str, object]:
    said = {
        "ttl": _seconds(wishes.ttl),
        "period": _seconds(wishes.period),
        "skip_hours": sorted(wishes.skip_hours),
        "skip_days": sorted(wishes.skip_days),
    }
    return {name: value for name, value in said.items() if value}


def _read_wishes(stored: Mapping[str, Any]) -> Wishes:
    return Wishes(
        ttl=_span(stored.get("ttl")),
        period=_span(stored.get("period")),
        skip_hours=frozenset(stored.get("skip_hours", ())),
        skip_days=frozenset(stored.get("skip_days", ())),
    )


def _dump_moving(moving: Moving | None) -> dict[str, object] | None:
    if moving is None:
        return None
    return {
        "url": moving.url,
        "since": moving.since.isoformat(),
        "polls": moving.polls,
        "proved": moving.proved,
    }


def _read_moving(stored: Mapping[str, Any]) -> Moving:
    return Moving(**{**stored, "since": datetime.fromisoformat(stored["since"])})


def _dump_unread(unread: Unread | None) -> dict[str, object] | None:
    return {"url": unread.url, "left": unread.left, "then": _dump_unread(unread.then)} if unread else None


def _read_unread(stored: Mapping[str, Any] | None) -> Unread | None:
    return Unread(url=stored["url"], left=stored["left"], then=_read_unread(stored.get("then"))) if stored else None


def _seconds(span: timedelta | None) -> float | None:
    return span.total_seconds() if span else None


def _span(seconds: float | None) -> timedelta | None:
    return timedelta(seconds=seconds) if seconds else None


def _time(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
