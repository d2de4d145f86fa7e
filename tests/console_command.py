"""Runs the `fildactu` command as a user would: a process of its own, its output read."""

import asyncio
import json
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

DEADLINE_SECONDS = 90.0


@dataclass(frozen=True)
class Finished:
    code: int
    out: str
    err: str

    @property
    def events(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.out.splitlines()]


async def started(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> asyncio.subprocess.Process:
    return await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "services.console",
        *arguments,
        cwd=cwd,
        env={**os.environ, **(env or {})},
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # A CloudEvent with a long article is longer than a stream reader's default line.
        limit=2**24,
    )


async def finished(process: asyncio.subprocess.Process) -> Finished:
    """The rest of its output and its exit code; killed, and failed, after a generous deadline."""
    try:
        async with asyncio.timeout(DEADLINE_SECONDS):
            out, err = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return Finished(process.returncode or 0, out.decode(), err.decode())


async def fildactu(*arguments: str, cwd: Path, env: Mapping[str, str] | None = None) -> Finished:
    return await finished(await started(*arguments, cwd=cwd, env=env))


def output_of(process: asyncio.subprocess.Process) -> asyncio.StreamReader:
    assert process.stdout is not None
    return process.stdout


def stop_reading(process: asyncio.subprocess.Process) -> None:
    """Close our end of its standard output, as `head` does when it has enough."""
    process._transport.get_pipe_transport(1).close()  # type: ignore[attr-defined] # asyncio offers nothing public
