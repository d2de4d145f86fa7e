"""Statements that are compiled once and handed to the driver as they are.

To execute a statement that it has compiled before, SQLAlchemy takes three times as long as SQLite takes to carry it
out (docs/decisions/sqlite-in-place.md). What reads rows still goes through it: they come back as the types they are.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

from sqlalchemy import UpdateBase
from sqlalchemy.engine import Dialect

Convert = Callable[[Any], Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Prepared:
    """The text, and in its order the names of its values with what makes each one the driver's.

    `fixed` are the values that the statement itself brings.
    """

    sql: str
    places: tuple[tuple[str, Convert | None], ...]
    fixed: Mapping[str, object]

    def values(self, said: Mapping[str, object]) -> tuple[object, ...]:
        """Raises KeyError for a value that is missing."""
        given = {**self.fixed, **said} if self.fixed else said
        return tuple(convert(given[name]) if convert else given[name] for name, convert in self.places)


@cache
def prepared(statement: UpdateBase, names: tuple[str, ...], dialect: Dialect) -> Prepared:
    """`names` are those of the values that it will be given; they decide which columns are written."""
    compiled = statement.compile(dialect=dialect, column_keys=list(names))
    binds = [(name, compiled.binds[name]) for name in compiled.positiontup or ()]
    return Prepared(
        sql=compiled.string,
        places=tuple((name, bind.type.dialect_impl(dialect).bind_processor(dialect)) for name, bind in binds),
        fixed={name: bind.effective_value for name, bind in binds if not bind.required},
    )
