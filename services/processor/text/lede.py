"""The lede of an article: what its page shows between headline and text, or shows and states as description. Pure."""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import takewhile

from services.processor.fingerprint import normalised_words
from services.processor.normalization import one_line, spaced, word_count
from services.processor.text.blocks import Block, Hint, Inside
from services.processor.text.furniture import is_date, is_furniture

HEAD_LINES = 5
"""How far down in a text its lede may stand."""
LEDE_WORDS = range(5, 101)
SHOWN_WORDS = range(8, 101)
"""A block that only stands where ledes stand, and is called nothing, is longer than a kicker."""
NEAR = 12
"""How many blocks below its headline a lede may stand: date, by-line and a row of buttons come between."""
CUT_WORDS = 8
"""A description that says more than the page shows is known by so many words at least."""
LEDE_PARAGRAPHS = 5
MAX_BLOCKS = 3000
"""A lede stands in the head of a page; pages of hundreds of thousands of blocks exist."""

_CUT = re.compile(r"\.{3}|…|\[")
_SITE = re.compile(r"\s*[,|–—-]\s+[^,|–—-]{2,40}$")
# Plain numbers: a flag's own operators cost ten times theirs.
_LEDE, _TITLE, _BYLINE = int(Hint.LEDE), int(Hint.TITLE), int(Hint.BYLINE)
_AROUND = int(Hint.COMMENT | Hint.ADVERT | Hint.SUBSCRIBE) | _BYLINE
_NO_LEDE = int(Hint.CAPTION | Hint.RELATED | Hint.SOCIAL) | _AROUND
_OFF = int(Inside.NAV | Inside.FOOTER)
_ELSEWHERE = _OFF | int(Inside.FIGURE | Inside.FORM | Inside.LIST | Inside.TABLE | Inside.ASIDE)
_PARAGRAPHS = frozenset({"p", "h2", "h3"})


@dataclass(frozen=True, slots=True, kw_only=True)
class Lede:
    """`source` is `meta` where it is the page's or the feed's description, `page` where only its place tells."""

    text: str
    source: str


def lede_of(
    blocks: Sequence[Block], descriptions: Iterable[str], titles: Iterable[str], lines: Sequence[str]
) -> Lede | None:
    """The lede as readers see it, None where the page shows none; `lines` are the text, `titles` its headlines.

    It may be one of the first `lines`, where a description says just that.
    """
    stated, blocks = [words for text in descriptions for words in _stated(text)], blocks[:MAX_BLOCKS]
    found = max((text for words in stated if (text := _told(blocks, words, lines))), key=len, default=None)
    if found:
        return Lede(text=found, source="meta")
    placed = _placed(blocks, titles, lines)
    return Lede(text=placed, source="page") if placed else None


def _stated(description: str) -> Iterator[list[str]]:
    """The words of a description; those before it was cut, and those without the site's name behind it."""
    whole = one_line(description)
    words = _words(whole)
    yield from ([words] if LEDE_WORDS.start <= len(words) < LEDE_WORDS.stop else [])
    # The last word before a cut may be cut itself.
    for part in (_words(_CUT.split(whole)[0])[:-1] if _CUT.search(whole) else [], _words(_SITE.sub("", whole))):
        if CUT_WORDS <= len(part) < min(len(words), LEDE_WORDS.stop):
            yield part


def _words(text: str) -> list[str]:
    return normalised_words(spaced(text))


def _told(blocks: Sequence[Block], words: list[str], lines: Sequence[str]) -> str | None:
    """What the page shows with the `words` of its description: a line of the text, else a block outside of it."""
    begun = next((line for line in lines if _begins(line, words)), None)
    if begun is not None:
        # The last line too: trafilatura puts there what it finds outside of the main block.
        is_whole = _words(begun) == words and begun in {*lines[:HEAD_LINES], lines[-1]}
        return begun if is_whole else None
    seen = [
        (at, block) for at, block in enumerate(blocks) if words[0][0] in block.text[:3].casefold() and _is_seen(block)
    ]
    shown = (block.text for _, block in seen if _begins(block.text, words))
    whole = max((text for text in shown if word_count(text) in LEDE_WORDS), key=len, default=None)
    return whole or next((text for at, _ in seen if (text := _spelled(blocks[at:], words)) and text not in lines), None)


