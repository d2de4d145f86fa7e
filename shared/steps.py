"""The steps of the delivery protocol by name: every await that changes state, and the work that can be lost with one.

Tests stop or kill a process before and after any of them. Without a hook, which only tests install, a step is no more
than what it awaits.
"""

from collections.abc import Awaitable, Callable
from enum import StrEnum
from typing import Literal, TypeVar

T = TypeVar("T")
When = Literal["before", "after"]
Hook = Callable[["Step", When], Awaitable[None]]


class Step(StrEnum):
    """In the order in which a page meets them."""

    FEEDS_LEASE = "feeds.lease"
    POLL_SLOT = "poll.slot"
    POLL_REQUEST = "poll.request"
    POLL_PARSE = "poll.parse"
    POLL_COMMIT = "poll.commit"
    POLL_POSTPONE = "poll.postpone"
    POLL_RELEASE = "poll.release"
    HOST_HOLD = "host.hold"
    ENTRIES_LEASE = "entries.lease"
    ROBOTS_SAVE = "robots.save"
    VISIT_BEGIN = "visit.begin"
    VISIT_NUMBER = "visit.number"
    VISIT_REQUEST = "visit.request"
    VISIT_HOP = "visit.hop"
    PAGE_PUBLISH = "page.publish"
    VISIT_COMMIT = "visit.commit"
    VISIT_POSTPONE = "visit.postpone"
    VISIT_RELEASE = "visit.release"
    CLOCK_MEND = "clock.mend"
    RECONCILE = "entries.reconcile"
    HOSTS_PRUNE = "hosts.prune"
    PAGE_EXTRACT = "page.extract"
    PAGE_SETTLE = "page.settle"
    PAGE_SET_ASIDE = "page.set_aside"
    PAGE_ACK = "page.ack"
    QUARANTINE_REDRIVE = "quarantine.redrive"
    QUARANTINE_KEEP = "quarantine.keep"
    OUTBOX_TAKE = "outbox.take"
    EVENT_PUBLISH = "event.publish"
    OUTBOX_CONFIRM = "outbox.confirm"
    OUTBOX_RELEASE = "outbox.release"
    EVENTS_PRUNE = "events.prune"


_hook: Hook | None = None


def install(hook: Hook | None) -> None:
    """Have `hook` called around every step of this process from now on; None takes it away."""
    global _hook  # noqa: PLW0603 - one per process: a fault does not know which object it hits
    _hook = hook


async def step(name: Step, work: Awaitable[T]) -> T:
    """Await `work`, with the hook before and after it. What the hook raises comes out."""
    if _hook is None:
        return await work
    await reached(name, "before")
    result = await work
    await reached(name, "after")
    return result


async def reached(name: Step, when: When) -> None:
    """The same for a step that is a block and not one await, such as a transaction."""
    if _hook is not None:
        await _hook(name, when)
