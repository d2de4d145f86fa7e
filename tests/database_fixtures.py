"""Fixtures that need a store. What is missing is skipped with one loud line, and fails in continuous integration."""

import asyncio
import os
import shutil
from collections.abc import AsyncIterator, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from postgres_cluster import HOW_TO_GET_IT, TEMPLATE, PostgresCluster, find_bin

from services.fetcher.__main__ import MIGRATIONS as FETCHER_SCRIPTS
from services.processor.__main__ import MIGRATIONS as PROCESSOR_SCRIPTS
from shared.database import Database
from shared.migrations import migrate

SCRIPTS = (FETCHER_SCRIPTS, PROCESSOR_SCRIPTS)


@pytest.fixture(scope="session")
def postgres_cluster() -> Iterator[PostgresCluster]:
    """One private cluster for the whole run, with a migrated template; a test that stops it starts it again."""
    programs = find_bin()
    if programs is None:
        if os.environ.get("CI") == "true":
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    with PostgresCluster.running(programs) as cluster:
        make_template(cluster)
        yield cluster


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("sqlite") / "template.db"
    _migrate(f"sqlite:///{path}")
    return path


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def empty_store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store of each kind without any table."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    yield cluster.fresh_url()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.postgres)])
def store_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """A store of each kind with both services' tables, empty."""
    if request.param == "sqlite":
        shutil.copy(request.getfixturevalue("sqlite_template"), tmp_path / "store.db")
        yield f"sqlite:///{tmp_path / 'store.db'}"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    # Not dropped: that costs as much as a test, and the whole cluster goes in the end.
    yield cluster.fresh_url(TEMPLATE)


@pytest.fixture
async def database(store_url: str) -> AsyncIterator[Database]:
    opened = Database.open(store_url)
    yield opened
    await opened.close()


@pytest.fixture
async def other_database(store_url: str) -> AsyncIterator[Database]:
    """The same store through an engine of its own, as another process has it."""
    opened = Database.open(store_url)
    yield opened
    await opened.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if HOW_TO_GET_IT in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"SKIPPED {len(skipped)} STORE TESTS: {HOW_TO_GET_IT}", red=True, bold=True)


def make_template(cluster: PostgresCluster) -> None:
    cluster.sql(f"CREATE DATABASE {TEMPLATE}")
    _migrate(cluster.url(TEMPLATE))


def _migrate(url: str) -> None:
    async def run() -> None:
        database = Database.open(url)
        await migrate(database, *SCRIPTS)
        await database.close()

    # In a thread: an event loop of our own here would replace the one of the test that asked first.
    with ThreadPoolExecutor(1) as thread:
        thread.submit(asyncio.run, run()).result()
