"""Other articles that a page points its readers to inside of its text: link lines, cards between paragraphs. Pure."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import pairwise

from services.processor.normalization import word_count
from services.processor.text.blocks import Block, Hint, Inside
from services.processor.text.furniture import is_plausible
from services.processor.text.lines import Line, Why
from services.processor.text.pointers import MARKS, is_heading, pointer_in, title_of
from shared.events import Related
from shared.urls import address_key, host_of, normalise, site_of

MAX_RELATED = 20
TITLE_WORDS = 4
"""A link of fewer words is a name, a tag or a button."""
GAP = 15
"""So many blocks stand between two paragraphs at most where the text only pauses, for a card or an advertisement."""
PARAGRAPH = 80
"""Characters of what is no heading, caption or link."""
MOSTLY = 0.6
"""The linked share of a card that its page calls one: a rubric stands before the title."""
WHOLE = 0.9
"""The linked share from which a block is nothing but its link."""

_RELATED, _LABELS = int(Hint.RELATED), int(Hint.TAGS | Hint.CAPTION)
_NO_CARD = int(Hint.SOCIAL | Hint.SUBSCRIBE | Hint.COMMENT | Hint.ADVERT | Hint.BYLINE)
_ELSEWHERE = int(Inside.NAV | Inside.FOOTER | Inside.FORM | Inside.TABLE | Inside.HEADER)
_NO_ARTICLES = re.compile(
    (
        r"\.(?:pdf|jpe?g|png|gif|webp|mp[34]|zip|docx?|xlsx?)$|/(?:tag|topic|author|auteur|autor|user)s?/"
        r"|subscri|suscri|abonn|newsletter|log-?in|sign-?(?:in|up)|register|account"
    ),
    re.IGNORECASE,
)
_HEADINGS = frozenset({"h2", "h3", "h4", "h5", "h6"})


def without_related(
    lines: Sequence[Line], blocks: Sequence[Block], url: str, base: str | None = None
) -> tuple[tuple[Line, ...], tuple[Related, ...]]:
    """`lines` without those that only point elsewhere, and where they and the cards between paragraphs point.

    `url` is the page's, `base` what its relative links start from. Distinct, in their order, at most `MAX_RELATED`.
    """
    by_text = _places_of(blocks)
    places = [by_text.get(line.text, by_text.get(line.text.lstrip(MARKS))) for line in lines]
    pointing = _pointing(lines, [None if at is None else blocks[at] for at in places], base or url)
    marked = tuple(line.because(Why.RELATED) if is_one else line for line, is_one in zip(lines, pointing, strict=True))
    if not is_plausible(lines, marked):
        return tuple(lines), ()
    text = [at for at, line in zip(places, marked, strict=True) if at is not None and line.dropped is None]
    listed = {at for at, is_one in zip(places, pointing, strict=True) if is_one and at is not None}
    cards = listed | set(_cards(blocks, text, base or url))
    return marked, _distinct((blocks[at] for at in sorted(cards)), url, base or url)


def _places_of(blocks: Sequence[Block]) -> Mapping[str, int]:
    """Where each text stands; a heading that a table of contents links to stands where it heads its paragraphs."""
    found: dict[str, int] = {}
    for at, block in enumerate(blocks):
        before = found.setdefault(block.text, at)
        if blocks[before].linked > block.linked:
            found[block.text] = at
    return found


def _pointing(lines: Sequence[Line], blocks: Sequence[Block | None], base: str) -> list[bool]:
    """Which of `lines`, each with its block, only point to other articles."""
    found, is_list = [], False
    for line, block, after in zip(lines, blocks, [*blocks[1:], None][: len(blocks)], strict=True):
        is_link = block is not None and _is_link(block) and (is_list or _stands_alone(block, after, base))
        is_one = line.dropped is None and (_announces(line.text, block) or is_link)
        is_list = is_one and (is_list or is_heading(line.text))
        found.append(is_one)
    return found


def _announces(text: str, block: Block | None) -> bool:
    """Whether `text` says `Read also`, and then nothing, or what."""
    found = pointer_in(text)
    if not found:
        return False
    links = block is not None and 2 * block.linked >= len(found.title)
    return found.is_marked or not found.title or links


def _is_link(block: Block) -> bool:
    share = MOSTLY if block.place.own & _RELATED else WHOLE
    return block.link is not None and block.linked >= share * len(block.text.replace(" ", ""))


def _stands_alone(block: Block, after: Block | None, base: str) -> bool:
    """A heading of the text may be a link too, to what it sums up: paragraphs follow."""
    heads = block.place.tag in _HEADINGS and after is not None and 2 * after.linked < len(after.text) > PARAGRAPH
    return not heads and _is_card(block) and site_of(_address(block, base)) == site_of(base)


def _is_card(block: Block) -> bool:
    """Whether `block` is nothing but a link to what may be an article."""
    place = block.place
    named = _NO_CARD if place.own & _RELATED else _NO_CARD | _LABELS
    if place.hidden or place.own & named or place.inside & _ELSEWHERE:
        return False
    return _is_link(block) and word_count(block.text) >= TITLE_WORDS and not _NO_ARTICLES.search(block.link or "")


def _address(block: Block, base: str) -> str:
    return normalise(block.link or "", base) or ""


def _cards(blocks: Sequence[Block], text: Iterable[int], base: str) -> Iterator[int]:
    """The cards of the same host that stand between two blocks of the `text`, with little else."""
    at = sorted(set(text))
    for start, end in pairwise(at):
        between = range(start + 1, end) if end - start <= GAP else ()
        yield from (each for each in between if _is_card(blocks[each]) and _is_near(_address(blocks[each], base), base))


def _is_near(address: str, url: str) -> bool:
    """Advertised jobs and shops have hosts of their own."""
    return host_of(address).removeprefix("www.") == host_of(url).removeprefix("www.")


def _distinct(blocks: Iterable[Block], url: str, base: str) -> tuple[Related, ...]:
    """Each address once, with the first title that is one."""
    found: dict[str, Related] = {}
    for block in blocks:
        address = _address(block, base)
        title = title_of(block.text)
        if address and title and address_key(address) != address_key(url):
            found.setdefault(address_key(address), Related(url=address, title=title))
    return tuple(found.values())[:MAX_RELATED]
