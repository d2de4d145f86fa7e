"""The lines of each host's last articles, by their keys: from them its standing lines are learned.

One row an article, whose keys are packed: some 200 bytes, at most 2,000. A host keeps as many rows as it is judged by
and one more, for the article that is being looked at again and does not count for itself.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from uuid import UUID

from sqlalchemy import bindparam, delete, or_, select

from services.processor.tables import addresses, host_lines
from services.processor.text.standing import KEY_BYTES, WINDOW, standing_keys
from shared.database import Connection, Database
from shared.statements import prune, upsert

_OF_HOST = host_lines.c.host == bindparam("which")
_LAST = (
    select(host_lines.c.line_keys)
    .where(_OF_HOST)
    .where(
        host_lines.c.article_id.not_in(
            select(addresses.c.article_id).where(addresses.c.key_id.in_(bindparam("own", expanding=True)))
        )
    )
    .order_by(host_lines.c.seen_at.desc())
    .limit(WINDOW)
)
_TOO_MANY = select(host_lines.c.article_id).where(_OF_HOST).order_by(host_lines.c.seen_at.desc()).offset(WINDOW + 1)
# Whoever writes an article's lines holds other rows too: waiting for it could be waiting for someone who waits for us.
_FREE = select(host_lines.c.article_id).where(host_lines.c.article_id.in_(_TOO_MANY)).with_for_update(skip_locked=True)
_TRIM = delete(host_lines).where(host_lines.c.article_id.in_(_FREE))


async def standing_lines(connection: Connection, host: str, own: Sequence[UUID]) -> frozenset[str]:
    """The keys of the lines that stand on this host; the article at one of the address keys `own` does not count."""
    found = await connection.execute(_LAST, {"which": host, "own": list(own)})
    return standing_keys(list(_unpacked(packed)) for packed in found.scalars())


async def remember(connection: Connection, host: str, article: UUID, keys: Sequence[str], now: datetime) -> None:
    """Keep what lines the article has now. An article counts once: where and as what it was last seen."""
    said = {"host": host, "line_keys": bytes.fromhex("".join(keys)), "seen_at": now}
    await upsert(connection, host_lines, {"article_id": article}, said)
    await connection.execute(_TRIM, {"which": host})


async def prune_lines(database: Database, age: timedelta) -> None:
    """Drop what is older; and what is from the future, before a clock was set back: it would never be the oldest."""
    seen = host_lines.c.seen_at
    await prune(database, host_lines, host_lines.c.article_id, lambda now: or_(seen < now - age, seen > now))


def _unpacked(packed: bytes) -> Iterator[str]:
    return (packed[at : at + KEY_BYTES].hex() for at in range(0, len(packed), KEY_BYTES))
