"""schema.org data in the attributes of a page's elements: the properties of its article, hidden ones too. Pure."""

import re
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import islice
from typing import cast

from lxml.etree import XPath
from lxml.html import HtmlElement

from services.processor.normalization import one_line

MAX_PROPERTIES = 500
MAX_CHARACTERS = 1000
MAX_DEPTH = 50

_PROPERTIES = XPath("//*[@itemprop]")
_ARTICLE_TYPE = re.compile(r"(Article|Posting|Report|Review)/?$")
# These are nodes of their own whose name is what counts.
_NAMED = frozenset({"author", "creator", "publisher"})


@dataclass(frozen=True, slots=True)
class _Property:
    """A property, the element whose property it is (None: of no item), and what that one is to its own owner."""

    name: str
    value: str
    owner: HtmlElement | None
    role: str = ""


def microdata_of(tree: HtmlElement) -> Mapping[str, tuple[str, ...]]:
    """Values by property of the article with most of them; of authors and publishers their names."""
    elements = cast("list[HtmlElement]", _PROPERTIES(tree))[:MAX_PROPERTIES]
    found = [each for element in elements for each in _properties(element)]
    owners = Counter(each.owner for each in found if each.owner is not None and _is_article(each.owner))
    article = owners.most_common(1)[0][0] if owners else None
    values: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for each in found:
        if each.owner is article and each.value:
            values[each.name] = (*values[each.name], each.value)
    return dict(values)


def _properties(element: HtmlElement) -> Iterable[_Property]:
    names = (element.get("itemprop") or "").split()[:5]
    owner = _owner(element)
    role = (owner.get("itemprop") or "") if owner is not None else ""
    if role in _NAMED and names == ["name"]:
        yield _Property(role, _value(element), _owner(owner) if owner is not None else None)
    elif element.get("itemscope") is None:
        yield from (_Property(name, _value(element), owner) for name in names)


def _owner(element: HtmlElement) -> HtmlElement | None:
    """The nearest element around that is an item."""
    return next((above for above in islice(element.iterancestors(), MAX_DEPTH) if "itemscope" in above.attrib), None)


def _is_article(item: HtmlElement) -> bool:
    return bool(_ARTICLE_TYPE.search(item.get("itemtype") or ""))


def _value(element: HtmlElement) -> str:
    stated = next((found for name in ("content", "datetime") if (found := element.get(name))), None)
    if stated is not None:
        return one_line(stated[:MAX_CHARACTERS])
    shown = element.get("src") or (element.get("href") if element.tag == "link" else None)
    return one_line(shown or "".join(_pieces(element)))


def _pieces(element: HtmlElement) -> Iterable[str]:
    """Its text up to a bound: `articleBody` is the whole text, which nobody wants from here."""
    length = 0
    for piece in element.itertext():
        if length > MAX_CHARACTERS:
            return
        length += len(piece)
        yield piece[:MAX_CHARACTERS]
