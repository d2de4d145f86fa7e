"""The store's connection: one engine per process, short transactions, one vocabulary of errors.

Stores are chosen by URL alone: `sqlite+aiosqlite:///file` or `postgresql+asyncpg://…`.
"""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, nullcontext
from datetime import UTC, datetime
from typing import Any, Self

from sqlalchemy import DateTime, Table, TypeDecorator, event, exc, text
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from shared.errors import StoreUnavailable, TransientError

SQLITE_BUSY_MILLISECONDS = 30_000
CONNECT_SECONDS = 10
SQLITE_PRAGMAS = (
    "journal_mode=WAL",
    "synchronous=FULL",
    "foreign_keys=ON",
    f"busy_timeout={SQLITE_BUSY_MILLISECONDS}",
)


class UtcDateTime(TypeDecorator[datetime]):
    """An aware UTC datetime in both stores; SQLite keeps fixed-width text, so comparing text compares time."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        utc = value.astimezone(UTC)
        return utc.replace(tzinfo=None) if dialect.name == "sqlite" else utc

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """An engine with the project's transaction rules."""

    def __init__(self, engine: AsyncEngine) -> None:
        self.engine = engine
        # One writer at a time is SQLite's rule; queueing here is fair and does not poll, its own busy wait does.
        self._writer = asyncio.Lock() if engine.dialect.name == "sqlite" else None

    @classmethod
    def open(cls, url: str, *, pool_size: int = 10) -> Self:
        """An engine for `url`; nothing is connected yet."""
        if url.startswith("sqlite"):
            return cls(_sqlite_engine(url))
        options = {"timeout": CONNECT_SECONDS, "command_timeout": 60}
        engine = create_async_engine(
            url, pool_size=pool_size, max_overflow=0, pool_pre_ping=True, connect_args=options
        )
        return cls(engine)

    @property
    def is_sqlite(self) -> bool:
        return self._writer is not None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[AsyncConnection]:
        """A writing transaction, committed at the end of the block. Raises StoreUnavailable or TransientError."""
        with translated_errors():
            async with self._writer or nullcontext(), self.engine.begin() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[AsyncConnection]:
        """A reading transaction; on SQLite it waits for no writer."""
        with translated_errors():
            async with self.engine.connect() as plain:
                connection = await plain.execution_options(read_only=True)
                async with connection.begin():
                    yield connection

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the store answers."""
        async with self.snapshot() as connection:
            await connection.execute(text("SELECT 1"))

    async def close(self) -> None:
        await self.engine.dispose()


async def clock(connection: AsyncConnection) -> datetime:
    """Now by the database's clock: leases of several machines are judged by one clock."""
    if connection.dialect.name == "sqlite":
        found = await connection.scalar(text("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')"))
        return datetime.fromisoformat(str(found)).replace(tzinfo=UTC)
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now.astimezone(UTC)


def insert_into(connection: AsyncConnection, table: Table) -> postgresql.Insert | sqlite.Insert:
    """The INSERT of the store in use, which knows ON CONFLICT."""
    return sqlite.insert(table) if connection.dialect.name == "sqlite" else postgresql.insert(table)


@contextmanager
def translated_errors() -> Iterator[None]:
    """Map the driver's errors to ours; constraint violations and programming errors pass, they are bugs."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, OSError) as error:
        raise StoreUnavailable(f"store does not answer: {_cause(error)}") from error
    except exc.DBAPIError as error:
        raise _by_state(error) from error


def _by_state(error: exc.DBAPIError) -> Exception:
    # SQLSTATE classes: https://www.postgresql.org/docs/current/errcodes-appendix.html
    state = str(getattr(error.orig, "sqlstate", "") or "")
    if error.connection_invalidated or state[:2] in {"08", "53", "57", "58"}:
        return StoreUnavailable(f"store does not answer: {_cause(error)}")
    if state[:2] == "40":
        return TransientError("store_conflict")
    return error


def _cause(error: Exception) -> str:
    return str(getattr(error, "orig", None) or error).splitlines()[0][:200]


def _sqlite_engine(url: str) -> AsyncEngine:
    engine = create_async_engine(url, connect_args={"timeout": SQLITE_BUSY_MILLISECONDS / 1000})

    @event.listens_for(engine.sync_engine, "connect")
    def configure(connection: DBAPIConnection, _record: object) -> None:
        # The driver's own BEGIN is deferred: a read followed by a write under it loses updates.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in SQLITE_PRAGMAS:
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    @event.listens_for(engine.sync_engine, "begin")
    def begin(connection: Any) -> None:  # noqa: ANN401 - the event's own type is not public
        reading = connection.get_execution_options().get("read_only", False)
        connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")

    return engine
