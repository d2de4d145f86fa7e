"""How well a text agrees with the true one: word 4-gram shingles with counts. Pure."""

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

SHINGLE = 4
# Of these each character is a word.
_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af]")


@dataclass(frozen=True, slots=True)
class Agreement:
    """Shares from 0 to 1: of what was found that is true, and of the truth that was found."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


def agreement(found: str, truth: str, title: str | None) -> Agreement:
    """`found` against `truth`, both without the line that is the title."""
    ours, theirs = _shingles(found, title), _shingles(truth, title)
    if not ours and not theirs:
        return Agreement(1.0, 1.0)
    shared = (ours & theirs).total()
    return Agreement(shared / max(1, ours.total()), shared / max(1, theirs.total()))


def mean(agreements: Iterable[Agreement]) -> Agreement:
    """Precision and recall averaged over pages; the mean's `f1` is that of the averages."""
    every = list(agreements)
    count = max(1, len(every))
    return Agreement(sum(each.precision for each in every) / count, sum(each.recall for each in every) / count)


def letters(text: str) -> str:
    return re.sub(r"\W+", "", text.lower())


def words(text: str) -> list[str]:
    return re.findall(r"\w+", _UNSPACED.sub(r" \g<0> ", text).lower())


def _shingles(text: str, title: str | None) -> Counter[tuple[str, ...]]:
    head = letters(title or "")
    said = words("\n".join(line for line in text.splitlines() if not head or letters(line) != head))
    if not said:
        return Counter()
    return Counter(zip(*(said[at:] for at in range(min(SHINGLE, len(said)))), strict=False))
