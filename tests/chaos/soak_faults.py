"""What goes wrong in the soak: each fault lasts a few seconds, and is over when its function returns.

The first fetcher and the first processor are never killed: what leaks shows only in a process that grows old.
"""

import asyncio
import os
import random
import signal
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path

from chaos.proxy import End, Proxy
from chaos.service_process import ServiceProcess
from chaos.soak_gauges import workers_of
from chaos.stage import Stage
from postgres_cluster import PostgresCluster, Stop
from rabbitmq_node import Alarm, RabbitNode

SHORT_SECONDS = (1.0, 4.0)
LONG_SECONDS = (1.0, 8.0)
"""Longer than the leases of a soak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Arena:
    """All that can be broken, and what lengths and victims are drawn from."""

    stage: Stage
    node: RabbitNode
    cluster: PostgresCluster
    proxies: Mapping[str, Proxy]
    chance: random.Random

    async def a_while(self, bounds: tuple[float, float] = SHORT_SECONDS) -> None:
        await asyncio.sleep(self.chance.uniform(*bounds))

    @property
    def mortal(self) -> Sequence[ServiceProcess]:
        return [*self.stage.fetchers[1:], *self.stage.processors[1:]]


Fault = Callable[[Arena], Awaitable[None]]


async def kill_service(kind: str, arena: Arena) -> None:
    next(each for each in arena.mortal if each.name.startswith(kind)).kill()


async def kill_worker(arena: Arena) -> None:
    services = [each for each in arena.stage.services if each.running]
    found = [pid for each in services for pid in workers_of(each.pid) if not _is_tracker(pid)]
    if found:
        with suppress(ProcessLookupError):
            os.kill(arena.chance.choice(found), signal.SIGKILL)


def _is_tracker(pid: int) -> bool:
    """Python's own helper beside the workers: a new one complains of semaphores that only the old one knew."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return b"resource_tracker" in Path(f"/proc/{pid}/cmdline").read_bytes()
    return True


async def freeze_service(arena: Arena) -> None:
    service = arena.chance.choice(arena.stage.services)
    service.freeze()
    try:
        await arena.a_while(LONG_SECONDS)
    finally:
        service.thaw()


async def kill_broker(arena: Arena) -> None:
    arena.node.kill()
    await asyncio.to_thread(arena.node.start)


async def restart_broker(arena: Arena) -> None:
    await asyncio.to_thread(arena.node.shut_down)
    await asyncio.to_thread(arena.node.start)


async def freeze_broker(arena: Arena) -> None:
    arena.node.freeze()
    try:
        await arena.a_while()
    finally:
        arena.node.thaw()


async def alarm(which: Alarm, arena: Arena) -> None:
    await asyncio.to_thread(arena.node.raise_alarm, which)
    try:
        await arena.a_while()
    finally:
        await asyncio.to_thread(arena.node.clear_alarm, which)


async def drop_broker_connections(arena: Arena) -> None:
    await asyncio.to_thread(arena.node.drop_connections, arena.stage.broker_url)


async def kill_store(arena: Arena) -> None:
    await asyncio.to_thread(arena.cluster.kill)
    await asyncio.to_thread(arena.cluster.start)


async def restart_store(how: Stop, arena: Arena) -> None:
    await asyncio.to_thread(arena.cluster.restart, how)


async def freeze_store(arena: Arena) -> None:
    await asyncio.to_thread(arena.cluster.freeze)
    try:
        await arena.a_while()
    finally:
        await asyncio.to_thread(arena.cluster.thaw)


async def drop_store_sessions(arena: Arena) -> None:
    await asyncio.to_thread(arena.cluster.drop_connections, arena.stage.store_url)


async def reset(way: str, arena: Arena) -> None:
    arena.proxies[way].reset()


async def half_open(way: str, gone: End, arena: Arena) -> None:
    arena.proxies[way].half_open(gone)


async def black_hole(way: str, arena: Arena) -> None:
    arena.proxies[way].black_hole()
    try:
        await arena.a_while(LONG_SECONDS)
    finally:
        await arena.proxies[way].pass_on()


WAYS = ("broker", "store", "newsroom")
ENDS: Sequence[End] = ("server", "client")
ALARMS: Sequence[Alarm] = ("memory", "disk")
STOPS: Sequence[Stop] = ("fast", "immediate")
FAULTS: Mapping[str, Fault] = {
    "fetcher killed": partial(kill_service, "fetcher"),
    "processor killed": partial(kill_service, "processor"),
    "worker killed": kill_worker,
    "service frozen": freeze_service,
    "broker killed": kill_broker,
    "broker restarted": restart_broker,
    "broker frozen": freeze_broker,
    "broker's connections dropped": drop_broker_connections,
    "store killed": kill_store,
    "store frozen": freeze_store,
    "store's sessions dropped": drop_store_sessions,
    **{f"{which} alarm": partial(alarm, which) for which in ALARMS},
    **{f"store restarted ({how})": partial(restart_store, how) for how in STOPS},
    **{f"{way} reset": partial(reset, way) for way in WAYS},
    **{f"{way} black hole": partial(black_hole, way) for way in WAYS},
    **{f"{way} half-open ({gone} gone)": partial(half_open, way, gone) for way in WAYS for gone in ENDS},
}


def drawn(chance: random.Random) -> Iterator[tuple[str, Fault]]:
    """All of them in a random order, and again in another one, without end."""
    return chain.from_iterable(chance.sample(list(FAULTS.items()), len(FAULTS)) for _ in iter(int, 1))
