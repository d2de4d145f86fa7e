"""Lines that belong to a site and not to its article, told by their words alone. Pure."""

import re
from collections.abc import Iterable, Sequence

from services.processor.normalization import word_count
from services.processor.text import phrases
from services.processor.text.lines import Line, Why, kept

MAX_CHARACTERS = 240
MAX_WORDS = 22
"""Longer lines are sentences, however they begin."""
CREDIT_WORDS = 15
"""What follows `Photo:` is a credit; more words than this are a caption, and some are a paragraph."""
STAMP_WORDS = 12
MOST = 0.4
"""Rules that take more of a text than this are wrong about it, unless the text is a bulletin."""
BULLETIN_CHARACTERS = 400

_STRAIGHT = str.maketrans("’‘`´", "''''")
_MARKS = " \t-–—•·*|>»›▪■►▶→✓#"
_ENDS = f"{_MARKS}.:…!?«<"
# A time of day beside a date begins no sentence.
_TIMES = (
    r"\d{1,2}[:h]\d{2}[\s,|–-]+\d{1,2}[./-]\d{1,2}[./-]\d{4}\b.*",
    r"\d{1,2}[./-]\d{1,2}[./-]\d{4}[\s,|–-]+\d{1,2}[:h]\d{2}\b.*",
    rf"{phrases.STAMP_LABELS}\s*[:：|]?\s*(?=(?:\D*\d){{4}}).*",
)
_RULES = {
    "subscribe": phrases.SUBSCRIBE, "follow": phrases.FOLLOW, "share": phrases.SHARE, "counts": phrases.COUNTS,
    "advertisement": phrases.ADVERTISEMENT, "labelled": phrases.LABELLED, "notice": phrases.NOTICE,
    "credit": phrases.CREDIT, "time": _TIMES,
}  # fmt: skip
_FURNITURE = re.compile("|".join(f"(?P<{name}>{'|'.join(rules)})" for name, rules in _RULES.items()), re.IGNORECASE)
_WORDS = {"credit": CREDIT_WORDS, "time": STAMP_WORDS, "labelled": 60}
_DATE = re.compile(
    # 29 July 2026, Tuesday 3 March 2026, 29.07.2026; March 3, 2026; 2026年7月29日; a time may follow.
    r"(?=.*\b(?:19|20)\d\d)(?:[^\W\d]+\W+){0,2}\d{1,4}\W{1,3}(?:[^\W\d]+|\d{1,2})\W{1,3}\d{1,4}\b.{0,30}"
    r"|(?:[^\W\d]+\W{1,3}){1,2}\d{1,2}\W{1,3}(?:19|20)\d\d\b.{0,30}"
    r"|\d{4}年\d{1,2}月\d{1,2}日.{0,40}"
)


def rule_of(line: str) -> str | None:
    """The rule by which `line` is furniture (`share`, `credit`, …), None for text; `void` holds no letter or digit."""
    if len(line) > MAX_CHARACTERS:
        return None
    said = line.translate(_STRAIGHT).lstrip(_MARKS).rstrip(_ENDS)
    if not any(map(str.isalnum, said)):
        return "void"
    found = _FURNITURE.fullmatch(said)
    rule = found.lastgroup if found else None
    return rule if rule and word_count(line) <= _WORDS.get(rule, MAX_WORDS) else None


def is_furniture(line: str) -> bool:
    """Whether `line` belongs to the site wherever it stands."""
    return rule_of(line) is not None


def is_date(line: str) -> bool:
    """Whether `line` is nothing but a date: a time stamp above or below a text, a chronology's heading inside of it."""
    return len(line) <= 60 and bool(_DATE.fullmatch(line.strip(_ENDS)))


def without_furniture(lines: Iterable[Line]) -> tuple[Line, ...]:
    """`lines` with furniture marked; all of them as they were where that would be most of a text."""
    before = tuple(lines)
    after = tuple(line.because(Why.FURNITURE) if is_furniture(line.text) else line for line in before)
    return after if is_plausible(before, after) else before


def is_plausible(before: Sequence[Line], after: Sequence[Line]) -> bool:
    """Whether rules that made `after` of `before` took furniture, not the text."""
    had, have = (sum(map(len, kept(lines))) for lines in (before, after))
    return had <= BULLETIN_CHARACTERS or have >= (1 - MOST) * had
