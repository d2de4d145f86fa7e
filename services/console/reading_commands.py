"""`fildactu feeds find` and `parse`: what the fetcher sees at an address. Nothing is stored."""

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from services.console.feed_commands import AsJson, feeds_app
from services.console.invoked import failed, finished

if TYPE_CHECKING:
    from services.fetcher.config import FetcherSettings
    from services.fetcher.documents.finding import Candidate

# The commands import what they need when they run: worker processes import this module too, and need none of it.
# ruff: noqa: PLC0415


@feeds_app.command("find")
def find(
    url: Annotated[str, typer.Argument(help="a site's home page, or any page of it")], *, as_json: AsJson = False
) -> None:
    """Look for the feeds of a site, best first; it takes a few requests."""
    from services.console.display import visible
    from shared.errors import PipelineError

    try:
        found = finished(_candidates(url))
    except PipelineError as error:
        failed(f"{url} cannot be read: {error}", 1)
    for each in found:
        said = f"{each.url}  {each.title or 'no title'}, {each.entries} entries ({each.source})"
        typer.echo(json.dumps(asdict(each), ensure_ascii=False) if as_json else visible(said))
    if not found:
        failed(f"no feed was found at {url}", 1)


@feeds_app.command("parse")
def parse(
    sources: Annotated[list[str], typer.Argument(metavar="FILE|URL", help="feed documents")],
    *,
    as_json: AsJson = False,
) -> None:
    """Show what the fetcher reads in feed documents."""
    if not finished(_all_parsed(sources, as_json=as_json)):
        raise typer.Exit(1)


async def _candidates(url: str) -> "Sequence[Candidate]":
    from services.fetcher.asking import asking

    async with asking(_settings()) as asked:
        return await asked.find(url)


async def _all_parsed(sources: Sequence[str], *, as_json: bool) -> bool:
    from services.console.display import visible
    from services.fetcher.asking import asking

    good = True
    async with asking(_settings()) as asked:
        async for each in asked.descriptions(sources):
            good = good and "error" not in each
            typer.echo(json.dumps(each, ensure_ascii=False) if as_json else visible(_summary(each)))
    return good


def _summary(read: Mapping[str, Any]) -> str:
    if "error" in read:
        return f"{read['source']}: {read['error']}" + (f": {read['detail']}" if read["detail"] else "")
    faults = f"; {', '.join(read['faults'])}" if read["faults"] else ""
    return f"{read['source']}: {read['title'] or 'no title'}, {len(read['entries'])} entries{faults}"


def _settings() -> "FetcherSettings":
    from services.fetcher.config import FetcherSettings
    from shared.config import load

    return load(FetcherSettings, os.environ)
