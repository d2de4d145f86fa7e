"""Values as pages and feeds write them, brought to one form: white space, times, language tags. Pure."""

import re
import unicodedata
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

EARLIEST_YEAR = 1990
"""Nothing on the web is older; an earlier date is a placeholder such as the Unix epoch."""

# Inside words and not to be seen: soft hyphen, zero-width space, word joiner, byte order mark, directional marks; the
# control characters of both sets, without those that are white space; halves of surrogate pairs, which JSON can write
# and no store takes.
_INVISIBLE = dict.fromkeys(
    [
        *(0xAD, 0x200B, 0x200E, 0x200F, *range(0x202A, 0x202F), 0x2060, 0xFEFF, 0xFFFE, 0xFFFF),
        *(*range(9), *range(0x0E, 0x1C), *range(0x7F, 0x85), *range(0x86, 0xA0)),
        *range(0xD800, 0xE000),
    ]
)
# Han, kana, and their extensions: each character counts as a word.
_LETTER_OR_DIGIT = re.compile(r"[^\W_]")
_UNSPACED = re.compile(r"[\u3040-\u30ff\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]")


def one_line(text: str) -> str:
    """`text` in NFC on one line with single spaces, without soft hyphens, control and other invisible characters."""
    return " ".join(unicodedata.normalize("NFC", text.translate(_INVISIBLE)).split())


def paragraphs_of(text: str) -> tuple[str, ...]:
    """The lines of `text` that hold anything."""
    return tuple(line for line in map(one_line, text.splitlines()) if line)


def distinct(values: tuple[str, ...]) -> tuple[str, ...]:
    """`values` without repeats, whatever their case, in their order."""
    seen: dict[str, str] = {}
    for value in values:
        seen.setdefault(value.casefold(), value)
    return tuple(seen.values())


def parse_time(text: str | None) -> datetime | None:
    """A time from ISO 8601 (compact too: `20260729T1319+0800`) or RFC 5322; None for anything else.

    Its offset is the stated one; it is naive where none is stated.
    """
    found = _parsed((text or "").strip())
    try:
        return found if found and as_utc(found) else None
    except OverflowError:  # a zone moves year 1 or 9999 off the calendar
        return None


def as_utc(moment: datetime) -> datetime | None:
    """`moment` in UTC, None where its year says that it was never set."""
    aware = moment.replace(tzinfo=UTC) if moment.tzinfo is None else moment.astimezone(UTC)
    return aware if aware.year >= EARLIEST_YEAR else None


def spaced(text: str) -> str:
    """`text` with spaces around each character of Chinese and Japanese, which write none: they count as words."""
    return _UNSPACED.sub(r" \g<0> ", text) if _UNSPACED.search(text) else text


def word_count(text: str) -> int:
    """Words as an editor counts them; in Chinese and Japanese each character is one."""
    return sum(map(bool, map(_LETTER_OR_DIGIT.search, spaced(text).split())))


def bare(name: str) -> str:
    """`name` in lower case without anything but letters and digits, to compare names by."""
    return re.sub(r"\W", "", name).casefold()


def primary_language(tag: str | None) -> str | None:
    """`fr` of `fr-SN` or `fr_FR`; None for what is no language tag."""
    code = re.split(r"[-_]", (tag or "").strip().lower(), maxsplit=1)[0]
    return code if re.fullmatch(r"[a-z]{2,3}", code) and code != "und" else None


def _parsed(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return _parsed_mail_date(text)


def _parsed_mail_date(text: str) -> datetime | None:
    try:
        return parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):  # the standard parser raises them all on odd input
        return None
