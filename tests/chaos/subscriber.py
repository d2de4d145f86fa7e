"""Reads the events as a subscriber does, and remembers each arrival in its order."""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

import aio_pika
from aio_pika.abc import AbstractIncomingMessage
from aio_pika.exceptions import CONNECTION_EXCEPTIONS
from chaos.prose import found_marker
from chaos.records import Delivery

QUEUE = "sub.chaos"
PREFETCH = 200
HEARTBEAT_SECONDS = 5
PAUSE_SECONDS = 0.1


def delivery_of(event: Mapping[str, Any], *, redelivered: bool = False) -> Delivery:
    """What a CloudEvent of ours says, as far as the accounting asks."""
    data = event["data"]
    return Delivery(
        event_id=event["id"],
        article_id=data["article_id"],
        revision=data["revision"],
        previous_revision=data.get("previous_revision"),
        verb=event["type"].split(".")[2],
        url=data["url"],
        marker=found_marker(data.get("text")),
        role=data["story"]["role"],
        redelivered=redelivered,
    )


class Subscriber(Protocol):
    """`deliveries` in the order of arrival; `torn` counts what arrived and is no event."""

    deliveries: list[Delivery]
    torn: int

    async def catch_up(self) -> None:
        """Take in what has arrived and is not yet recorded."""


class QueueSubscriber:
    """On a queue of its own; acks what it has recorded, and connects again by itself."""

    def __init__(self, url: str) -> None:
        self._url = url
        self.deliveries: list[Delivery] = []
        self.torn = 0
        self.connected = asyncio.Event()
        self._ended = asyncio.Event()
        self._present = asyncio.Event()
        self._present.set()

    def leave(self) -> None:
        """Read no more until `come_back`; what is published meanwhile waits in the queue."""
        self._present.clear()
        self._ended.set()

    def come_back(self) -> None:
        self._present.set()

    async def catch_up(self) -> None:
        return

    @asynccontextmanager
    async def running(self) -> AsyncIterator["QueueSubscriber"]:
        reading = asyncio.create_task(self._read_for_ever())
        try:
            yield self
        finally:
            reading.cancel()
            await asyncio.wait([reading])

    async def _read_for_ever(self) -> None:
        while True:
            await self._present.wait()
            with suppress(*CONNECTION_EXCEPTIONS, asyncio.TimeoutError):
                await self._read()
            self.connected.clear()
            await asyncio.sleep(PAUSE_SECONDS)

    async def _read(self) -> None:
        """Until the connection ends."""
        connection = await aio_pika.connect(self._url, timeout=5, heartbeat=HEARTBEAT_SECONDS)
        ended = self._ended = asyncio.Event()
        connection.close_callbacks.add(lambda *_: ended.set())
        if not self._present.is_set():
            ended.set()
        try:
            channel = await connection.channel()
            await channel.set_qos(prefetch_count=PREFETCH)
            await (await channel.get_queue(QUEUE, ensure=False)).consume(self._take)
            self.connected.set()
            await ended.wait()
        finally:
            with suppress(*CONNECTION_EXCEPTIONS, asyncio.TimeoutError):
                async with asyncio.timeout(2):
                    await connection.close()

    async def _take(self, message: AbstractIncomingMessage) -> None:
        self.deliveries.append(delivery_of(json.loads(message.body), redelivered=bool(message.redelivered)))
        with suppress(*CONNECTION_EXCEPTIONS):
            await message.ack()


class FileSubscriber:
    """Reads the JSON Lines that `fildactu run --output` appends."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read = 0
        self.deliveries: list[Delivery] = []
        self.torn = 0

    async def catch_up(self) -> None:
        if not self._path.exists():
            return
        with self._path.open("rb") as file:
            file.seek(self._read)
            whole, found, _ = file.read().rpartition(b"\n")
        if found:
            self._read += len(whole) + 1
            for line in whole.split(b"\n"):
                self._take(line)

    def _take(self, line: bytes) -> None:
        try:
            self.deliveries.append(delivery_of(json.loads(line)))
        except ValueError:
            self.torn += 1
