"""Posts of social networks that a text embeds: others' words, shown by a script and signed at their end. Pure."""

import re
from collections.abc import Sequence

from services.processor.text.blocks import Block, Hint, Inside
from services.processor.text.lines import Line, Why

MOST_PARAGRAPHS = 12

# `— Awa Diop (@awa) February 11, 2026`, as the networks write below what they embed.
_SIGNATURE = re.compile(r"[—–-]{1,3}\s?.{1,80}\(@[\w.]{1,40}\).{0,5}\s.{4,40}")
_QUOTE, _SOCIAL = int(Inside.QUOTE), int(Hint.SOCIAL)


def without_embeds(lines: Sequence[Line], blocks: Sequence[Block]) -> tuple[Line, ...]:
    """`lines` without signed posts and their signatures; `blocks` are the page's."""
    signatures = {line.text for line in lines if _SIGNATURE.fullmatch(line.text)}
    if not signatures:
        return tuple(lines)
    ends = (at for at, block in enumerate(blocks) if block.text in signatures)
    embedded = signatures.union(*(_post(blocks, end) for end in ends))
    return tuple(line.because(Why.FURNITURE) if line.text in embedded else line for line in lines)


def _post(blocks: Sequence[Block], end: int) -> set[str]:
    """The paragraphs of the post that is signed at `end`, where it stands in a quotation of a network's own."""
    found: set[str] = set()
    for block in reversed(blocks[max(0, end - MOST_PARAGRAPHS) : end + 1]):
        if not (block.place.inside & _QUOTE and block.place.hints & _SOCIAL):
            break
        found.add(block.text)
    return found
