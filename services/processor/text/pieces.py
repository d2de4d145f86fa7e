"""What stands in and around a text and is no part of it: lede, figures, related links. Pure."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import unescape

from lxml.html import HtmlElement

from services.processor.normalization import one_line
from services.processor.page.facts import PageFacts
from services.processor.text.blocks import Block
from services.processor.text.captions import without_captions
from services.processor.text.embeds import without_embeds
from services.processor.text.figures import figures_of
from services.processor.text.lede import Lede, lede_of
from services.processor.text.lines import Line, kept
from services.processor.text.related import without_related
from shared.events import Image, Related

MAX_SUMMARY_CHARACTERS = 2000
"""A feed that gives more than this gives the text."""

_TAG = re.compile(r"<[^<>]*>")


@dataclass(frozen=True, slots=True, kw_only=True)
class Pieces:
    """`lines` are those of the text, with what belongs to the pieces dropped; a lede may still be one of them."""

    lines: tuple[Line, ...]
    lede: Lede | None
    figures: tuple[Image, ...]
    related: tuple[Related, ...]


def pieces_of(
    tree: HtmlElement, blocks: Sequence[Block], lines: Sequence[Line], facts: PageFacts, summary: str | None
) -> Pieces:
    """The pieces of a page whose text is `lines`; `summary` is the feed's.

    A page on which only the lede was found has the lede for its text.
    """
    titles = (*facts.headings, facts.first("og:title") or "")
    figures = figures_of(tree, kept(lines), facts.base or facts.url)
    text, related = without_related(lines, blocks, facts.url, facts.base)
    text = without_embeds(text, blocks)
    text = without_captions(text, blocks, figures, titles, facts.first("og:site_name"))
    lede = lede_of(blocks, _descriptions(facts, summary or ""), titles, kept(text))
    if not kept(text) and lede:
        text = (*text, Line(text=lede.text, voice="lede"))
    return Pieces(lines=text, lede=lede, figures=figures, related=related)


def _descriptions(facts: PageFacts, summary: str) -> tuple[str, ...]:
    linked = facts.article.get("description")
    feed = one_line(unescape(_TAG.sub(" ", summary))) if len(summary) <= MAX_SUMMARY_CHARACTERS else ""
    stated = (*facts.every("og:description", "description", "twitter:description"), linked, feed)
    return tuple(dict.fromkeys(one_line(unescape(text)) for text in stated if isinstance(text, str) and text))
