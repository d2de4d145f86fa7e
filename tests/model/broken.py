"""The pipeline with one rule of its protocol left out. Each variant breaks a promise, and the model must find it."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import replace
from typing import Any
from uuid import UUID, uuid5

from model.broker import Publisher
from model.clockwork import EPOCH, Process
from model.database import Database, EntryRow, OutboxRow
from model.fetching import Feeds, Frontier
from model.pipeline import Parts
from model.processing import Ledger, Outbox, Store

from services.fetcher.model import Entry, Feed
from services.fetcher.polling.store import Poll
from services.processor.model import Known, Places, Revised
from services.processor.outbox import Pending
from shared.envelope import Message
from shared.errors import TransientError
from shared.events import ArticleEvent
from shared.steps import Step, reached
from shared.topology import ARTICLE_EVENTS


class ValidatorsFirst(Feeds):
    """Two transactions instead of one."""

    async def commit(self, poll: Poll) -> bool:
        with self.db.transaction(self.process) as now:
            if not self.ours(poll.feed):
                return False
            self.remember(poll, now)
        await reached(Step.POLL_COMMIT, "before")
        with self.db.transaction(self.process) as now:
            self.store(poll, now)
        return True


class UnfencedFeeds(Feeds):
    def ours(self, feed: Feed) -> bool:
        return True


class UnfencedFrontier(Frontier):
    def ours(self, entry: Entry) -> bool:
        return True


class StaleValidators(Frontier):
    """The validators of the look before stay while the next one is under way."""

    nothing_to_compare_with: Mapping[str, None] = {}


class QuarantineUnderstood(Frontier):
    """A page that nobody could read is one that "not modified" may be said of."""

    def understood(self, row: EntryRow) -> bool:
        return self.settled(row)


class HopefulPublisher(Publisher):
    """An event that was sent has arrived."""

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        with suppress(*([TransientError] if exchange == ARTICLE_EVENTS else [])):
            await super().publish(exchange, routing_key, message)


class MarkedFirst(Outbox):
    """What is taken counts as confirmed."""

    async def take(self, limit: int) -> tuple[UUID, Sequence[Pending]]:
        token, taken = await super().take(limit)
        for each in taken:
            self.db.outbox[each.event_id] = replace(self.db.outbox[each.event_id], confirmed=True)
        return token, taken


class NoInbox(Ledger):
    async def seen(self, raw_id: UUID) -> bool:
        return False


class NoOrder(Ledger):
    """Every observation is newer than what is known."""

    async def known(self, places: Places) -> Known | None:
        known = await super().known(places)
        return replace(known, number=None, observed_at=EPOCH) if known else None


class IdsFromContent(Ledger):
    """The same words have the same id."""

    def named(self, event: ArticleEvent, revised: Revised) -> UUID:
        return uuid5(event.data.article_id, f"{revised.text_hash}:{revised.withdrawn}")

    def put(self, pending: OutboxRow) -> None:
        self.db.outbox.setdefault(pending.event_id, pending)


class GoneForgotten(Ledger):
    """That a page is gone is known only of an article that is known."""

    async def gone_since(self, entry: UUID, observation: int) -> bool:
        return False


def _store(ledger: type[Ledger]) -> Callable[[Database, Process], Store]:
    made: Any = type("BrokenStore", (Store,), {"ledger": lambda self: ledger(self.db)})
    return made  # type: ignore[no-any-return]


VARIANTS: Mapping[str, Parts] = {
    "ack before commit": Parts(ack_first=True),
    "validators saved before entries": Parts(feeds=ValidatorsFirst),
    "publish without confirm": Parts(publisher=HopefulPublisher),
    "marked before published": Parts(outbox=MarkedFirst),
    "ids from content": Parts(store=_store(IdsFromContent)),
    "leases without fencing": Parts(feeds=UnfencedFeeds, frontier=UnfencedFrontier),
    "no inbox": Parts(store=_store(NoInbox)),
    "order ignored": Parts(store=_store(NoOrder)),
    "validators of the look before": Parts(frontier=StaleValidators),
    "quarantined counts as understood": Parts(frontier=QuarantineUnderstood),
    "gone is not remembered": Parts(store=_store(GoneForgotten)),
}
