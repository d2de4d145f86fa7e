"""Values as pages and feeds write them, brought to one form."""

from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.normalization import (
    distinct,
    one_line,
    paragraphs_of,
    parse_time,
    primary_language,
    word_count,
)
from services.processor.text.body import without_head
from services.processor.text.furniture import is_furniture
from services.processor.text.lines import Line, kept


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("  a \n\t b\u00a0c ", "a b c"),
        ("Heliko\u00adpter\u200b", "Helikopter"),
        ("e\u0301te\u0301", "été"),
        ("a\x00b\x1fc\x85d\x9f", "ab c d"),
        ("a\ud83d", "a"),
    ],
)
def test_white_space_and_invisible_characters(text, expected):
    """One space between words, none of the characters a reader cannot see."""
    assert expected == one_line(text)


@given(st.text())
def test_one_line_is_stable(text):
    """Cleaning what is clean changes nothing."""
    assert one_line(text) == one_line(one_line(text))


def test_paragraphs_are_the_lines_that_hold_anything():
    """Empty lines separate, they are not paragraphs."""
    assert paragraphs_of(" a\n\n \u00ad\nb  c\n") == ("a", "b c")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("20260729T1319+0800", datetime(2026, 7, 29, 5, 19, tzinfo=UTC)),
        ("2016-03-30T14:32+0200", datetime(2016, 3, 30, 12, 32, tzinfo=UTC)),
        ("2026-07-29T10:11:12.123Z", datetime(2026, 7, 29, 10, 11, 12, 123000, tzinfo=UTC)),
        ("2026-07-29", datetime(2026, 7, 29)),  # noqa: DTZ001 (no zone is stated)
        ("Wed, 29 Jul 2026 13:19:00 +0300", datetime(2026, 7, 29, 10, 19, tzinfo=UTC)),
        ("1970-01-01T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:00-12:00", None),
        ("hier", None),
        ("", None),
        (None, None),
    ],
)
def test_times_as_pages_write_them(text, expected):
    """ISO 8601 in full and compact form, mail dates, and None for placeholders and prose."""
    assert expected == parse_time(text)


@given(st.text(alphabet="0123456789-:+TZ ., JanMo", max_size=30))
def test_no_text_breaks_the_reading_of_times(text):
    """Whatever stands in a date field, the answer is a UTC time or None."""
    found = parse_time(text)

    assert found is None or found.tzinfo is UTC


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("L'eau monte — vite !", 3),
        ("新闻报道", 4),
        ("今日は晴れ 2026", 6),
        ("한국어 문장", 2),
        ("नमस्ते दुनिया", 2),
        ("… – !", 0),
    ],
)
def test_words_are_counted_in_every_script(text, expected):
    """Signs are no words; where script has no spaces each character is one."""
    assert expected == word_count(text)


@pytest.mark.parametrize(
    ("tag", "expected"),
    [("fr-SN", "fr"), ("en_US", "en"), ("AR", "ar"), ("und", None), ("français", None), (None, None)],
)
def test_the_language_in_a_tag(tag, expected):
    """The primary subtag, where there is one."""
    assert expected == primary_language(tag)


def test_repeats_are_told_whatever_their_case():
    """The first spelling stays, in its place."""
    assert distinct(("Mer", "Port", "MER")) == ("Mer", "Port")


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("© Agence du Quai 2026 / Archives", True),
        ("Crédit photo : Le Littoral", True),
        ("13:19 29.07.2026 (Mis à jour: 13:40 29.07.2026)", True),
        ("29/07/2026 - 13h19", True),
        ("12 blessés ont été évacués.", False),
        (
            "© est le signe que l'on met devant le nom de qui possède un droit, et la phrase qui le dit est longue.",
            False,
        ),
    ],
)
def test_credits_and_time_stamps_are_furniture(line, expected):
    """Short lines that start as no sentence does are not text."""
    assert expected == is_furniture(line)


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (("Région", "Le bac repart", "Chapeau assez long ici.", "Texte."), (("Texte.",), "Chapeau assez long ici.")),
        (("LE BAC REPART !", "Texte."), (("Texte.",), "Chapeau assez long ici.")),
        (("Texte.", "Le bac repart", "Chapeau assez long ici."), (("Texte.",), "Chapeau assez long ici.")),
        (("Texte.", "Brève.", "Autre."), (("Texte.", "Brève.", "Autre."), "Chapeau assez long ici.")),
        (("Le bac repart", "Chapeau assez long ici."), (("Chapeau assez long ici.",), None)),
    ],
)
def test_headline_and_lede_leave_the_text(lines, expected):
    """What stands above headline or lede goes with them, text stays; a text that is only a lede stays a text."""
    found, lede = without_head([Line(text=line) for line in lines], ("Le bac repart",), "Chapeau assez long ici.")
    assert expected == (kept(found), lede)
