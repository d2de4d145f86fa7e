"""What is known of each block of a page, as numbers that a linear model weighs. Pure.

Two extractors have said which blocks are text (`taken`: trafilatura, `second`: Resiliparse). Lengths are in letters; a
character of Chinese, Japanese or Korean counts as three, so that a sentence is about as long in every script.
"""

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import log1p

from services.processor.page.facts import PageFacts
from services.processor.text.blocks import Block, Hint, Inside, Place

PROBE = 12
"""So many letters in a row are taken for proof that a voice has read what stands around them."""
LINE = 16
"""A text with fewer letters counts as found only where it is a whole line: `News` stands in many a sentence."""
SHORT, SENTENCE, LONG, LONGER = 25, 80, 150, 400
WINDOW = 3
"""So many blocks before and after are a block's neighbours."""

_UNSPACED = re.compile(r"[\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\uac00-\ud7af\U00020000-\U0003ffff]")
_NO_LETTER = re.compile(r"[\W_]+")
_DIGIT = re.compile(r"\d")
_COMMA = re.compile(r"[,，、،፣]")
_ENDS = tuple(".!?…»”\"'。！？」』؟۔।։።។")
_SIGNS = tuple("»›>•-–—*+<←→#@|▶►")
_TAGS = frozenset(
    {"p", "div", "li", "td", "h1", "h2", "h3", "h4", "figcaption", "blockquote", "dd", "section", "article", "body"}
)
_HEADINGS = frozenset({"h2", "h3", "h4", "h5"})
_HINTS = tuple((str(hint.name).lower(), int(hint)) for hint in Hint)
_INSIDE = tuple((str(inside.name).lower(), int(inside)) for inside in Inside)


@dataclass(frozen=True, slots=True, kw_only=True)
class Stated:
    """What the page says of itself and its text may repeat, as `letters`."""

    title: str = ""
    description: str = ""
    site: str = ""


def stated_by(facts: PageFacts) -> Stated:
    title = facts.first("og:title") or next(iter(facts.headings), "") or facts.title or ""
    site = facts.first("og:site_name") or ""
    return Stated(title=letters(title), description=letters(facts.description), site=letters(site))


@dataclass(frozen=True, slots=True)
class Reading:
    """A block with its letters, its length, the share of it that is linked, and the shares that the voices have."""

    block: Block
    said: str
    size: int
    link: float
    taken: float
    second: float


def letters(text: str) -> str:
    """What is compared: `text` in lower case, without spaces and punctuation."""
    return _NO_LETTER.sub("", text.lower())


def readings_of(blocks: Iterable[Block], taken: str, second: str) -> tuple[Reading, ...]:
    """The `blocks` beside the text of both voices."""
    first, other = _Voice(taken), _Voice(second)
    return tuple(_reading(block, letters(block.text), first, other) for block in blocks)


def place_names(place: Place) -> Iterator[str]:
    """The features of a block that are its place's; each counts 1."""
    yield f"tag:{place.tag}" if place.tag in _TAGS else "tag:other"
    if place.parent in {"ul", "ol", "tr", "td"}:
        yield f"parent:{place.parent}"
    yield from (f"own:{name}" for name, bit in _HINTS if place.own & bit)
    yield from (f"around:{name}" for name, bit in _HINTS if place.hints & bit)
    yield from (f"inside:{name}" for name, bit in _INSIDE if place.inside & bit)


def features_of(readings: Sequence[Reading], stated: Stated) -> Iterator[dict[str, float]]:
    """The other features of each block, by name, in order; what is not named is 0."""
    page = _Page.of(readings)
    for at, reading in enumerate(readings):
        yield _text(reading) | _matches(reading, stated) | _place_on(page, at) | _neighbours(readings, at)


class _Voice:
    """A text that an extractor found, asked for blocks."""

    def __init__(self, text: str) -> None:
        lines = [letters(line) for line in text.splitlines()]
        self._lines = frozenset(lines)
        self._all = "".join(lines)

    def share(self, said: str) -> float:
        """The share of `said` (letters) that the text holds, by probes at its ends and in its middle."""
        if said in self._lines:
            return 1.0
        if len(said) < LINE:
            return 0.0
        if said in self._all:
            return 1.0
        if len(said) < 2 * PROBE:
            return 0.0
        middle = len(said) // 2
        probes = (said[:PROBE], said[middle : middle + PROBE], said[-PROBE:])
        return sum(probe in self._all for probe in probes) / len(probes)


def _reading(block: Block, said: str, first: _Voice, other: _Voice) -> Reading:
    size = len(said) if said.isascii() else len(said) + 2 * len(_UNSPACED.findall(said))
    return Reading(block, said, size, min(1.0, block.linked / len(block.text)), first.share(said), other.share(said))


def _text(reading: Reading) -> dict[str, float]:
    text, size, link = reading.block.text, reading.size, reading.link
    length = log1p(size) / 5
    return {
        "length": length,
        "length²": length * length,
        "short": size < SHORT,
        "sentence": size > SENTENCE,
        "long": size > LONG,
        "longer": size > LONGER,
        "linked": link,
        "all linked": link > 0.85,
        "linked sentence": link * (size > SENTENCE),
        "ends": text.endswith(_ENDS),
        "colon": text.endswith((":", "：")),
        "question": text.endswith(("?", "？", "؟")),
        "commas": min(3, len(_COMMA.findall(text))) / 3,
        "digits": len(_DIGIT.findall(text)) / len(text) if size < LONG else 0,
        "sign": text.startswith(_SIGNS),
        "pipe": "|" in text,
        "©": "©" in text[:40] or "(c)" in text[:20].lower(),
        "upper": text.isupper(),
        "lower": text[0].islower(),
        "hidden": reading.block.place.hidden,
    }


