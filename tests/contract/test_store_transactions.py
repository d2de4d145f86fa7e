"""Transactions and outages, on both stores."""

import asyncio
import os
import shutil
import sys
from datetime import UTC, datetime, timedelta, timezone
from random import Random

import pytest
from fakes import article, delivery, raw_page
from postgres_cluster import PostgresCluster
from sqlalchemy import Column, Integer, MetaData, String, Table, func, insert, select, text, update

from services.processor.handler import Handler
from services.processor.model import Extracted, Source
from services.processor.outbox import Outbox
from services.processor.store import ProcessorStore
from services.processor.tables import articles, inbox
from shared.database import Database, UtcDateTime, clock
from shared.delivery import Ack, Pause
from shared.errors import StoreConflict, StoreUnavailable, TransientError

metadata = MetaData()
counters = Table(
    "counters",
    metadata,
    Column("name", String(3), primary_key=True),
    Column("value", Integer, nullable=False),
    Column("at", UtcDateTime),
)


async def counting(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(metadata.create_all)
        await connection.execute(insert(counters), [{"name": name, "value": 0} for name in ("a", "b")])


async def value(database: Database, name: str = "a") -> int:
    async with database.snapshot() as connection:
        found: int = (await connection.execute(select(counters.c.value).where(counters.c.name == name))).scalar_one()
    return found


async def add(database: Database, name: str = "a") -> None:
    """Read, then write what was read: the pattern that a deferred transaction loses updates with."""
    async with database.transaction() as connection:
        query = select(counters.c.value).where(counters.c.name == name).with_for_update()
        read = (await connection.execute(query)).scalar_one()
        await asyncio.sleep(0)
        await connection.execute(update(counters).where(counters.c.name == name).values(value=read + 1))


async def test_reading_then_writing_loses_no_update(database: Database, other_database: Database) -> None:
    """Forty transactions on two engines count to forty; on SQLite because each begins IMMEDIATE."""
    await counting(database)
    await asyncio.gather(*(add(each) for each in [database, other_database] * 20))

    assert await value(database) == 40


async def test_a_reader_sees_one_state_and_waits_for_no_writer(database: Database, other_database: Database) -> None:
    """While a transaction is open, others read what was before it."""
    await counting(database)
    async with database.transaction() as connection:
        await connection.execute(update(counters).values(value=7))
        seen = await value(other_database)

    assert (seen, await value(other_database)) == (0, 7)


async def test_a_cancelled_transaction_writes_all_or_nothing(database: Database) -> None:
    """Cancelled anywhere, in the middle of its commit too: both counters agree, and the store goes on working."""
    await counting(database)
    chance = Random(7)

    async def both() -> None:
        async with database.transaction() as connection:
            await connection.execute(update(counters).where(counters.c.name == "a").values(value=counters.c.value + 1))
            await connection.execute(update(counters).where(counters.c.name == "b").values(value=counters.c.value + 1))

    for _ in range(60):
        tasks = [asyncio.create_task(both()) for _ in range(3)]
        await asyncio.sleep(chance.random() * 0.006)
        for _ in range(2):
            # A shutdown may cancel twice: the work, and then all that is left.
            for task in tasks:
                task.cancel()
            await asyncio.sleep(0)
        await asyncio.gather(*tasks, return_exceptions=True)
    await both()

    assert await value(database, "a") == await value(database, "b") >= 1


async def test_a_handler_that_is_cancelled_settles_once_when_it_is_repeated(database: Database) -> None:
    """The broker redelivers what was cancelled, wherever that was: one event each, and none missing."""

    async def extract(source: Source) -> Extracted:
        return article(source.url, url=source.url)

    works, chance = Handler(ProcessorStore(database), extract, lambda: None), Random(11)
    pages = [raw_page(f"https://s{number}.example/a") for number in range(25)]
    for page in pages:
        task = asyncio.create_task(works.handle(delivery(page)))
        await asyncio.sleep(chance.random() * 0.03)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    results = [await works.handle(delivery(page)) for page in pages]

    async with database.snapshot() as connection:
        stored = await connection.scalar(select(func.count()).select_from(articles))
        settled = await connection.scalar(select(func.count()).select_from(inbox))
    assert [Ack()] * 25 == results
    assert (stored, settled, await Outbox(database).depth()) == (25, 25, 25)


async def test_times_come_back_in_utc(database: Database) -> None:
    """Whatever zone they were given in, to the microsecond, and compared as times."""
    await counting(database)
    paris = datetime(2026, 7, 1, 1, 30, 0, 5, tzinfo=timezone(timedelta(hours=2)))
    async with database.transaction() as connection:
        await connection.execute(update(counters).values(at=paris))
        found = (await connection.execute(select(counters.c.at).where(counters.c.name == "a"))).scalar_one()
        earlier = counters.c.at < datetime(2026, 6, 30, 23, 30, 0, 6, tzinfo=UTC)
        assert await connection.scalar(select(func.count()).where(earlier)) == 2

    assert (found, found.tzinfo) == (paris, UTC)


async def test_the_clock_goes_on_within_a_transaction(database: Database) -> None:
    """Leases are judged by it; the time at which the transaction began would be too early."""
    async with database.transaction() as connection:
        times = [await clock(connection)]
        while len(times) < 1000 and times[-1] == times[0]:
            times.append(await clock(connection))

    assert times[0] < times[-1]
    assert abs(times[0] - datetime.now(UTC)) < timedelta(minutes=1)


async def test_a_table_that_is_not_there_yet_is_an_outage(database: Database) -> None:
    """A service that starts ahead of its migrations waits; it does not give its messages up."""
    with pytest.raises(StoreUnavailable):
        await add(database)


async def test_a_violated_constraint_is_no_outage(database: Database) -> None:
    """It is a bug, and waiting would not mend it."""
    await counting(database)

    async def violate() -> None:
        async with database.transaction() as connection:
            await connection.execute(insert(counters).values(name="a", value=1))

    with pytest.raises(Exception, match=r"(?i)unique") as caught:
        await violate()
    assert not isinstance(caught.value, TransientError)


async def test_a_full_disk_is_an_outage_that_ends(tmp_path) -> None:
    """Reads go on, nothing is half written, and writes work again once there is room."""
    database = Database.open(f"sqlite:///{tmp_path / 'small.db'}")
    await counting(database)

    async def limit(pages: int) -> None:
        async with database.snapshot() as connection:
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))

    async def fill() -> None:
        async with database.transaction() as connection:
            await connection.execute(update(counters).values(value=5))
            await connection.execute(text("CREATE TABLE filler AS SELECT zeroblob(1000000) AS body"))

    await limit(10)
    with pytest.raises(StoreUnavailable, match="full"):
        await fill()
    assert await value(database) == 0
    await limit(100_000)
    await fill()

    assert await value(database) == 5
    await database.close()


