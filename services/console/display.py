"""What people see: a line for each event, a progress line, tables. Pure but for the progress line."""

import io
import os
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, redirect_stderr
from datetime import datetime, timedelta
from typing import Any, Protocol

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn
from rich.table import Table
from rich.text import Text

from services.console.accounts import FeedState
from services.console.summary import Summary

STYLES = {"published": "green", "updated": "yellow", "copied": "cyan", "withdrawn": "red"}
LEAST_HEADLINE = 20
TYPE_PARTS = 4
# Where no terminal sets the width, addresses are not cut.
WIDE = 200


class Status(Protocol):
    def show(self, text: str, *, done: int = 0, total: int | None = None) -> None: ...


def event_line(event: Mapping[str, Any], *, width: int) -> Text:
    """Time, verb, language, site, headline, words and story of a CloudEvent, in one line of `width` cells."""
    data, verb = event["data"], _verb(event["type"])
    start = Text.assemble(
        (_clock(event["time"]), "dim"),
        "  ",
        (f"{verb:<9}", STYLES.get(verb, "")),
        "  ",
        (f"{data['language']['code']:<3}", "dim"),
        " ",
        Text(visible(data["site"]["host"])[:25].ljust(25)),
        "  ",
    )
    end = Text(f"  {_words(data):>10}  {_story(data)}", style="dim")
    headline = Text(visible(data.get("headline") or data["url"]), style="bold")
    headline.truncate(max(LEAST_HEADLINE, width - start.cell_len - end.cell_len), overflow="ellipsis", pad=True)
    return Text.assemble(start, headline, end)


def summary_table(summary: Summary) -> Table:
    table = Table(title="What came of it", title_justify="left", show_header=False)
    table.add_column()
    table.add_column(justify="right")
    for name, count in (
        ("feeds polled", summary.feeds_polled),
        ("polls", summary.polls),
        ("entries", summary.entries),
        ("observations", summary.observations),
    ):
        table.add_row(name, str(count))
    table.add_section()
    for verb, count in summary.events.items():
        table.add_row(f"events: {verb}", str(count))
    table.add_section()
    for reason, count in summary.reasons.items():
        table.add_row(f"skipped: {reason}", str(count))
    return table


def balance(summary: Summary) -> str:
    events, reasons = sum(summary.events.values()), sum(summary.reasons.values())
    sign = "=" if summary.adds_up else "≠"
    return f"{summary.observations} observations {sign} {events} events + {reasons} reasons, in {summary.seconds:.1f} s"


def feeds_table(feeds: Sequence[FeedState], now: datetime) -> Table:
    table = Table("feed", "address", "from", "state", "last poll", "next poll")
    for feed in feeds:
        told = (feed.name, feed.url, feed.source, _feed_state(feed, now), _last_poll(feed, now), _next_poll(feed, now))
        table.add_row(*(Text(visible(each)) for each in told))
    return table


def _feed_state(feed: FeedState, now: datetime) -> str:
    if feed.state == "same":
        return f"same as {feed.same_as}"
    if feed.state == "failing" and feed.failing_since is not None:
        return f"failing for {_span(now - feed.failing_since)}"
    return feed.state


def _last_poll(feed: FeedState, now: datetime) -> str:
    if feed.polled_at is None:
        return "never"
    outcome = ", ".join(each for each in (feed.outcome, feed.reason) if each)
    return f"{_span(now - feed.polled_at)} ago" + (f": {outcome}" if outcome else "")


def _next_poll(feed: FeedState, now: datetime) -> str:
    if feed.state in {"resting", "paused", "same"}:
        return "none"
    return "now" if feed.next_poll_at <= now else f"in {_span(feed.next_poll_at - now)}"


class ErrorConsole(Console):
    """Standard error, as it was when the console was made; once nobody reads it, it says no more."""

    def __init__(self) -> None:
        super().__init__(file=sys.stderr)

    def on_broken_pipe(self) -> None:
        """Go on quietly: whether the work goes on is for the reader of standard output to decide."""
        self.quiet = True
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.__stderr__.fileno() if sys.__stderr__ else 2)


class OutputConsole(Console):
    """Standard output for tables; `| head` ends the command without a complaint."""

    def __init__(self) -> None:
        super().__init__(width=None if sys.stdout.isatty() else WIDE)

    def on_broken_pipe(self) -> None:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)


@contextmanager
def progress(console: Console, *, shown: bool = True) -> Iterator[Status]:
    """A line that tells how far the work is, on a terminal only."""
    if not (shown and console.is_terminal):
        yield _Silent()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    bar = Progress(*columns, console=console, transient=True, redirect_stdout=False, redirect_stderr=False)
    with redirect_stderr(_Above(console)), bar:
        yield _Line(bar)


class _Above(io.TextIOBase):
    """Standard error above the progress line. Rich's own stand-in would break long log lines."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def isatty(self) -> bool:
        return True

    def write(self, text: str) -> int:
        if text.strip():
            self._console.print(Text.from_ansi(text.rstrip("\n")), soft_wrap=True)
        return len(text)


class _Silent:
    def show(self, text: str, *, done: int = 0, total: int | None = None) -> None:
        """Nobody watches."""


class _Line:
    def __init__(self, bar: Progress) -> None:
        self._bar = bar
        self._task = bar.add_task("starting", total=None)

    def show(self, text: str, *, done: int = 0, total: int | None = None) -> None:
        self._bar.update(self._task, description=text, completed=done, total=total)


def _verb(kind: str) -> str:
    """`fildactu.article.published.v1` → `published`."""
    parts = kind.split(".")
    return parts[2] if len(parts) == TYPE_PARTS else kind


def _clock(moment: str) -> str:
    return datetime.fromisoformat(moment).astimezone().strftime("%H:%M:%S")


def _words(data: Mapping[str, Any]) -> str:
    return f"{data['word_count']} words" if data["word_count"] else ""


def _story(data: Mapping[str, Any]) -> str:
    first = data["story"].get("first_seen")
    return f"copy of {visible(first['site'])}" if data["story"]["role"] == "copy" and first else "original"


def visible(text: str) -> str:
    """Text from the net must not steer a terminal: no control characters, no changes of direction."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
