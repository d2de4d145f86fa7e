"""A downstream service, with plain aio-pika: follows article events live, and reads them again from the stream."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

import aio_pika
from aio_pika.abc import AbstractChannel, AbstractIncomingMessage

EXCHANGE = "article.events"
HISTORY = "article.history"


@dataclass(frozen=True, slots=True, kw_only=True, order=True)
class Seen:
    """The part of an event that the newsroom's script foretells."""

    verb: str
    url: str
    site: str
    revision: int
    headline: str
    language: str
    story_of: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Event:
    id: str
    article_id: str
    seen: Seen


def read_event(body: bytes) -> Event:
    envelope = json.loads(body)
    data = envelope["data"]
    first_seen = data["story"]["first_seen"] if data["story"]["role"] == "copy" else None
    return Event(
        id=envelope["id"],
        article_id=data["article_id"],
        seen=Seen(
            verb=envelope["type"].split(".")[2],
            url=data["url"],
            site=data["site"]["host"],
            revision=data["revision"],
            headline=data["headline"] or "",
            language=data["language"]["code"],
            story_of=first_seen["url"] if first_seen else "",
        ),
    )


def read_expected(listed: dict[str, Any]) -> tuple[Seen, ...]:
    """The newsroom's `/expected.json`."""
    return tuple(sorted(Seen(**{**each, "story_of": each["story_of"] or ""}) for each in listed["events"]))


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[AbstractChannel]:
    async with await aio_pika.connect(url) as connection:
        channel = await connection.channel()
        await channel.set_qos(prefetch_count=100)
        yield channel


async def subscribe(channel: AbstractChannel, received: list[Event]) -> None:
    """Collect every article event from now on, in a queue of our own."""
    queue = await channel.declare_queue("sub.stack", durable=True, arguments={"x-queue-type": "quorum"})
    await queue.bind(EXCHANGE, "article.#")

    async def keep(message: AbstractIncomingMessage) -> None:
        received.append(read_event(message.body))
        await message.ack()

    await queue.consume(keep)


async def read_history(url: str, *, at_least: int, idle_seconds: float) -> list[Event]:
    """The stream from its first event until it has been silent for a while."""
    found: list[Event] = []
    async with connected(url) as channel:
        stream = await channel.get_queue(HISTORY, ensure=False)

        async def keep(message: AbstractIncomingMessage) -> None:
            found.append(read_event(message.body))
            await message.ack()

        await stream.consume(keep, arguments={"x-stream-offset": "first"})
        await until(lambda: len(found) >= at_least, seconds=60, why=lambda: f"{len(found)} of {at_least} in the stream")
        count = -1
        while count != len(found):
            count = len(found)
            await asyncio.sleep(idle_seconds)
    return found


async def until(done: Callable[[], bool], *, seconds: float, why: Callable[[], str]) -> None:
    """Wait for a condition; `why` says what is still missing when time is up."""
    try:
        async with asyncio.timeout(seconds):
            while not done():  # noqa: ASYNC110 - what is waited for happens in other processes
                await asyncio.sleep(0.2)
    except TimeoutError:
        raise AssertionError(f"not within {seconds:g} s: {why()}") from None


def lacking(wanted: Sequence[Seen], received: Sequence[Event]) -> tuple[Seen, ...]:
    return tuple(sorted(set(wanted) - {event.seen for event in received}))
