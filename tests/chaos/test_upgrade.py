"""The database of an earlier release goes on under this one, whatever was under way when it was stopped."""

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Iterable
from pathlib import Path
from unittest.mock import ANY

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from chaos.by_hand import SOURCE, THE_FEED, Event, by_hand, delivered, hasty
from chaos.releases import NAMES, Release
from chaos.small_site import SmallSite, address, served, title
from console_command import fildactu
from database_fixtures import SCRIPTS
from fakes import raw_page
from sqlalchemy import select, text

from services.console.accounts import Accounts
from services.console.embedded import Pipeline
from services.fetcher.__main__ import build as build_fetcher
from services.processor.__main__ import build as build_processor
from services.processor.config import ProcessorSettings
from services.processor.model import Places
from services.processor.tables import quarantine
from shared.broker.inprocess import InProcessBroker
from shared.database import Database
from shared.delivery import Ack, Pause
from shared.events import Verb
from shared.lifecycle import Stop
from shared.messages import RawPage
from shared.migrations import Scripts, migrate
from shared.topology import topology

DEADLINE_SECONDS = 60.0
LATER = "9999"
TABLES = {"fetcher_version": "entries", "processor_version": "articles"}
LATER_STEP = """
import sqlalchemy as sa
from alembic import op

revision, down_revision, branch_labels, depends_on = "{later}", "{before}", None, None


def upgrade():
    op.add_column("{table}", sa.Column("weight", sa.Integer(), nullable=False, server_default="7"))
    op.execute("UPDATE {table} SET weight = 8")
"""
LOOK_SECONDS = 0.05
# Nobody has the page of "queue-lost" any more, and a release that is gone holds "leased".
TO_OBSERVE = {("published", name) for name in ("queue-lost", "pending", "leased")}
# Corrected, but its text was made by another extractor, with which this one's cannot be compared: it becomes the
# baseline without an event.
REBASELINED = {"to-correct": title("to-correct", "as first printed")}
# A person's turn, in which the fetcher may look at its page again or not: what was set aside is there in either case.
SET_ASIDE = "quarantined"


@pytest.fixture(params=NAMES)
def release(request: pytest.FixtureRequest) -> Release:
    return Release.kept(request.param)


class Shown:
    """A sink that keeps the events."""

    def __init__(self) -> None:
        self.events: list[Event] = []

    async def write(self, event: bytes) -> None:
        self.events.append(json.loads(event))


async def test_what_was_under_way_goes_on_after_an_upgrade(
    release: Release, empty_store_url: str, tmp_path: Path
) -> None:
    """Committed events go out under their own ids, every entry is observed, and nothing that was said is said anew."""
    await release.load(empty_store_url)
    done = await fildactu("migrate", cwd=tmp_path, env={"FILDACTU_STORE_URL": empty_store_url})
    assert done.code == 0, done.err
    assert await applied(empty_store_url) == {scripts.version_table: [newest(scripts)] for scripts in SCRIPTS}

    site = release.site()
    async with served(site) as port:
        events = await worked_off(empty_store_url, port)

    ids = [event["id"] for event in events]
    assert len(set(ids)) == len(ids)
    assert release.unsaid <= set(ids)
    fresh = {told(event) for event in events if event["id"] not in release.unsaid}
    assert fresh - {("published", SET_ASIDE)} == TO_OBSERVE
    assert said_twice([*release.said, *events]) == []
    assert final(release.said, events) | {SET_ASIDE: ANY} == as_shown(site) | {"withdrawn": None} | REBASELINED
    assert await set_aside(empty_store_url) == [address(SET_ASIDE)]


