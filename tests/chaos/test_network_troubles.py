"""The network fails, in each of four ways, between the services and the broker, the store or the newsroom."""

import asyncio
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from time import monotonic
from typing import Literal

import pytest
from chaos.accounting import missing
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.proxy import End, Proxy
from chaos.stage import Stage

Target = Literal["broker", "store", "newsroom"]
Trouble = Literal["reset", "black hole", "latency", "half-open"]

LATENCY_SECONDS = 0.2
RESETS = 3
SLOWLY = 2
"""So many events arrive while everything takes longer."""
RECOVERY_SECONDS = 60.0
"""A dead connection is noticed after 18 seconds; the rest is for a machine that has much else to do."""
SETTLED_SECONDS = 120.0
REVISIT_SECONDS = 5.0
PATIENT = {
    # A slow network alone is no reason to lose a lease.
    "FETCHER_LEASE_SECONDS": "12",
    "FETCHER_RECONCILE_SECONDS": "25",
    "PROCESSOR_RELAY_LEASE_SECONDS": "12",
    "CHAOS_WORKERS": "forked",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Hour:
    """How long nothing passes, and which end of the connections is gone where one is."""

    name: str
    hole_seconds: float
    gone: End = "server"


START = Hour(name="start", hole_seconds=3.0)
MIDDLE = Hour(name="middle", hole_seconds=25.0, gone="client")
END = Hour(name="end", hole_seconds=5.0)


@dataclass(slots=True, kw_only=True)
class Road:
    """A stage with a proxy on one of its ways."""

    stage: Stage
    proxy: Proxy
    desk: Desk
    target: Target
    trouble: Trouble

    async def open(self) -> None:
        stage, proxy = self.stage, self.proxy
        await stage.start(
            processors=2,
            broker=proxy.url(stage.broker_url) if self.target == "broker" else None,
            store=proxy.url(stage.store_url) if self.target == "store" else None,
            wire_port=proxy.port if self.target == "newsroom" else None,
            revisit_seconds=REVISIT_SECONDS,
            environment=PATIENT,
        )

    async def at_work(self) -> None:
        """Pages are being asked for; without its robots.txt, a host would not be asked again for minutes."""

        def are_asked_for() -> bool:
            asked = {(each.host, each.path.partition("/news")[0]) for each in self.stage.wire.requests}
            return all({(host, "/robots.txt"), (host, "")} <= asked for host in self.stage.wire.hosts)

        await self.stage.until(are_asked_for, "pages of all hosts are asked for")

    async def all_but(self, most: int) -> None:
        """So many articles are still not told in their last state."""
        await self.stage.until(
            lambda: len(self._missing()) <= most, f"all news but {most} arrive", lacking=self._missing
        )

    async def strike(self, hour: Hour) -> None:
        match self.trouble:
            case "reset":
                await self._reset()
            case "black hole":
                await self._black_hole(hour)
            case "latency":
                await self._slow_down()
            case "half-open":
                self.proxy.half_open(hour.gone)
        await self._recover(hour)

    async def _reset(self) -> None:
        for _ in range(RESETS):
            accepted = self.proxy.accepted
            self.proxy.reset()

            def is_back(before: int = accepted) -> bool:
                return self.proxy.accepted > before

            await self.stage.until(is_back, "a service connects again")

    async def _black_hole(self, hour: Hour) -> None:
        self.proxy.black_hole()
        # The fault itself has a length.
        await asyncio.sleep(hour.hole_seconds)
        if hour is MIDDLE and self.target != "newsroom":
            await self.stage.until(self._is_told, f"a service says that it waits for the {self.target}")
        await self.proxy.pass_on()

    async def _is_told(self) -> bool:
        answers = await asyncio.gather(*(each.readyz() for each in self.stage.services))
        waits = [wait for status, body in answers if status == 503 for wait in body["waiting"]]
        return any(wait["dependency"] == self.target for wait in waits)

    async def _slow_down(self) -> None:
        """Something goes on all the same."""
        self.proxy.latency_seconds = LATENCY_SECONDS
        goal = self._arrived() + SLOWLY
        for _ in range(SLOWLY):
            self.stage.wire.publish()
        await self.stage.arrived(goal, within=SETTLED_SECONDS)
        self.proxy.latency_seconds = 0.0

    async def _recover(self, hour: Hour) -> None:
        """What is published now arrives soon."""
        since, news = monotonic(), self.stage.wire.publish()

        def is_told() -> bool:
            return any(each.url == news.url for each in self.stage.subscriber.deliveries)

        await self.stage.until(is_told, f"news arrives after the trouble at the {hour.name}", RECOVERY_SECONDS)
        self.stage.faults.append(f"{self.trouble} at the {hour.name}, news after {monotonic() - since:.1f} s")

    def _arrived(self) -> int:
        return len({each.event_id for each in self.stage.subscriber.deliveries})

    def _missing(self) -> list[str]:
        return missing(self.stage.wire.truth(), self.stage.subscriber.deliveries)


def proxy_to(target: Target, stage: Stage) -> AbstractAsyncContextManager[Proxy]:
    addresses: Mapping[Target, str] = {
        "broker": stage.broker_url,
        "store": stage.store_url,
        "newsroom": f"http://127.0.0.1:{stage.wire.port}",
    }
    return Proxy.to(addresses[target])


def window(target: Target, trouble: Trouble) -> str | None:
    """A newsroom that does not answer, and a slow answer of anyone, are no reason to say anything twice."""
    return None if target == "newsroom" or trouble == "latency" else f"{trouble} on the way to the {target}"


@pytest.mark.long
@pytest.mark.timeout(400)
@pytest.mark.parametrize("target", ["broker", "store", "newsroom"])
@pytest.mark.parametrize("trouble", ["reset", "black hole", "latency", "half-open"])
async def test_a_network_in_trouble_loses_nothing_and_repeats_nothing_under_another_id(
    open_stage: OpenStage, trouble: Trouble, target: Target
) -> None:
    """At the start, in the middle and at the end of the work; each time, what is published next arrives soon."""
    async with open_stage("stack") as stage, proxy_to(target, stage) as proxy:
        desk = Desk(stage.wire, stage.wire.hosts)
        road = Road(stage=stage, proxy=proxy, desk=desk, target=target, trouble=trouble)
        desk.news()
        desk.news()
        await road.open()
        await road.at_work()
        await road.strike(START)
        await stage.settled(within=SETTLED_SECONDS)
        made = len(desk.news()) + len(desk.news())
        await road.all_but(made // 2)
        await road.strike(MIDDLE)
        await stage.settled(within=SETTLED_SECONDS)
        desk.news()
        await road.all_but(2)
        await road.strike(END)
        await stage.settled(within=SETTLED_SECONDS)
        await stage.account(window=window(target, trouble))

    assert not complaints(stage.services)
