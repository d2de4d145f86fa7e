"""The store's connection: one engine per process, short transactions, one vocabulary of errors.

Stores are chosen by URL alone: `sqlite:///file` or `postgresql+asyncpg://…`.
"""

import asyncio
import os
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractAsyncContextManager, asynccontextmanager, contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Protocol, Self, TypeVar

from sqlalchemy import (
    Column,
    CursorResult,
    DateTime,
    Executable,
    Integer,
    LargeBinary,
    MetaData,
    Table,
    TypeDecorator,
    event,
    exc,
    text,
)
from sqlalchemy.engine import AdaptedConnection, Dialect
from sqlalchemy.ext.asyncio import create_async_engine
from sqlalchemy.pool import ConnectionPoolEntry, PoolProxiedConnection

from shared.errors import StoreConflict, StoreUnavailable, TransientError
from shared.sqlite import InPlaceConnection, SqliteEngine, utc_now

CONNECT_SECONDS = 10
ANSWER_SECONDS = 60.0
STILL_THERE_SECONDS = 5.0
CLOSE_SECONDS = 5.0
BEAT_BYTES = 2**16
"""About what a page writes: on a full disk, a few bytes more often still find room."""

T = TypeVar("T")


metadata = MetaData()
heartbeat = Table(
    "heartbeat", metadata, Column("one", Integer, primary_key=True), Column("beat", LargeBinary, nullable=False)
)
BEAT = text("INSERT INTO heartbeat (one, beat) VALUES (1, :beat) ON CONFLICT (one) DO UPDATE SET beat = excluded.beat")


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


class Connection(Protocol):
    """A transaction's connection: what the stores use of SQLAlchemy's AsyncConnection."""

    @property
    def dialect(self) -> Dialect: ...
    async def execute(self, statement: Executable, parameters: Any = None) -> CursorResult[*tuple[Any, ...]]: ...  # noqa: ANN401
    async def scalar(self, statement: Executable, parameters: Any = None) -> Any: ...  # noqa: ANN401
    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T: ...  # noqa: ANN401


class Engine(Protocol):
    """One store, with the project's rules for transactions."""

    def transaction(self) -> AbstractAsyncContextManager[Connection]: ...
    def snapshot(self) -> AbstractAsyncContextManager[Connection]: ...
    async def close(self) -> None: ...


class PostgresEngine:
    """A pool of connections to PostgreSQL."""

    def __init__(self, url: str, pool_size: int, answer_seconds: float) -> None:
        """A command that is not answered within `answer_seconds` has failed, and its connection is given up.

        The server gives up a transaction whose client is silent for as long: its locks keep others waiting.
        """
        ours = {"idle_in_transaction_session_timeout": str(round(answer_seconds * 1000))}
        options = {"timeout": CONNECT_SECONDS, "command_timeout": answer_seconds, "server_settings": ours}
        self._engine = create_async_engine(url, pool_size=pool_size, max_overflow=0, connect_args=options)
        event.listen(self._engine.sync_engine, "checkout", _ask_first)

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        return self._engine.begin()  # type: ignore[return-value]

    def snapshot(self) -> AbstractAsyncContextManager[Connection]:
        return self._engine.begin()  # type: ignore[return-value]

    async def close(self) -> None:
        with suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_SECONDS):
                await self._engine.dispose()


def _ask_first(connection: AdaptedConnection, entry: ConnectionPoolEntry, _proxy: PoolProxiedConnection) -> None:
    """Whether a connection that lay in the pool still answers; if not, all there are opened anew.

    In place of SQLAlchemy's own `pool_pre_ping`: it has the patience of a command, takes three questions each time, and
    after a time-out keeps the other connections, which a network that loses one has most likely lost as well.
    """
    if entry.info.setdefault("used", False):
        try:
            connection.run_async(_still_there)
        except Exception as error:
            raise exc.InvalidatePoolError(str(error)) from error
    entry.info["used"] = True


async def _still_there(driver: Any) -> None:  # noqa: ANN401
    async with asyncio.timeout(STILL_THERE_SECONDS):
        await driver.execute("SELECT 1")


