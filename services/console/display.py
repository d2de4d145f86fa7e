"""What people see: a line for each event, a progress line, tables. Pure but for the progress line."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
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
        Text(_visible(data["site"]["host"])[:24].ljust(24)),
        "  ",
    )
    end = Text(f"  {_words(data):>10}  {_story(data)}", style="dim")
    headline = Text(_visible(data.get("headline") or data["url"]), style="bold")
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
    table.caption = balance(summary)
    return table


def balance(summary: Summary) -> str:
    events, reasons = sum(summary.events.values()), sum(summary.reasons.values())
    sign = "=" if summary.adds_up else "≠"
    return f"{summary.observations} observations {sign} {events} events + {reasons} reasons, in {summary.seconds:.1f} s"


def feeds_table(feeds: Sequence[FeedState], now: datetime) -> Table:
    table = Table("feed", "address", "from", "last poll", "next poll")
    for feed in feeds:
        last = f"{_span(now - feed.polled_at)} ago" if feed.polled_at else "never"
        due = "now" if feed.next_poll_at <= now else f"in {_span(feed.next_poll_at - now)}"
        table.add_row(Text(feed.name), Text(feed.url), Text(feed.source), last, due)
    return table


@contextmanager
def progress(console: Console) -> Iterator[Status]:
    """A line that tells how far the work is, on a terminal only."""
    if not console.is_terminal:
        yield _Silent()
        return
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(bar_width=24), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, redirect_stdout=False) as shown:
        yield _Line(shown)


class _Silent:
    def show(self, text: str, *, done: int = 0, total: int | None = None) -> None:
        """Nobody watches."""


class _Line:
    def __init__(self, shown: Progress) -> None:
        self._shown = shown
        self._task = shown.add_task("starting", total=None)

    def show(self, text: str, *, done: int = 0, total: int | None = None) -> None:
        self._shown.update(self._task, description=text, completed=done, total=total)


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
    return f"copy of {_visible(first['site'])}" if data["story"]["role"] == "copy" and first else "original"


def _visible(text: str) -> str:
    """Text from the net must not steer a terminal: no control characters, no changes of direction."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= size:
            return f"{seconds // size} {unit}"
    return f"{seconds} s"
