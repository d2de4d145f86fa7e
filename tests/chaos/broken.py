"""Deliberately broken variants of the services: what the accounting must catch.

`CHAOS_BROKEN=name[,name]` has `chaos.under_test` call `apply` before the service's own main function; a variant
stands in the composition root in place of what it breaks. Nothing of it is in production.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID, uuid4, uuid5

from chaos.troubled import TROUBLES

from services.console import commands, sinks
from services.fetcher import __main__ as fetcher
from services.fetcher.model import Entry
from services.fetcher.pages import downloader, frontier
from services.fetcher.pages.frontier import Frontier, Visit
from services.fetcher.pages.observation import Observe
from services.fetcher.pages.seen import Seen, raw_page
from services.fetcher.polling.listing import store_selection
from services.fetcher.polling.store import FeedStore, Poll
from services.processor import __main__ as processor
from services.processor import decision, store
from services.processor.handler import Handler
from services.processor.ledger import Ledger
from services.processor.model import Article, Known, Observation, Twin
from services.processor.outbox import Outbox, Pending
from services.processor.relay import Relay
from shared.broker.protocols import Delivery
from shared.database import clock
from shared.delivery import Ack, Verdict
from shared.events import ArticleEvent
from shared.messages import RawPage
from shared.steps import Step, reached, step


class AcksFirst(Handler):
    """The broker forgets the page before its outcome is committed."""

    at_work: set[asyncio.Task[Verdict]] = set()  # noqa: RUF012 -- one handler in a process

    async def handle(self, delivery: Delivery) -> Verdict:
        task = asyncio.create_task(super().handle(delivery))
        self.at_work.add(task)
        task.add_done_callback(self.at_work.discard)
        return Ack()


class ValidatorsFirst(FeedStore):
    """The feed counts as read before its entries are stored: the next answer is 304."""

    async def commit(self, poll: Poll) -> bool:
        kept = await super().commit(replace(poll, selection=None))
        if kept and poll.selection is not None:
            await reached(Step.POLL_COMMIT, "after")
            async with self._database.transaction() as connection:
                await store_selection(connection, poll.feed, poll.selection, await clock(connection))
        return kept


class TwoNumbers(Frontier):
    """Each visit takes a number too many."""

    async def begin(self, entry: Entry, delay: timedelta) -> Visit:
        visit = await super().begin(entry, delay)
        return replace(visit, number=(await self.number(replace(entry, observations=visit.number))).number)


class MarksFirst(Relay):
    """Events count as sent before the broker has them."""

    async def relay_batch(self) -> tuple[int, bool]:
        self._work.clear()
        token, batch = await step(Step.OUTBOX_TAKE, self._events.take(self._batch))
        await self._events.confirm(token, [event.event_id for event in batch])
        await asyncio.gather(*(self._publish(event) for event in batch))
        return len(batch), False


class SendsTwice(Relay):
    async def _publish(self, event: Pending) -> bool | None:
        await super()._publish(event)
        return await super()._publish(event)


class NamesAtSending(Relay):
    """An event gets its id when it is sent, so that one that is sent again has another."""

    async def _publish(self, event: Pending) -> bool | None:
        old, new = str(event.event_id).encode(), str(uuid4())
        message = replace(event.message, message_id=new, body=event.message.body.replace(old, new.encode()))
        return await super()._publish(replace(event, message=message))


class NeverMarks(Outbox):
    async def confirm(self, token: UUID, events: object) -> None:
        """What was sent counts as not sent."""


class ForgetsWhatItSettled(Ledger):
    async def seen(self, raw_id: UUID) -> bool:
        return False


class KnowsNoTwins(Ledger):
    async def twin(self, article: Article) -> Twin | None:
        return None


class HalfLines(sinks.JsonLines):
    """The first half of each event's line, and then all of it."""

    async def write(self, event: bytes) -> None:
        await super().write(event[: len(event) // 2])
        await super().write(event)


def _nobody_is_older(_observation: Observation, _known: Known) -> bool:
    return False


def _id_of_content(event: ArticleEvent) -> UUID:
    return uuid5(event.data.article_id, event.data.text or "withdrawn")


def _without_token(entry: Entry) -> dict[str, UUID]:
    return {"entry_id": entry.entry_id}


_honest_page = raw_page


def _page_named_by_content(entry: Entry, finding: Observe, seen: Seen, visit: Visit) -> RawPage:
    page = _honest_page(entry, finding, seen, visit)
    return page.model_copy(update={"raw_id": uuid5(page.entry_id, page.body.hex())}) if page.body else page


def _set(owner: Any, **names: Any) -> Callable[[], None]:
    def swap() -> None:
        for name, part in names.items():
            if not hasattr(owner, name):
                raise AttributeError(f"{owner} has no {name} to break")
            setattr(owner, name, part)

    return swap


VARIANTS: Mapping[str, Callable[[], None]] = {
    "ack-before-commit": _set(processor, Handler=AcksFirst),
    "validators-before-entries": _set(fetcher, FeedStore=ValidatorsFirst),
    "mark-before-confirm": _set(processor, Relay=MarksFirst),
    "event-ids-from-content": _set(ArticleEvent, event_id=property(_id_of_content)),
    "observation-ids-from-content": _set(downloader, raw_page=_page_named_by_content),
    "leases-without-fencing": _set(frontier, _ours=_without_token),
    "no-inbox": _set(store, Ledger=ForgetsWhatItSettled),
    "no-order": _set(decision, _is_older=_nobody_is_older),
    "no-twins": _set(store, Ledger=KnowsNoTwins),
    "two-numbers": _set(fetcher, Frontier=TwoNumbers),
    "sends-twice": _set(processor, Relay=SendsTwice),
    "never-marks": _set(processor, Outbox=NeverMarks),
    "names-at-sending": _set(processor, Relay=NamesAtSending),
    "half-lines": _set(commands, JsonLines=HalfLines),
}


def apply(names: str) -> None:
    """Break the process that is about to run; `names` are separated by commas."""
    for name in names.split(","):
        (TROUBLES[name] if name in TROUBLES else VARIANTS[name])()
