"""Which processes a stage has, with which settings."""

import random
import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from chaos import haste
from chaos.service_process import ServiceProcess
from chaos.spawning import Order, Spawn, own_environment

Way = Literal["stack", "embedded"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """What a stage stands on: a broker and a store that nobody else uses, a folder, and who is told the outcome.

    `tell` gets each table, `count` the figures of a promise that held.
    """

    way: Way
    title: str
    folder: Path
    broker_url: str
    store_url: str
    tell: Callable[[str], None]
    spawn: Spawn
    count: Callable[[Mapping[str, int]], None] = lambda _figures: None

    @property
    def output(self) -> Path:
        """Where `fildactu run` appends the events."""
        return self.folder / "events.jsonl"


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What the services of one start have in common. `environment` is laid over all else."""

    ground: Ground
    hosts: Sequence[str]
    feed_urls: Sequence[str]
    broker: str
    store: str
    wire_port: int
    revisit_seconds: float
    environment: Mapping[str, str]


def cast(part: Part, kind: str, *, number: int) -> ServiceProcess:
    """`fetcher`, `processor`, or `run` for both in one process; not started yet."""
    name, folder = f"{kind}-{number}", part.ground.folder
    port = 0 if kind == "run" else _free_port()
    own = {} if kind == "run" else haste.own(kind, broker=part.broker, store=part.store, health_port=port)
    order = Order(
        arguments=_run(part) if kind == "run" else [kind],
        environment={**own_environment(), **_common(part), **own, **part.environment},
        folder=folder,
        log=folder / f"{name}.log",
    )
    return ServiceProcess(name, order, part.ground.spawn, health_port=port)


def _common(part: Part) -> dict[str, str]:
    feeds = part.ground.folder / "feeds.yaml"
    feeds.write_text(haste.feeds_file(part.feed_urls))
    fetcher = haste.fetcher(
        hosts=part.hosts, wire_port=part.wire_port, feeds=str(feeds), revisit_seconds=part.revisit_seconds
    )
    return {**fetcher, **haste.processor(), "FILDACTU_LOG_FORMAT": "json"}


def _run(part: Part) -> list[str]:
    state = Path(part.store.removeprefix("sqlite:///")).parent
    files = ["--feeds", str(part.ground.folder / "feeds.yaml"), "--output", str(part.ground.output)]
    return ["run", *files, "--state", str(state), "--verbose"]


def _free_port() -> int:
    """Below what the system gives to outgoing connections: it must be free again after each restart."""
    while True:
        port = random.randrange(15_000, 32_000)
        with suppress(OSError), socket.create_server(("127.0.0.1", port)):
            return port
