"""SQLite: statements run in place, what waits for the disk runs in a thread, once for all who wait for it.

A statement takes some ten microseconds; handing each to a thread and back, as asynchronous drivers do, takes several
times as long (docs/decisions/sqlite-in-place.md has the figures). COMMIT waits for the disk and runs in a thread; the
transactions that come meanwhile share the next one (docs/decisions/group-commit.md).
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, TypeVar, cast

import sqlalchemy
from sqlalchemy import CursorResult, Engine, Executable, UpdateBase, create_engine, event, exc
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

from shared.prepared import prepared

BUSY_SECONDS = 30.0
BUSY_PAUSE = 0.02
MOST_TOGETHER = 100
"""Transactions that share a COMMIT: the first of them waits for the last."""
# `secure_delete`: what is forgotten must not stay in the file's free pages.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")

T = TypeVar("T")


def utc_now() -> datetime:
    return datetime.now(UTC)


class InPlaceConnection:
    """A transaction's connection, with the methods of SQLAlchemy's asynchronous one that the stores use."""

    def __init__(self, connection: sqlalchemy.Connection, now: Callable[[], datetime]) -> None:
        self._connection = connection
        self._driver = driver_of(connection)
        self.now = now

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:  # noqa: ANN401
        return self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:  # noqa: ANN401
        return self._connection.scalar(statement, parameters)

    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401
        return function(self._connection, *arguments)

    def write(self, statement: UpdateBase, *rows: Mapping[str, Any]) -> int:
        """Execute it once for each row of values; returns how many rows of the table it was about."""
        ready = prepared(statement, tuple(rows[0]), self._connection.dialect)
        values = [ready.values(row) for row in rows]
        try:
            if len(values) == 1:
                return self._driver.execute(ready.sql, values[0]).rowcount
            return self._driver.executemany(ready.sql, values).rowcount
        except sqlite3.Error as error:
            raise exc.DBAPIError.instance(ready.sql, values, error, sqlite3.Error) from error


class Group:
    """Transactions that ran one after the other, each in a savepoint of its own, and share one COMMIT."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self.connection = connection
        self.size = 0
        self.outcome: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._driver = driver_of(connection)

    @contextmanager
    def turn(self) -> Iterator[None]:
        """One transaction: when it fails, what it wrote is undone, and what the turns before it wrote is not."""
        self._run("SAVEPOINT turn")
        try:
            yield
            self._run("RELEASE turn")
        except BaseException as error:
            self._undo(error)
            raise
        self.size += 1

    def end(self, error: BaseException | None) -> None:
        """Tell all of the group how it went. What is not committed is rolled back."""
        if error is None:
            self.outcome.set_result(None)
        else:
            self.outcome.set_exception(error)
            # They may all have been cancelled: asyncio would complain that nobody asked for it.
            self.outcome.exception()
            # A COMMIT that fails may leave its transaction open, which SQLAlchemy takes for ended.
            self.connection.invalidate()
        self.connection.close()

    def _undo(self, error: BaseException) -> None:
        if not self.size:
            self.end(None)
            return
        try:
            self._run("ROLLBACK TO turn")
            self._run("RELEASE turn")
        except exc.OperationalError as gone:
            # A full disk may make SQLite roll back all of it, the turns before this one included
            # (https://www.sqlite.org/lang_transaction.html#response_to_errors_within_a_transaction).
            self.end(error if isinstance(error, exc.DBAPIError) else gone)

    def _run(self, statement: str) -> None:
        """Past SQLAlchemy, which takes ten times as long for it."""
        try:
            self._driver.execute(statement)
        except sqlite3.Error as error:
            raise exc.OperationalError(statement, None, error) from error


