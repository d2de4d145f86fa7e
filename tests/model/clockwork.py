"""Time and turns of the model: an event loop whose clock stands still, and actors that stop at every step.

The use cases run unchanged on it: gather, locks, sleeps and timeouts are asyncio's own, in time that only we let pass.
"""

import asyncio
from asyncio import events
from collections.abc import Callable, Coroutine
from contextvars import ContextVar, copy_context
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from shared.steps import Step, When

EPOCH = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
TICK = 0.001
"""Seconds between two turns: no two requests and no two transactions are at the same time."""


class Killed(BaseException):
    """What SIGKILL leaves of a process: nothing of it may act any more."""


class _NoSelector:
    def select(self, _timeout: float | None) -> list[Any]:
        return []


class Clockwork(asyncio.BaseEventLoop):
    """Runs what is ready and then stands still; there is nothing outside of it to wait for."""

    def __init__(self) -> None:
        super().__init__()
        self._selector = _NoSelector()
        self._seconds = 0.0
        self.free = False
        """Whether nobody has to wait at a step, but for `trap`: whole units of work go at once, which is quicker."""
        self.trap: tuple[Step, When] | None = None
        # Of a killed process nobody asks how its tasks ended.
        self.set_exception_handler(lambda _loop, _context: None)

    def time(self) -> float:
        return self._seconds

    @property
    def now(self) -> datetime:
        return EPOCH + timedelta(seconds=self._seconds)

    def tick(self) -> None:
        self._seconds += TICK

    def settle(self) -> None:
        """Run until everyone waits: for us, for another actor or for a later time."""
        events._set_running_loop(self)
        try:
            while self._ready:  # type: ignore[attr-defined]
                self._run_once()  # type: ignore[attr-defined]
        finally:
            events._set_running_loop(None)

    def let_pass(self, seconds: float) -> None:
        """Let time pass; who sleeps wakes when it is their time."""
        until = self._seconds + seconds
        while self._scheduled and self._scheduled[0].when() <= until:  # type: ignore[attr-defined]
            self._seconds = max(self._seconds, self._scheduled[0].when())  # type: ignore[attr-defined]
            events._set_running_loop(self)
            try:
                self._run_once()  # type: ignore[attr-defined]
            finally:
                events._set_running_loop(None)
            self.settle()
        self._seconds = max(self._seconds, until)

    def _process_events(self, _events: list[Any]) -> None:
        """No events come from outside."""

    def _write_to_self(self) -> None:
        """Nothing has to be woken."""


class Process:
    """What lives and dies together. Every part of it asks `check` before it acts."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.alive = True
        self.frozen = False

    def check(self) -> None:
        if not self.alive:
            raise Killed


@dataclass(frozen=True, slots=True, kw_only=True)
class Point:
    """Where an actor waits for its turn."""

    step: Step
    when: When
    turn: asyncio.Future[None]


class Actor:
    """One loop of a process, a unit of work at a time. It waits before and after each step until it is let go."""

    def __init__(
        self,
        loop: Clockwork,
        process: Process,
        name: str,
        work: Callable[[], Coroutine[Any, Any, None]],
        has_work: Callable[[], bool],
    ) -> None:
        self.process = process
        self.name = name
        self._loop = loop
        self._work = work
        self._has_work = has_work
        self._task: asyncio.Task[None] | None = None
        self._points: list[Point] = []

    @property
    def busy(self) -> bool:
        return self._task is not None

    def is_at(self, step: Step, when: When) -> bool:
        return any((each.step, each.when) == (step, when) for each in self._points)

    def can_go(self) -> bool:
        if self.process.frozen:
            return False
        return bool(self._points) or (self._task is None and self._has_work())

    def go(self, which: int = 0) -> None:
        """On to the next point: of several that the actor waits at (it publishes in parallel), `which`."""
        self._loop.tick()
        if self._points:
            point = self._points.pop(which % len(self._points))
            if not point.turn.done():
                point.turn.set_result(None)
        elif self._task is None:
            self._start()
        self._loop.settle()
        self._look()

    def stop(self) -> None:
        """As SIGTERM: cancelled, with its cleanup."""
        if self._task is not None:
            self._task.cancel()
            self._points = [each for each in self._points if not each.turn.done()]
            self._loop.settle()
            self._points = [each for each in self._points if not each.turn.done()]
            self._look()

    def die(self) -> None:
        """The process is dead already: cancelled, it finds that nothing can be done any more."""
        self._points = []
        if self._task is not None:
            self._task.cancel()
            self._loop.settle()
            assert self._task.done(), f"{self.process.name} went on after its death"
            self._task = None

    async def park(self, step: Step, when: When) -> None:
        self.process.check()
        if self._loop.free and (step, when) != self._loop.trap:
            return
        turn = self._loop.create_future()
        self._points.append(Point(step=step, when=when, turn=turn))
        await turn

    def _start(self) -> None:
        context = copy_context()
        context.run(_acting.set, self)
        self._task = self._loop.create_task(self._work(), context=context)

    def _look(self) -> None:
        """Note when the unit of work is done; what it raised is ours to hear of."""
        task = self._task
        if task is None or not task.done():
            return
        self._task = None
        if not task.cancelled() and (error := task.exception()) is not None:
            raise error

    look = _look

    def __repr__(self) -> str:
        at = ", ".join(f"{each.when} {each.step}" for each in self._points)
        return f"{self.process.name} {self.name} [{at or ('waits' if self._task else 'idle')}]"


_acting: ContextVar[Actor | None] = ContextVar("acting", default=None)


async def park(step: Step, when: When) -> None:
    """The hook of `shared.steps`: whoever comes to a step waits there."""
    actor = _acting.get()
    if actor is not None:
        await actor.park(step, when)
