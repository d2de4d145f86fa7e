"""Times as pages write them: ISO 8601, mail dates, seconds since 1970, and the words of many languages. Pure."""

import re
from datetime import UTC, datetime, time

import dateparser  # type: ignore[import-untyped]

from services.processor.normalization import as_utc, parse_time

MAX_CHARACTERS = 150
LANGUAGES = ("en", "fr", "ar", "de", "es", "pt", "it", "ru", "tr", "nl")
"""Tried where a page does not say in which language it is."""

# A time that fromisoformat takes, after the ways of writing it that it does not.
_ISO = re.compile(
    r"(\d{4}-\d\d-\d\d)[ T]+(\d\d:\d\d(?::\d\d)?(?:\.\d+)?)\s*(Z|UTC|GMT|[+-]\d\d:?\d\d)?$", re.IGNORECASE
)
_EPOCH = re.compile(r"\d{10}(?:\d{3})?")
_EPOCH_MILLISECONDS = 13
_WRITTEN = re.compile(
    r"\d{1,2}(?:er|st|nd|rd|th|º|\.)?\s+(?:de\s+|of\s+)?[^\W\d]{3,12}\.?,?\s+(?:de\s+|del\s+)?\d{4}"
    r"|[^\W\d]{3,12}\.?\s+\d{1,2}(?:st|nd|rd|th)?,?\s+\d{4}|\d{4}\s?[年.]\s?\d{1,2}\s?[月.]\s?\d{1,2}"
)
_NUMBERS = re.compile(r"\b(\d{1,2})[./-](\d{1,2})[./-](\d{4})\b")
_CLOCK = re.compile(r"\b(\d{1,2})\s?[:hH]\s?(\d{2})(?!\d)\s*([AaPp]\.?[Mm])?")
_HALF_OF_DAY = re.compile(r"\d\s*[ap]\.?m\b", re.IGNORECASE)
# Day, month and year must be there: the library would take what is missing from the clock.
_SETTINGS = {"STRICT_PARSING": True, "PARSERS": ["absolute-time"]}
_STRETCHED = re.compile(r"(?<=[^\W\d])\s*/\s*[^\W\d]+")  # `يوليو/تموز`: the month in both of its names
_LAST_MONTH = 12
# The months of Algeria and Tunisia that the library does not know in Arabic.
_MAGHREB = {
    "جانفي": "يناير", "فيفري": "فبراير", "أفريل": "أبريل", "افريل": "أبريل", "جوان": "يونيو", "جويلية": "يوليو",
    "أوت": "أغسطس", "اوت": "أغسطس", "غشت": "أغسطس", "شتنبر": "سبتمبر", "نونبر": "نوفمبر", "دجنبر": "ديسمبر",
    "يوليوز": "يوليو", "ماي": "مايو",
}  # fmt: skip


def read_time(text: str, language: str | None = None) -> datetime | None:
    """The time that `text` states, with its offset if it has one; a day without a clock is its midnight.

    None for what is no date, and for `04/03/2026` in English, which is two days of the year.
    """
    said = text.strip()[:MAX_CHARACTERS]
    if not any(map(str.isdigit, said)):
        return None
    # The reader of mail dates takes `1:19 PM` for the small hours.
    stated = None if _HALF_OF_DAY.search(said) else parse_time(_iso(said))
    return _from_epoch(said) or stated or _from_words(said, language)


def is_day_only(moment: datetime) -> bool:
    """Whether `moment` is a midnight, which is what a day becomes that was stated without a clock."""
    return moment.time() == time()


def _from_epoch(text: str) -> datetime | None:
    if not _EPOCH.fullmatch(text):
        return None
    moment = datetime.fromtimestamp(int(text) / (1000 if len(text) == _EPOCH_MILLISECONDS else 1), UTC)
    return as_utc(moment)


def _iso(text: str) -> str:
    found = _ISO.fullmatch(text)
    if not found:
        return text
    day, clock, zone = found.groups()
    return f"{day}T{clock}{'+00:00' if zone and zone.isalpha() else zone or ''}"


def _from_words(text: str, language: str | None) -> datetime | None:
    """The first day that `text` names, with the first time of day; later ones are those of changes."""
    said = _STRETCHED.sub("", text)
    numbered, named = _NUMBERS.search(said), _WRITTEN.search(said)
    in_figures = numbered and (named is None or numbered.start() < named.start())
    day = _numbered_day(numbered, language) if numbered and in_figures else _named_day(named, language)
    return datetime.combine(day, _clock(said) or time()) if day else None


def _numbered_day(found: re.Match[str], language: str | None) -> datetime | None:
    first, second, year = map(int, found.groups())
    american = language == "en" and first <= _LAST_MONTH
    if american and second <= _LAST_MONTH and first != second:
        return None
    return parse_time(f"{year}-{first:02}-{second:02}" if american else f"{year}-{second:02}-{first:02}")


def _named_day(written: re.Match[str] | None, language: str | None) -> datetime | None:
    if not written:
        return None
    words = " ".join(_MAGHREB.get(word, word) for word in written[0].replace("年", ".").replace("月", ".").split())
    spoken = [language, "en"] if language in LANGUAGES else list(LANGUAGES)
    try:
        found: datetime | None = dateparser.parse(words, languages=spoken, settings=_SETTINGS)
    except (ValueError, OverflowError, RecursionError):  # the library's parsers raise them on odd input
        return None
    return found


def _clock(text: str) -> time | None:
    found = _CLOCK.search(text)
    if not found:
        return None
    hour, minute, half = int(found[1]), int(found[2]), (found[3] or "").lower()[:1]
    hour = hour % 12 + (12 if half == "p" else 0) if half else hour
    return time(hour, minute) if hour < 24 and minute < 60 else None
