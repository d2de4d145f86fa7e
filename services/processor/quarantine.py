"""Dead letters become rows: nothing stays in `raw.dead`, nothing is dropped, and each has its reason recorded.

What the broker itself put there, because a connection was lost too often while the message was held, goes back to
work: nothing was wrong with it.
"""

from dataclasses import replace
from datetime import datetime
from hashlib import blake2b
from uuid import UUID, uuid5

import structlog

from services.processor.model import NAMESPACE
from services.processor.tables import LONGEST_REASON, inbox, quarantine
from shared import outcomes
from shared.broker.protocols import DETAIL_HEADER, REASON_HEADER, STAGE_HEADER, Delivery, Publisher
from shared.database import Connection, Database, clock
from shared.delivery import Ack, Verdict
from shared.envelope import Message
from shared.errors import PermanentError, UndecodableMessage
from shared.messages import RawPage, decode_raw_page
from shared.outcomes import QUARANTINED
from shared.statements import insert_new
from shared.steps import Step, step
from shared.topology import RAW_IN, RAW_KEY

log = structlog.get_logger()

REDRIVEN_HEADER = "x-redriven"
REDRIVES = 3
DELIVERY_LIMIT = "delivery_limit"
_LARGEST_INTEGER = 2**31 - 1


class Quarantine:
    """The consumer of `raw.dead`."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    async def handle(self, delivery: Delivery) -> Verdict:
        message = delivery.message
        redriven = _count(message.headers.get(REDRIVEN_HEADER))
        if _reason(message) == DELIVERY_LIMIT and redriven < REDRIVES:
            try:
                again = self._publisher.publish(RAW_IN, RAW_KEY, _again(message, redriven + 1))
                await step(Step.QUARANTINE_REDRIVE, again)
            except PermanentError as error:
                # No broker takes it again; handed back, it would block the quarantine for ever.
                log.warning("redrive_refused", raw_id=message.message_id, reason=str(error))
            else:
                log.info("dead_letter_redriven", raw_id=message.message_id, times=redriven + 1)
                return Ack()
        await step(Step.QUARANTINE_KEEP, self._keep(delivery))
        return Ack()

    async def _keep(self, delivery: Delivery) -> None:
        page, message = _page(delivery.message), delivery.message
        reason = _reason(message)[:LONGEST_REASON]
        async with self._database.transaction() as connection:
            now = await clock(connection)
            row = {
                "raw_id": page.raw_id if page else None,
                "reason": reason,
                "detail": _storable(str(message.headers.get(DETAIL_HEADER, ""))),
                "attempt": min(delivery.attempt, _LARGEST_INTEGER),
                "kind": _storable(message.kind),
                "headers": dict(message.headers),
                "body": message.body,
                "quarantined_at": now,
            }
            await insert_new(connection, quarantine, {"quarantine_id": _id(message), **row})
            if page is not None:
                await _settle(connection, page, reason, now)
        log.error("observation_quarantined", raw_id=message.message_id, reason=reason, detail=row["detail"])


async def _settle(connection: Connection, page: RawPage, reason: str, now: datetime) -> None:
    """Unless it was settled in the meantime: it may have been at work when the broker gave it up."""
    said = {
        "raw_id": page.raw_id,
        "entry_id": page.entry_id,
        "observation": page.observation,
        "verdict": QUARANTINED,
        "reason": reason,
        "received_at": now,
    }
    if await insert_new(connection, inbox, said) == 1:
        await outcomes.record(connection, page.entry_id, observation=page.observation, outcome=QUARANTINED, at=now)


def _reason(message: Message) -> str:
    return _storable(str(message.headers.get(REASON_HEADER, DELIVERY_LIMIT)))


def _storable(text: str) -> str:
    """A message that nothing could be done with may say anything; PostgreSQL's text has no NUL."""
    return text.replace("\0", "")


def _count(said: str | int | None) -> int:
    return said if isinstance(said, int) else 0


def _id(message: Message) -> UUID:
    """The same message is kept once, however often it arrives; without an id, its bytes name it."""
    return uuid5(NAMESPACE, f"quarantine:{message.message_id}:{blake2b(message.body, digest_size=16).hexdigest()}")


def _page(message: Message) -> RawPage | None:
    try:
        return decode_raw_page(message)
    except UndecodableMessage:
        return None


def _again(message: Message, times: int) -> Message:
    kept = {name: value for name, value in message.headers.items() if name not in {REASON_HEADER, STAGE_HEADER}}
    return replace(message, headers={**kept, REDRIVEN_HEADER: times})
