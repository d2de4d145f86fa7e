"""Outages of what the services stand on: told while they last, and over within seconds of their end.

outage = Outage(name="broker killed", begins=node.kill, ends=node.start, missed=("broker",))
await three_times(stage, outage)    # before any work, in the middle of it, and when all is done
"""

import asyncio
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from time import monotonic

from chaos.desk import Desk
from chaos.service_process import ServiceProcess
from chaos.stage import HOSTS, Stage

from shared.steps import Step

RECOVERY_SECONDS = 10.0
LONG_SECONDS = 120.0
REVISIT_SECONDS = 4.0
UNHURRIED = {"FETCHER_RECONCILE_SECONDS": "300", "CHAOS_WORKERS": "forked"}
"""A page that waited while the broker was away is not taken for lost; and one that is lost stays so, and is found.

Workers that import everything anew take longer on a busy machine than the recovery that is to be measured.
"""
HELD = "delay:2"
"""An event that was taken from the outbox goes out when the outage has begun."""
CONFIRMED = "fildactu_events_confirmed_total{"


@dataclass(frozen=True, slots=True, kw_only=True)
class Outage:
    """`begins` and `ends` may block. Services of the kinds `tellers` say that they miss each of `missed`.

    In the middle of the work it lasts at least `seconds`; elsewhere until it was told. Of the kind `frozen`, services
    stand still as long as it lasts.
    """

    name: str
    begins: Callable[[], None]
    ends: Callable[[], None]
    missed: Sequence[str]
    tellers: Sequence[str] = ("fetcher", "processor")
    frozen: str = "none"
    seconds: float = 0.0

    def still(self, stage: Stage) -> list[ServiceProcess]:
        return [each for each in stage.services if each.name.startswith(self.frozen)]


async def three_times(stage: Stage, outage: Outage) -> None:
    """The outage before any work, with pages and an event on their way, and when all is done; then all settles."""
    desk = Desk(stage.wire, HOSTS)
    await meet(stage, desk, outage)
    await stage.arrived(4, within=LONG_SECONDS)
    stage.arm(Step.EVENT_PUBLISH, "before", HELD)
    await pages_asked_for(stage, desk)
    await stage.taken(Step.EVENT_PUBLISH, "before", within=LONG_SECONDS)
    await meet(stage, desk, outage, seconds=outage.seconds)
    await stage.settled(within=LONG_SECONDS)
    await meet(stage, desk, outage)
    await stage.settled(within=LONG_SECONDS)


async def meet(stage: Stage, desk: Desk, outage: Outage, *, seconds: float = 0.0) -> None:
    """One outage, in which news comes, and the services start if they have not; then the events flow again."""
    await asyncio.to_thread(outage.begins)
    try:
        desk.news()
        if not stage.services:
            await start(stage)
        before = await confirmed(stage)
        for service in outage.still(stage):
            service.freeze()
        # How long it lasts is part of the fault; nothing is waited for here.
        await asyncio.sleep(seconds)
        await told(stage, outage.missed, tellers=outage.tellers)
        if not outage.still(stage):
            before = await confirmed(stage)
    finally:
        await asyncio.to_thread(outage.ends)
        for service in outage.still(stage):
            service.thaw()
    stage.faults.append(outage.name)
    await flows_again(stage, before, outage.name)


async def start(stage: Stage, *, revisit_seconds: float = REVISIT_SECONDS) -> None:
    await stage.start(revisit_seconds=revisit_seconds, environment=UNHURRIED)


async def pages_asked_for(stage: Stage, desk: Desk) -> None:
    """News comes, and some of its pages are on their way."""
    paths = {made.path for made in desk.news()}
    since = len(stage.wire.requests)

    def any_asked_for() -> bool:
        return any(request.path in paths for request in stage.wire.requests[since:])

    await stage.until(any_asked_for, "a page of the news is asked for", LONG_SECONDS)


async def told(stage: Stage, missed: Sequence[str], *, tellers: Sequence[str] = ("fetcher", "processor")) -> None:
    """Wait until each service of these kinds says, on both of its pages, that it waits for each of `missed`."""
    for dependency in missed:
        for service in (each for each in stage.services if each.name.startswith(tuple(tellers))):

            async def says(service: ServiceProcess = service, dependency: str = dependency) -> bool:
                return await _says_that_it_waits(service, dependency)

            await stage.until(says, f"{service.name} says that it waits for the {dependency}", LONG_SECONDS)


async def _says_that_it_waits(service: ServiceProcess, dependency: str) -> bool:
    status, body = await service.readyz()
    waits = {each["dependency"] for each in body.get("waiting", ())}
    gauge = f'fildactu_waiting{{dependency="{dependency}"}} 1.0'
    return status == 503 and dependency in waits and gauge in await service.metrics()


async def confirmed(stage: Stage) -> float:
    """How many events the processors have had confirmed; none of them may have been killed."""
    counted = 0.0
    for processor in stage.processors:
        text = ""
        deadline = monotonic() + LONG_SECONDS
        while not text:
            assert monotonic() < deadline, f"never happened within {LONG_SECONDS:g} s: {processor.name} shows metrics"
            text = await processor.metrics()
        counted += sum(float(line.rpartition(" ")[2]) for line in text.splitlines() if line.startswith(CONFIRMED))
    return counted


async def flows_again(stage: Stage, before: float, what: str) -> None:
    """Wait until an event more is confirmed, soon after the outage's end, and until all services are ready."""
    returned, within = monotonic(), recovery_seconds()

    async def one_more() -> bool:
        return await confirmed(stage) > before

    await stage.until(one_more, f"after {what}, an event is confirmed", within)
    stage.faults.append(f"an event {monotonic() - returned:.1f} s later")
    await stage.ready(within=LONG_SECONDS)


def recovery_seconds() -> float:
    """As promised; longer, in proportion, where more processes want to run than there are cores."""
    return RECOVERY_SECONDS * max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
