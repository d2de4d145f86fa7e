import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.delivery import DeadLetter, Pause, Retry, Verdict, judge
from shared.errors import (
    BrokerUnavailable,
    PermanentError,
    StoreUnavailable,
    TransientError,
    UndecodableMessage,
)
from shared.topology import RETRY_TIERS

FIRST, SECOND, THIRD = RETRY_TIERS


@pytest.mark.parametrize(
    ("error", "attempt", "verdict"),
    [
        (TransientError("timeout"), 1, Retry(FIRST, "timeout")),
        (TransientError("timeout"), 2, Retry(SECOND, "timeout")),
        (TransientError("timeout"), 3, Retry(THIRD, "timeout")),
        (TransientError("timeout"), 4, DeadLetter("timeout", "timeout")),
        # The other side said when: the first tier that waits long enough, else the longest there is.
        (TransientError("busy", retry_after=60), 1, Retry(SECOND, "busy")),
        (TransientError("busy", retry_after=10), 1, Retry(FIRST, "busy")),
        (TransientError("busy", retry_after=86_400), 1, Retry(THIRD, "busy")),
        (TransientError("busy", retry_after=1), 3, Retry(THIRD, "busy")),
        (TransientError("busy", retry_after=60), 4, DeadLetter("busy", "busy")),
        (PermanentError("not_html", "image/png"), 1, DeadLetter("not_html", "image/png")),
        (UndecodableMessage("no field raw_id"), 2, DeadLetter("undecodable", "no field raw_id")),
        (StoreUnavailable("disk_full"), 1, Pause("disk_full")),
        (BrokerUnavailable("unreachable"), 99, Pause("unreachable")),
        (KeyError("title"), 1, Retry(FIRST, "unexpected_error")),
        (KeyError("title"), 4, DeadLetter("unexpected_error", "KeyError('title')")),
    ],
)
def test_verdicts(error: Exception, attempt: int, verdict: Verdict) -> None:
    """Transient and unexpected errors climb the tiers, permanent ones go to the quarantine, our outages pause."""
    assert verdict == judge(error, attempt)


@given(attempt=st.integers(1, 1000), retry_after=st.none() | st.floats(0, 1e9))
def test_retries_are_bounded(attempt: int, retry_after: float | None) -> None:
    """No transient error is retried more often than there are tiers, whatever the other side asks for."""
    verdict = judge(TransientError("timeout", retry_after=retry_after), attempt)

    assert isinstance(verdict, Retry) == (attempt <= len(RETRY_TIERS))


def test_the_detail_of_an_unexpected_error_is_bounded() -> None:
    """A bug whose message holds a whole page does not put that page into a header."""
    verdict = judge(ValueError("x" * 100_000), len(RETRY_TIERS) + 1)

    assert isinstance(verdict, DeadLetter)
    assert len(verdict.detail) == 500
