"""When a headline, authors and a day count as the true ones."""

from datetime import UTC, datetime

import pytest

from bench.text.fields import authors_any, authors_exact, day_exact, title_exact


@pytest.mark.parametrize(
    ("found", "truth", "expected"),
    [
        ("Le bac  repart !", "le bac repart", True),
        ("Heliko\u00adpter", "Helikopter", True),
        ("e\u0301te\u0301", "été", True),
        ("Le bac repart", "Le bac repart lundi", False),
        (None, "Le bac", False),
    ],
)
def test_a_title_is_exact_letter_by_letter(found, truth, expected):
    """Case, punctuation, spaces and soft hyphens are not looked at; a missing word is."""
    assert title_exact(found, truth) is expected


def test_authors_are_a_set():
    """Their order says nothing, one more or less is wrong; `any` asks for one in common."""
    assert authors_exact(("Awa DIOP", "Jean Mba"), ("Jean Mba", "Awa Diop"))
    assert not authors_exact(("Awa Diop",), ("Awa Diop", "Jean Mba"))
    assert authors_any(("Awa Diop",), ("Awa Diop", "Jean Mba"))
    assert not authors_any((), ("Awa Diop",))


def test_a_day_is_that_of_the_truths_calendar():
    """One moment is two days in two places: what readers saw there counts."""
    late = datetime(2026, 7, 28, 22, 30, tzinfo=UTC)

    assert day_exact(late, "2026-07-29T00:30:00+02:00")
    assert day_exact(late, "2026-07-28")
    assert not day_exact(late, "2026-07-29")
    assert not day_exact(None, "2026-07-29")
