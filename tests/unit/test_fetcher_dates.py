"""Dates as feeds write them."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.documents.dates import read_date
from services.fetcher.documents.months import MONTHS

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
TEN = datetime(2026, 11, 23, 10, tzinfo=UTC)
MIDNIGHT = datetime(2026, 11, 23, tzinfo=UTC)


def at(hour, minute=0):
    return datetime(2026, 11, 23, hour, minute, tzinfo=UTC)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        ("2016/6/29 15:07:41", datetime(2016, 6, 29, 15, 7, 41, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 10:00:00 GMT", TEN),
        ("Mon, 23 Nov 2026 10:00:00", TEN),
        ("Mo, 25 Jun 2018 08:00:00 +0000", datetime(2018, 6, 25, 8, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 10:00:00 CET", at(9)),
        ("Mon, 23 Nov 2026 10:00:00 CEST", at(8)),
        ("Mon, 23 Nov 2026 10:00:00 IST", at(4, 30)),
        ("Mon, 23 Nov 2026 10:00:00 AEST", at(0)),
        ("Mon, 23 Nov 2026 10:00:00 BST", at(9)),
        ("Mon, 23 Nov 2026 10:00:00 EST", at(15)),
        ("Mon, 23 Nov 2026 10:00:00 Nowhere", TEN),
        ("Mon, 23 Nov 2026 10:00:00 +02:00", at(8)),
        ("Mon, 23 Nov 2026 10:00:00 +0530", at(4, 30)),
        ("Mon, 23 Nov 2026 10:00:00 -0300", at(13)),
        ("Mon, 23 Nov 2026 10:00:00 -0800 (PST)", at(18)),
        ("Mon, 23 Nov 2026 10:00:00 GMT+0200", at(8)),
        ("Mon, 23 Nov 2026 10:00:00 UTC+02:00", at(8)),
        ("Mon, 23 Nov 26 10:00 GMT", TEN),
        ("Mon Nov 23 10:00:00 2026", TEN),
        ("Mon Nov 23 10:00:00 CET 2026", at(9)),
        ("2026-11-23 10:00:00 +0100", at(9)),
        ("2026-11-23 10:00:00", TEN),
        ("2026-11-23T10:00:00Z", TEN),
        ("2026-11-23T10:00Z", TEN),
        ("2026-11-23T10:00:00.123456+01:00", at(9)),
        ("2026-11-23t10:00:00,5+01", at(9)),
        ("2026-11-23", MIDNIGHT),
        ("20261123", MIDNIGHT),
        ("20261123T100000Z", TEN),
        ("20261123T100000+0100", at(9)),
        ("Mon, 23 November 2026 10:00:00 +0000", TEN),
        ("Sun, 22 Nov 2026 24:00:00 GMT", MIDNIGHT),
        ("Sun, 22 Nov 2026 23:59:60 GMT", MIDNIGHT),
        ("1795428000", TEN),
        ("1795428000000", TEN),
        ("Mon,23 Nov 2026 10:00:00 +0000", TEN),
        ("  Mon, 23 Nov 2026\n10:00:00 +0000 ", TEN),
        ("23.11.2026 10:00", TEN),
        ("23.11.2026", MIDNIGHT),
        ("Nov 23, 2026 10:00 AM", TEN),
        ("Nov 23, 2026 10:00 p.m.", at(22)),
        ("Nov 23, 2026 12:30 AM", at(0, 30)),
        ("Monday, November 23rd, 2026", MIDNIGHT),
        ("23/11/2026", MIDNIGHT),
        ("11/23/2026 10:00", TEN),
        ("lun., 23 nov. 2026 10:00:00 +0100", at(9)),
        ("lundi 23 novembre 2026 à 10h00", TEN),
        ("1er août 2026", datetime(2026, 8, 1, tzinfo=UTC)),
        ("Пн, 23 ноября 2026 13:00:00 +0300", TEN),
        ("23 ноя 2026", MIDNIGHT),
        ("23. März 2026", datetime(2026, 3, 23, tzinfo=UTC)),
        ("23 de noviembre de 2026", MIDNIGHT),
        ("23 Kasım 2026", MIDNIGHT),
        ("2026. november 23. 10:00", TEN),
        ("23 نوفمبر 2026", MIDNIGHT),
        ("٢٣ نوفمبر ٢٠٢٦", MIDNIGHT),
        ("23 فيفري 2026", datetime(2026, 2, 23, tzinfo=UTC)),
        ("2026年11月23日", MIDNIGHT),
        ("2026年11月23日 10:00", TEN),
        ("2026년 11월 23일", MIDNIGHT),
        ("2026年11月23日 下午3:05", at(15, 5)),
        ("2026年11月23日午前10時30分", at(10, 30)),
        ("2026年11月23日 10时", TEN),
        ("2026년 11월 23일 오후 12시 5분", at(12, 5)),
        ("2026. 11. 23. 오전 12:05:30 +0900", datetime(2026, 11, 22, 15, 5, 30, tzinfo=UTC)),
        ("Mon, 23 Nov 2026 10:00:00 GMT+2", at(8)),
        ("Mon, 23 Nov 2026 10:00:00 +2:00", at(8)),
        ("Mon, 23 Nov 2026 10:00:00 +200", at(8)),
        ("Fri, 23 Nov 2026 10:00:00 GMT", TEN),
        ("2026-11-23T10:00:00+01:00[Europe/Paris]", at(9)),
        ("Monday 23rd of November 2026 10:00:00 AM", TEN),
        ("Пон, 23 Ноя 2026 10:00:00 +0300", at(7)),
        ("23 ноември 2026, 10:00", TEN),
        ("23. новембар 2026", MIDNIGHT),
        ("23 листопада 2026", MIDNIGHT),
        ("2026 m. lapkričio 23 d.", MIDNIGHT),
        ("23. novembris 2026", MIDNIGHT),
        ("23. detsember 2025", datetime(2025, 12, 23, tzinfo=UTC)),
        ("23. máj 2026", datetime(2026, 5, 23, tzinfo=UTC)),
        ("23 października 2026", datetime(2026, 10, 23, tzinfo=UTC)),
        ("23 maggio 2026", datetime(2026, 5, 23, tzinfo=UTC)),
        ("23 de març de 2026", datetime(2026, 3, 23, tzinfo=UTC)),
        ("23 syyskuuta 2026", datetime(2026, 9, 23, tzinfo=UTC)),
        ("23 Şubat 2026", datetime(2026, 2, 23, tzinfo=UTC)),
        ("23 Φεβρουαρίου 2026", datetime(2026, 2, 23, tzinfo=UTC)),
        ("23 בנובמבר 2026", MIDNIGHT),
        ("२३ नवंबर 2026", MIDNIGHT),
        ("23 tháng 11, 2026", MIDNIGHT),
        ("23.11.26 10:00", TEN),
        ("23/11/26", MIDNIGHT),
        ("11/23/26", MIDNIGHT),
        ("Mon, 23 Nov 2026 10.00.15", MIDNIGHT),
        ("2026-11-23T10", TEN),
        ("2026-11-23T10Z", TEN),
        ("2026-11-23T10+01:00", at(9)),
        ("23.11.2026, 10.00 Uhr", TEN),
        ("Nov 23, 2026 5:00 AM ET", TEN),
        ("23 tháng 11 năm 2026 10:00", TEN),
    ],
)
def test_a_date_is_read_as_it_was_meant(raw, expected):
    """Every spelling seen in real feeds gives the instant that it means, in UTC."""
    assert expected == read_date(raw, NOW)


@pytest.mark.parametrize(
    "raw",
    [
        None,
        "",
        "   ",
        "yesterday",
        "0000-00-00",
        "0000-00-00 00:00:00",
        "Thu, 01 Jan 1970 00:00:00 GMT",
        "0",
        "1989-12-31T23:59:59Z",
        "2026-11-26T12:00:01Z",
        "Wed, 19 Jan 2038 03:14:07 GMT",
        "2026-02-30",
        "2026-13-01",
        "45.45.2026",
        "Mon, 23 Foo 2026 10:00:00 GMT",
        "2026-11-23T25:00:00Z",
        "2026年11月23日 25時",
        "23 tháng 13, 2026",
        "9" * 30,
        "-1795428000",
        "Mon, 23 Nov 2026 10:00:00 GMT" + " " * 100 + "x",
    ],
)
def test_a_date_that_cannot_be_right_is_none(raw):
    """Nonsense, years before 1990 and times more than two days ahead count as no date."""
    assert read_date(raw, NOW) is None


def test_two_days_ahead_is_still_accepted():
    """A clock that is a little ahead, or a zone read as another, is tolerated up to two days."""
    assert NOW + timedelta(days=2) == read_date("2026-11-26T12:00:00Z", NOW)


@given(st.datetimes(min_value=datetime(1990, 1, 2), max_value=datetime(2026, 11, 24)), st.integers(-12 * 60, 14 * 60))  # noqa: DTZ001
def test_iso_and_rfc_822_round_trip(naive, minutes_east):
    """Whatever instant and offset: the two standard spellings are read back to the second."""
    instant = naive.replace(tzinfo=UTC, microsecond=0)
    local = instant + timedelta(minutes=minutes_east)
    sign, (hours, minutes) = "+-"[minutes_east < 0], divmod(abs(minutes_east), 60)
    iso = f"{local:%Y-%m-%dT%H:%M:%S}{sign}{hours:02}:{minutes:02}"
    rfc = f"{local:%a, %d %b %Y %H:%M:%S} {sign}{hours:02}{minutes:02}"

    assert [instant, instant] == [read_date(iso, NOW), read_date(rfc, NOW)]


def test_every_month_name_is_read_in_a_date():
    """Whichever language: the day stands before the month."""
    read = {name: read_date(f"17 {name} 2025 10:00", NOW) for name in MONTHS}

    assert read == {name: datetime(2025, number, 17, 10, tzinfo=UTC) for name, number in MONTHS.items()}


@given(st.text(max_size=120))
def test_no_text_makes_it_fail(raw):
    """Any text gives a time within the accepted span, or none."""
    found = read_date(raw, NOW)

    assert found is None or (found.year >= 1990 and found <= NOW + timedelta(days=2))
