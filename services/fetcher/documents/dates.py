"""Dates as feeds write them. Pure.

feedparser's own reading is not used: it takes the running month for `2016/6/29`, ignores named zones and knows no
month but the English ones. A date that cannot be right is no date: the entry then counts from when it was first seen.
"""

import re
from datetime import UTC, datetime, timedelta

from services.fetcher.documents.months import MONTHS, fold

EARLIEST_YEAR = 1990
LATEST_AHEAD = timedelta(days=2)
LONGEST = 100
"""Characters; what is longer is no date, and the expressions below stay quick."""

_EPOCH = re.compile(r"-?\d{9,10}(\d{3})?(?:\.\d+)?")
_COMPACT = re.compile(r"(\d{4})(\d{2})(\d{2})(?:t?(\d{2})(\d{2})(\d{2})?(?:\.\d+)?)?(z|[+-]\d{2}:?\d{2})?")
_TIME = re.compile(
    r"(?<![\d:+-])(\d{1,2})(?::|h)(\d{2})(?::(\d{2})(?:[.,]\d+)?)?(?!\d)"
    r"(?:\s*([ap])\.?m\b\.?)?"
    r"(?:\s*(?:gmt|utc|ut)?\s*([+-])(\d{1,2})(?::?(\d{2}))?(?!\d)|\s*\(?([a-z]{1,5})\b)?"
)
_YEAR_FIRST = re.compile(r"(?<!\d)(\d{4})\s*[-/.年년]\s*(\d{1,2})\s*[-/.月월]\s*(\d{1,2})(?!\d)")
_DAY_FIRST = re.compile(r"(?<!\d)(\d{1,2})(?:[-/.]|\s*tháng\s*)(\d{1,2})(?:[-/.]|,?\s*năm\s*|,?\s+)(\d{4})(?!\d)")
_SHORT_YEAR = re.compile(r"(?<![\d./])(\d{1,2})([./])(\d{1,2})\2(\d{2})(?![\d./])")
_HOUR_ALONE = re.compile(r"(?<=\d)t(\d{2})(?![\d:])")
_DOTTED_TIME = re.compile(r"(?<![\d.])(\d{1,2})\.(\d{2})(?=\s*uhr)")
_ORDINAL, _OF, _WORD = r"(?:er|st|nd|rd|th|º|\.)?", r"(?:(?:de|of)\s+)?", r"[^\s\d_.,;:/()+-]{2,}"
_NAMED = (
    (re.compile(rf"(?<!\d)(\d{{1,2}}){_ORDINAL}[\s-]*{_OF}({_WORD})\.?,?[\s-]*{_OF}(\d{{4}}|\d{{2}})(?!\d)"), "dmy"),
    (re.compile(rf"({_WORD})\.?\s+(\d{{1,2}}){_ORDINAL},?\s+(\d{{4}})(?!\d)"), "mdy"),
    (re.compile(rf"(?<!\d)(\d{{4}})\.?\s+(?:m\.\s+)?({_WORD})\.?\s+(\d{{1,2}})(?!\d)"), "ymd"),
)
_EASTERN_SIGN = re.compile("[時时點点시午]|오[전후]")
_EASTERN = re.compile(
    r"(?:([上下]午|午[前後]|오[전후])\s*)?(\d{1,2})(?::|\s*[時时點点시]\s*)(?:(\d{1,2})\s*[分분]?\s*)?(?::?(\d{1,2})\s*[秒초]?)?"
)
_AFTERNOON = frozenset({"下午", "午後", "오후"})

# Hours east of Greenwich. Where an abbreviation has several meanings, the one that news feeds mean; one that is silent
# about summer (ET) is read as winter's, an hour off instead of five.
_ZONES = {
    "z": 0, "ut": 0, "utc": 0, "gmt": 0, "wet": 0, "west": 1, "bst": 1, "ist": 5.5, "cet": 1, "cest": 2, "met": 1,
    "mest": 2, "mez": 1, "mesz": 2, "eet": 2, "eest": 3, "msk": 3, "msd": 4, "trt": 3, "wat": 1, "cat": 2, "sast": 2,
    "eat": 3, "est": -5, "edt": -4, "cst": -6, "cdt": -5, "mst": -7, "mdt": -6, "pst": -8, "pdt": -7, "akst": -9,
    "akdt": -8, "hst": -10, "et": -5, "ct": -6, "mt": -7, "pt": -8,
    "brt": -3, "art": -3, "pkt": 5, "wib": 7, "ict": 7, "sgt": 8, "hkt": 8, "awst": 8,
    "jst": 9, "kst": 9, "acst": 9.5, "acdt": 10.5, "aest": 10, "aedt": 11, "nzst": 12, "nzdt": 13,
}  # fmt: skip