@pytest.mark.long
async def test_a_migration_runs_while_the_release_before_it_works(
    store_url: str, other_database: Database, tmp_path: Path
) -> None:
    """Leases, transactions and connections of services that run meanwhile stay good, and no work of theirs is lost."""
    site, later = SmallSite(), [with_a_later_step(scripts, tmp_path) for scripts in SCRIPTS]
    site.publish("told", "corrected")
    async with served(site) as port, by_hand(store_url, port) as hand:
        await hand.round()
        site.publish("queued")
        await hand.poll()
        await hand.visit()
        site.publish("leased")
        site.correct("corrected", "corrected once")
        await hand.poll()
        leased = await hand.lease()
        async with hand.processor.store.begin() as ledger:
            assert await ledger.known(Places(own=(address("corrected"),))) is not None
            migrating = asyncio.create_task(migrate(other_database, *later))
            await until_blocked(other_database, migrating)
        async with asyncio.timeout(DEADLINE_SECONDS):
            await migrating
        await hand.visit(*leased)
        await hand.process()
        site.publish("since")
        await hand.round()

    assert final(hand.queues.said) == as_shown(site)
    assert said_twice(hand.queues.said) == []
    assert await backfilled(other_database) == {"entries": {7, 8}, "articles": {7, 8}}


@pytest.mark.parametrize("command", [("migrate",), ("feeds", "apply", "feeds.yaml")])
async def test_a_release_refuses_to_migrate_the_tables_of_a_newer_one(
    command: tuple[str, ...], database: Database, store_url: str, tmp_path: Path
) -> None:
    """It says which is needed, in one line, and changes nothing; a file is migrated by whichever command opens it."""
    await migrate(database, *(with_a_later_step(scripts, tmp_path) for scripts in SCRIPTS))
    (tmp_path / "feeds.yaml").write_text("feeds: [{url: 'http://dispatch.example/feed.xml', name: Dispatch}]")

    done = await fildactu(*command, cwd=tmp_path, env={"FILDACTU_STORE_URL": store_url})

    if command == ("migrate",) or database.is_sqlite:
        assert (done.code, done.out, len(done.err.splitlines())) == (1, "", 1), done.err
        assert "Start the newer release" in done.err
    else:
        assert (done.code, done.err) == (0, "")
    assert await applied(store_url) == {scripts.version_table: [LATER] for scripts in SCRIPTS}


@pytest.mark.long
async def test_a_page_waits_for_tables_that_an_older_release_left(
    release: Release, empty_store_url: str, tmp_path: Path
) -> None:
    """Until `migrate` has run, the processor hands pages back; then the same page is processed."""
    await release.load(empty_store_url)
    page = delivered(raw_page(address("news"), body=SmallSite(texts={"news": "new"}).page("news").encode()).message())
    database = Database.open(empty_store_url)
    async with build_processor(
        ProcessorSettings(workers=1), database=database, broker=InProcessBroker(topology())
    ) as processor:
        before = await processor.handler.handle(page)
        done = await fildactu("migrate", cwd=tmp_path, env={"FILDACTU_STORE_URL": empty_store_url})
        assert done.code == 0, done.err
        after = await processor.handler.handle(page)
    await database.close()

    assert isinstance(before, Pause)
    assert after == Ack()


async def worked_off(url: str, port: int) -> list[Event]:
    """Run both services on the store until nothing is left to do now; the events that came of it."""
    database, broker, shown = Database.open(url), InProcessBroker(topology()), Shown()
    settings = hasty(port, reconcile_seconds=0.5, revisit_after_seconds=(3600.0,))
    async with (
        build_processor(ProcessorSettings(workers=1), database=database, broker=broker) as processor,
        build_fetcher(settings, database=database, broker=broker) as fetcher,
    ):
        await fetcher.catalogue.apply(SOURCE, [THE_FEED])
        pipeline = Pipeline(fetcher=fetcher, processor=processor, broker=broker, accounts=Accounts(database))
        await pipeline.run(Stop(), shown, lambda: idle(pipeline))
    await database.close()
    return shown.events


async def idle(pipeline: Pipeline) -> None:
    async def done() -> bool:
        return not await left(pipeline)

    await until(done, "no page is due or without an outcome, and no event waits")


