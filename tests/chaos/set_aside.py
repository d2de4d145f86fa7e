"""Pages that take a way round, and come back when newer ones of the same entry have gone by."""

from collections.abc import Sequence
from dataclasses import dataclass
from uuid import UUID

from chaos.raw_pages import RawPages
from chaos.stage import Stage
from sqlalchemy import select

from services.processor.tables import quarantine
from shared.broker.protocols import DETAIL_HEADER, REASON_HEADER, STAGE_HEADER
from shared.database import Database
from shared.envelope import Message
from shared.messages import CONTENT_ENCODING, CONTENT_TYPE

TIER = "raw.retry.10s"
QUARANTINES_OWN = frozenset({REASON_HEADER, STAGE_HEADER, DETAIL_HEADER})


@dataclass(frozen=True, slots=True, kw_only=True)
class Kept:
    """A row of the quarantine."""

    raw_id: UUID | None
    reason: str
    detail: str
    message: Message


class Quarantined:
    def __init__(self, database: Database) -> None:
        self._database = database

    async def rows(self) -> Sequence[Kept]:
        async with self._database.snapshot() as connection:
            rows = (await connection.execute(select(quarantine).order_by(quarantine.c.quarantined_at))).all()
        return [
            Kept(
                raw_id=row.raw_id,
                reason=row.reason,
                detail=row.detail,
                message=Message(
                    body=row.body,
                    message_id=str(row.raw_id or ""),
                    kind=row.kind,
                    content_type=CONTENT_TYPE,
                    content_encoding=CONTENT_ENCODING,
                    headers={name: said for name, said in row.headers.items() if name not in QUARANTINES_OWN},
                ),
            )
            for row in rows
        ]


@dataclass(slots=True, kw_only=True)
class Detour:
    """`retry`: the page is tried again later. `quarantine`: it is replayed by hand."""

    way: str
    stage: Stage
    pages: RawPages
    quarantined: Quarantined
    replayed: int = 0

    @property
    def action(self) -> str:
        return "fail" if self.way == "retry" else "refuse"

    async def holds(self, count: int) -> None:
        """Wait until so many pages are on it."""

        async def enough() -> bool:
            return await self._waiting() >= count

        await self.stage.until(enough, f"{count} pages are set aside")

    async def back(self) -> None:
        """All that are on it go to work; from the quarantine, for the first time."""
        if self.way == "retry":
            await self.pages.release(TIER)
            return
        for row in (await self.quarantined.rows())[self.replayed :]:
            await self.pages.send(row.message)
            self.replayed += 1

    async def _waiting(self) -> int:
        if self.way == "retry":
            return await self.pages.waiting(TIER)
        return len(await self.quarantined.rows()) - self.replayed
