"""Keep the database of a release, with work in flight, as data for the upgrade tests. Run on that release's code:

    git archive v0.1.0 | tar -x -C build/release
    PYTHONPATH=build/release:tests .venv/bin/python tests/data/releases/make.py tests/data/releases/0.1.0

Needs PostgreSQL's programs. What it leaves behind: the schema in both dialects, every row, the events that
subscribers have, and what the site shows.
"""

import asyncio
import base64
import json
import subprocess
import sys
import tempfile
from dataclasses import asdict, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

from chaos.by_hand import ByHand, by_hand, delivered
from chaos.small_site import SmallSite, address, served
from postgres_cluster import PostgresCluster, find_bin
from sqlalchemy import Table, select, text

from services.fetcher.__main__ import MIGRATIONS as FETCHER_MIGRATIONS
from services.fetcher.tables import metadata as fetcher_tables
from services.processor.__main__ import MIGRATIONS as PROCESSOR_MIGRATIONS
from services.processor.tables import metadata as processor_tables
from shared.broker.protocols import REASON_HEADER
from shared.database import Database
from shared.envelope import Message
from shared.messages import decode_raw_page
from shared.migrations import migrate
from shared.outcomes import metadata as outcome_tables

SCRIPTS = (FETCHER_MIGRATIONS, PROCESSOR_MIGRATIONS)
METADATA = (fetcher_tables, processor_tables, outcome_tables)


async def settle(hand: ByHand, site: SmallSite) -> None:
    """What is done, and known to subscribers."""
    site.publish("told", "corrected", "withdrawn", "half-corrected", "to-correct")
    await hand.round()
    site.correct("corrected", "corrected once")
    site.withdraw("withdrawn")
    await hand.round()
    await hand.round()


async def leave(hand: ByHand, site: SmallSite) -> None:
    """Leave something at every step of the way. Feed and entry are held by a fetcher that is gone in the end."""
    await _committed_and_not_relayed(hand, site)
    await _out_of_the_queue(hand, site)
    await _not_visited(hand, site)


async def _committed_and_not_relayed(hand: ByHand, site: SmallSite) -> None:
    site.publish("relaying")
    await _observe(hand)
    await hand.processor.outbox.take(1)
    site.publish("committed")
    site.correct("half-corrected", "corrected once")
    await _observe(hand)


async def _out_of_the_queue(hand: ByHand, site: SmallSite) -> None:
    site.publish("queue-lost", "quarantined")
    await hand.poll()
    await hand.visit()
    _taken_out(hand, "queue-lost")
    rejected = _taken_out(hand, "quarantined")
    told = replace(rejected, headers={**rejected.headers, REASON_HEADER: "worker_timeout"})
    await hand.processor.quarantine.handle(delivered(told))
    await hand.process()


async def _not_visited(hand: ByHand, site: SmallSite) -> None:
    site.publish("pending", "leased")
    site.correct("to-correct", "corrected once")
    await hand.poll()
    for entry in await hand.lease():
        if entry.url == address("leased"):
            await hand.fetcher.frontier.begin(entry, timedelta(0))
        else:
            await hand.fetcher.frontier.release(entry)
    await hand.fetcher.feeds.lease(1)


async def _observe(hand: ByHand) -> None:
    await hand.poll()
    await hand.visit()
    await hand.process()


def _taken_out(hand: ByHand, name: str) -> Message:
    (found,) = (each for each in hand.queues.work if decode_raw_page(each).entry.url == address(name))
    hand.queues.work.remove(found)
    return found


async def rows(database: Database) -> dict[str, list[dict[str, Any]]]:
    found = {}
    async with database.snapshot() as connection:
        for table in (each for metadata in METADATA for each in metadata.sorted_tables):
            found[table.name] = [_readable(table, row) for row in await connection.execute(select(table))]
        for scripts in SCRIPTS:
            applied = await connection.execute(text(f"SELECT version_num FROM {scripts.version_table}"))
            found[scripts.version_table] = [{"version_num": row.version_num} for row in applied]
    return found


def _readable(table: Table, row: Any) -> dict[str, Any]:
    return {column.name: _plain(getattr(row, column.name)) for column in table.columns}


def _plain(value: Any) -> Any:
    if isinstance(value, UUID):
        return str(value)
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, bytes):
        try:
            return {"text": value.decode()}
        except UnicodeDecodeError:
            return {"base64": base64.b64encode(value).decode()}
    return value


async def schema(url: str) -> None:
    database = Database.open(url)
    await migrate(database, *SCRIPTS)
    await database.close()


def postgres_schema() -> str:
    programs = find_bin()
    assert programs is not None, "PostgreSQL is not installed"
    with PostgresCluster.running(programs) as cluster:
        url = cluster.fresh_url()
        asyncio.run(schema(url))
        dump: list[str | Path] = [programs / "pg_dump", "--schema-only", "--no-owner", "--no-privileges"]
        where = ["-h", "127.0.0.1", "-p", str(cluster.port), "-U", "postgres", url.rpartition("/")[2]]
        dumped = subprocess.run([*dump, *where], capture_output=True, check=True, text=True).stdout
    # Settings of the session and psql's own commands are of no use to another client.
    kept = (line for line in dumped.splitlines() if line and not line.startswith(("--", "SET ", "SELECT ", "\\")))
    return "\n".join(kept)


def sqlite_schema(path: Path) -> str:
    dumped = subprocess.run(["sqlite3", path, ".schema"], capture_output=True, check=True, text=True)
    return dumped.stdout


async def worked(folder: Path, path: Path) -> None:
    await schema(f"sqlite:///{path}")
    site = SmallSite()
    async with served(site) as port:
        async with by_hand(f"sqlite:///{path}", port) as hand:
            await settle(hand, site)
        # Without further looks at a page, only a lost message's own absence brings it back.
        async with by_hand(f"sqlite:///{path}", port, hand.queues, revisit_after_seconds=()) as hand:
            await leave(hand, site)
    database = Database.open(f"sqlite:///{path}")
    _write(folder / "rows.json", json.dumps(await rows(database), indent=1, ensure_ascii=False))
    await database.close()
    _write(folder / "said.jsonl", "\n".join(json.dumps(event, ensure_ascii=False) for event in hand.queues.said))
    shown = {name: value for name, value in asdict(site).items() if name != "asked"}
    _write(folder / "site.json", json.dumps(shown, indent=1))


def _write(path: Path, text: str) -> None:
    path.write_text(text.strip() + "\n", encoding="utf-8")


def main() -> None:
    folder = Path(sys.argv[1])
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as scratch:
        path = Path(scratch) / "release.db"
        asyncio.run(worked(folder, path))
        _write(folder / "schema.sqlite.sql", sqlite_schema(path))
    _write(folder / "schema.postgresql.sql", postgres_schema())


if __name__ == "__main__":
    main()
