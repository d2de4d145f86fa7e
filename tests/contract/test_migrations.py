"""Migrations, on both stores."""

import asyncio
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from database_fixtures import SCRIPTS
from sqlalchemy import Connection, MetaData, inspect, text

from services.fetcher.tables import metadata as fetcher_tables
from services.processor.tables import metadata as processor_tables
from shared.database import Database
from shared.database import metadata as heartbeat_tables
from shared.migrations import Scripts, migrate
from shared.outcomes import metadata as outcome_tables

TABLES = (fetcher_tables, processor_tables, outcome_tables, heartbeat_tables)
VERSION_TABLES = {scripts.version_table for scripts in SCRIPTS}


@pytest.fixture
async def empty(empty_store_url: str):
    opened = Database.open(empty_store_url)
    yield opened
    await opened.close()


async def test_the_models_are_what_the_migrations_make(database: Database) -> None:
    """Alembic finds no difference between the tables in the code and those in a migrated store."""
    async with database.snapshot() as connection:
        found = await connection.run_sync(_differences)

    assert found == []


async def test_migrations_apply_again_without_effect(empty: Database) -> None:
    """A `migrate` step may run before every start."""
    await migrate(empty, *SCRIPTS)
    once = await _state(empty)
    await migrate(empty, *SCRIPTS)

    assert once == await _state(empty)


async def test_two_migrations_at_once_apply_each_script_once(empty: Database, empty_store_url: str) -> None:
    """Several containers may start together: the second waits for the first and finds nothing to do."""
    others = [Database.open(empty_store_url) for _ in range(3)]
    await asyncio.gather(*(migrate(each, *SCRIPTS) for each in (empty, *others)))

    names, versions = await _state(empty)
    for each in others:
        await each.close()
    assert {*(name for tables in TABLES for name in tables.tables), *VERSION_TABLES} == names
    assert {scripts.version_table: [_newest(scripts)] for scripts in SCRIPTS} == versions


async def test_a_migration_that_fails_leaves_nothing(empty: Database, tmp_path: Path) -> None:
    """Tables that a broken script made before its fault are gone, and its version is not recorded."""
    broken = _scripts(tmp_path, "op.create_table('half', sa.Column('id', sa.Integer()))\n    raise KeyError('broken')")
    with pytest.raises(KeyError):
        await migrate(empty, broken)

    async with empty.snapshot() as connection:
        names = await connection.run_sync(lambda plain: set(inspect(plain).get_table_names()))
    assert set() == names


def _newest(scripts: Scripts) -> str:
    return max(path.name[:4] for path in (scripts.folder / "versions").glob("[0-9]*.py"))


def _differences(connection: Connection) -> list[object]:
    together = MetaData()
    for tables in TABLES:
        for table in tables.tables.values():
            table.to_metadata(together)
    options = {
        "compare_type": True,
        "include_object": lambda thing, name, kind, *_: not (kind == "table" and name in VERSION_TABLES),
    }
    return list(compare_metadata(MigrationContext.configure(connection, opts=options), together))


async def _state(database: Database) -> tuple[set[str], dict[str, list[str]]]:
    async with database.snapshot() as connection:
        names = await connection.run_sync(lambda plain: set(inspect(plain).get_table_names()))
        found = {
            table: list((await connection.execute(text(f"SELECT version_num FROM {table}"))).scalars())
            for table in VERSION_TABLES
        }
    return names, found


def _scripts(folder: Path, body: str) -> Scripts:
    (folder / "versions").mkdir()
    (folder / "env.py").write_text(
        "from alembic import context\n"
        "given = context.config.attributes\n"
        "context.configure(connection=given['connection'], version_table=given['version_table'])\n"
        "context.run_migrations()\n"
    )
    (folder / "versions" / "0001_broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\n"
        "revision = '0001'\ndown_revision = None\nbranch_labels = None\ndepends_on = None\n\n"
        f"def upgrade():\n    {body}\n"
    )
    return Scripts(folder, "broken_version")
