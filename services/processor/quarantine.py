"""Dead letters become rows: nothing stays in `raw.dead`, nothing is dropped, and each has its reason recorded.

What the broker itself put there, because a connection was lost too often while the message was held, goes back to
work: nothing was wrong with it.
"""

from uuid import UUID, uuid5

import structlog

from services.processor.model import NAMESPACE
from services.processor.tables import inbox, quarantine
from shared import outcomes
from shared.broker.protocols import DETAIL_HEADER, REASON_HEADER, Delivery, Publisher
from shared.database import Database, clock, insert_into
from shared.delivery import Ack, Verdict
from shared.envelope import Message
from shared.errors import UndecodableMessage
from shared.messages import RawPage, decode_raw_page
from shared.topology import RAW_IN, RAW_KEY

log = structlog.get_logger()

REDRIVEN_HEADER = "x-redriven"
REDRIVES = 3


class Quarantine:
    """The consumer of `raw.dead`."""

    def __init__(self, database: Database, publisher: Publisher) -> None:
        self._database = database
        self._publisher = publisher

    async def handle(self, delivery: Delivery) -> Verdict:
        message = delivery.message
        redriven = int(message.headers.get(REDRIVEN_HEADER, 0))
        if REASON_HEADER not in message.headers and redriven < REDRIVES:
            await self._publisher.publish(RAW_IN, RAW_KEY, _again(message, redriven + 1))
            log.warning("dead_letter_redriven", raw_id=message.message_id, times=redriven + 1)
            return Ack()
        await self._keep(delivery)
        return Ack()

    async def _keep(self, delivery: Delivery) -> None:
        page, message = _page(delivery.message), delivery.message
        reason = str(message.headers.get(REASON_HEADER, "delivery_limit"))
        async with self._database.transaction() as connection:
            now = await clock(connection)
            row = {
                "raw_id": page.raw_id if page else None,
                "reason": reason,
                "detail": str(message.headers.get(DETAIL_HEADER, "")),
                "attempt": delivery.attempt,
                "kind": message.kind,
                "headers": dict(message.headers),
                "body": message.body,
                "quarantined_at": now,
            }
            statement = insert_into(connection, quarantine).values(quarantine_id=_id(message), **row)
            await connection.execute(statement.on_conflict_do_nothing())
            if page is not None:
                settled = insert_into(connection, inbox).values(
                    raw_id=page.raw_id,
                    entry_id=page.entry_id,
                    observation=page.observation,
                    verdict="quarantined",
                    reason=reason,
                    received_at=now,
                )
                await connection.execute(settled.on_conflict_do_nothing())
                await outcomes.record(
                    connection, page.entry_id, observation=page.observation, outcome=reason, at=now
                )
        log.error("observation_quarantined", raw_id=message.message_id, reason=reason, detail=row["detail"])


def _id(message: Message) -> UUID:
    """The same message is kept once, however often it arrives; without an id, its bytes name it."""
    return uuid5(NAMESPACE, f"quarantine:{message.message_id}:{message.body.hex()[:4096]}")


def _page(message: Message) -> RawPage | None:
    try:
        return decode_raw_page(message)
    except UndecodableMessage:
        return None


def _again(message: Message, times: int) -> Message:
    return Message(
        body=message.body,
        message_id=message.message_id,
        kind=message.kind,
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        correlation_id=message.correlation_id,
        headers={**message.headers, REDRIVEN_HEADER: times},
    )
