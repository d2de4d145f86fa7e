"""The private PostgreSQL, a disk and a clock can be broken under running processes, and mended."""

import asyncio
import subprocess
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, closing, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from chaos.full_disk import FullDisk
from chaos.shifted_clock import ShiftedClock
from postgres_cluster import PostgresCluster, find_bin
from sqlalchemy import text

from shared.database import Database
from shared.errors import StoreUnavailable

SILENCE_SECONDS = 0.3
HOUR = timedelta(hours=1)
SMALL_PAGE = "a" * 1000

postgres = pytest.mark.postgres


class Pages:
    """A table that is written to and read, whatever the store."""

    def __init__(self, database: Database) -> None:
        self._database = database

    @classmethod
    @asynccontextmanager
    async def at(cls, url: str) -> AsyncIterator["Pages"]:
        database = Database.open(url)
        try:
            async with database.transaction() as connection:
                await connection.execute(text("CREATE TABLE IF NOT EXISTS pages (number integer, body text)"))
            yield cls(database)
        finally:
            await database.close()

    async def add(self, number: int) -> None:
        async with self._database.transaction() as connection:
            values = {"number": number, "body": SMALL_PAGE}
            await connection.execute(text("INSERT INTO pages VALUES (:number, :body)"), values)

    async def add_until_refused(self, first: int) -> int:
        """How many were taken."""
        for number in range(first, first + 100_000):
            try:
                await self.add(number)
            except StoreUnavailable:
                return number - first
        raise AssertionError("the disk was never full")

    async def count(self) -> int:
        async with self._database.snapshot() as connection:
            return int(await connection.scalar(text("SELECT count(*) FROM pages")))


@postgres
async def test_a_killed_store_has_what_was_committed(postgres_cluster: PostgresCluster) -> None:
    """Killed with all its processes it is away, and has every committed row when it is started again."""
    async with Pages.at(postgres_cluster.fresh_url()) as pages:
        await pages.add(1)
        postgres_cluster.kill()
        try:
            with pytest.raises(StoreUnavailable):
                await pages.count()
        finally:
            postgres_cluster.start()
        assert await pages.count() == 1


@postgres
async def test_a_frozen_store_answers_when_it_is_thawed(postgres_cluster: PostgresCluster) -> None:
    """A question asked while it is frozen, on an open connection, is answered afterwards."""
    async with Pages.at(postgres_cluster.fresh_url()) as pages:
        postgres_cluster.freeze()
        try:
            counting = asyncio.create_task(pages.count())
            done, _ = await asyncio.wait([counting], timeout=SILENCE_SECONDS)
            assert not done
        finally:
            postgres_cluster.thaw()
        assert await counting == 0


@postgres
async def test_a_store_restarted_in_good_order_is_whole(postgres_cluster: PostgresCluster) -> None:
    """After a fast shutdown nothing has to be recovered, and the rows are there."""
    async with Pages.at(postgres_cluster.fresh_url()) as pages:
        await pages.add(1)
        postgres_cluster.restart("fast")
        assert await pages.count() == 1


@postgres
async def test_the_sessions_of_one_database_are_ended(postgres_cluster: PostgresCluster) -> None:
    """Those of another one go on."""
    url, other_url = postgres_cluster.fresh_url(), postgres_cluster.fresh_url()
    async with Pages.at(url), Pages.at(other_url):
        postgres_cluster.drop_connections(url)
        left = postgres_cluster.sql("SELECT datname FROM pg_stat_activity WHERE datname LIKE 'test%'").split()
        assert (url.rpartition("/")[2] in left, other_url.rpartition("/")[2] in left) == (False, True)


