"""The processor as a service through outages: it says what it waits for, it says little, and it goes on at once."""

import asyncio
import json
import os
import re
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from fakes import raw_page
from loopback_ports import free_ports
from postgres_cluster import TEMPLATE, PostgresCluster
from quick_topology import quick_topology
from rabbitmq_node import RabbitNode

from shared.broker import apply_topology, connect
from shared.topology import RAW_IN, RAW_KEY

ROOT = Path(__file__).parents[2]
RECOVERY_SECONDS = 10.0
"""From the first answer of what was away to the first event that is confirmed."""
DEADLINE_SECONDS = 40.0
LONG_ENOUGH = 7.0
"""Seconds after which all pauses between attempts are as long as they get."""
PAGES = 900
"""More than are processed before the fault and after it."""
WARM = 20

pytestmark = [pytest.mark.rabbitmq, pytest.mark.postgres, pytest.mark.timeout(150)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """A processor in a process of its own."""

    port: int
    log: Path

    async def confirmed(self) -> float:
        """Events that the broker has confirmed to it so far."""
        found = re.findall(r"^fildactu_events_confirmed_total\{.*\} (\S+)$", await self._page("metrics"), re.MULTILINE)
        return sum(map(float, found))

    async def waits(self, dependency: str) -> float:
        """Seconds, by its metrics."""
        name = rf'^fildactu_waiting_seconds\{{dependency="{dependency}"\}} (\S+)$'
        found = re.search(name, await self._page("metrics"), re.MULTILINE)
        return float(found[1]) if found else 0.0

    async def readiness(self) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(await self._page("readyz"))
        return found

    def lines(self) -> list[dict[str, Any]]:
        """Fails for a line that no logger wrote."""
        return [json.loads(line) for line in self.log.read_text().splitlines()]

    async def _page(self, name: str) -> str:
        async with aiohttp.ClientSession() as client, client.get(f"http://127.0.0.1:{self.port}/{name}") as answer:
            return await answer.text()


@asynccontextmanager
async def processor(broker_url: str, store_url: str, folder: Path) -> AsyncIterator[Running]:
    """With its default settings, but for one worker, so that there is something left to do."""
    (port,) = free_ports(1)
    settings = {"BROKER_URL": broker_url, "STORE_URL": store_url, "HEALTH_PORT": str(port), "WORKERS": "1"}
    log = folder / "processor.log"
    with log.open("wb") as output:
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "services.processor",
            cwd=ROOT,
            env={**_without_coverage(), **{f"PROCESSOR_{name}": value for name, value in settings.items()}},
            stdout=output,
            stderr=output,
            start_new_session=True,
        )
    try:
        yield Running(port=port, log=log)
    finally:
        # Its workers as well.
        os.killpg(process.pid, signal.SIGKILL)
        await process.wait()


@pytest.fixture
async def at_work(rabbitmq_url: str, postgres_cluster: PostgresCluster, tmp_path: Path) -> AsyncIterator[Running]:
    """A processor that has confirmed some events, and has many pages left."""
    await apply_topology(rabbitmq_url, quick_topology())
    async with connect(rabbitmq_url, quick_topology(), name="test") as broker:
        await asyncio.gather(*(broker.publish(RAW_IN, RAW_KEY, _page(number).message()) for number in range(PAGES)))
    async with processor(rabbitmq_url, postgres_cluster.fresh_url(TEMPLATE), tmp_path) as running:
        await until(lambda: _answers(running), "the processor answers")
        await until(lambda: _reached(running, WARM), f"{WARM} events are confirmed")
        yield running


@pytest.mark.parametrize("fault", ["killed", "frozen"])
async def test_after_an_outage_of_the_broker_events_go_out_at_once(
    at_work: Running, rabbitmq_node: RabbitNode, fault: str
) -> None:
    """However long it was; meanwhile the service says what it waits for, and little else."""
    if fault == "frozen":
        rabbitmq_node.freeze()
    else:
        await asyncio.to_thread(rabbitmq_node.kill)
    try:
        before = await away_for_long(at_work, "broker")
    finally:
        if fault == "frozen":
            rabbitmq_node.thaw()
        else:
            await asyncio.to_thread(rabbitmq_node.start)
    await goes_on(at_work, before)

    assert told(at_work, "broker") == ["waiting_for_dependency", "dependency_answers"]
    assert_quiet(at_work.lines())


async def test_after_an_outage_of_the_store_events_go_out_at_once(
    at_work: Running, postgres_cluster: PostgresCluster
) -> None:
    """The same of a database that was killed while it was written to."""
    await asyncio.to_thread(postgres_cluster.kill)
    try:
        before = await away_for_long(at_work, "store")
    finally:
        await asyncio.to_thread(postgres_cluster.start)
    await goes_on(at_work, before)

    assert told(at_work, "store") == ["waiting_for_dependency", "dependency_answers"]
    assert_quiet(at_work.lines())


async def away_for_long(running: Running, dependency: str) -> float:
    """Wait until the outage has lasted, and is told on the health page; how many events were confirmed by then."""

    async def lasts() -> bool:
        return await running.waits(dependency) > LONG_ENOUGH

    await until(lasts, f"the processor waits for the {dependency}")
    said = await running.readiness()
    assert not said["ready"]
    assert {wait["dependency"] for wait in said["waiting"]} == {dependency}
    assert all(wait["what"] and wait["reason"] for wait in said["waiting"])
    return await running.confirmed()


async def goes_on(running: Running, before: float) -> None:
    await until(lambda: _reached(running, before + 1), "an event is confirmed", within=RECOVERY_SECONDS)

    async def ready() -> bool:
        return bool((await running.readiness())["ready"])

    await until(ready, "the processor is ready", within=RECOVERY_SECONDS)


def told(running: Running, dependency: str) -> list[str]:
    """The first and the last line about the dependency."""
    lines = [line["event"] for line in running.lines() if line.get("dependency") == dependency]
    return [lines[0], lines[-1]]


def assert_quiet(lines: Sequence[dict[str, Any]]) -> None:
    """No traceback for an outage that is expected, and at most a line a second for it."""
    loud = [line for line in lines if line["level"] in {"warning", "error", "critical"}]
    times = [datetime.fromisoformat(line["timestamp"]).timestamp() for line in loud]
    assert [line for line in lines if "exception" in line or "Traceback" in line["event"]] == []
    assert max(sum(1 for other in times if 0 <= other - time < 10) for time in times) <= 10, loud


async def until(condition: Callable[[], Awaitable[bool]], what: str, *, within: float = DEADLINE_SECONDS) -> None:
    try:
        async with asyncio.timeout(within):
            while not await condition():  # noqa: ASYNC110 -- conditions in another process
                await asyncio.sleep(0.05)
    except TimeoutError:
        raise AssertionError(f"never happened within {within:g} s: {what}") from None


async def _answers(running: Running) -> bool:
    try:
        await running.confirmed()
    except aiohttp.ClientError:
        return False
    return True


async def _reached(running: Running, count: float) -> bool:
    return await running.confirmed() >= count


def _page(number: int):
    said = " ".join(f"In its report {number} the council says in sentence {each} what it did." for each in range(12))
    body = f"<html><body><article><h1>Report {number}</h1><p>{said}</p></article></body></html>".encode()
    return raw_page(f"https://news.example/{number}", body=body)


def _without_coverage() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_"))}
