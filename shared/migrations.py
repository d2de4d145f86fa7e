"""Schema changes: each service owns its tables, its scripts and its version table; applied under a lock."""

from pathlib import Path
from typing import NamedTuple

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection

from shared.database import Database, lock, translated_errors
from shared.errors import PermanentError

# Any fixed number: it names the lock that keeps two `migrate` steps apart on PostgreSQL.
LOCK = 7_241_905


class Scripts(NamedTuple):
    """Where a service's migrations lie and which table records how far they were applied."""

    folder: Path
    version_table: str


async def migrate(database: Database, *scripts: Scripts) -> None:
    """Bring every service's tables to the newest version. Safe to run again and from several places at once.

    Raises PermanentError `newer_tables` where a newer release was here before: it changes nothing then.
    """
    with translated_errors():
        for script in scripts:
            await _upgrade(database, script)


async def _upgrade(database: Database, scripts: Scripts) -> None:
    async with database.transaction() as connection:
        await lock(connection, LOCK)
        await connection.run_sync(_run, scripts)


def _run(connection: Connection, scripts: Scripts) -> None:
    config = Config()
    config.set_main_option("script_location", str(scripts.folder).replace("%", "%%"))
    config.attributes["connection"] = connection
    config.attributes["version_table"] = scripts.version_table
    _refuse_newer(connection, ScriptDirectory.from_config(config), scripts.version_table)
    command.upgrade(config, "head")


def _refuse_newer(connection: Connection, known: ScriptDirectory, version_table: str) -> None:
    """Alembic would fail as well, but with a traceback that does not say what to do."""
    applied = MigrationContext.configure(connection, opts={"version_table": version_table}).get_current_heads()
    unknown = sorted(set(applied) - {script.revision for script in known.walk_revisions()})
    if unknown:
        raise PermanentError(
            "newer_tables",
            f"{version_table} is at {', '.join(unknown)}, and this release knows no further than "
            f"{known.get_current_head()}. Start the newer release, or restore the backup from before the upgrade.",
        )
