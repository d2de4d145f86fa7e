"""How a service's process comes to be: forked from one that has imported everything, or started anew."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

ROOT = Path(__file__).parents[2]
NEEDS_A_NEW_INTERPRETER = ("LD_PRELOAD", "PYTHONPATH")
LOOK_SECONDS = 0.02
BOOT_SECONDS = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Order:
    """What is to run: `environment` is the whole of it; output goes to the end of `log`."""

    arguments: Sequence[str]
    environment: Mapping[str, str]
    folder: Path
    log: Path


class Child(Protocol):
    @property
    def pid(self) -> int: ...
    async def wait(self) -> int:
        """The exit code; negative is the signal that ended it."""


class Spawn(Protocol):
    async def __call__(self, order: Order) -> Child: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class _Forked:
    pid: int
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter

    async def wait(self) -> int:
        code = int(await self.reader.readline())
        self.writer.close()
        with suppress(OSError):
            await self.writer.wait_closed()
        return code


class Zygote:
    """The process that forks; it ends with the test run."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def __call__(self, order: Order) -> Child:
        reader, writer = await self._connected()
        asked = {
            "arguments": list(order.arguments),
            "environment": dict(order.environment),
            "folder": str(order.folder),
            "log": str(order.log),
        }
        writer.write(json.dumps(asked).encode() + b"\n")
        return _Forked(pid=int(await reader.readline()), reader=reader, writer=writer)

    async def _connected(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """It answers when it has imported everything."""
        async with asyncio.timeout(BOOT_SECONDS):
            while True:
                try:
                    return await asyncio.open_unix_connection(str(self._path))
                except (FileNotFoundError, ConnectionRefusedError):
                    await asyncio.sleep(LOOK_SECONDS)


async def anew(order: Order) -> Child:
    """An interpreter of its own."""
    with order.log.open("ab") as log:
        return await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "chaos.under_test",
            *order.arguments,
            cwd=order.folder,
            env=order.environment,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            # A group of its own, so that its workers can be ended with it.
            start_new_session=True,
        )


def own_environment() -> dict[str, str]:
    """Without what measures coverage, which would slow each start; with the tests' own folder to import from."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("COVERAGE", "COV_"))}
    return {**kept, "PYTHONPATH": os.pathsep.join([str(ROOT / "tests"), str(ROOT)])}


@contextmanager
def zygote(folder: Path) -> Iterator[Spawn]:
    path = folder / "zygote"
    forker = Zygote(path)

    async def spawn(order: Order) -> Child:
        plain = own_environment()
        changed = [name for name in NEEDS_A_NEW_INTERPRETER if order.environment.get(name) != plain.get(name)]
        return await (anew(order) if changed else forker(order))

    command = [sys.executable, "-m", "chaos.zygote", str(path)]
    with subprocess.Popen(command, env=own_environment(), stdin=subprocess.DEVNULL) as process:
        try:
            yield spawn
        finally:
            process.kill()
