"""`fildactu feeds …`: what is subscribed to."""

import json
from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from services.console.feed_keys import takes_keys
from services.console.invoked import State, failed, finished, settings

if TYPE_CHECKING:
    from services.console.subscribing import Changed
    from services.fetcher.subscribed.feed_options import Keys

# The commands import what they need when they run: worker processes import this module too, and need none of it.
# ruff: noqa: PLC0415

feeds_app = typer.Typer(help="Subscribe to feeds, list them, and see what the fetcher sees.", no_args_is_help=True)

FeedsFile = Annotated[Path, typer.Argument(help="a feeds file, such as deploy/feeds.yaml")]
Feeds = Annotated[list[str], typer.Argument(metavar="FEED", help="addresses or names of feeds")]
Urls = Annotated[list[str], typer.Argument(metavar="URL", help="addresses of feeds")]
Unset = Annotated[list[str] | None, typer.Option(metavar="KEY", help="as if it had never been said: section")]
AsJson = Annotated[bool, typer.Option("--json", help="a JSON object a line")]


@feeds_app.command("add")
@takes_keys
def add(urls: Urls, *, state: State = None, keys: "Keys") -> None:
    """Subscribe to feeds; running fetchers poll them within moments."""
    from services.console import subscribing
    from services.fetcher.subscribed.feed_options import new_feeds

    wanted = new_feeds(urls, keys)
    finished(subscribing.add(settings().store_for(state), wanted))
    _tell("added", ((feed.name, feed.url) for feed in wanted))


@feeds_app.command("edit")
@takes_keys
def edit(feeds: Feeds, *, unset: Unset = None, state: State = None, keys: "Keys") -> None:
    """Change feeds that were added by command; lists are replaced."""
    from services.console import subscribing

    _tell_changed("edited", finished(subscribing.edit(settings().store_for(state), feeds, keys, unset or ())))


@feeds_app.command("pause")
def pause(feeds: Feeds, state: State = None) -> None:
    """Poll feeds no more until they are resumed."""
    from services.console import subscribing

    _tell_changed("paused", finished(subscribing.pause(settings().store_for(state), feeds)))


@feeds_app.command("resume")
def resume(feeds: Feeds, state: State = None) -> None:
    """Poll paused feeds again, from where they were."""
    from services.console import subscribing

    _tell_changed("resumed", finished(subscribing.resume(settings().store_for(state), feeds)))


@feeds_app.command("remove")
def remove(feeds: Feeds, state: State = None) -> None:
    """Unsubscribe from feeds; what is known of them stays."""
    from services.console import subscribing

    _tell_changed("removed", finished(subscribing.remove(settings().store_for(state), feeds)))


@feeds_app.command("import")
def import_opml(
    file: Annotated[Path, typer.Argument(metavar="FILE.opml", help="feeds as other readers export them")],
    state: State = None,
) -> None:
    """Subscribe to the feeds of an OPML file; folders become sections."""
    from services.console import subscribing

    done = finished(subscribing.import_opml(settings().store_for(state), file))
    typer.echo(f"{file.name}: {done.added} feeds added, {done.known} known already")
    if done.faults:
        failed("\n".join(f"{file}:{fault.line}: {fault.message}" for fault in done.faults), 1)


@feeds_app.command("export")
def export(
    *,
    as_yaml: Annotated[bool, typer.Option("--yaml/--opml", help="with all settings, or for other readers")] = False,
    state: State = None,
) -> None:
    """Write the subscribed feeds as OPML or as a feeds file."""
    from services.console import subscribing
    from services.fetcher.subscribed.feeds_writing import write_feeds
    from services.fetcher.subscribed.opml import write_opml

    feeds = finished(subscribing.subscribed(settings().store_for(state)))
    if as_yaml:
        typer.echo(write_feeds((each.settings, each.paused) for each in feeds), nl=False)
    else:
        wanted = (each.settings for each in feeds)
        typer.echo(write_opml(wanted, title="Fil d'actu", made_at=datetime.now(UTC)), nl=False)


@feeds_app.command("check")
def check(file: FeedsFile) -> None:
    """Tell every fault of a feeds file, with its line."""
    from services.fetcher.subscribed.feeds import load_feeds

    typer.echo(f"{file}: {len(load_feeds(file))} feeds, no faults")


@feeds_app.command("apply")
def apply(file: FeedsFile, state: State = None) -> None:
    """Register the feeds of a file; what it listed before rests."""
    from services.console import stores
    from services.fetcher.subscribed.feeds import load_feeds

    active = finished(stores.apply_feeds(settings().store_for(state), file.name, load_feeds(file)))
    typer.echo(f"{file.name}: {active} feeds active")


@feeds_app.command("list")
def list_feeds(
    *,
    as_json: AsJson = False,
    everything: Annotated[bool, typer.Option("--all", help="also feeds that nobody wants any more")] = False,
    state: State = None,
) -> None:
    """List the feeds with their state and their polls."""
    from services.console import stores
    from services.console.display import OutputConsole, feeds_table

    feeds, now = finished(stores.list_feeds(settings().store_for(state), everything=everything))
    if not as_json:
        OutputConsole().print(feeds_table(feeds, now))
    for feed in feeds if as_json else ():
        typer.echo(json.dumps(feed.as_json(), ensure_ascii=False))


@feeds_app.command("why")
def why(
    feed: Annotated[str, typer.Argument(metavar="FEED", help="address or name of a feed")],
    *,
    as_json: AsJson = False,
    state: State = None,
) -> None:
    """Tell when a feed is polled next, and why."""
    from services.console import subscribing
    from services.console.display import visible
    from services.fetcher.polling.why import explain, lines

    account = finished(subscribing.account(settings().store_for(state), feed))
    typer.echo(json.dumps(explain(account), ensure_ascii=False) if as_json else "\n".join(map(visible, lines(account))))


def _tell_changed(what: str, changed: "Changed") -> None:
    _tell(what, ((each.settings.name, each.settings.url) for each in changed.feeds))
    for url in changed.polled_instead:
        typer.echo(f"polled itself from now on: {url}")


def _tell(what: str, feeds: Iterable[tuple[str, str]]) -> None:
    from services.console.display import visible

    for name, url in feeds:
        typer.echo(visible(f"{what}: {name} ({url})"))
