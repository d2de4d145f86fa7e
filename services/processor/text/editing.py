"""trafilatura's text, edited by what the reviewer thinks of each block: lines go, lost paragraphs come back. Pure."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

from services.processor.text.blocks import Block
from services.processor.text.features import LINE, SENTENCE, Reading, Stated, letters, readings_of
from services.processor.text.lines import Line, Why
from services.processor.text.reviewer import Weights, probabilities

LEAST_ADDED = 60
"""Letters of a block that is put in: of shorter ones, too many are furniture."""
CUT = 0.5
"""trafilatura stopped early where it left out so much, beside what it took, that is sentences to Resiliparse.

This and the two below were chosen on the development pages, by which the reviewer is scored too.
"""
CUT_ADD = 0.2
"""What is put in from where trafilatura stopped early: there, its silence says nothing."""
MOST_DROPPED = 0.4
"""A page of a kind that the reviewer never learnt: it would drop so much of the text that Resiliparse has too."""
MISSES = 500
"""After so many lines that stand in no block, the rest are not looked for: each costs a search of the whole page."""


@dataclass(frozen=True, slots=True)
class _Placed:
    """A line with the block where it begins and the probability of what it covers, None where it stands in none."""

    line: str
    said: str
    at: int
    probability: float | None


def reviewed(
    lines: Sequence[str], blocks: Sequence[Block], second: str, stated: Stated, weights: Weights
) -> tuple[Line, ...]:
    """`lines` of trafilatura's text on a page of `blocks`, edited; `second` is the text by Resiliparse."""
    readings = readings_of(blocks, "\n".join(lines), second)
    return edited(lines, readings, probabilities(readings, stated, weights), weights)


def edited(
    lines: Sequence[str], readings: Sequence[Reading], likely: Sequence[float], weights: Weights
) -> tuple[Line, ...]:
    """`lines` of trafilatura's text in their order, dropped or not, with what the reviewer adds between them."""
    placed = tuple(_placed(lines, readings, likely))
    added = _added(placed, readings, likely, min(weights.add, CUT_ADD) if _is_cut(readings) else weights.add)
    is_whole = _is_doubted(placed, readings, weights.drop)
    found: list[Line] = []
    upto = 0
    # A block goes before the first line that begins after it.
    furthest = list(accumulate((each.at for each in placed), max))
    before = [bisect_right(furthest, at) for at in added]
    for number, each in enumerate(placed):
        until = bisect_right(before, number)
        found += (Line(text=readings[at].block.text, voice="reviewer") for at in added[upto:until])
        upto = until
        is_dropped = not is_whole and each.probability is not None and each.probability < weights.drop
        found.append(Line(text=each.line, dropped=Why.REVIEWER if is_dropped else None))
    found += (Line(text=readings[at].block.text, voice="reviewer") for at in added[upto:])
    return tuple(found)


def _is_cut(readings: Sequence[Reading]) -> bool:
    left = (each.size for each in readings if each.taken < 0.5 and _is_plain(each) and each.second > 0.6)
    return sum(left) > CUT * sum(each.size * each.taken for each in readings)


def _is_doubted(placed: Sequence[_Placed], readings: Sequence[Reading], drop: float) -> bool:
    size = sum(len(each.said) for each in placed)
    dropped = [each for each in placed if each.probability is not None and each.probability < drop]
    agreed = sum(len(each.said) * readings[each.at].second for each in dropped)
    return agreed > MOST_DROPPED * size


def _is_plain(reading: Reading) -> bool:
    return reading.size > SENTENCE and reading.link < 0.5 and not reading.block.place.hidden


def _placed(lines: Sequence[str], readings: Sequence[Reading], likely: Sequence[float]) -> Iterator[_Placed]:
    best: dict[str, int] = {}
    for at, reading in enumerate(readings):
        if reading.said not in best or likely[at] > likely[best[reading.said]]:
            best[reading.said] = at
    page = _Letters(readings)
    last, misses = 0, 0
    for line in lines:
        said = letters(line)
        whole = best.get(said)
        covered = page.find(said, last) if whole is None and misses < MISSES else range(0)
        covered = covered if whole is None else range(whole, whole + 1)
        misses += not covered
        last = covered.start if covered else last
        # As the page has it: trafilatura drops joiners that Persian is written with, and puts marks before items.
        text = line if whole is None else readings[whole].block.text
        yield _Placed(text, said, last, _mean(covered, readings, likely))


def _mean(covered: range, readings: Sequence[Reading], likely: Sequence[float]) -> float | None:
    size = sum(readings[at].size for at in covered)
    return sum(likely[at] * readings[at].size for at in covered) / size if size else None


def _added(placed: Sequence[_Placed], readings: Sequence[Reading], likely: Sequence[float], least: float) -> list[int]:
    there = {each.said for each in placed}
    last = max((at for at, each in enumerate(readings) if each.taken > 0.6 and each.size >= LEAST_ADDED), default=0)
    taken = {each.block.place.article for each in readings if each.taken > 0.6 and each.size >= LEAST_ADDED}
    whole = "".join(each.said for each in placed)
    found: dict[str, int] = {}
    for at, (reading, probability) in enumerate(zip(readings, likely, strict=True)):
        wanted = probability >= least and reading.size >= LEAST_ADDED and reading.said not in there
        # Pages that are scrolled without end show the next article below this one.
        is_next = at > last and 0 not in taken and reading.block.place.article not in {0, *taken}
        if wanted and not is_next and reading.said not in whole:
            found.setdefault(reading.said, at)
    return list(found.values())


class _Letters:
    """The letters of all blocks in a row, where lines are found that cover a part of a block or several."""

    def __init__(self, readings: Sequence[Reading]) -> None:
        self._all = "".join(reading.said for reading in readings)
        self._ends = list(accumulate(len(reading.said) for reading in readings))

    def find(self, said: str, start: int) -> range:
        """The blocks that `said` covers, looked for from block `start` on first; empty where it is in none."""
        if len(said) < LINE:
            return range(0)
        begin = self._ends[start - 1] if start else 0
        at = self._all.find(said, begin)
        at = at if at >= 0 else self._all.find(said)
        return range(bisect_right(self._ends, at), bisect_left(self._ends, at + len(said)) + 1) if at >= 0 else range(0)
