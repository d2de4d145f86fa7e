"""What a message carries when it is set aside, for a retry or for the quarantine. Pure; both brokers use it."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from shared.broker.protocols import (
    ATTEMPT_HEADER,
    DETAIL_HEADER,
    FAILED_AT_HEADER,
    REASON_HEADER,
    STAGE_HEADER,
    Delivery,
)
from shared.delivery import DeadLetter, Pause, Retry, Verdict
from shared.envelope import Message
from shared.topology import RAW_WORK

MAX_DETAIL_BYTES = 1024
_QUARANTINE_HEADERS = frozenset({REASON_HEADER, DETAIL_HEADER, STAGE_HEADER, FAILED_AT_HEADER})


def attempt_of(headers: Mapping[str, str | int]) -> int:
    """The attempt a message says it is, from 1; a header that is no count says nothing."""
    attempt = headers.get(ATTEMPT_HEADER)
    return attempt if isinstance(attempt, int) and attempt > 0 else 1


def applicable(verdict: Verdict, queue: str) -> Verdict:
    """The verdict as far as `queue` can carry it out.

    A retry ends in the work queue. From any other queue it would move the message, from the quarantine even back
    to where it failed; there, what cannot be done is handed back and tried again when the dependency answers.
    """
    match verdict:
        case Retry(reason=reason) | DeadLetter(reason=reason) if queue != RAW_WORK:
            return Pause(reason)
        case _:
            return verdict


def for_retry(delivery: Delivery) -> Message:
    """The same message, one attempt later."""
    kept = {name: value for name, value in delivery.message.headers.items() if name not in _QUARANTINE_HEADERS}
    return replace(delivery.message, headers={**kept, ATTEMPT_HEADER: delivery.attempt + 1})


def for_quarantine(delivery: Delivery, verdict: DeadLetter, *, stage: str, failed_at: datetime) -> Message:
    """The same message with what a person needs to decide about it: why, where, when, at which attempt."""
    facts: dict[str, str | int] = {
        ATTEMPT_HEADER: delivery.attempt,
        REASON_HEADER: verdict.reason,
        DETAIL_HEADER: _clipped(verdict.detail),
        STAGE_HEADER: stage,
        FAILED_AT_HEADER: failed_at.isoformat(),
    }
    return replace(delivery.message, headers={**delivery.message.headers, **facts})


def _clipped(detail: str) -> str:
    # Headers travel in one frame and are kept in memory by the broker.
    return detail.encode("utf-8", "replace")[:MAX_DETAIL_BYTES].decode("utf-8", "ignore")