async def until(condition: Callable[[], Awaitable[bool]], what: str) -> None:
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            while not await condition():  # noqa: ASYNC110 - conditions of any kind, most without an event
                await asyncio.sleep(LOOK_SECONDS)
    except TimeoutError:
        raise AssertionError(f"never happened: {what}") from None


async def left(pipeline: Pipeline) -> int:
    work = await pipeline.fetcher.frontier.workload()
    return work.due + work.unsettled + await pipeline.processor.outbox.depth()


def told(event: Event) -> tuple[Verb, str]:
    verb: Verb = event["type"].split(".")[2]
    return verb, event["data"]["url"].rpartition("/")[2]


def said_twice(events: Iterable[Event]) -> list[tuple[str, int]]:
    """Revisions that were said under more than one id."""
    ids: dict[tuple[str, int], set[str]] = {}
    for event in events:
        ids.setdefault((event["data"]["article_id"], event["data"]["revision"]), set()).add(event["id"])
    return [revision for revision, under in ids.items() if len(under) > 1]


def final(*said: Iterable[Event]) -> dict[str, str | None]:
    """What a subscriber ends with that keeps each article's highest revision: its headline, None if withdrawn."""
    newest: dict[str, Event] = {}
    for event in (each for events in said for each in events):
        kept = newest.setdefault(event["data"]["article_id"], event)
        if event["data"]["revision"] > kept["data"]["revision"]:
            newest[event["data"]["article_id"]] = event
    return {
        told(event)[1]: None if told(event)[0] == "withdrawn" else event["data"]["headline"]
        for event in newest.values()
    }


def as_shown(site: SmallSite) -> dict[str, str | None]:
    return {name: title(name, state) for name, state in site.texts.items()}


async def set_aside(url: str) -> list[str | None]:
    """The addresses of the pages in the quarantine, which are readable still."""
    database = Database.open(url)
    async with database.snapshot() as connection:
        bodies = list((await connection.execute(select(quarantine.c.body))).scalars())
    await database.close()
    return [RawPage.decode(body).entry.url for body in bodies]


async def applied(url: str) -> dict[str, list[str]]:
    database = Database.open(url)
    async with database.snapshot() as connection:
        found = {
            each.version_table: list(
                (await connection.execute(text(f"SELECT version_num FROM {each.version_table}"))).scalars()
            )
            for each in SCRIPTS
        }
    await database.close()
    return found


def newest(scripts: Scripts) -> str | None:
    config = Config()
    config.set_main_option("script_location", str(scripts.folder))
    return ScriptDirectory.from_config(config).get_current_head()


def with_a_later_step(scripts: Scripts, folder: Path) -> Scripts:
    """The service's scripts and one more: a column that is filled in for the rows that are there."""
    later = folder / scripts.version_table
    shutil.copytree(scripts.folder, later)
    step = LATER_STEP.format(later=LATER, before=newest(scripts), table=TABLES[scripts.version_table])
    (later / "versions" / f"{LATER}_weights.py").write_text(step)
    return Scripts(later, scripts.version_table)


async def until_blocked(database: Database, migrating: asyncio.Task[None]) -> None:
    """Until the migration waits for a lock of ours; SQLite's only tells whoever asks for it."""

    async def waits() -> bool:
        return database.is_sqlite or migrating.done() or await blocked(database)

    await until(waits, "the migration waits for the open transaction")
    assert not migrating.done(), "it did not wait"


async def blocked(database: Database) -> bool:
    waiting = text("SELECT count(*) FROM pg_locks WHERE NOT granted")
    async with database.snapshot() as connection:
        return bool(await connection.scalar(waiting))


async def backfilled(database: Database) -> dict[str, set[int]]:
    async with database.snapshot() as connection:
        return {
            table: set((await connection.execute(text(f"SELECT weight FROM {table}"))).scalars())
            for table in TABLES.values()
        }
