"""Calling a handler so that every delivery gets a verdict, and waiting until it can work again."""

import asyncio
from collections.abc import Callable

import structlog

from shared.broker.cancellation import being_cancelled, true_cancellations
from shared.broker.pace import waits
from shared.broker.protocols import Delivery, Handler, Ready, Rejected, Unconfirmed, Unroutable
from shared.delivery import Verdict, judge
from shared.errors import PipelineError, TransientError, Unavailable
from shared.waiting import waiting

log = structlog.get_logger()


async def handled(handler: Handler, delivery: Delivery, *, queue: str) -> Verdict:
    """The handler's verdict, or the one on the exception it raised."""
    try:
        return await handler(delivery)
    except asyncio.CancelledError:
        if being_cancelled():
            raise
        # A driver gave up its connection this way; nobody wants this task to end.
        return _judged(TransientError("cancelled_inside"), delivery, queue)
    except Exception as error:  # noqa: BLE001 -- whatever it is, the message needs a verdict
        return _judged(error, delivery, queue)


async def until_ready(ready: Ready, chance: Callable[[], float], *, queue: str) -> None:
    """Wait, with growing pauses, until what the handler of `queue` needs answers."""
    for pause in waits(chance):
        try:
            with true_cancellations():
                await ready()
        except Exception as error:  # noqa: BLE001 -- any error means: not ready
            log.debug("not_ready", queue=queue, reason=repr(error))
            if isinstance(error, Unavailable):
                waiting.met(queue, error)
            await asyncio.sleep(pause)
        else:
            return


def _judged(error: Exception, delivery: Delivery, queue: str) -> Verdict:
    verdict = judge(error, delivery.attempt)
    facts = {"queue": queue, "message_id": delivery.message.message_id, "attempt": delivery.attempt}
    if isinstance(error, Unavailable):
        waiting.met(queue, error)
    elif isinstance(error, Rejected | Unconfirmed | Unroutable):
        waiting.lasts(queue, "broker", error.reason)
    elif isinstance(error, PipelineError):
        log.warning("handler_gave_up", reason=str(error), verdict=verdict, **facts)
    else:
        log.error("handler_failed", verdict=verdict, exc_info=error, **facts)
    return verdict
