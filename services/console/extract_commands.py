"""`fildactu extract`: what comes out of pages, for people or as JSON Lines. Nothing is stored or sent."""

import json
import os
import sys
from contextlib import aclosing
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.console.invoked import failed, finished, settings

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Mapping, Sequence

    from services.console.page_sources import Wanted

# The commands import what they need when they run: worker processes import this module too, and need none of it.
# ruff: noqa: PLC0415

Sources = Annotated[
    list[str] | None,
    typer.Argument(metavar="FILE|URL", help="pages in files, packed as .gz too; - is standard input; or at addresses"),
]
Urls = Annotated[
    list[str] | None,
    typer.Option("--url", metavar="ADDRESS", help="where a file's page stands; once for each file, in their order"),
]
ContentType = Annotated[str | None, typer.Option(help="the Content-Type header that the files came with")]
Listed = Annotated[
    Path | None,
    typer.Option("--list", help='JSON Lines: {"file": …, "url": …, "content_type": …}, the last two optional'),
]
Workers = Annotated[
    int | None, typer.Option(min=1, max=256, help="pages at once; as many as there are cores without it")
]
AsJson = Annotated[bool, typer.Option("--json", help="a JSON object a page, in the order of the pages")]
Trace = Annotated[
    bool, typer.Option("--trace", help="with --json: also every line, who found it and why it was dropped")
]


def extract(
    sources: Sources = None,
    *,
    url: Urls = None,
    content_type: ContentType = None,
    listed: Listed = None,
    workers: Workers = None,
    as_json: AsJson = False,
    trace: Trace = False,
) -> None:
    """Show what comes out of pages, each field with its source, and what was dropped from the text and why."""
    from services.console.page_sources import InvalidPages, listed_pages, wanted_pages
    from services.console.sinks import OutputClosed

    try:
        pages = wanted_pages(sources or [], url or [], content_type) + (listed_pages(listed) if listed else [])
    except InvalidPages as error:
        failed(str(error), 2)
    if not pages:
        failed("no page was named: give a file, an address, or --list", 2)
    try:
        at_once = min(workers or len(os.sched_getaffinity(0)), len(pages))
        good = finished(_all_told(pages, at_once, as_json=as_json, trace=trace))
    except OutputClosed:
        raise typer.Exit from None
    raise typer.Exit(0 if good else 1)


async def _all_told(pages: "Sequence[Wanted]", workers: int, *, as_json: bool, trace: bool) -> bool:
    """Whether all could be read. Raises OutputClosed when nobody reads on."""
    from services.console.display import ErrorConsole
    from services.console.extracting import extracting, is_read
    from services.console.page_display import complaint
    from services.fetcher.config import FetcherSettings
    from services.processor.config import ProcessorSettings
    from shared import logs
    from shared.config import load

    processor, fetcher, own = load(ProcessorSettings, os.environ), load(FetcherSettings, os.environ), settings()
    logs.configure(service="extract", form=own.log_format, level=own.log_level)
    good, errors, write = True, ErrorConsole(), _writer(as_json=as_json, trace=trace)
    async with extracting(processor, fetcher, workers=workers) as asked, aclosing(asked.told(pages)) as read:
        async for told in read:
            if not is_read(told):
                good = False
                errors.print(complaint(told), soft_wrap=True, markup=False, highlight=False)
            if as_json or is_read(told):
                await write(told)
    return good


def _writer(*, as_json: bool, trace: bool) -> "Callable[[Mapping[str, Any]], Awaitable[None]]":
    from services.console.page_display import PageConsole
    from services.console.sinks import JsonLines

    if not as_json:
        return PageConsole().tell
    lines = JsonLines(sys.stdout.buffer)

    async def write(told: "Mapping[str, Any]") -> None:
        shown = {name: value for name, value in told.items() if trace or name != "lines"}
        # Names of files may hold bytes that are no text: JSON has an escape for them.
        await lines.write(json.dumps(shown, ensure_ascii=False).encode("utf-8", "backslashreplace"))

    return write
