"""Telling cancellations: libraries raise some that nobody asked for, and lose some that somebody did."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


def being_cancelled() -> bool:
    """Whether somebody cancelled this task.

    aiormq rejects what it waits for with CancelledError when a connection is stuck: then nobody did.
    """
    return _cancellations() > 0


@contextmanager
def true_cancellations() -> Iterator[None]:
    """Around calls of a library: CancelledError comes out if, and only if, this task is cancelled during them.

    A cancellation by the library becomes the ConnectionError that it means. One of ours that the library lost is
    raised at the end, whatever its call came to: up to Python 3.11, `asyncio.wait_for` returns the result instead
    when the two coincide, and whoever waits next would wait for ever. Cancelled before, a task can still clean up.
    """
    before = _cancellations()
    try:
        yield
    except (Exception, asyncio.CancelledError) as error:
        match _cancellations() > before, isinstance(error, asyncio.CancelledError):
            case True, False:
                raise asyncio.CancelledError from error
            case False, True:
                raise ConnectionError("the connection was given up") from error
        raise
    if _cancellations() > before:
        raise asyncio.CancelledError


def _cancellations() -> int:
    task = asyncio.current_task()
    return task.cancelling() if task else 0
