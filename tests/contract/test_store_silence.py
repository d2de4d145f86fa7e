"""PostgreSQL over a network that loses connections without a word to either end."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import suppress
from dataclasses import dataclass
from typing import cast

import pytest
from chaos.proxy import End, Proxy
from postgres_cluster import PostgresCluster
from sqlalchemy import Executable, text
from sqlalchemy.exc import InternalError
from sqlalchemy.ext.asyncio import AsyncConnection

from shared.database import Database, translated_errors
from shared.errors import StoreUnavailable

ANSWER_SECONDS = 1.0
DEADLINE_SECONDS = 40.0
CONNECTIONS = 3

LOCK = text("SELECT pg_advisory_xact_lock(1)")
ANYTHING = text("SELECT 1")

pytestmark = pytest.mark.postgres


@dataclass(frozen=True, slots=True, kw_only=True)
class Far:
    """A store behind a proxy, and its URL without one."""

    database: Database
    proxy: Proxy
    url: str


@pytest.fixture
async def far(postgres_cluster: PostgresCluster) -> AsyncIterator[Far]:
    url = postgres_cluster.fresh_url()
    async with Proxy.to(url) as proxy:
        database = Database.open(proxy.url(url), pool_size=CONNECTIONS, answer_seconds=ANSWER_SECONDS)
        yield Far(database=database, proxy=proxy, url=url)
        await database.close()


async def fill_the_pool(database: Database) -> None:
    held = asyncio.Barrier(CONNECTIONS)

    async def hold() -> None:
        async with database.snapshot() as connection:
            await connection.execute(ANYTHING)
            await held.wait()

    await asyncio.gather(*(hold() for _ in range(CONNECTIONS)))


async def lost_on_the_way(far: Far, first: Executable, *, gone: End) -> None:
    """A transaction of two commands that loses its connection between them."""
    async with far.database.transaction() as connection:
        await connection.execute(first)
        far.proxy.half_open(gone)
        await connection.execute(ANYTHING)


async def test_idle_connections_that_were_lost_cost_nobody_anything(far: Far) -> None:
    """Whoever takes one from the pool gets another one, and no error."""
    await fill_the_pool(far.database)
    far.proxy.half_open()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await asyncio.gather(*(far.database.ping() for _ in range(CONNECTIONS)))


async def test_a_command_without_an_answer_is_an_outage_that_ends(far: Far) -> None:
    """The transaction fails as one of a store that is away, once; the next one works."""
    await fill_the_pool(far.database)
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(StoreUnavailable, match="TimeoutError"):
            await lost_on_the_way(far, ANYTHING, gone="server")
        await far.database.ping()


async def test_nothing_more_is_asked_of_a_connection_that_is_silent(far: Far) -> None:
    """Not even to roll back: it is given up as soon as a command gets no answer."""
    async with asyncio.timeout(DEADLINE_SECONDS):
        with suppress(StoreUnavailable):
            async with far.database.transaction() as connection:
                await connection.execute(ANYTHING)
                far.proxy.half_open()
                try:
                    await connection.execute(ANYTHING)
                finally:
                    given_up = cast("AsyncConnection", connection).invalidated

    assert given_up


def test_a_connection_that_ends_in_the_middle_of_a_command_is_an_outage() -> None:
    """Also where the driver only says that it is out of step."""
    said = ValueError("cannot switch to state 15; another operation (2) is in progress")
    with pytest.raises(StoreUnavailable, match="another operation"), translated_errors():
        raise InternalError("ROLLBACK", {}, said)


async def test_a_transaction_whose_client_is_gone_lets_go_of_its_locks(far: Far) -> None:
    """The server hears nothing of the client's end and ends the transaction by itself; others get the lock."""
    other = Database.open(far.url)
    async with asyncio.timeout(DEADLINE_SECONDS):
        with pytest.raises(StoreUnavailable):
            await lost_on_the_way(far, LOCK, gone="client")
        async with other.transaction() as connection:
            await connection.execute(LOCK)
    await other.close()


async def test_a_pool_of_lost_connections_closes(far: Far) -> None:
    """A service that stops does not wait for servers that do not hear it."""
    await fill_the_pool(far.database)
    far.proxy.half_open()

    async with asyncio.timeout(DEADLINE_SECONDS):
        await far.database.close()
