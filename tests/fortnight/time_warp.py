"""An event loop in which a fortnight takes seconds: with nothing to do, its clock goes on to the next timer at once.

Sockets are real, and so is the time they take; only sleeping and waiting for a timer take none. While a request is on
its way, the clock stands still.
"""

import asyncio
import selectors
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from typing import Any

PATIENCE_SECONDS = 1.0
"""Real ones: for a held clock that nothing comes to, as with a server that lets us wait on purpose."""

Events = list[tuple[selectors.SelectorKey, int]]


class TimeWarp(asyncio.SelectorEventLoop):
    """`time()` begins at 0."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._held = 0
        super().__init__(_Selector(self))

    def time(self) -> float:
        return self._seconds

    @property
    def is_held(self) -> bool:
        return self._held > 0

    def go_on(self, seconds: float) -> None:
        self._seconds += seconds

    @contextmanager
    def hold(self) -> Iterator[None]:
        """Around what is answered from outside of the loop."""
        self._held += 1
        try:
            yield
        finally:
            self._held -= 1

    @contextmanager
    def let_go(self) -> Iterator[None]:
        """Around a wait within such a block."""
        self._held -= 1
        try:
            yield
        finally:
            self._held += 1

    def run_in_executor(  # type: ignore[override]
        self, executor: Executor | None, func: Callable[..., Any], *args: Any
    ) -> asyncio.Future[Any]:
        """At once and in place: the clock need not be held for it, and every run takes the same course."""
        done = self.create_future()
        try:
            done.set_result(func(*args))
        except Exception as error:  # noqa: BLE001 - whoever awaits it gets it
            done.set_exception(error)
        return done


class _Selector(selectors.DefaultSelector):
    def __init__(self, loop: TimeWarp) -> None:
        super().__init__()
        self._loop = loop

    def select(self, timeout: float | None = None) -> Events:
        events = super().select(0)
        if events or (timeout is not None and timeout <= 0):
            return events
        if timeout is None:
            return super().select(None)
        if self._loop.is_held:
            events = super().select(PATIENCE_SECONDS)
        if not events:
            self._loop.go_on(timeout)
        return events
