"""Characters → one lxml tree that everything that reads a page shares, never deeper than its readers can follow.

Each bound stands for something that was seen to take a worker's whole time or memory: libxml2 compares every attribute
of an element with all before it and ends a document that is too deep; readers go up and down from every element.
"""

import re
from dataclasses import dataclass
from typing import cast

from lxml.etree import ParserError, XMLSyntaxError, XPath, iterwalk, strip_elements, strip_tags, tostring
from lxml.html import HtmlElement, HTMLParser, document_fromstring

MAX_ELEMENTS = 20_000
"""Five times what any news page was seen to have; readers take up to 0.3 ms for each."""
MAX_TEXT = 1_000_000
"""Characters to be read on one page, as many as a novel has."""
MAX_DEPTH = 200
"""Below that of libxml2 (255)."""
MAX_SCRIPT = 1_000_000
"""Characters; the longest structured data seen, of live blogs, have half of that."""
LONG_TAG = 4_000
MAX_ATTRIBUTES = 100
MAX_VALUE = 4_000
"""Characters; what is longer is an inlined picture or a script's data, never an address or a sentence."""

_LONG_TAGS = re.compile(rf"<([a-zA-Z][\w:-]{{0,50}}+)([^<>]{{{LONG_TAG},}}+)>")
_BLANKS = re.compile(r"\s{1000,}")
_ATTRIBUTE = re.compile(r"""[^\s=/"']+(?:\s*+=\s*+(?:"[^"]*+"|'[^']*+'|[^\s"']++))?""")
_TAG = re.compile(r"<[a-zA-Z]")
# Where unclosed tags pile up, these are still the paragraphs; all else there only wraps them.
_KEPT_BELOW = frozenset({"p", "br", "h1", "h2", "h3", "h4", "h5", "h6", "a", "img"})
_WORDLESS = ("svg", "select", "datalist", "style", "template", "math", "object")
_WRAPPING = "wrapping"
_COUNT = XPath("count(//*)")
_TEXTS = XPath("//body//text()[not(parent::script or parent::style)]")


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A page's tree, and the same in characters for a reader that parses for itself.

    `too_complex` says in words what there is more of than readers can take; None for nearly every page.
    """

    tree: HtmlElement
    characters: str
    too_complex: str | None = None


def tree_of(characters: str) -> HtmlElement | None:
    """The page as a tree; None for what holds no markup at all."""
    found = parsed(characters)
    return found.tree if found else None


def parsed(characters: str) -> Parsed | None:
    """The page as a tree without comments, at most `MAX_DEPTH` deep; None for what holds no markup at all.

    `characters` hold no control characters (`charset.decoded`): libxml2 ends the document at some of them.
    """
    if not _TAG.search(characters):
        return None
    given = without_floods(characters)
    tree, was_cut = _read(given, huge=False)
    if was_cut:
        tree, _ = _read(given, huge=True)
    if tree is None:
        return None
    if was_cut:
        _flatten(tree)
    if len(given) > MAX_TEXT:
        _drop_long_scripts(tree)
    if is_large := _elements(tree) > MAX_ELEMENTS:
        strip_elements(tree, *_WORDLESS, with_tail=False)
    complexity = _complexity(tree, given)
    is_changed = (was_cut or is_large) and not complexity
    again = tostring(tree, encoding="unicode", method="html") if is_changed else given
    return Parsed(tree=tree, characters=again, too_complex=complexity)


def without_floods(characters: str) -> str:
    """The page without attributes beyond `MAX_ATTRIBUTES` of an element, values beyond `MAX_VALUE`, seas of blanks."""
    return _LONG_TAGS.sub(_shortened, _BLANKS.sub("\n", characters))


def _shortened(tag: re.Match[str]) -> str:
    name, inside = tag.groups()
    if any(quote in _ATTRIBUTE.sub("", inside) for quote in "\"'"):
        return tag[0]  # it ends inside of a value
    attributes = [each for each in _ATTRIBUTE.findall(inside) if len(each) <= MAX_VALUE]
    return f"<{name} {' '.join(attributes[:MAX_ATTRIBUTES])}>"


def _read(characters: str, *, huge: bool) -> tuple[HtmlElement | None, bool]:
    """The tree, and whether libxml2 ended it before the page's end."""
    parser = HTMLParser(
        encoding="utf-8",
        remove_comments=True,
        remove_pis=True,
        collect_ids=False,
        huge_tree=huge,
    )
    try:
        # As bytes: of characters that name an encoding, as XHTML does, lxml wants to know nothing.
        tree = document_fromstring(characters.encode("utf-8", "replace"), parser=parser)
    except (ParserError, XMLSyntaxError):  # nothing in it
        return None, False
    return tree, any("XML_PARSE_HUGE" in error.message for error in parser.error_log)


def _drop_long_scripts(tree: HtmlElement) -> None:
    """Their elements stay: nobody reads so long a script, but guesses of dates and authors search all text."""
    for script in tree.iter("script"):
        if len(script.text or "") > MAX_SCRIPT:
            script.text = None


def _flatten(tree: HtmlElement) -> None:
    """Take out the wrappings below `MAX_DEPTH`; what they hold stays where it stands."""
    depth = 0
    for event, element in iterwalk(tree, events=("start", "end")):
        depth += 1 if event == "start" else -1
        if event == "start" and depth > MAX_DEPTH and element.tag not in _KEPT_BELOW:
            element.tag = _WRAPPING
    strip_tags(tree, _WRAPPING)


def _elements(tree: HtmlElement) -> int:
    return int(cast("float", _COUNT(tree)))


def _complexity(tree: HtmlElement, characters: str) -> str | None:
    if (elements := _elements(tree)) > MAX_ELEMENTS:
        return f"{elements} elements"
    # Of nearly all pages even the markup is shorter.
    letters = sum(map(len, cast("list[str]", _TEXTS(tree)))) if len(characters) > MAX_TEXT else 0
    return f"{letters} characters of text" if letters > MAX_TEXT else None
