"""The publisher against a channel that answers as aio_pika was seen to."""

import asyncio
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any, Literal

import pytest
from aio_pika.exceptions import (
    AMQPConnectionError,
    ChannelInvalidStateError,
    ChannelNotFoundEntity,
    DeliveryError,
    PublishError,
)
from aiormq.abc import DeliveredMessage
from broker_traffic import eventually, page
from pamqp.commands import Basic
from pamqp.header import ContentHeader

from shared.broker.pace import Patience
from shared.broker.protocols import Rejected, Unconfirmed, Unroutable
from shared.broker.rabbitmq_publisher import RabbitPublisher

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETURN = Basic.Return(reply_code=312, reply_text="NO_ROUTE", exchange="raw.in", routing_key="x")
RETURNED = PublishError(
    DeliveredMessage(delivery=RETURN, header=ContentHeader(), body=b"", channel=None),  # type: ignore[arg-type]
    RETURN,
)


class Deaf(asyncio.Event):
    """Waited for until cancelled; then it is as if it had been set."""

    async def wait(self) -> Literal[True]:
        with suppress(asyncio.CancelledError):
            await super().wait()
        return True


class Exchange:
    def __init__(self, name: str, channel: "Channel") -> None:
        self.name = name
        self._channel = channel

    async def publish(self, message: Any, routing_key: str, **_: Any) -> Any:
        self._channel.in_flight.append(message.message_id)
        try:
            answer = self._channel.answers.pop(0) if self._channel.answers else Basic.Ack()
            if isinstance(answer, asyncio.Event):
                await answer.wait()
                return Basic.Ack()
            if isinstance(answer, BaseException):
                raise answer
            return answer
        finally:
            self._channel.in_flight.remove(message.message_id)


class Channel:
    def __init__(self, answers: list[Any]) -> None:
        self.answers = answers
        self.in_flight: list[str] = []
        self.is_closed = False

    async def declare_exchange(self, name: str, **_: Any) -> None:
        return

    async def get_exchange(self, name: str, **_: Any) -> Exchange:
        return Exchange(name, self)

    async def close(self) -> None:
        self.is_closed = True


class Link:
    """Every channel shares the answers; `open` are those that were not closed."""

    def __init__(self, *answers: Any) -> None:
        self._answers = list(answers)
        self.channels: list[Channel] = []

    async def up(self, *, within: float) -> None:
        return

    async def channel(self) -> Channel:
        self.channels.append(Channel(self._answers))
        return self.channels[-1]

    @property
    def open(self) -> list[Channel]:
        return [channel for channel in self.channels if not channel.is_closed]


def publisher(link: Link) -> RabbitPublisher:
    return RabbitPublisher(link, clock=lambda: NOW, patience=Patience())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("answer", "outcome", "thrown_away"),
    [
        (RETURNED, Unroutable, False),
        (DeliveryError(None, Basic.Nack()), Rejected, False),
        (TimeoutError(), Unconfirmed, True),
        (AMQPConnectionError("reset"), Unconfirmed, True),
        (ChannelInvalidStateError("closed"), Unconfirmed, True),
        (ChannelNotFoundEntity("NOT_FOUND - no exchange 'raw.in' in vhost '/'"), Unroutable, True),
        # Somebody else on the channel published to an exchange that is gone.
        (ChannelNotFoundEntity("NOT_FOUND - no exchange 'other' in vhost '/'"), Unconfirmed, True),
        # A stuck connection rejects with a cancellation that nobody asked for, a closed one with anything.
        (asyncio.CancelledError(), Unconfirmed, True),
        (Exception(), Unconfirmed, True),
        # A returned message that was not raised would be a silent loss.
        (object(), Unconfirmed, True),
    ],
)
async def test_what_became_of_a_publish(answer: object, outcome: type[Exception], thrown_away: bool) -> None:
    """Each answer has one meaning; where it is unknown what the broker has, the channel is not used again."""
    link = Link(answer)
    out = publisher(link)
    with pytest.raises(outcome):
        await out.publish("raw.in", "page", page())
    used = link.channels[0]
    await eventually(lambda: used.is_closed == thrown_away, "the channel is thrown away, if it has to be")
    await out.publish("raw.in", "page", page())

    assert (used not in link.open) == thrown_away
    await out.close()
    assert link.open == []


async def test_a_cancelled_publish_stays_cancelled_and_its_channel_is_not_used_again() -> None:
    """A real cancellation goes through; the message may be on its way, so its id must not meet the next attempt."""
    link = Link(asyncio.Event())
    out = publisher(link)
    task = asyncio.create_task(out.publish("raw.in", "page", page()))
    await eventually(lambda: any(channel.in_flight for channel in link.channels), "in flight")
    used = next(channel for channel in link.channels if channel.in_flight)
    task.cancel()
    await asyncio.wait([task])

    assert task.cancelled()
    await eventually(lambda: used.is_closed, "thrown away")
    await out.close()


async def test_a_confirm_in_the_moment_of_a_cancellation_does_not_hide_it() -> None:
    """Who publishes in a loop until cancelled ends, even if the library loses the cancellation for a confirm."""
    link = Link(Deaf())
    out = publisher(link)

    async def publishes_for_ever() -> None:
        while True:
            await out.publish("raw.in", "page", page())
            await asyncio.sleep(0)

    task = asyncio.create_task(publishes_for_ever())
    await eventually(lambda: any(channel.in_flight for channel in link.channels), "in flight")
    task.cancel()
    ended, _ = await asyncio.wait([task], timeout=1)
    task.cancel()

    assert ended == {task}
    await out.close()


async def test_one_id_is_never_in_flight_twice() -> None:
    """A second publish of an id waits for the first; other ids do not."""
    held = asyncio.Event()
    link = Link(held, held)
    out = publisher(link)
    in_flight = [asyncio.create_task(out.publish("raw.in", "page", page(n))) for n in (1, 2, 1)]
    await eventually(lambda: any(len(channel.in_flight) == 2 for channel in link.channels), "two in flight")
    _, still = await asyncio.wait(in_flight, timeout=0.05)

    assert len(still) == 3
    assert next(sorted(channel.in_flight) for channel in link.channels if channel.in_flight) == ["page-1", "page-2"]
    held.set()
    await asyncio.gather(*in_flight)
    await out.close()
