from dataclasses import replace
from datetime import UTC, datetime

import pytest
from broker_traffic import page
from hypothesis import given
from hypothesis import strategies as st

from shared.broker.copies import MAX_DETAIL_BYTES, applicable, attempt_of, for_quarantine, for_retry
from shared.broker.protocols import Delivery
from shared.delivery import Ack, DeadLetter, Pause, Retry, Verdict
from shared.topology import RAW_DEAD, RAW_KEY, RAW_WORK, RETRY_TIERS

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
RETRY = Retry(RETRY_TIERS[0], "timeout")


def delivery(headers: dict[str, str | int]) -> Delivery:
    return Delivery(message=replace(page(), headers=headers), routing_key=RAW_KEY, attempt=attempt_of(headers))


@pytest.mark.parametrize(
    ("headers", "attempt"),
    [({}, 1), ({"x-attempt": 3}, 3), ({"x-attempt": 0}, 1), ({"x-attempt": -2}, 1), ({"x-attempt": "3"}, 1)],
)
def test_attempts_count_from_one(headers: dict[str, str | int], attempt: int) -> None:
    """A missing or senseless attempt header means the first attempt."""
    assert attempt == attempt_of(headers)


@pytest.mark.parametrize(
    ("verdict", "queue", "applied"),
    [
        (Ack(), RAW_DEAD, Ack()),
        (RETRY, RAW_WORK, RETRY),
        (RETRY, RAW_DEAD, Pause("timeout")),
        (DeadLetter("not_html"), RAW_WORK, DeadLetter("not_html")),
        (DeadLetter("not_html"), RAW_DEAD, Pause("not_html")),
        (Pause("disk_full"), "subscriber", Pause("disk_full")),
    ],
)
def test_only_the_work_queue_has_retries_and_a_quarantine(verdict: Verdict, queue: str, applied: Verdict) -> None:
    """Elsewhere, what cannot be done is handed back."""
    assert applied == applicable(verdict, queue)


def test_a_retried_message_is_the_same_one_attempt_later() -> None:
    """A retry keeps the message's own headers and loses what a stay in the quarantine added."""
    back_from_quarantine = delivery(
        {"traceparent": "00-1", "x-attempt": 2, "x-reason": "timeout", "x-stage": "raw.work"}
    )

    assert replace(page(), headers={"traceparent": "00-1", "x-attempt": 3}) == for_retry(back_from_quarantine)


def test_a_quarantined_message_says_why_where_when_and_at_which_attempt() -> None:
    """A later quarantine overwrites what an earlier one said."""
    again = delivery({"traceparent": "00-1", "x-attempt": 4, "x-reason": "old", "x-detail": "old"})
    copy = for_quarantine(again, DeadLetter("not_html", "image/png"), stage=RAW_WORK, failed_at=NOW)

    assert copy.headers == {
        "traceparent": "00-1",
        "x-attempt": 4,
        "x-reason": "not_html",
        "x-detail": "image/png",
        "x-stage": "raw.work",
        "x-failed-at": "2026-03-01T12:00:00+00:00",
    }


@given(detail=st.text(st.characters()))
def test_any_detail_fits_into_a_header(detail: str) -> None:
    """Lone surrogates and long texts of any script become at most a kilobyte of valid UTF-8."""
    copy = for_quarantine(delivery({}), DeadLetter("r", detail * 50), stage=RAW_WORK, failed_at=NOW)

    assert len(str(copy.headers["x-detail"]).encode()) <= MAX_DETAIL_BYTES
