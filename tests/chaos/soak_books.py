"""The books of a long run, of which the services drop what is old while it goes on."""

from dataclasses import replace
from time import monotonic

from chaos.accounting import QUARANTINED
from chaos.books import Books
from chaos.records import Settled, Stored

from shared.database import Database


class RememberingBooks(Books):
    """Read more often than every `keep_seconds`, it knows of each row that ever was."""

    def __init__(self, database: Database, *, keep_seconds: float) -> None:
        super().__init__(database)
        self._keep_seconds = keep_seconds
        self._settled: dict[Settled, None] = {}
        self._outbox: dict[str, None] = {}
        self._read_at = monotonic()

    async def read(self) -> Stored:
        began = monotonic()
        found = await super().read()
        apart = monotonic() - self._read_at
        assert apart < self._keep_seconds, f"{apart:.0f} s between two looks: rows may have come and gone unseen"
        self._read_at = began
        self._settled.update(dict.fromkeys(found.settled))
        self._outbox.update(dict.fromkeys(found.outbox))
        return replace(found, settled=self._all_settled(), outbox=tuple(self._outbox))

    def _all_settled(self) -> tuple[Settled, ...]:
        """A row of the quarantine is overwritten when its observation is settled after all."""
        done = {(each.entry_id, each.observation) for each in self._settled if each.verdict != QUARANTINED}
        return tuple(
            each
            for each in self._settled
            if each.verdict != QUARANTINED or (each.entry_id, each.observation) not in done
        )