@postgres
async def test_a_backup_is_restored(postgres_cluster: PostgresCluster, tmp_path: Path) -> None:
    """Into a database of its own and in place of its original, it has the rows of the moment it was made."""
    url = postgres_cluster.fresh_url()
    async with Pages.at(url) as pages:
        await pages.add(1)
        postgres_cluster.backup(url, tmp_path / "backup")
        await pages.add(2)
        async with Pages.at(postgres_cluster.restore(tmp_path / "backup")) as restored:
            assert (await pages.count(), await restored.count()) == (2, 1)
        postgres_cluster.restore(tmp_path / "backup", url)
    async with Pages.at(url) as pages:
        assert await pages.count() == 1


@contextmanager
def store_on(disk: FullDisk, kind: str, request: pytest.FixtureRequest) -> Iterator[str]:
    if kind == "sqlite":
        yield f"sqlite:///{disk.folder}/store.db"
        return
    cluster: PostgresCluster = request.getfixturevalue("postgres_cluster")
    with cluster.on_disk(disk.folder) as url:
        yield url


@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgresql", marks=postgres)])
async def test_a_store_on_a_full_disk(kind: str, request: pytest.FixtureRequest) -> None:
    """It refuses rows but has those that it took, and takes rows again when there is room."""
    with FullDisk.mounted(megabytes=24) as disk, store_on(disk, kind, request) as url:
        async with Pages.at(url) as pages:
            await pages.add(1)
            disk.fill()
            assert disk.free_bytes == 0
            taken = 1 + await pages.add_until_refused(2)
            assert await pages.count() == taken
            disk.empty()
            await pages.add(0)
            assert await pages.count() == taken + 1


@pytest.fixture(scope="module")
def clock() -> Iterator[ShiftedClock]:
    with ShiftedClock.built() as clock:
        yield clock


# Says at each line it reads what time it is: in the service's process, and in a worker process of its pool.
TELLS_THE_TIME = """
import asyncio, sys, time, uvloop
from shared.workers import WorkerLimits, WorkerPool

async def main():
    pool = WorkerPool("clock", WorkerLimits(workers=1, seconds=20))
    for line in sys.stdin:
        began = time.monotonic()
        await asyncio.sleep(0.05)
        slept = time.monotonic() - began
        print(time.time(), await pool.run(time.time), slept, flush=True)
    await pool.close()

uvloop.run(main())
"""


def test_the_clock_of_a_running_service_is_stepped(clock: ShiftedClock) -> None:
    """Its process and its workers see the step at once, forwards and back; waiting takes its true time."""
    program = [sys.executable, "-c", TELLS_THE_TIME]
    with subprocess.Popen(
        program, env=environment(clock), text=True, stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdin is not None
        assert child.stdout is not None
        with closing(child.stdin):
            for step in (timedelta(), HOUR, -HOUR, timedelta()):
                clock.step(step)
                child.stdin.write("now\n")
                child.stdin.flush()
                *times, slept = (float(each) for each in child.stdout.readline().split())
                assert [step, step] == [ahead(datetime.fromtimestamp(told, UTC)) for told in times]
                assert 0.05 <= slept < HOUR.total_seconds()


@postgres
def test_the_clock_of_a_store_is_stepped(clock: ShiftedClock) -> None:
    """PostgreSQL's clock, in a session that was open before the step too."""
    programs = find_bin()
    if programs is None:
        pytest.skip("PostgreSQL is not installed")
    with PostgresCluster.running(programs, clock.environment) as cluster:
        asyncio.run(watch_steps(clock, cluster.fresh_url()))


async def watch_steps(clock: ShiftedClock, url: str) -> None:
    database = Database.open(url)
    try:
        async with database.snapshot() as connection:
            for step in (HOUR, -HOUR, timedelta()):
                clock.step(step)
                assert ahead(await connection.scalar(text("SELECT clock_timestamp()"))) == step
    finally:
        await database.close()


def ahead(told: datetime) -> timedelta:
    """Of the true time, to the half hour."""
    return timedelta(minutes=30) * round((told - datetime.now(UTC)) / timedelta(minutes=30))


def environment(clock: ShiftedClock) -> dict[str, str]:
    return {"PYTHONPATH": str(Path(__file__).parents[2]), **clock.environment}
