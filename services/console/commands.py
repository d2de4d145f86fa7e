"""The two long commands, `demo` and `run`: settings, screen and sink around the work, and the exit code after it."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from rich.console import Console
from rich.text import Text

from services.console import demo, running
from services.console.config import ConsoleSettings
from services.console.display import ErrorConsole, Status, balance, progress, summary_table
from services.console.embedded import Settings
from services.console.sinks import JsonLines, ReadableLines, Sink
from services.console.summary import Summary
from services.fetcher.subscribed.feeds import load_feeds
from shared import logs
from shared.config import load
from shared.errors import PermanentError
from shared.lifecycle import stop_on_signals

DONE, FAILED, INTERRUPTED = 0, 1, 130


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    feeds: Path
    once: bool
    as_json: bool
    output: Path | None
    summary_file: Path | None
    state: Path
    verbose: bool


@dataclass(frozen=True, slots=True, kw_only=True)
class Screen:
    """Where events go, where the work's state is shown, and where people are told things."""

    sink: Sink
    status: Status
    console: Console


async def demo_command(*, as_json: bool, summary_file: Path | None, verbose: bool) -> int:
    """Exit code of the demo: 0 only when the events are exactly the script's. Raises InvalidSettings."""
    settings, own = Settings.from_environment(), load(ConsoleSettings, os.environ)
    level = "info" if verbose else "error"
    with _screen(as_json=as_json, output=None) as screen:
        logs.configure(service="fildactu", form=own.log_format, level=level)
        screen.console.print(Text(demo.NOTE, style="dim"), soft_wrap=True)
        async with stop_on_signals() as stop:
            result = await demo.run(settings, screen.sink, screen.status, stop)
    _close(screen.console, result.summary, summary_file)
    if result.ended is demo.Ended.OUTPUT_CLOSED:
        return DONE
    if result.ended is demo.Ended.INTERRUPTED:
        screen.console.print("Interrupted: nothing is proven.")
        return INTERRUPTED
    _tell_faults(screen.console, result)
    return FAILED if result.faults else DONE


async def run_command(options: RunOptions) -> int:
    """Exit code of the run. Raises InvalidFeeds or InvalidSettings before anything is started."""
    load_feeds(options.feeds)
    task = running.Task(feeds=options.feeds, state=options.state, once=options.once)
    settings, own = Settings.from_environment(), load(ConsoleSettings, os.environ)
    with _screen(as_json=options.as_json, output=options.output) as screen:
        logs.configure(service="fildactu", form=own.log_format, level="info" if options.verbose else own.log_level)
        async with stop_on_signals() as stop:
            summary = await running.run(task, settings, screen.sink, screen.status, stop)
    _close(screen.console, summary, options.summary_file)
    return DONE


@contextmanager
def _screen(*, as_json: bool, output: Path | None) -> Iterator[Screen]:
    """Standard output is for events alone; everything else goes to standard error."""
    console = ErrorConsole()
    readable = sys.stdout.isatty() and not as_json and output is None
    with ExitStack() as stack:
        sink: Sink = ReadableLines(console if console.is_terminal else Console())
        if not readable:
            stream = sys.stdout.buffer if output is None else stack.enter_context(_appended(output))
            sink = JsonLines(stream)
        # Raw lines on the terminal would be drawn over by the progress line.
        shown = readable or output is not None or not sys.stdout.isatty()
        status = stack.enter_context(progress(console, shown=shown))
        yield Screen(sink=sink, status=status, console=console)


def _appended(path: Path) -> BinaryIO:
    try:
        return path.open("ab")
    except OSError as error:
        raise PermanentError("output", f"{path} cannot be written: {error.strerror}") from error


def _close(console: Console, summary: Summary, path: Path | None) -> None:
    console.print(summary_table(summary))
    console.print(balance(summary), highlight=False, soft_wrap=True)
    if path is None:
        return
    try:
        path.write_text(json.dumps(summary.as_json(), indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise PermanentError("summary", f"{path} cannot be written: {error.strerror}") from error


def _tell_faults(console: Console, result: demo.Result) -> None:
    if not result.faults:
        console.print(Text("The events are exactly those of the newsroom's script.", style="green"))
        return
    console.print(Text(f"Not as the newsroom's script says ({len(result.faults)}):", style="bold red"))
    for fault in result.faults:
        console.print(Text(f"  {fault}"), soft_wrap=True)