async def test_a_store_that_takes_no_writes_answers_and_is_not_writable(database: Database) -> None:
    """A standby: consuming on its word would use up the deliveries of every message."""
    await database.writable()
    read_only = "PRAGMA query_only=ON" if database.is_sqlite else "SET default_transaction_read_only=on"
    async with database.snapshot() as connection:
        await connection.execute(text(read_only))

    await database.ping()
    with pytest.raises(StoreUnavailable):
        await database.writable()


async def test_a_full_store_is_not_writable(tmp_path, sqlite_template) -> None:
    """Until there is room again."""
    path = shutil.copy(sqlite_template, tmp_path / "store.db")
    database = Database.open(f"sqlite:///{path}")

    async def limit(pages: int) -> None:
        async with database.snapshot() as connection:
            await connection.execute(text(f"PRAGMA max_page_count={pages}"))

    await limit(10)
    with pytest.raises(StoreUnavailable, match="full"):
        await database.writable()
    await limit(100_000)
    await database.writable()
    await database.close()


async def test_several_find_a_store_writable_at_once(database: Database, other_database: Database) -> None:
    """They write the same row, one after the other."""
    await asyncio.gather(*(each.writable() for each in [database, other_database] * 5))

    async with database.snapshot() as connection:
        assert await connection.scalar(text("SELECT count(*) FROM heartbeat")) == 1


async def test_other_processes_on_the_file_are_waited_for(tmp_path) -> None:
    """They open, write and close it all the time, as a console does beside a running pipeline."""
    url = f"sqlite:///{tmp_path / 'shared.db'}"
    database = Database.open(url)
    await counting(database)
    others = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", _OPEN_ADD_CLOSE, url, env=dict(os.environ))
        for _ in range(3)
    ]
    for _ in range(20):
        await add(database)
        await value(database)
    codes = [await each.wait() for each in others]

    assert (codes, await value(database)) == ([0, 0, 0], 80)
    await database.close()


