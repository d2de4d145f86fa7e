from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aio_pika import DeliveryMode
from broker_traffic import page

from shared.broker.rabbitmq_messages import to_amqp, to_delivery

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)


@dataclass
class Incoming:
    """What aio_pika hands to a consumer, as far as it is read."""

    headers: dict[str, Any] = field(default_factory=dict)
    body: bytes = b"{}"
    message_id: str | None = "page-1"
    type: str | None = "raw.page"
    content_type: str | None = "application/json"
    content_encoding: str | None = None
    correlation_id: str | None = None
    routing_key: str | None = "page"
    redelivered: bool | None = False


def test_messages_are_persistent_and_say_whose_they_are() -> None:
    """A confirmed message survives a restart of the broker, and its dead-lettered copies too."""
    message = replace(page(), content_encoding="zstd", correlation_id="entry-7", headers={"x-attempt": 2})
    info = to_amqp(message, now=NOW).info()

    assert info["delivery_mode"] == DeliveryMode.PERSISTENT
    assert (info["app_id"], info["timestamp"], info["type"]) == ("fildactu", NOW, "raw.page")
    assert (info["message_id"], info["content_encoding"], info["correlation_id"]) == ("page-1", "zstd", "entry-7")
    assert info["headers"] == {"x-attempt": 2}


def test_the_broker_s_own_headers_do_not_travel_on() -> None:
    """Its counters and tables stay behind, so that a copy of the message starts afresh on its next queue."""
    raw = {
        "traceparent": "00-1",
        "x-attempt": 2,
        "x-delivery-count": 1,
        "x-first-death-reason": "expired",
        "x-death": [{"reason": "expired", "queue": "raw.retry.10s"}],
        "table": {"a": 1},
    }
    delivery = to_delivery(Incoming(headers=raw))  # type: ignore[arg-type]

    assert delivery.message.headers == {"traceparent": "00-1", "x-attempt": 2}
    assert (delivery.attempt, delivery.redelivered) == (2, True)


@pytest.mark.parametrize(
    ("flag", "count", "redelivered"), [(False, None, False), (True, None, True), (False, 0, False), (False, 2, True)]
)
def test_a_delivery_is_redelivered_by_the_flag_or_by_the_count(
    flag: bool, count: int | None, redelivered: bool
) -> None:
    """Quorum queues count deliveries beside setting the flag; either tells."""
    headers = {} if count is None else {"x-delivery-count": count}

    assert redelivered == to_delivery(Incoming(headers=headers, redelivered=flag)).redelivered  # type: ignore[arg-type]


def test_the_newest_death_is_the_reason_unless_ours_is_there() -> None:
    """What the broker gave up says why and where; a reason of ours stands."""
    deaths = {"x-death": [{"reason": "delivery_limit", "queue": "raw.work"}, {"reason": "expired", "queue": "r"}]}
    given_up = to_delivery(Incoming(headers=deaths))  # type: ignore[arg-type]
    ours = to_delivery(Incoming(headers={**deaths, "x-reason": "not_html", "x-stage": "raw.work"}))  # type: ignore[arg-type]

    assert given_up.message.headers == {"x-reason": "delivery_limit", "x-stage": "raw.work"}
    assert ours.message.headers["x-reason"] == "not_html"


def test_a_message_from_elsewhere_can_be_read() -> None:
    """Missing properties have defaults: the handler decides what to make of the body."""
    bare = Incoming(message_id=None, type=None, content_type=None, routing_key=None, redelivered=None)
    delivery = to_delivery(bare)  # type: ignore[arg-type]

    assert (
        delivery.message.message_id,
        delivery.message.kind,
        delivery.message.content_type,
    ) == ("", "", "application/octet-stream")
