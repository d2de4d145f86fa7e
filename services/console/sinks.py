"""Where article events go to: JSON Lines for programs, a readable line each for people."""

import asyncio
import json
import os
from typing import BinaryIO, Protocol

from rich.console import Console

from services.console.display import event_line
from shared.errors import PipelineError


class OutputClosed(PipelineError):
    """Whoever read our output reads no more (`| head`): a reason to stop, not a failure."""


class OutputFailed(PipelineError):
    """The output takes no more: a full disk, a file that vanished."""


class Sink(Protocol):
    async def write(self, event: bytes) -> None:
        """Write one CloudEvent and flush it. Raises OutputClosed or OutputFailed."""


class JsonLines:
    """One line for each event, flushed: a reader sees it when it happens."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream

    async def write(self, event: bytes) -> None:
        # In a thread: a pipe whose reader is slow blocks, and a blocked loop could not even be stopped.
        await asyncio.to_thread(self._write, event)

    def _write(self, event: bytes) -> None:
        try:
            # A raw line feed in JSON stands between its parts only.
            self._stream.write(event.replace(b"\n", b" ") + b"\n")
            self._stream.flush()
        except OSError as error:
            silence(self._stream)
            if isinstance(error, BrokenPipeError):
                raise OutputClosed("the output was closed") from error
            raise OutputFailed(f"the output cannot be written: {error.strerror}") from error


class ReadableLines:
    def __init__(self, console: Console) -> None:
        self._console = console

    async def write(self, event: bytes) -> None:
        line = event_line(json.loads(event), width=self._console.width)
        self._console.print(line, no_wrap=True, overflow="ellipsis")


def silence(stream: BinaryIO) -> None:
    """Send what the stream still holds nowhere: its last flush, at the interpreter's end, would complain otherwise."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, stream.fileno())
    os.close(nowhere)