def _spelled(blocks: Sequence[Block], words: list[str]) -> str | None:
    """The paragraphs that say together, from the first of `blocks` on, what a description of `words` begins with."""
    said = 0
    told: list[str] = []
    for block in blocks[:LEDE_PARAGRAPHS]:
        here = _words(block.text)
        if not here or here != words[said : said + len(here)]:
            break
        said += len(here)
        told.append(block.text)
    return " ".join(told) if said >= CUT_WORDS else None


def _begins(text: str, words: list[str]) -> bool:
    # Told by the first letter before all words are taken apart, which costs.
    return words[0][0] in text[:3].casefold() and _words(text)[: len(words)] == words


def _is_seen(block: Block) -> bool:
    place = block.place
    # Data for machines: `<div class="meta"><div itemprop="description">`.
    is_meta = place.hints & _BYLINE and not place.own & _LEDE and place.tag not in _PARAGRAPHS
    return not (place.hidden or is_meta or place.link or place.inside & _OFF)


def _placed(blocks: Sequence[Block], titles: Iterable[str], lines: Sequence[str]) -> str | None:
    """What stands between headline and text where the page calls it a lede, or right below the headline."""
    start = _start_of(blocks, lines)
    above = _below_headline(blocks[:start], titles)
    called = [at for at, block in enumerate(above) if _is_called(block)]
    if called:
        return _joined(above[called[0] :])
    return next((block.text for block in above[:2] if _stands_as_lede(block)), None)


def _start_of(blocks: Sequence[Block], lines: Sequence[str]) -> int:
    """Where the text begins among `blocks`; none of them where its first lines are not found."""
    wanted = {line for line in lines[:HEAD_LINES] if len(line) > 20}
    return next((at for at, block in enumerate(blocks) if block.text in wanted), 0)


def _below_headline(blocks: Sequence[Block], titles: Iterable[str]) -> Sequence[Block]:
    heads = [words for title in titles if (words := _words(title))]
    firsts = {words[0][0] for words in heads}
    # Told by the first letter, before all words are taken apart.
    alike = [at for at, block in enumerate(blocks) if firsts & set(block.text[:3].casefold())]
    last = max((at for at in alike if _words(blocks[at].text) in heads), default=len(blocks))
    return blocks[last + 1 : last + 1 + NEAR]


def _is_called(block: Block) -> bool:
    place = block.place
    is_title = place.own & _TITLE and not place.own & _LEDE
    is_called = place.hints & _LEDE and not place.own & _NO_LEDE and not is_title
    return bool(is_called) and _may_be_lede(block, LEDE_WORDS)


def _stands_as_lede(block: Block) -> bool:
    is_paragraph = block.place.tag in _PARAGRAPHS
    return is_paragraph and not block.place.own & (_NO_LEDE | _TITLE) and _may_be_lede(block, SHOWN_WORDS)


def _may_be_lede(block: Block, lengths: range) -> bool:
    place = block.place
    is_text = not (place.hidden or place.inside & _ELSEWHERE or place.hints & _AROUND) and 2 * block.linked <= len(
        block.text
    )
    return is_text and word_count(block.text) in lengths and not is_furniture(block.text) and not is_date(block.text)


def _joined(blocks: Sequence[Block]) -> str:
    """The paragraphs of one lede, as one."""
    first = blocks[0].place
    same = takewhile(lambda block: block.place.container == first.container and _is_called(block), blocks)
    return " ".join(block.text for block in same)
