"""Worker processes that are forked from their service, which has everything warm, and not started anew.

Production spawns them, because a fork copies threads and locks in whatever state they are; that costs over a second of
work each time, too much where a service is killed hundreds of times and the workers are not what is tried.
"""

import multiprocessing
import os
import socket
import stat
from contextlib import suppress
from pathlib import Path
from typing import Any

from shared import workers


class _Forking:
    @staticmethod
    def get_context(_method: str) -> Any:
        return multiprocessing.get_context("fork")


def _let_go() -> None:
    """The service's connections and its port are not the worker's: they end with the service."""
    for each in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            descriptor = int(each.name)
            if not stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                continue
            found = socket.socket(fileno=descriptor)
            if found.family in {socket.AF_INET, socket.AF_INET6}:
                found.close()
            else:
                found.detach()


def install() -> None:
    os.register_at_fork(after_in_child=_let_go)
    module: Any = workers
    module.multiprocessing = _Forking