def read_date(raw: str | None, now: datetime) -> datetime | None:
    """`raw` as an aware UTC time; None when it says nothing, a year before 1990 or a time beyond `now` + 2 days.

    A time without a zone is UTC, a date without a time midnight; `3/4/2026` is the third of April.
    """
    if not raw or not raw.strip() or len(raw) > LONGEST:
        return None
    try:
        found = _read(raw.strip().lower())
    except (ValueError, OverflowError):
        return None
    if found is None or found.year < EARLIEST_YEAR or found > now + LATEST_AHEAD:
        return None
    return found


def _read(text: str) -> datetime | None:
    """Raises ValueError or OverflowError for a thirty-second of January."""
    if _EPOCH.fullmatch(text):
        return _from_epoch(text)
    if compact := _COMPACT.fullmatch(text):
        return _from_compact(compact)
    if _EASTERN_SIGN.search(text):
        text = _EASTERN.sub(_western, text, count=1)
    clock = _TIME.search(text := _DOTTED_TIME.sub(r" \1:\2", _HOUR_ALONE.sub(r"t\1:00", text)))
    rest = text if clock is None else f"{text[: clock.start()].removesuffix('t')} {text[clock.end() :]}"
    day = _day(rest)
    if day is None:
        return None
    return day if clock is None else day + _since_midnight(clock) - _offset(clock)


def _western(clock: re.Match[str]) -> str:
    """Hours and minutes as the West writes them: `下午3時5分` is 3:05 pm."""
    half = "" if clock[1] is None else "pm" if clock[1] in _AFTERNOON else "am"
    return f" {clock[2]}:{int(clock[3] or 0):02}:{int(clock[4] or 0):02} {half} "


def _from_epoch(text: str) -> datetime:
    seconds = float(text)
    return datetime.fromtimestamp(seconds / 1000 if abs(seconds) >= 1e11 else seconds, tz=UTC)


def _from_compact(found: re.Match[str]) -> datetime:
    year, month, day, *clock = (int(part or 0) for part in found.groups()[:6])
    zone = (found[7] or "+0000").replace("z", "+0000").replace(":", "")
    east = timedelta(hours=int(zone[1:3]), minutes=int(zone[3:]))
    start = datetime(year, month, day, tzinfo=UTC) - (east if zone[0] == "+" else -east)
    return start + timedelta(hours=clock[0], minutes=clock[1], seconds=clock[2])


def _day(text: str) -> datetime | None:
    if found := _YEAR_FIRST.search(text):
        return _midnight(found[1], int(found[2]), found[3])
    if found := _DAY_FIRST.search(text):
        return _day_of(found[1], found[2], found[3])
    if (named := _named_day(text)) or (found := _SHORT_YEAR.search(text)) is None:
        return named
    return _day_of(found[1], found[3], found[4])


def _day_of(first: str, second: str, year: str) -> datetime:
    """The day stands first, but where only the second can be one."""
    day, month = (second, first) if int(second) > 12 else (first, second)
    return _midnight(year, int(month), day)


def _named_day(text: str) -> datetime | None:
    for expression, order in _NAMED:
        for found in expression.finditer(text):
            parts = dict(zip(order, found.groups(), strict=True))
            month = MONTHS.get(fold(parts["m"]))
            if month is not None:
                return _midnight(parts["y"], month, parts["d"])
    return None


def _midnight(year: str, month: int, day: str) -> datetime:
    number = int(year)
    if len(year) == 2:
        number += 2000 if number < 69 else 1900
    return datetime(number, month, int(day), tzinfo=UTC)


def _since_midnight(clock: re.Match[str]) -> timedelta:
    """24:00:00 is the next day's midnight, a sixtieth second the next minute."""
    hours, minutes, seconds = int(clock[1]), int(clock[2]), int(clock[3] or 0)
    if clock[4]:
        hours = hours % 12 + (12 if clock[4] == "p" else 0)
    if hours > 24 or minutes > 59 or seconds > 60:
        raise ValueError(f"no time of day: {clock[0]!r}")
    return timedelta(hours=hours, minutes=minutes, seconds=seconds)


def _offset(clock: re.Match[str]) -> timedelta:
    if clock[5]:
        east = timedelta(hours=int(clock[6]), minutes=int(clock[7] or 0))
        return east if clock[5] == "+" else -east
    return timedelta(hours=_ZONES.get(clock[8] or "z", 0))
