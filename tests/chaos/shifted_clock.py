"""The time of day of child processes, stepped while they run; monotonic clocks and all waiting stay true.

A small library is preloaded into them. libfaketime, which does more, breaks `time.sleep` of Python 3.11 and newer.
"""

import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import pytest

HOW_TO_GET_IT = "no clock can be shifted: there is no C compiler; on Debian and Ubuntu: apt-get install gcc libc6-dev"
_SOURCE = Path(__file__).with_suffix(".c")
_SHIFT = struct.Struct("=q")


class ShiftedClock:
    """True until it is stepped. All processes that have its `environment` see the same time, from one moment on."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "shifted_clock.so"
        self._file = folder / "nanoseconds"
        self._file.write_bytes(_SHIFT.pack(0))

    @classmethod
    @contextmanager
    def built(cls) -> Iterator["ShiftedClock"]:
        """Where there is no compiler the test is skipped, in CI it fails."""
        compiler = shutil.which("cc")
        if compiler is None:
            (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(HOW_TO_GET_IT)
        # Not in pytest's own folder: PostgreSQL's user may not enter there.
        folder = Path(tempfile.mkdtemp(prefix="fildactu-clock-"))
        folder.chmod(0o755)
        try:
            clock = cls(folder)
            subprocess.run([compiler, "-O2", "-shared", "-fPIC", "-o", clock._library, _SOURCE], check=True, timeout=60)
            yield clock
        finally:
            shutil.rmtree(folder)

    @property
    def environment(self) -> dict[str, str]:
        """To be laid over the environment of a process; its own children inherit it."""
        return {"LD_PRELOAD": str(self._library), "SHIFTED_CLOCK": str(self._file)}

    def step(self, by: timedelta) -> None:
        """Be that much ahead of the true time, or behind it; counted from the true time, not from the last step."""
        # In place: the processes have mapped this very file.
        with self._file.open("r+b", buffering=0) as file:
            file.write(_SHIFT.pack(round(by.total_seconds() * 1_000_000) * 1000))
