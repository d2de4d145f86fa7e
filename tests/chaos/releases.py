"""The databases of earlier releases, as `tests/data/releases/make.py` kept them, loaded into a store of either kind."""

import base64
import json
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Self
from uuid import UUID

from chaos.by_hand import Event
from chaos.small_site import SmallSite
from sqlalchemy import CHAR, Column, Connection, DateTime, LargeBinary, MetaData, Uuid

from shared.database import Database

FOLDER = Path(__file__).parents[1] / "data" / "releases"
NAMES = sorted(folder.name for folder in FOLDER.iterdir() if folder.is_dir() and not folder.name.startswith("_"))
AGE = timedelta(hours=1)
"""How long ago the release was stopped, as the rows tell once they are loaded."""

Rows = dict[str, list[dict[str, Any]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
    """`said` are the events that subscribers have, `unsaid` the ids of those that are committed and not confirmed."""

    folder: Path
    rows: Rows
    said: tuple[Event, ...]
    unsaid: frozenset[str]

    @classmethod
    def kept(cls, name: str) -> Self:
        folder = FOLDER / name
        rows: Rows = json.loads((folder / "rows.json").read_text(encoding="utf-8"))
        said = (folder / "said.jsonl").read_text(encoding="utf-8").splitlines()
        return cls(
            folder=folder,
            rows=rows,
            said=tuple(json.loads(line) for line in said),
            unsaid=frozenset(row["event_id"] for row in rows["outbox"] if row["confirmed_at"] is None),
        )

    def site(self) -> SmallSite:
        """What the site showed when the release was stopped."""
        shown = json.loads((self.folder / "site.json").read_text(encoding="utf-8"))
        return SmallSite(texts=shown["texts"], listed=shown["listed"])

    async def load(self, url: str) -> None:
        """Make the release's tables in an empty store and fill them."""
        database = Database.open(url)
        dialect = "sqlite" if database.is_sqlite else "postgresql"
        schema = (self.folder / f"schema.{dialect}.sql").read_text(encoding="utf-8")
        async with database.transaction() as connection:
            await connection.run_sync(_load, schema, self._shifted_by(), self.rows)
        await database.close()

    def _shifted_by(self) -> timedelta:
        newest = max(datetime.fromisoformat(row["discovered_at"]) for row in self.rows["entries"])
        return datetime.now(UTC) - AGE - newest


def _load(connection: Connection, schema: str, by: timedelta, rows: Rows) -> None:
    for statement in filter(str.strip, schema.split(";\n")):
        connection.exec_driver_sql(statement)
    # As they are in the store: what the code calls them now may be something else.
    tables = MetaData()
    tables.reflect(connection)
    for name, found in rows.items():
        table = tables.tables[name]
        values = [{column.name: _value(column, row[column.name], by) for column in table.columns} for row in found]
        if values:
            connection.execute(table.insert(), values)


def _value(column: Column[Any], plain: Any, by: timedelta) -> Any:
    if plain is None:
        return None
    if isinstance(column.type, DateTime):
        moved = datetime.fromisoformat(plain) + by
        return moved if column.type.timezone else moved.replace(tzinfo=None)
    if isinstance(column.type, LargeBinary):
        return plain["text"].encode() if "text" in plain else base64.b64decode(plain["base64"])
    if isinstance(column.type, Uuid):
        return UUID(plain)
    return UUID(plain).hex if isinstance(column.type, CHAR) and column.type.length == 32 else plain