class Database:
    """The store that a URL names; errors of drivers become ours."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    @classmethod
    def open(
        cls,
        url: str,
        *,
        pool_size: int = 10,
        answer_seconds: float = ANSWER_SECONDS,
        now: Callable[[], datetime] = utc_now,
    ) -> Self:
        """Nothing is connected yet. `answer_seconds` is how long PostgreSQL may take for one command.

        `now` is SQLite's clock; PostgreSQL has one of its own.
        """
        sqlite = url.startswith("sqlite")
        return cls(SqliteEngine(url, now) if sqlite else PostgresEngine(url, pool_size, answer_seconds))

    @property
    def is_sqlite(self) -> bool:
        return isinstance(self._engine, SqliteEngine)

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """A writing transaction, committed at the end of the block. Raises StoreUnavailable or TransientError."""
        with translated_errors():
            async with self._engine.transaction() as connection:
                yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncIterator[Connection]:
        """A reading transaction."""
        with translated_errors():
            async with self._engine.snapshot() as connection:
                yield connection

    async def ping(self) -> None:
        """Raises StoreUnavailable unless the store answers."""
        async with self.snapshot() as connection:
            await connection.execute(text("SELECT 1"))

    async def writable(self) -> None:
        """Raises StoreUnavailable unless the store takes a write: a full disk or a standby answers all the same.

        It writes one row, of no meaning, in a table that `migrate` makes.
        """
        async with self.transaction() as connection:
            # Random, because PostgreSQL compresses.
            await connection.execute(BEAT, {"beat": os.urandom(BEAT_BYTES)})

    async def close(self) -> None:
        await self._engine.close()


async def clock(connection: Connection) -> datetime:
    """Now by the database's clock: leases of several machines are judged by one clock.

    SQLite's is this machine's, and need not be asked for.
    """
    if isinstance(connection, InPlaceConnection):
        return connection.now()
    now: datetime = (await connection.execute(text("SELECT clock_timestamp()"))).scalar_one()
    return now.astimezone(UTC)


async def lock(connection: Connection, key: int) -> None:
    """Keep other transactions with this key out until the end of this one. SQLite has one writer anyway."""
    if connection.dialect.name != "sqlite":
        await connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})


@contextmanager
def translated_errors() -> Iterator[None]:
    """Map the driver's errors to ours; constraint violations and programming errors pass, they are bugs."""
    try:
        yield
    except (exc.OperationalError, exc.InterfaceError, exc.TimeoutError, OSError) as error:
        raise StoreUnavailable(f"store does not answer: {_cause(error)}") from error
    except exc.DBAPIError as error:
        known = _by_state(error)
        if known is None:
            raise
        raise known from error


# SQLSTATE: https://www.postgresql.org/docs/current/errcodes-appendix.html
_OUT_OF_SERVICE_CLASSES = frozenset({"08", "28", "3D", "53", "57", "58"})
# A read-only standby; a transaction that was silent for too long; tables that a newer release has and `migrate` has
# not made yet.
_OUT_OF_SERVICE_STATES = frozenset({"25006", "25P03", "42P01", "42703"})


def _by_state(error: exc.DBAPIError) -> TransientError | None:
    state = str(getattr(error.orig, "sqlstate", "") or "")
    out_of_service = state[:2] in _OUT_OF_SERVICE_CLASSES or state in _OUT_OF_SERVICE_STATES
    # asyncpg, where the server ended the connection in the middle of a command and a rollback follows.
    out_of_step = isinstance(error, exc.InternalError) and not state
    # SQLite's own DatabaseError, none of its kinds: the file is damaged, or no database.
    damaged = type(error) is exc.DatabaseError
    if error.connection_invalidated or out_of_service or out_of_step or damaged:
        return StoreUnavailable(f"store does not answer: {_cause(error)}")
    return StoreConflict() if state[:2] == "40" else None


# What SQLite itself calls a "disk I/O error": https://www.sqlite.org/rescode.html#ioerr_shmsize
_NO_ROOM = "SQLITE_IOERR_SHMSIZE"


def _cause(error: Exception) -> str:
    cause = getattr(error, "orig", None) or error
    # A time-out says nothing.
    said = next(iter(str(cause).splitlines()), repr(cause))[:200]
    return f"disk is full ({said})" if getattr(cause, "sqlite_errorname", None) == _NO_ROOM else said
