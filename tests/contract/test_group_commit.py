"""Transactions on SQLite that share a COMMIT: apart in what fails, together in what is kept."""

import asyncio
import sqlite3
import sys
from collections.abc import AsyncIterator
from contextlib import closing
from pathlib import Path
from random import Random

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import event, text

from shared.database import Database
from shared.errors import StoreUnavailable
from shared.sqlite import MOST_TOGETHER, SqliteEngine

WRITE = text("INSERT INTO notes (number) VALUES (:number)")
SCHEMA = """
CREATE TABLE notes (number INTEGER PRIMARY KEY, body BLOB, other INTEGER REFERENCES notes DEFERRABLE INITIALLY DEFERRED)
"""


@pytest.fixture
async def notes(tmp_path: Path) -> AsyncIterator[Database]:
    """A SQLite store with a table of numbered notes."""
    database = await opened(tmp_path)
    yield database
    await database.close()


async def opened(folder: Path) -> Database:
    database = Database.open(f"sqlite:///{folder / 'notes.db'}")
    async with database.transaction() as connection:
        await connection.execute(text(SCHEMA))
    return database


async def write(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(WRITE, {"number": number})


async def write_and_fail(database: Database, number: int) -> None:
    async with database.transaction() as connection:
        await connection.execute(WRITE, {"number": number})
        raise LookupError


async def count_on(database: Database) -> int:
    """Read, let others run, then write what was read; returns that."""
    async with database.transaction() as connection:
        number = (await connection.scalar(text("SELECT count(*) FROM notes"))) or 0
        await asyncio.sleep(0)
        await connection.execute(WRITE, {"number": number})
    return number


async def kept(database: Database) -> list[int]:
    async with database.snapshot() as connection:
        found = await connection.execute(text("SELECT number FROM notes ORDER BY rowid"))
        return list(found.scalars())


def counted_commits(database: Database) -> list[object]:
    """Grows by one with every COMMIT from now on."""
    engine = database._engine
    assert isinstance(engine, SqliteEngine)
    commits: list[object] = []
    event.listen(engine._engine, "commit", commits.append)
    return commits


async def test_transactions_that_wait_share_a_commit(notes: Database) -> None:
    """Whoever comes while another COMMIT waits for the disk is written with the next one."""
    commits = counted_commits(notes)
    await asyncio.gather(*(write(notes, number) for number in range(40)))

    assert await kept(notes) == list(range(40))
    assert len(commits) == 1


async def test_a_group_is_bounded(notes: Database) -> None:
    """The first of many waits for a known number of others, not for all that go on coming."""
    commits = counted_commits(notes)
    await asyncio.gather(*(write(notes, number) for number in range(2 * MOST_TOGETHER + 1)))

    assert len(await kept(notes)) == 2 * MOST_TOGETHER + 1
    assert len(commits) == 3


async def test_a_lone_transaction_is_committed_at_once(notes: Database) -> None:
    """It waits for nobody, and the next one has a COMMIT of its own."""
    commits = counted_commits(notes)
    for number in range(3):
        await write(notes, number)

    assert len(commits) == 3


@settings(max_examples=30, deadline=None)
@given(fates=st.lists(st.booleans(), min_size=1, max_size=30))
def test_what_fails_is_undone_and_the_others_of_its_group_are_kept(tmp_path_factory, fates: list[bool]) -> None:
    """Whatever the order of those that succeed and those that raise, the first and the last included."""

    async def play() -> tuple[list[int], list[object]]:
        database = await opened(tmp_path_factory.mktemp("notes"))
        works = [(write if good else write_and_fail)(database, number) for number, good in enumerate(fates)]
        results = await asyncio.gather(*works, return_exceptions=True)
        found = await kept(database)
        await database.close()
        return found, [type(each) for each in results]

    found, results = asyncio.run(play())

    assert found == [number for number, good in enumerate(fates) if good]
    assert results == [type(None) if good else LookupError for good in fates]


async def test_a_transaction_that_fails_alone_lets_go_at_once(notes: Database, tmp_path: Path) -> None:
    """Other processes write to the file, too, and nobody is left whose rows a COMMIT would have to wait for."""
    with pytest.raises(LookupError):
        await write_and_fail(notes, 1)

    with closing(sqlite3.connect(tmp_path / "notes.db", timeout=0, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")


async def test_each_reads_what_those_before_it_wrote(notes: Database) -> None:
    """They run one after the other, in the order in which they asked: no update is lost within a group either."""
    seen = await asyncio.gather(*(count_on(notes) for _ in range(25)))

    assert seen == list(range(25))


async def test_a_commit_that_fails_fails_all_of_its_group(notes: Database) -> None:
    """With one error for all and nothing kept; the store goes on working."""

    async def refer_to_nothing() -> None:
        # The reference is looked at by COMMIT only.
        async with notes.transaction() as connection:
            await connection.execute(text("INSERT INTO notes (number, other) VALUES (50, 99)"))

    works = (write(notes, 1), refer_to_nothing(), write(notes, 2))
    errors = await asyncio.gather(*works, return_exceptions=True)
    await write(notes, 3)

    assert all("FOREIGN KEY" in str(each) for each in errors)
    assert len({id(each) for each in errors}) == 1
    assert await kept(notes) == [3]


@pytest.mark.parametrize("careless", [False, True], ids=["raised", "swallowed"])
async def test_a_full_disk_in_the_middle_of_a_group_tells_everyone_whose_rows_are_gone(
    notes: Database, *, careless: bool
) -> None:
    """SQLite may roll back everything at once then, turns that had ended included; nobody takes them for stored."""

    async def fill() -> None:
        async with notes.transaction() as connection:
            await connection.execute(text("PRAGMA max_page_count = 1"))
            try:
                await connection.execute(text("INSERT INTO notes (number, body) VALUES (77, zeroblob(1000000))"))
            except Exception:
                if not careless:
                    raise
            finally:
                await connection.execute(text("PRAGMA max_page_count = 100000"))

    results = await asyncio.gather(write(notes, 1), fill(), write(notes, 2), return_exceptions=True)

    assert isinstance(results[1], StoreUnavailable)
    told = [number for number, result in ((1, results[0]), (2, results[2])) if result is None]
    assert await kept(notes) == told
    assert all(each is None or isinstance(each, StoreUnavailable) for each in results)


async def test_readers_see_nothing_of_a_group_before_its_commit(notes: Database) -> None:
    """Neither of the turns that have ended nor of the one that goes on; and all of it once they return."""
    first = asyncio.create_task(write(notes, 1))
    async with notes.transaction() as connection:
        await connection.execute(WRITE, {"number": 2})
        between = await kept(notes)
        unfinished = not first.done()
    await first

    assert (between, unfinished) == ([], True)
    assert await kept(notes) == [1, 2] or await kept(notes) == [2, 1]


async def test_a_slow_block_holds_up_its_group_and_no_more(notes: Database) -> None:
    """Those before it wait for its end, those after it for their turn; all of them come through."""
    inside, go_on = asyncio.Event(), asyncio.Event()

    async def slow() -> None:
        async with notes.transaction() as connection:
            await connection.execute(WRITE, {"number": 1})
            inside.set()
            await go_on.wait()

    works = [asyncio.create_task(each) for each in (write(notes, 0), slow(), write(notes, 2))]
    await inside.wait()
    assert not any(each.done() for each in works)
    go_on.set()
    await asyncio.gather(*works)

    assert await kept(notes) == [0, 1, 2]


async def test_a_storm_of_cancellations_leaves_nothing_half_done(notes: Database) -> None:
    """Whatever returned is stored, whatever failed is not, and of what was cancelled both rows or none."""
    chance, told, failed = Random(3), set[int](), set[int]()

    async def pair(number: int) -> None:
        async with notes.transaction() as connection:
            await connection.execute(WRITE, {"number": number})
            for _ in range(chance.randrange(3)):
                await asyncio.sleep(0)
            await connection.execute(WRITE, {"number": -number})
            if number % 7 == 0:
                failed.add(number)
                raise LookupError
        told.add(number)

    for number in range(1, 400, 8):
        tasks = [asyncio.create_task(pair(each)) for each in range(number, number + 8)]
        for _ in range(chance.randrange(40)):
            await asyncio.sleep(0)
        for task in chance.sample(tasks, 3) * 2:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    found = set(await kept(notes))
    assert {-each for each in found} == found
    assert told <= found
    assert failed.isdisjoint(found)
    assert told


async def test_cancelled_while_its_group_is_committed_it_returns_after_the_commit(notes: Database) -> None:
    """Until then a thread holds the connection: whoever ends next may close the store."""
    task = asyncio.create_task(write(notes, 1))
    commits = counted_commits(notes)
    await asyncio.sleep(0)
    while not task.done():
        task.cancel()
        await asyncio.sleep(0)

    assert (task.cancelled(), len(commits), await kept(notes)) == (True, 1, [1])


@pytest.mark.parametrize("moments", range(8))
def test_a_loop_that_ends_in_the_middle_waits_for_its_groups(tmp_path: Path, moments: int) -> None:
    """`asyncio.run` cancels what is left, at whatever moment: that must neither hang nor leave a commit behind."""

    async def leave() -> None:
        database = await opened(tmp_path)
        works = {asyncio.create_task(count_on(database)) for _ in range(9)}
        for _ in range(moments):
            await asyncio.sleep(0)
        assert works

    asyncio.run(leave())

    with closing(sqlite3.connect(tmp_path / "notes.db")) as connection:
        numbers = [number for (number,) in connection.execute("SELECT number FROM notes")]
    assert numbers == list(range(len(numbers)))


async def test_closing_waits_for_the_open_group(tmp_path: Path) -> None:
    """What its callers are still to be told of is stored first."""
    database = await opened(tmp_path)
    work = asyncio.create_task(write(database, 1))
    await asyncio.sleep(0)
    await database.close()
    await work

    again = Database.open(f"sqlite:///{tmp_path / 'notes.db'}")
    assert await kept(again) == [1]
    await again.close()


async def test_what_was_told_to_be_stored_outlives_a_kill(tmp_path: Path) -> None:
    """SIGKILL in the middle of many groups: every transaction that had returned is in the file."""
    await (await opened(tmp_path)).close()
    path = tmp_path / "notes.db"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", _WRITE_AND_TELL, f"sqlite:///{path}", stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    told = [int(await process.stdout.readline()) for _ in range(300)]
    process.kill()
    told += [int(line) for line in (await process.stdout.read()).split(b"\n")[:-1]]
    await process.wait()

    database = Database.open(f"sqlite:///{path}")
    found = await kept(database)
    await database.close()
    assert set(told) <= set(found)


_WRITE_AND_TELL = """
import asyncio, itertools, sys
from sqlalchemy import text
from shared.database import Database

async def main():
    database, numbers = Database.open(sys.argv[1]), itertools.count()

    async def write_on():
        for number in numbers:
            async with database.transaction() as connection:
                await connection.execute(text("INSERT INTO notes (number) VALUES (:n)"), {"n": number})
            sys.stdout.write(f"{number}\\n")
            sys.stdout.flush()

    await asyncio.gather(*(write_on() for _ in range(8)))

asyncio.run(main())
"""
