"""`fildactu`: the operator's and subscriber's command line.

Exit codes: 0 done, 1 failed, 2 what was asked for is not valid (nothing was started), 130 interrupted.
"""

import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from services.console import reading_commands  # noqa: F401 - its commands are of the feeds' group
from services.console.extract_commands import extract
from services.console.feed_commands import feeds_app
from services.console.invoked import State, failed, finished, settings

# The commands import what they need when they run: worker processes import this module too, and need none of it.
# ruff: noqa: PLC0415

app = typer.Typer(
    help="News feeds in, article events out.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    add_completion=False,
)
app.add_typer(feeds_app, name="feeds")
events_app = typer.Typer(help="Send events once more.", no_args_is_help=True)
app.add_typer(events_app, name="events")

Json = Annotated[bool, typer.Option("--json", help="events as JSON Lines, as when the output is not a terminal")]
SummaryFile = Annotated[Path | None, typer.Option("--summary", help="write the closing summary there, as JSON")]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="log every outcome, not only what needs attention")]


@app.command()
def demo(json: Json = False, summary: SummaryFile = None, verbose: Verbose = False) -> None:  # noqa: FBT002
    """Run the pipeline against a sample newsroom in this process, and prove what comes out."""
    from services.console.commands import demo_command

    raise typer.Exit(finished(demo_command(as_json=json, summary_file=summary, verbose=verbose)))


@app.command()
def run(
    feeds: Annotated[Path, typer.Option("--feeds", help="the feeds file")],
    *,
    once: Annotated[bool, typer.Option("--once", help="end when each feed was polled and nothing is due")] = False,
    json: Json = False,
    output: Annotated[Path | None, typer.Option(help="append the events there, as JSON Lines")] = None,
    summary: SummaryFile = None,
    state: Annotated[Path, typer.Option(help="folder for the state")] = Path("fildactu-data"),
    verbose: Verbose = False,
) -> None:
    """Run both services in this process on your own feeds, until stopped."""
    from services.console.commands import RunOptions, run_command

    options = RunOptions(
        feeds=feeds, once=once, as_json=json, output=output, summary_file=summary, state=state, verbose=verbose
    )
    raise typer.Exit(finished(run_command(options)))


app.command("extract")(extract)


@events_app.command("republish")
def events_republish(
    since: Annotated[str, typer.Option(help="from when on: 2h, 7d, or a time such as 2026-11-23T08:00Z")],
    state: State = None,
) -> None:
    """Send events once more under their ids: the broker lost them, or a subscriber did. Its relays do the sending."""
    from services.console import stores
    from services.console.moments import moment

    count = finished(stores.republish(settings().store_for(state), moment(since, datetime.now(UTC))))
    typer.echo(f"{count} events are due again")


@app.command()
def forget(url: Annotated[str, typer.Argument(help="an address of the article")], state: State = None) -> None:
    """Remove an article and all its traces. What was published stays with its subscribers."""
    from services.console import stores

    urls, entries = finished(stores.forget(settings().store_for(state), url))
    if not urls and not entries:
        failed(f"nothing is known of {url}", 1)
    typer.echo(f"forgotten: {len(urls)} addresses, {entries} entries")


@app.command()
def migrate(
    state: State = None,
    wait: Annotated[float, typer.Option(help="seconds to wait for store and broker")] = 60.0,
) -> None:
    """Bring the tables of both services and the broker's queues up to date."""
    from services.console import stores
    from shared import logs

    ours = settings()
    logs.configure(service="migrate", form=ours.log_format, level=ours.log_level)
    broker = ours.broker_url.get_secret_value()
    finished(stores.prepare(ours.store_for(state), broker, wait))
    typer.echo("store and broker are up to date")


@app.command()
def restored(
    events: Annotated[Path | None, typer.Option(help="the events, JSON Lines; the broker's stream without it")] = None,
    state: State = None,
) -> None:
    """After a backup was restored, and before the services start: learn what was said since it was made."""
    from services.console import stores
    from shared import logs

    ours = settings()
    logs.configure(service="restored", form=ours.log_format, level=ours.log_level)
    broker = ours.broker_url.get_secret_value()
    learned = finished(stores.restored(ours.store_for(state), broker, events))
    typer.echo(f"{learned.read} events read, {learned.new} learned, {learned.unreadable} lines that are no events")


@app.command()
def version() -> None:
    """Show the version."""
    from shared import __version__

    typer.echo(__version__)


def main() -> None:
    """Run the command line; every failure that the pipeline knows is a line or a few, not a traceback."""
    from services.fetcher.subscribed.feed_options import InvalidOptions
    from services.fetcher.subscribed.feeds import InvalidFeeds
    from shared.config import InvalidSettings
    from shared.errors import PipelineError

    try:
        app()
    except (InvalidSettings, InvalidFeeds, InvalidOptions) as error:
        failed(str(error), 2)
    except PipelineError as error:
        failed(str(error), 1)
    except KeyboardInterrupt:
        sys.exit(130)


if __name__ == "__main__":
    main()
