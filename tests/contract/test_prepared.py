"""Statements that go past SQLAlchemy write what it would have written, and fail as it would have failed."""

from datetime import UTC, datetime, timedelta, timezone
from uuid import UUID

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    ColumnElement,
    Float,
    Integer,
    MetaData,
    String,
    Table,
    Uuid,
    exc,
    insert,
    select,
)

from shared.database import Database, UtcDateTime
from shared.errors import StoreUnavailable
from shared.statements import Excluded, change, change_all, insert_new, upsert, upsert_all

metadata = MetaData()
things = Table(
    "things",
    metadata,
    Column("thing", Uuid, primary_key=True),
    Column("name", String(40), unique=True),
    Column("facts", JSON),
    Column("at", UtcDateTime),
    Column("weight", Float),
    Column("there", Boolean),
    Column("number", Integer),
)
elsewhere = Table("elsewhere", MetaData(), Column("thing", Uuid, primary_key=True))
ROW = {
    "thing": UUID(int=1),
    "name": "un",
    "facts": {"à": [1, None, "2"]},
    "at": datetime(2026, 7, 1, 1, 30, 0, 5, tzinfo=timezone(timedelta(hours=2))),
    "weight": 0.1,
    "there": True,
    "number": 7,
}
ROWS = st.fixed_dictionaries(
    {
        "name": st.none() | st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=40),
        "facts": st.none() | st.recursive(st.booleans() | st.text("aé", max_size=3), st.lists, max_leaves=3),
        "at": st.none() | st.datetimes(timezones=st.just(UTC)),
        "weight": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        "there": st.none() | st.booleans(),
        "number": st.none() | st.integers(-(2**31), 2**31 - 1),
    }
)


async def making(database: Database) -> None:
    async with database.transaction() as connection:
        await connection.run_sync(metadata.drop_all)
        await connection.run_sync(metadata.create_all)


async def stored(database: Database) -> dict[UUID, dict[str, object]]:
    async with database.snapshot() as connection:
        return {row.thing: row._asdict() for row in await connection.execute(select(things))}


def is_lighter(said: Excluded) -> ColumnElement[bool]:
    lighter: ColumnElement[bool] = (things.c.weight < said.weight) & (things.c.name != "kept")
    return lighter


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(row=ROWS)
async def test_a_row_is_the_same_by_both_ways(database: Database, row: dict[str, object]) -> None:
    """Of whatever types, nothing at all included; read back as it was given."""
    await making(database)
    async with database.transaction() as connection:
        await connection.execute(insert(things), {**row, "thing": UUID(int=1), "name": None})
        await insert_new(connection, things, {**row, "thing": UUID(int=2), "name": None})
        await insert_new(connection, things, {"thing": UUID(int=3)})
        await change(connection, things, {"thing": UUID(int=3)}, {**row, "name": None})

    found = [{**each, "thing": None} for each in (await stored(database)).values()]
    assert found[0] == found[1] == found[2]


async def test_counts_are_those_of_the_rows(database: Database) -> None:
    """One changed, none changed; new, not new."""
    await making(database)
    async with database.transaction() as connection:
        counts = [
            await insert_new(connection, things, ROW),
            await insert_new(connection, things, ROW),
            await change(connection, things, {"thing": ROW["thing"]}, {"number": 8}),
            await change(connection, things, {"thing": UUID(int=9)}, {"number": 8}),
        ]

    assert counts == [1, 0, 1, 0]


async def test_conditions_with_values_of_their_own_hold(database: Database) -> None:
    """An upsert's condition is part of the statement, and so are the values that it names."""
    await making(database)
    async with database.transaction() as connection:
        for number, name in ((1, "un"), (2, "kept")):
            await insert_new(connection, things, {"thing": UUID(int=number), "name": name, "weight": 1.0})
            for weight in (3.0, 2.0):
                said = {"weight": weight}
                await upsert(connection, things, {"thing": UUID(int=number)}, said, where=is_lighter)

    found = await stored(database)
    assert [found[UUID(int=1)]["weight"], found[UUID(int=2)]["weight"]] == [3.0, 1.0]


async def test_many_rows_go_with_one_statement(database: Database) -> None:
    """Those that are there keep what is said once."""
    await making(database)
    rows = [{"thing": UUID(int=number), "name": str(number), "number": number} for number in range(5)]
    async with database.transaction() as connection:
        await upsert_all(connection, things, rows, key=["thing"], once=["name"])
        again = [{**row, "name": None, "number": 9} for row in rows]
        await upsert_all(connection, things, again, key=["thing"], once=["name"])

    found = (await stored(database)).values()
    assert [(row["name"], row["number"]) for row in found] == [(str(number), 9) for number in range(5)]


async def test_many_rows_are_changed_each_where_its_key_is(database: Database) -> None:
    """Columns that are not said stay, and so do rows that are not named."""
    await making(database)
    rows = [{"thing": UUID(int=number), "name": str(number), "number": number} for number in range(4)]
    async with database.transaction() as connection:
        await insert_new(connection, things, *rows)
        said = [{"thing": UUID(int=number), "number": 10 * number} for number in (1, 2, 3)]
        await change_all(connection, things, said, key=["thing"])

    found = (await stored(database)).values()
    assert sorted((row["name"], row["number"]) for row in found) == [("0", 0), ("1", 10), ("2", 20), ("3", 30)]


async def test_errors_keep_their_kind(database: Database) -> None:
    """A violated constraint is a bug, a table that is not there yet an outage."""
    await making(database)

    async def written(table: Table, *rows: dict[str, object]) -> None:
        async with database.transaction() as connection:
            for row in rows:
                await insert_new(connection, table, row)
            if table is things:
                await change(connection, things, {"thing": UUID(int=2)}, {"name": "un"})

    with pytest.raises(exc.IntegrityError):
        await written(things, ROW, {"thing": UUID(int=2), "name": "deux"})
    with pytest.raises(StoreUnavailable):
        await written(elsewhere, {"thing": UUID(int=2)})
    assert await stored(database) == {}
