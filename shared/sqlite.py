"""SQLite: statements run in place, what waits for the disk runs in a thread.

A statement takes some ten microseconds; handing each to a thread and back, as asynchronous drivers do, takes several
times as long (docs/decisions/sqlite-in-place.md has the figures). COMMIT waits for the disk and runs in a thread.
"""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeVar

import sqlalchemy
from sqlalchemy import CursorResult, Engine, Executable, create_engine, event, exc
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection

BUSY_SECONDS = 30.0
BUSY_PAUSE = 0.02
# `secure_delete`: what is forgotten must not stay in the file's free pages.
PRAGMAS = ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON")

T = TypeVar("T")


class InPlaceConnection:
    """A transaction's connection, with the methods of SQLAlchemy's asynchronous one that the stores use."""

    def __init__(self, connection: sqlalchemy.Connection) -> None:
        self._connection = connection

    @property
    def dialect(self) -> Dialect:
        return self._connection.dialect

    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]:  # noqa: ANN401
        return self._connection.execute(statement, parameters)

    async def scalar(self, statement: Executable, parameters: Any = None) -> Any:  # noqa: ANN401
        return self._connection.scalar(statement, parameters)

    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T:  # noqa: ANN401
        return function(self._connection, *arguments)


class SqliteEngine:
    """One file. Writers take turns here, which is fair and does not poll, unlike SQLite's own waiting."""

    def __init__(self, url: str) -> None:
        # The asynchronous driver's spelling is taken too: it is what SQLAlchemy's users know.
        self._engine = _engine(url.replace("sqlite+aiosqlite:", "sqlite:", 1))
        self._threads = ThreadPoolExecutor(1, thread_name_prefix="sqlite-commit")
        self._writer = asyncio.Lock()

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[InPlaceConnection]:
        """BEGIN IMMEDIATE: a transaction that reads first and writes later would lose updates otherwise."""
        async with self._writer:
            connection = await self._begun("BEGIN IMMEDIATE")
            try:
                yield InPlaceConnection(connection)
                await self._in_thread(connection.commit)
            finally:
                # Rolls back what was not committed.
                connection.close()

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[InPlaceConnection]:
        """A reading transaction; it waits for no writer."""
        connection = await self._begun("BEGIN")
        try:
            yield InPlaceConnection(connection)
        finally:
            connection.close()

    async def close(self) -> None:
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

    async def _in_thread(self, function: Callable[[], None]) -> None:
        """Run it; when cancelled, return only after the thread has let go of the connection."""
        running = asyncio.get_running_loop().run_in_executor(self._threads, function)
        try:
            await asyncio.shield(running)
        except asyncio.CancelledError:
            # However often: a shutdown cancels its work, and then all that is left.
            while not running.done():
                with suppress(asyncio.CancelledError):
                    await asyncio.wait([running])
            raise


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
        begin = connection.get_execution_options()["begin"]
        connection.exec_driver_sql(begin)
        if begin == "BEGIN":
            # It takes no lock by itself; the first statement does, and must not be the one that finds it taken.
            connection.exec_driver_sql("SELECT 1 FROM sqlite_schema LIMIT 1").close()

    return engine
