"""The paragraphs that were taken for an article's text, kept or dropped: what `fildactu extract` shows. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from enum import StrEnum


class Why(StrEnum):
    """Why a line that somebody took for text is not in the article."""

    HEADLINE = "headline"
    LEDE = "lede"
    BYLINE = "byline"
    CAPTION = "caption"
    RELATED = "related"
    FURNITURE = "furniture"
    REVIEWER = "reviewer"
    STANDING = "standing"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A paragraph and who found it: `trafilatura`, `reviewer`, `profile:<name>` or `feed`; kept unless `dropped`."""

    text: str
    voice: str = "trafilatura"
    dropped: Why | None = None

    def because(self, why: Why) -> "Line":
        """The line, dropped; what dropped it first stays the reason."""
        return self if self.dropped else replace(self, dropped=why)


def kept(lines: Iterable[Line]) -> tuple[str, ...]:
    return tuple(line.text for line in lines if line.dropped is None)