_OPEN_ADD_CLOSE = """
import asyncio, sys
from sqlalchemy import text
from shared.database import Database

async def main():
    for _ in range(20):
        database = Database.open(sys.argv[1])
        async with database.transaction() as connection:
            read = await connection.scalar(text("SELECT value FROM counters WHERE name = 'a'"))
            await connection.execute(text("UPDATE counters SET value = :v WHERE name = 'a'"), {"v": read + 1})
        await database.ping()
        await database.close()

asyncio.run(main())
"""


@pytest.mark.parametrize("content", [b"garbage" * 1000, None])
async def test_a_file_that_is_no_database_is_an_outage(tmp_path, content: bytes | None) -> None:
    """Damaged, or in a folder that does not exist: nothing may be given up because of it."""
    path = tmp_path / ("broken.db" if content else "missing/store.db")
    if content:
        path.write_bytes(content)
    database = Database.open(f"sqlite:///{path}")
    with pytest.raises(StoreUnavailable):
        await database.ping()
    await database.close()


@pytest.mark.postgres
@pytest.mark.parametrize("wrong", ["nobody@", "database"])
async def test_a_wrong_login_is_an_outage(postgres_cluster: PostgresCluster, wrong: str) -> None:
    """It may be right in a moment, when the other container has made its user or its database."""
    url = postgres_cluster.url("nowhere" if wrong == "database" else "postgres")
    database = Database.open(url if wrong == "database" else url.replace("postgres@", wrong))
    with pytest.raises(StoreUnavailable, match="does not exist"):
        await database.ping()
    await database.close()


@pytest.mark.postgres
async def test_a_deadlock_is_worth_another_try(postgres_cluster: PostgresCluster) -> None:
    """PostgreSQL ends one of two transactions that wait for each other; it is no bug and no outage."""
    database = Database.open(postgres_cluster.fresh_url())
    await counting(database)
    met = asyncio.Barrier(2)

    async def cross(first: str, second: str) -> None:
        async with database.transaction() as connection:
            await connection.execute(update(counters).where(counters.c.name == first).values(value=1))
            await met.wait()
            await connection.execute(update(counters).where(counters.c.name == second).values(value=1))

    results = await asyncio.gather(cross("a", "b"), cross("b", "a"), return_exceptions=True)
    await database.close()

    (lost,) = [each for each in results if each is not None]
    assert (type(lost), str(lost)) == (StoreConflict, "store_conflict")


@pytest.mark.postgres
async def test_a_stopped_server_is_an_outage_until_it_is_back(postgres_cluster: PostgresCluster) -> None:
    """In the middle of a transaction, for connections at rest and for new ones; the same engine then goes on."""
    database = Database.open(postgres_cluster.fresh_url())
    await counting(database)
    # The driver leaves a future behind for each connection that it loses.
    asyncio.get_running_loop().set_exception_handler(lambda *_: None)

    async def interrupted() -> None:
        async with database.transaction() as connection:
            await connection.execute(update(counters).values(value=9))
            await asyncio.to_thread(postgres_cluster.stop)
            await connection.execute(update(counters).values(value=10))

    try:
        with pytest.raises(StoreUnavailable):
            await interrupted()
        with pytest.raises(StoreUnavailable, match="Connect call failed"):
            await database.ping()
        assert await _handled(database) == Pause
    finally:
        await asyncio.to_thread(postgres_cluster.start)
    await database.ping()

    assert await value(database) == 0
    await database.close()


async def _handled(database: Database) -> type:
    async def extract(source: Source) -> Extracted:
        return article()

    return type(await Handler(ProcessorStore(database), extract, lambda: None).handle(delivery(raw_page())))


async def test_an_event_goes_out_once_the_store_says_so(database: Database) -> None:
    """The relay is nudged after the commit, never before: what it looks for must be there."""

    async def extract(source: Source) -> Extracted:
        return article()

    depths: list[asyncio.Task[int]] = []
    works = Handler(
        ProcessorStore(database), extract, lambda: depths.append(asyncio.create_task(Outbox(database).depth()))
    )
    await works.handle(delivery(raw_page()))

    assert [await each for each in depths] == [1]