def _matches(reading: Reading, stated: Stated) -> dict[str, float]:
    said, size = reading.said, reading.size
    found: dict[str, float] = {}
    if stated.title and size > 8:
        found["title"] = said in stated.title
        found["holds title"] = len(stated.title) > LINE and stated.title in said
    if stated.description and size > SHORT:
        found["description"] = said[:40] == stated.description[:40] or (size > 40 and said in stated.description)
    if stated.site and size < 60:
        found["site"] = stated.site in said
    return found


@dataclass(frozen=True, slots=True, kw_only=True)
class _Page:
    """The page as a whole. By container: letters, those that trafilatura took, those in sentences without links."""

    readings: Sequence[Reading]
    count: Mapping[str, int]
    first: int
    last: int
    size: Mapping[int, float]
    taken: Mapping[int, float]
    plain: Mapping[int, float]
    main: int
    """The container that holds most of what trafilatura took."""
    all_taken: float
    all_plain: float
    poor: float
    """From 0 to 1: how much less trafilatura took than Resiliparse."""

    @classmethod
    def of(cls, readings: Sequence[Reading]) -> "_Page":
        voted = [at for at, each in enumerate(readings) if each.taken > 0.6 and each.size >= 40]
        size, taken, plain = Counter[int](), Counter[int](), Counter[int]()
        for each in readings:
            for container in {each.block.place.container, each.block.place.outer}:
                size[container] += each.size
                taken[container] += each.taken * each.size  # type: ignore[assignment]
                plain[container] += _plain(each)  # type: ignore[assignment]
        all_taken = sum(each.taken * each.size for each in readings) or 1
        return cls(
            readings=readings,
            count=Counter(each.said for each in readings),
            first=voted[0] if voted else 0,
            last=voted[-1] if voted else len(readings) - 1,
            size=size,
            taken=taken,
            plain=plain,
            main=max(taken, key=lambda container: taken[container], default=0),
            all_taken=all_taken,
            all_plain=sum(map(_plain, readings)) or 1,
            poor=max(0.0, 1 - all_taken / (sum(each.second * each.size for each in readings) or 1)),
        )


def _plain(reading: Reading) -> float:
    return reading.size * (1 - reading.link) if reading.size > SENTENCE else 0.0


def _place_on(page: _Page, at: int) -> dict[str, float]:
    mine = page.readings[at]
    container, outer = mine.block.place.container, mine.block.place.outer
    before, after = at < page.first, at > page.last
    left = not before and not after and mine.taken < 0.5
    plain = page.plain[container] / page.all_plain
    is_apart = page.main not in {container, outer}
    return {
        "taken": mine.taken,
        "second": mine.second,
        "both": min(mine.taken, mine.second),
        "repeated": page.count[mine.said] > 1,
        "position": at / max(1, len(page.readings) - 1),
        "before": before,
        "after": after,
        "away": min(20, page.first - at if before else at - page.last if after else 0) / 20,
        "left out short": left and mine.size < SHORT,
        "left out sentence": left and mine.size > SENTENCE,
        "container share": page.taken[container] / page.all_taken,
        "container fraction": page.taken[container] / max(1, page.size[container]),
        "container plain": plain,
        "outer share": page.taken[outer] / page.all_taken,
        "outer fraction": page.taken[outer] / max(1, page.size[outer]),
        "outer plain": page.plain[outer] / page.all_plain,
        "within": (at - page.first) / max(1, page.last - page.first) if not before and not after else 0,
        "apart": is_apart,
        "apart taken": mine.taken * is_apart,
        "apart list": is_apart and mine.block.place.tag == "li",
        "taken linked": mine.taken * mine.link,
        "taken short": mine.taken * (mine.size < SHORT),
        "taken list": mine.taken * (mine.block.place.tag == "li"),
        "taken end": mine.taken * (page.last - at < 4),
        "poor": page.poor,
        "poor second": page.poor * mine.second,
        "poor plain": page.poor * plain,
    }


def _neighbours(readings: Sequence[Reading], at: int) -> dict[str, float]:
    near = (*readings[max(0, at - WINDOW) : at], *readings[at + 1 : at + WINDOW + 1])
    mine, after = readings[at], readings[at + 1] if at + 1 < len(readings) else None
    is_head = mine.block.place.tag in _HEADINGS and after is not None and after.size > SENTENCE and after.link < 0.5
    found = {
        "heads text": is_head,
        "heads taken": is_head and after is not None and after.taken > 0.6,
        "after length": log1p(after.size) / 5 if after else 0,
        "near length": log1p(sum(each.size for each in near) / max(1, len(near))) / 5,
        "near linked": sum(each.link for each in near) / max(1, len(near)),
    }
    for step in (1, 2):
        if at >= step:
            found[f"taken -{step}"] = readings[at - step].taken
            found[f"second -{step}"] = readings[at - step].second
        if at + step < len(readings):
            found[f"taken +{step}"] = readings[at + step].taken
            found[f"second +{step}"] = readings[at + step].second
    return found
