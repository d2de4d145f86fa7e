"""What becomes of one delivery: error and attempt in, verdict out. Pure; both brokers apply it."""

from dataclasses import dataclass

from shared.errors import PermanentError, TransientError, Unavailable
from shared.topology import RETRY_TIERS, RetryTier


@dataclass(frozen=True, slots=True)
class Ack:
    """Done: committed, or seen before."""


@dataclass(frozen=True, slots=True)
class Retry:
    """Once more, when the tier's delay is over."""

    tier: RetryTier
    reason: str


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """To the quarantine, with the reason; a person or a fixed release decides."""

    reason: str
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pause:
    """Hand it back untouched and take no more until the dependency answers again."""

    reason: str


Verdict = Ack | Retry | DeadLetter | Pause


def judge(error: Exception, attempt: int) -> Verdict:
    """The verdict on a failed delivery; `attempt` counts from 1.

    An outage of ours pauses: retrying through tiers would only move the whole backlog into the retry queues.
    Unknown errors are bugs and get the same bounded retries as transient ones: a release may mend them meanwhile.
    """
    match error:
        case Unavailable(reason=reason):
            return Pause(reason)
        case PermanentError(reason=reason, detail=detail):
            return DeadLetter(reason, detail)
        case TransientError(reason=reason, retry_after=retry_after):
            return _retry(reason, attempt, retry_after or 0.0, detail=str(error))
        case _:
            return _retry("unexpected_error", attempt, 0.0, detail=repr(error)[:500])


def _retry(reason: str, attempt: int, at_least: float, *, detail: str) -> Verdict:
    if attempt > len(RETRY_TIERS):
        return DeadLetter(reason, detail)
    later = [tier for tier in RETRY_TIERS[attempt - 1 :] if tier.delay_seconds >= at_least]
    return Retry(later[0] if later else RETRY_TIERS[-1], reason)
