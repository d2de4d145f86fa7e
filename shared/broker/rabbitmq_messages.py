"""Between our messages and AMQP's."""

from collections.abc import Mapping
from datetime import datetime

from aio_pika import DeliveryMode
from aio_pika import Message as AmqpMessage
from aio_pika.abc import AbstractIncomingMessage

from shared.broker.copies import attempt_of
from shared.broker.protocols import REASON_HEADER, STAGE_HEADER, Delivery
from shared.envelope import Message

APP_ID = "fildactu"
_BROKERS_OWN = ("x-death", "x-first-death-", "x-last-death-", "x-delivery-count", "x-acquired-count")


def to_amqp(message: Message, *, now: datetime) -> AmqpMessage:
    """Persistent: aio_pika's default is not, and a dead-lettered copy keeps the mode of its original."""
    return AmqpMessage(
        message.body,
        headers=dict(message.headers),
        content_type=message.content_type,
        content_encoding=message.content_encoding,
        delivery_mode=DeliveryMode.PERSISTENT,
        correlation_id=message.correlation_id,
        message_id=message.message_id,
        timestamp=now,
        type=message.kind,
        app_id=APP_ID,
    )


def to_delivery(incoming: AbstractIncomingMessage) -> Delivery:
    headers = _headers(incoming.headers)
    return Delivery(
        message=Message(
            body=incoming.body,
            message_id=incoming.message_id or "",
            kind=incoming.type or "",
            content_type=incoming.content_type or "application/octet-stream",
            content_encoding=incoming.content_encoding,
            correlation_id=incoming.correlation_id,
            headers=headers,
        ),
        routing_key=incoming.routing_key or "",
        attempt=attempt_of(headers),
        redelivered=bool(incoming.redelivered) or bool(incoming.headers.get("x-delivery-count")),
    )


def _headers(raw: Mapping[str, object]) -> dict[str, str | int]:
    kept: dict[str, str | int] = {
        name: value for name, value in raw.items() if isinstance(value, str | int) and not name.startswith(_BROKERS_OWN)
    }
    return _death(raw) | kept


def _death(raw: Mapping[str, object]) -> dict[str, str | int]:
    """Why the broker itself gave a message up (`delivery_limit`), in our words; the newest death comes first."""
    match raw.get("x-death"):
        case [{"reason": str(reason), "queue": str(queue)}, *_] if reason != "expired":
            return {REASON_HEADER: reason, STAGE_HEADER: queue}
        case _:
            return {}
