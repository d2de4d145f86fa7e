"""A pool of worker processes that can be killed: hostile input costs one worker, never the service."""

import asyncio
import multiprocessing
import pickle
import resource
import signal
import sys
from collections.abc import Callable
from concurrent.futures import TimeoutError as Overrun
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from typing import Any, TypeVar, cast

import structlog
from pebble import ProcessExpired, ProcessPool

from shared import metrics
from shared.errors import PermanentError, Unavailable

log = structlog.get_logger()
T = TypeVar("T")
SWITCH_SECONDS = 0.0005

LARGE_BYTES = 256 * 1024
"""Packed results from here on are unpacked beside the event loop."""

CHECK_SECONDS = 1.0
"""Between looks at the pool while a result is awaited."""


class WorkerLost(PermanentError):
    """The work ran too long, took too much memory or killed its process: `worker_timeout` or `worker_died`."""


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkerLimits:
    """Per unit of work; `tasks_per_worker` renews a process now and then, so that leaks end."""

    workers: int
    seconds: float
    memory_bytes: int = 2 * 1024**3
    tasks_per_worker: int = 5000


class WorkerPool:
    """Runs module-level functions of picklable arguments in processes of their own."""

    def __init__(self, name: str, limits: WorkerLimits, warm_up: Callable[[], None] | None = None) -> None:
        self.name = name
        self._limits = limits
        self._warm_up = warm_up
        self._pool: ProcessPool | None = None
        self._running: set[asyncio.Future[Any]] = set()

    async def run(self, function: Callable[..., T], *args: Any) -> T:  # noqa: ANN401 - passed through unread
        """The function's result; raises its PipelineError, WorkerLost, or Unavailable when there are no processes."""
        pool = self._open()
        try:
            task = pool.schedule(_packed, args=(function, args), timeout=self._limits.seconds)
            packed = await self._result(pool, asyncio.wrap_future(task))
        except Overrun as error:
            raise self._lost("worker_timeout", f"over {self._limits.seconds:g} s") from error
        except BrokenProcessPool as error:
            raise Unavailable(f"workers cannot start: {error}") from error
        except (ProcessExpired, MemoryError) as error:
            raise self._lost("worker_died", str(error)) from error
        # Our own worker's answer, of our own types; a large one would hold up the loop.
        if len(packed) < LARGE_BYTES:
            return cast("T", pickle.loads(packed))  # noqa: S301
        return cast("T", await asyncio.to_thread(pickle.loads, packed))

    async def _result(self, pool: ProcessPool, scheduled: asyncio.Future[bytes]) -> bytes:
        """As soon as it is there; a pool that breaks or is closed leaves what it holds without a result."""
        self._running.add(scheduled)
        try:
            while not (await asyncio.wait([scheduled], timeout=CHECK_SECONDS))[0]:
                if not pool.active:
                    raise Unavailable("workers cannot start")
            if scheduled.cancelled():
                raise Unavailable("workers were closed")
            return scheduled.result()
        finally:
            self._running.discard(scheduled)
            scheduled.cancel()

    def _lost(self, reason: str, detail: str) -> WorkerLost:
        metrics.worker_deaths.labels(pool=self.name, reason=reason).inc()
        return WorkerLost(reason, detail)

    def _open(self) -> ProcessPool:
        if self._pool is not None and not self._pool.active:
            # Its processes failed to start one after the other; it would refuse all work for good.
            self._pool.stop()  # type: ignore[no-untyped-call]
            self._pool = None
        # `spawn`: a fork would copy the parent's threads, sockets and locks in whatever state they are.
        if self._pool is None:
            # The pool's threads hand tasks on and results back: with the usual 5 ms, workers wait for them.
            sys.setswitchinterval(SWITCH_SECONDS)
            self._pool = ProcessPool(
                max_workers=self._limits.workers,
                max_tasks=self._limits.tasks_per_worker,
                initializer=_prepare,
                initargs=(self._limits.memory_bytes, self._warm_up),
                context=multiprocessing.get_context("spawn"),
            )
        return self._pool

    async def close(self) -> None:
        """End the processes; work that is still running is lost (its message was not acked)."""
        if self._pool is not None:
            pool, self._pool = self._pool, None
            pool.stop()  # type: ignore[no-untyped-call]
            for scheduled in tuple(self._running):
                scheduled.cancel()
            await asyncio.to_thread(pool.join)


def _packed(function: Callable[..., object], args: tuple[Any, ...]) -> bytes:
    """The result, packed where time and memory are limited: the pool packs under a lock that all its workers need."""
    try:
        return pickle.dumps(function(*args))
    except Exception as error:  # noqa: BLE001 - whatever it is, it is raised where the work was asked for
        raise _portable(error) from None


def _portable(error: Exception) -> Exception:
    """The error, or its words where it cannot cross processes: one that the pool cannot unpack ends the pool."""
    try:
        pickle.loads(pickle.dumps(error))  # noqa: S301 - our own
    except Exception:  # noqa: BLE001 - whatever an error's own making raises
        return RuntimeError(f"{type(error).__name__}: {error}"[:1000])
    return error


def _prepare(memory_bytes: int, warm_up: Callable[[], None] | None) -> None:
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_AS, (memory_bytes, memory_bytes))
    if warm_up is not None:
        warm_up()
