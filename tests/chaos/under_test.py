"""The real services, which obey orders here: `python -m chaos.under_test fetcher|processor|run`.

An order is a file `<step>.<before|after>` in the folder CHAOS_ORDERS; its text says what to do there:

    kill            SIGKILL to the process itself
    stop            SIGSTOP to the process itself, which waits to be continued
    kill-workers    SIGKILL to the processes of its worker pools, and on
    delay:<seconds> and on
    fail            raise what is a bug: the page is tried again later
    refuse          raise what no second try mends: the page goes to the quarantine

The first process to come to the step takes the order, by moving it to `taken/<step>.<before|after>.<pid>`: one of
several processes, once. Orders can be given at any time, before the start as well as in the middle of the work.
"""

# ruff: noqa: PLC0415 -- worker processes import this module too, and need nothing of it
import asyncio
import ctypes
import importlib
import multiprocessing
import os
import signal
import sys
import traceback
from pathlib import Path

from shared.errors import PermanentError

PR_SET_PDEATHSIG = 1
INVALID = 2
"""Exit code of a service that cannot start as it was set up; starting it again would not help."""


class Orders:
    """The hook: looks for an order at each step."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def __call__(self, step: str, when: str) -> None:
        taken = self._folder / "taken" / f"{step}.{when}.{os.getpid()}"
        try:
            (self._folder / f"{step}.{when}").rename(taken)
        except FileNotFoundError:
            return
        await obey(taken.read_text())


async def obey(order: str) -> None:
    action, _, argument = order.partition(":")
    match action:
        case "kill":
            os.kill(os.getpid(), signal.SIGKILL)
        case "stop":
            os.kill(os.getpid(), signal.SIGSTOP)
        case "kill-workers":
            for worker in multiprocessing.active_children():
                worker.kill()
        case "delay":
            await asyncio.sleep(float(argument))
        case "fail":
            raise RuntimeError("failed by order")
        case "refuse":
            raise PermanentError("refused_by_order")
        case _:
            raise ValueError(f"no such order: {order!r}")


def end_with_parent() -> None:
    """A test run that is killed leaves no service behind."""
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


def run(service: str) -> None:
    """The service's own main function, with its own arguments."""
    if service == "fetcher":
        from services.fetcher.__main__ import main
    elif service == "processor":
        from services.processor.__main__ import main
    else:
        from services.console.__main__ import main
    main()


def install() -> None:
    if folder := os.environ.get("CHAOS_ORDERS"):
        from shared import steps

        steps.install(Orders(Path(folder)))
    if os.environ.get("CHAOS_WORKERS") == "forked":
        importlib.import_module("chaos.forked_workers").install()
    if broken := os.environ.get("CHAOS_BROKEN"):
        try:
            importlib.import_module("chaos.broken").apply(broken)
        except Exception:  # noqa: BLE001 -- whatever it is, what was to be broken is not
            # Not as a service that fails: everything would be lost then, and for the wrong reason.
            traceback.print_exc()
            sys.exit(INVALID)


def play(arguments: list[str]) -> None:
    end_with_parent()
    install()
    # The console reads its own command from its arguments; the services read none.
    sys.argv = ["fildactu", *arguments] if arguments[0] == "run" else arguments[:1]
    run(arguments[0])


if __name__ == "__main__":
    play(sys.argv[1:])
