"""One service as a process of its own, which is started again when it ends, as a container is."""

import asyncio
import json
import os
import signal
from contextlib import suppress
from typing import Any

import aiohttp
from chaos.spawning import Child, Order, Spawn
from chaos.under_test import INVALID

STOP_SECONDS = 30.0
PAUSE_SECONDS = 0.2


class ServiceProcess:
    """`restarts` says whether it is started again when it ends; a scenario may change its mind at any time."""

    def __init__(self, name: str, order: Order, spawn: Spawn, *, health_port: int = 0) -> None:
        self.name = name
        self.restarts = True
        self.running = False
        self.pids: list[int] = []
        self.exits: list[int] = []
        self.health_port = health_port
        self.log = order.log
        self._order = order
        self._spawn = spawn
        self._keeping: asyncio.Task[None] | None = None

    @property
    def pid(self) -> int:
        return self.pids[-1]

    async def start(self) -> None:
        self.restarts = True
        self._keeping = asyncio.create_task(self._keep(await self._start_one()))

    def kill(self) -> None:
        """SIGKILL; where it restarts, a new process follows."""
        self._send(signal.SIGKILL)

    async def kill_for_good(self) -> None:
        self.restarts = False
        self.kill()
        await self._ended("the killed process ends")

    def freeze(self) -> None:
        self._send(signal.SIGSTOP)

    def thaw(self) -> None:
        self._send(signal.SIGCONT)

    async def terminate(self) -> int:
        """SIGTERM, and no new process; the exit code."""
        self.restarts = False
        self._send(signal.SIGTERM)
        self._send(signal.SIGCONT)
        await self._ended("the process ends after SIGTERM")
        return self.exits[-1] if self.exits else 0

    async def close(self) -> None:
        await self.kill_for_good()

    async def readyz(self) -> tuple[int, dict[str, Any]]:
        """Status and body; 0 where nobody answers."""
        try:
            async with _client() as client, client.get(self._health("readyz")) as answer:
                return answer.status, await answer.json()
        except (aiohttp.ClientError, TimeoutError):
            return 0, {}

    async def metrics(self) -> str:
        """The exposition; empty where nobody answers."""
        try:
            async with _client() as client, client.get(self._health("metrics")) as answer:
                return await answer.text()
        except (aiohttp.ClientError, TimeoutError):
            return ""

    def logs(self) -> list[dict[str, Any]]:
        """The log's lines, of all its processes so far; what is not JSON is in `noise`."""
        return [found for line in self._lines() if (found := _parsed(line)) is not None]

    def noise(self) -> list[str]:
        """Lines that no logger wrote: a traceback for one."""
        return [line for line in self._lines() if line.strip() and _parsed(line) is None]

    def tail(self, lines: int = 6) -> str:
        """The last lines of the log, cut to a readable width."""
        return "\n".join([f"--- {self.name}, exits {self.exits}", *(line[:300] for line in self._lines()[-lines:])])

    def _lines(self) -> list[str]:
        return self.log.read_text(errors="replace").splitlines() if self.log.exists() else []

    async def _start_one(self) -> Child:
        child = await self._spawn(self._order)
        self.pids.append(child.pid)
        self.running = True
        return child

    async def _keep(self, child: Child) -> None:
        """Start it again whenever it ends; one that fails has a pause first."""
        while True:
            code = await child.wait()
            self.running = False
            _sweep(self.pid)
            self.exits.append(code)
            if not self.restarts or code == INVALID:
                return
            if code != -signal.SIGKILL:
                await asyncio.sleep(PAUSE_SECONDS)
            if not self.restarts:
                return
            child = await self._start_one()
            if not self.restarts:
                # It was to end while it was being started: no signal reached it.
                self.kill()

    async def _ended(self, what: str) -> None:
        if self._keeping is None:
            return
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._keeping
        except TimeoutError:
            raise AssertionError(f"never happened within {STOP_SECONDS:g} s: {what} ({self.name})") from None
        finally:
            if self.pids:
                _sweep(self.pid)

    def _send(self, number: signal.Signals) -> None:
        if self.running:
            with suppress(ProcessLookupError):
                os.kill(self.pid, number)

    def _health(self, page: str) -> str:
        return f"http://127.0.0.1:{self.health_port}/{page}"


def _client() -> aiohttp.ClientSession:
    return aiohttp.ClientSession(timeout=aiohttp.ClientTimeout(total=5))


def _sweep(group: int) -> None:
    """What a killed service leaves behind: with a container, its workers end as well."""
    with suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)


def _parsed(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
