"""Times as pages write them."""

from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.metadata.dates import is_day_only, read_time

DAY = datetime(2026, 7, 29)  # noqa: DTZ001 (no zone is stated)
CLOCK = DAY.replace(hour=13, minute=19)


@pytest.mark.parametrize(
    ("text", "hours"),
    [
        ("20260729T1319+0800", 8),
        ("2026-07-29T13:19:00-03:00", -3),
        ("2026-07-29 13:19:00 +01:00", 1),
        ("2026-07-29 13:19 UTC", 0),
        ("2026-07-29T13:19:00.0000000Z", 0),
        ("Wed, 29 Jul 2026 13:19:00 +0300", 3),
    ],
)
def test_the_stated_offset_is_kept(text, hours):
    """A time is that of the place where it was written, to the hour that readers there saw."""
    found = read_time(text)

    assert found is not None
    assert (found.replace(tzinfo=None), found.utcoffset()) == (CLOCK, timedelta(hours=hours))


@pytest.mark.parametrize(
    ("text", "language", "expected"),
    [
        ("29 juillet 2026 à 13h19", "fr", CLOCK),
        ("Publié le mercredi 29 juillet 2026 à 13:19", "fr", CLOCK),
        ("29 juil. 2026", "fr", DAY),
        ("1er août 2026", "fr", datetime(2026, 8, 1)),  # noqa: DTZ001
        ("29/07/2026 - 13:19", "fr", CLOCK),
        ("29 يوليو 2026", "ar", DAY),
        ("٢٩ يوليو ٢٠٢٦", "ar", DAY),
        ("29 جويلية 2026", "ar", DAY),
        ("29 يوليو/تموز 2026", "ar", DAY),
        ("July 29, 2026 1:19 PM", "en", CLOCK),
        ("Wed, Jul 29, 2026, 01:19 PM EDT", "en", CLOCK),
        ("07/29/2026", "en", DAY),
        ("29. Juli 2026, 13:19 Uhr", "de", CLOCK),
        ("29.07.2026 13:19", "de", CLOCK),
        ("29 de julio de 2026", "es", DAY),
        ("29 de julho de 2026 às 13h19", "pt", CLOCK),
        ("2026年7月29日", "ja", DAY),
        ("29 juillet 2026", None, DAY),
        ("29 de julio de 2026 13:19 h Actualizado el 30/07/2026 21:57 h", "es", CLOCK),
    ],
)
def test_dates_in_words_are_read_in_the_pages_language(text, language, expected):
    """The first day is taken, with its time of day; there is no zone in it."""
    assert expected == read_time(text, language)


@pytest.mark.parametrize("text", ["1785331140", "1785331140000"])
def test_seconds_and_milliseconds_since_1970(text):
    """Both are written, and told by their length."""
    assert read_time(text) == datetime(2026, 7, 29, 13, 19, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "language"),
    [
        ("", None), ("il y a 2 heures", "fr"), ("juillet 2026", "fr"), ("12345", None), ("31/02/2026", "fr"),
        ("1970-01-01T00:00:00Z", None), ("0", None), ("0000000000", None), ("9999-12-31T23:59:00-12:00", None),
    ],
)  # fmt: skip
def test_what_is_no_day_is_none(text, language):
    """Relative times, months and placeholders date nothing: no part is taken from today's calendar."""
    assert read_time(text, language) is None


def test_an_english_date_in_figures_that_is_two_days_is_none():
    """`04/03/2026` is a day of March in London and of April in Chicago; in other languages there is one order."""
    assert read_time("04/03/2026", "en") is None
    assert read_time("04/03/2026", "fr") == datetime(2026, 3, 4)  # noqa: DTZ001


@given(st.datetimes(min_value=datetime(1991, 1, 1)), st.integers(-14 * 4, 14 * 4))  # noqa: DTZ001
def test_iso_times_are_read_as_they_are(moment, quarters):
    """Every time that Python writes with an offset comes back the same, offset and all."""
    zone = timezone(timedelta(minutes=15 * quarters))
    try:
        stated = moment.replace(microsecond=0, tzinfo=zone)
        stated.astimezone(UTC)
    except OverflowError:
        return

    found = read_time(stated.isoformat())

    assert (found, found and found.utcoffset()) == (stated, stated.utcoffset())


@given(st.text(max_size=200), st.sampled_from(["fr", "ar", "en", None, "xx"]))
def test_no_text_raises(text, language):
    """Whatever stands where a time should be is a time or none."""
    assert isinstance(read_time(text, language), datetime | None)


@given(st.from_regex(r"\A\d{1,4}[./ -](\d{1,4}|[a-zé]{3,9})[./ -]\d{1,4}( \d{1,2}[:h]\d{2})?\Z"))
def test_no_text_like_a_date_raises(text):
    """Nor does anything that looks like a day and is none."""
    assert isinstance(read_time(text, "fr"), datetime | None)


def test_a_day_without_a_clock_is_its_midnight():
    """A midnight may be meant, yet it is as often a day's placeholder."""
    assert is_day_only(DAY)
    assert not is_day_only(CLOCK)
