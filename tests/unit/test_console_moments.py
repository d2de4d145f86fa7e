"""Points in time on the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from services.console.moments import moment
from shared.errors import PermanentError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "at"),
    [
        ("2h", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("2026-11-23T08:00Z", NOW - timedelta(hours=4)),
        ("2026-11-23T10:00+02:00", NOW - timedelta(hours=4)),
    ],
)
def test_a_duration_counts_back_and_a_time_is_one(text: str, at: datetime) -> None:
    """Both say where to begin."""
    assert moment(text, NOW) == at


@pytest.mark.parametrize("text", ["", "yesterday", "2026-11-23T08:00", "-2h", "999999999999999d"])
def test_what_is_neither_says_what_would_be(text: str) -> None:
    """A time without a zone could be any of two dozen."""
    with pytest.raises(PermanentError, match="such as 30m"):
        moment(text, NOW)
