"""Which of a text's lines are said of a picture. Pure."""

from collections import Counter
from collections.abc import Iterable, Sequence

from services.processor.fingerprint import normalised_words
from services.processor.text.blocks import Block, Hint, Inside
from services.processor.text.credits import ends_with_credit
from services.processor.text.furniture import rule_of
from services.processor.text.lines import Line, Why
from shared.events import Image

_FIGURE, _CAPTION, _BODY = int(Inside.FIGURE), int(Hint.CAPTION), int(Hint.BODY)

CAPTION_CHARACTERS = 400
ALT_CHARACTERS = 300
"""An alternative text that ends with the site's name is not longer."""
SLACK = 1.5
"""How much longer a line may be than its words: marks and double spaces come on top."""


def without_captions(
    lines: Sequence[Line],
    blocks: Sequence[Block],
    images: Iterable[Image],
    titles: Iterable[str],
    site_name: str | None,
) -> tuple[Line, ...]:
    """`lines` without captions, credits and alternative texts: those of `images`, and what stands in figures.

    A line that is one of the `titles` is none: many pages describe their picture by the headline.
    """
    heads = {_words(title) for title in titles}
    shown = {block.text for block in blocks if block.place.inside & _FIGURE and _is_caption(block)}
    said = {_words(text) for image in images for text in _said_of(image)} - heads
    longest = max(map(len, said), default=0)
    marked = tuple(
        line.because(Why.CAPTION)
        if (line.text in shown and _words(line.text) not in heads)
        or (len(line.text) <= SLACK * longest and _words(line.text) in said)
        or _is_alt(line.text, site_name or "")
        or ends_with_credit(line.text)
        else line
        for line in lines
    )
    return _without_captions_of_credits(marked, blocks)


def _without_captions_of_credits(lines: Sequence[Line], blocks: Sequence[Block]) -> tuple[Line, ...]:
    """What stands alone with a credit in one element, apart from the text, is the credit's caption."""
    credits_ = {line.text for line in lines if line.dropped is Why.FURNITURE and rule_of(line.text) == "credit"}
    if not credits_:
        return tuple(lines)
    text = {line.text for line in lines if line.dropped is None}
    among = Counter(block.place.container for block in blocks if block.text in text)
    near = {block.place.container for block in blocks if block.text in credits_}
    apart = {container for container in near if among[container] == 1}
    alone = {block.text for block in blocks if block.place.container in apart and block.text in text}
    return tuple(
        line.because(Why.CAPTION) if line.text in alone and len(line.text) <= CAPTION_CHARACTERS else line
        for line in lines
    )


def _words(text: str) -> str:
    return " ".join(normalised_words(text))


def _is_caption(block: Block) -> bool:
    place = block.place
    return "figcaption" in {place.tag, place.parent} or bool(place.own & _CAPTION and not place.own & _BODY)


def _said_of(image: Image) -> tuple[str, ...]:
    whole = f"{image.caption or ''} {image.credit or ''}"
    return tuple(text for text in (image.caption, image.credit, image.alt, whole) if text and text.strip())


def _is_alt(line: str, site_name: str) -> bool:
    """`A street in Dakar - The Site`, as some sites describe their pictures."""
    before, dash, after = line.rpartition(" - ")
    return bool(dash and site_name and before) and len(line) <= ALT_CHARACTERS and _words(after) == _words(site_name)
