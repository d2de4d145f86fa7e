"""Statements that are built once for each shape and executed with values.

Building an INSERT column by column costs more than SQLite takes to execute it (docs/decisions/sqlite-in-place.md).
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Column, ColumnElement, Table, Update, UpdateBase, bindparam, delete, select, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.sql.base import ReadOnlyColumnCollection

from shared.database import Connection, Database, clock
from shared.sqlite import InPlaceConnection

PRUNED_AT_ONCE = 200
"""Rows in one transaction: until its end nobody else writes on SQLite, and on PostgreSQL its locks are held."""

Insert = postgresql.Insert | sqlite.Insert
Row = Mapping[str, Any]
Excluded = ReadOnlyColumnCollection[str, Any]
Condition = Callable[[Excluded], ColumnElement[bool]]


async def insert(connection: Connection, table: Table, row: Row) -> None:
    """Insert a row; a conflict is a bug and raises."""
    await _write(connection, _insert(connection.dialect.name, table), row)


async def prune(
    database: Database, table: Table, key: Column[Any], is_old: Callable[[datetime], ColumnElement[bool]]
) -> None:
    """Delete what is old by the store's clock, a few rows in a transaction."""
    while await _prune_some(database, table, key, is_old) == PRUNED_AT_ONCE:
        pass


async def _prune_some(
    database: Database, table: Table, key: Column[Any], is_old: Callable[[datetime], ColumnElement[bool]]
) -> int:
    async with database.transaction() as connection:
        old = is_old(await clock(connection))
        # A row that is in use is old another time; waiting for it could be waiting for someone who waits for us.
        some = select(key).where(old).limit(PRUNED_AT_ONCE).with_for_update(skip_locked=True)
        # Asked twice: a row that someone else just renewed is waited for, and stays.
        return (await connection.execute(delete(table).where(key.in_(some), old))).rowcount


async def insert_new(connection: Connection, table: Table, row: Row, *more: Row) -> int:
    """Insert rows of one shape, those that are there already stay as they are; of one row, whether it was new."""
    return await _write(connection, _insert_new(connection.dialect.name, table), row, *more)


async def upsert(
    connection: Connection,
    table: Table,
    key: Row,
    said: Row,
    *,
    once: Row | None = None,
    where: Condition | None = None,
) -> None:
    """Insert `key`, `said` and `once`; where `key` is there already, say `said` anew, if `where` allows it.

    `where` is a module-level function of the row that could not be inserted: it is part of the statement's shape.
    """
    statement = _upsert(connection.dialect.name, table, tuple(key), tuple(said), where)
    await _write(connection, statement, {**key, **said, **(once or {})})


async def upsert_all(
    connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str], once: Collection[str] = ()
) -> None:
    """Upsert rows of one shape with one statement; of those that are there, the columns `once` stay as they are."""
    said = tuple(name for name in rows[0] if name not in key and name not in once)
    await _write(connection, _upsert(connection.dialect.name, table, tuple(key), said, None), *rows)


async def change(connection: Connection, table: Table, which: Row, said: Row) -> int:
    """Update the rows whose columns equal `which`; returns how many there were."""
    values = {f"which_{name}": value for name, value in which.items()}
    return await _write(connection, _change(table, tuple(which)), {**values, **said})


async def change_all(connection: Connection, table: Table, rows: Sequence[Row], *, key: Sequence[str]) -> None:
    """Update rows of one shape with one statement, each where the columns `key` equal its own values of them."""
    values = [{f"which_{name}" if name in key else name: value for name, value in row.items()} for row in rows]
    await _write(connection, _change(table, tuple(key)), *values)


async def _write(connection: Connection, statement: UpdateBase, *rows: Row) -> int:
    """Execute it once for each row of values; returns how many rows of the table it was about."""
    if isinstance(connection, InPlaceConnection):
        return connection.write(statement, *rows)
    return (await connection.execute(statement, list(rows) if len(rows) > 1 else rows[0])).rowcount


@cache
def _insert(dialect: str, table: Table) -> Insert:
    return sqlite.insert(table) if dialect == "sqlite" else postgresql.insert(table)


@cache
def _insert_new(dialect: str, table: Table) -> Insert:
    return _insert(dialect, table).on_conflict_do_nothing()


@cache
def _upsert(dialect: str, table: Table, key: Sequence[str], said: Sequence[str], where: Condition | None) -> Insert:
    statement = _insert(dialect, table)
    anew = {name: statement.excluded[name] for name in said}
    condition = where(statement.excluded) if where else None
    return statement.on_conflict_do_update(index_elements=list(key), set_=anew, where=condition)


@cache
def _change(table: Table, which: Sequence[str]) -> Update:
    return update(table).where(*(table.c[name] == bindparam(f"which_{name}") for name in which))