class SqliteEngine:
    """One file. Writers take turns here, which is fair and does not poll, unlike SQLite's own waiting."""

    def __init__(self, url: str, now: Callable[[], datetime]) -> None:
        self._now = now
        # The asynchronous driver's spelling is taken too: it is what SQLAlchemy's users know.
        self._engine = _engine(url.replace("sqlite+aiosqlite:", "sqlite:", 1))
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._writer = asyncio.Lock()
        self._group: Group | None = None
        self._closing: asyncio.Task[None] | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[InPlaceConnection]:
        """A turn in the open group, or the first of a new one; left once the group is committed.

        The block must not wait for the end of another transaction: that may be one of its group, which waits for it.
        """
        async with self._writer:
            group = await self._open_group()
            with group.turn():
                yield InPlaceConnection(group.connection, self._now)
            if group.size == MOST_TOGETHER:
                await self._commit(group)
        await _outlasting(group.outcome)

    async def _open_group(self) -> Group:
        """BEGIN IMMEDIATE: a transaction that reads first and writes later would lose updates otherwise."""
        if self._group is None or self._group.outcome.done():
            self._group = Group(await self._begun("BEGIN IMMEDIATE"))
            self._close_later(self._group)
        return self._group

    def _close_later(self, group: Group) -> None:
        """A loop that ends cancels all tasks, this one too; the group's transactions wait for it even then."""

        def again(_task: asyncio.Task[None]) -> None:
            if not group.outcome.done():
                self._close_later(group)

        self._closing = asyncio.create_task(self._close(group))
        self._closing.add_done_callback(again)

    async def _close(self, group: Group) -> None:
        """Commit after those who wait for a turn already: the lock is given out in the order of asking."""
        async with self._writer:
            await self._commit(group)

    async def _commit(self, group: Group) -> None:
        """The group's transactions raise what this comes to."""
        if group.outcome.done():
            return
        committing = asyncio.get_running_loop().run_in_executor(self._threads, group.connection.commit)
        try:
            with suppress(exc.SQLAlchemyError):
                await _outlasting(committing)
        finally:
            group.end(committing.exception())

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[InPlaceConnection]:
        """A reading transaction; it waits for no writer."""
        connection = await self._begun("BEGIN")
        try:
            yield InPlaceConnection(connection, self._now)
        finally:
            connection.close()

    async def close(self) -> None:
        while self._closing is not None and not self._closing.done():
            await asyncio.wait([self._closing])
        self._engine.dispose()
        self._threads.shutdown(wait=False)

    async def _begun(self, begin: str) -> sqlalchemy.Connection:
        """A connection in a transaction, once no other process's lock is in the way.

        Another process writes, or opens or closes the file, which keeps even readers out for a moment.
        """
        deadline = asyncio.get_running_loop().time() + BUSY_SECONDS
        while True:
            try:
                return self._begin(begin)
            except exc.OperationalError as error:
                if not _is_busy(error) or asyncio.get_running_loop().time() > deadline:
                    raise
            await asyncio.sleep(BUSY_PAUSE)

    def _begin(self, begin: str) -> sqlalchemy.Connection:
        connection = self._engine.connect().execution_options(begin=begin)
        try:
            connection.begin()
        except BaseException:
            connection.close()
            raise
        return connection


async def _outlasting(work: asyncio.Future[None]) -> None:
    """Its result; when cancelled, leave only after it is done: until then a thread holds the connection."""
    try:
        await asyncio.shield(work)
    except asyncio.CancelledError:
        # However often: a shutdown cancels its work, and then all that is left.
        while not work.done():
            with suppress(asyncio.CancelledError):
                await asyncio.wait([work])
        raise


def driver_of(connection: sqlalchemy.Connection) -> sqlite3.Connection:
    return cast("sqlite3.Connection", connection.connection.driver_connection)


def _is_busy(error: exc.OperationalError) -> bool:
    """SQLITE_BUSY, or one of its kinds (https://www.sqlite.org/rescode.html#busy)."""
    return int(getattr(error.orig, "sqlite_errorcode", 0)) & 0xFF == sqlite3.SQLITE_BUSY


def _engine(url: str) -> Engine:
    # No waiting inside of SQLite: it would stop the event loop. `_begun` waits for other processes' locks.
    engine = create_engine(url, connect_args={"timeout": 0, "check_same_thread": False}, max_overflow=-1)

    @event.listens_for(engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        # The driver would begin by itself, deferred; `begin` below does it instead.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: sqlalchemy.Connection) -> None:
        driver, begin = driver_of(connection), connection.get_execution_options()["begin"]
        try:
            driver.execute(begin)
            if begin == "BEGIN":
                # It takes no lock by itself; the first statement does, and must not be the one that finds it taken.
                driver.execute("SELECT 1 FROM sqlite_schema LIMIT 1").close()
        except sqlite3.Error as error:
            raise exc.DBAPIError.instance(begin, None, error, sqlite3.Error) from error

    return engine
