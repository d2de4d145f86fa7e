"""schema.org data that pages carry as JSON-LD: the node that describes the article. Pure.

What hostile pages write is bounded: characters read, nodes seen, values of one property, length of a text.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import unescape
from itertools import islice
from typing import Any

from services.processor.normalization import one_line

MAX_CHARACTERS = 1_000_000
"""Of all blocks of a page together; the largest seen on news pages, live blogs, have half of that."""
MAX_NODES = 200
MAX_VALUES = 100
"""Read of one property: no article has more authors, tags or pictures worth naming."""
MAX_TEXT_CHARACTERS = 5000

Node = Mapping[str, Any]

_ARTICLE_TYPE = re.compile(r"(Article|Posting|Report|Review)$")
_RECORDING_TYPE = re.compile(r"(PodcastEpisode|VideoObject|AudioObject|RadioEpisode|TVEpisode|Recipe)$")
# A page's own node has what its article's node may lack; Yoast, for one, gives dates and language to both.
_PAGE_TYPE = re.compile(r"WebPage$")
_ORGANISATION = re.compile(r"Organization$")
_REFERRING = ("author", "creator", "publisher", "image", "thumbnail", "isPartOf")
_WRAPPING = re.compile(r"^\s*(?:(?://|/\*)?\s*<!\[CDATA\[(?:\s*\*/)?|<!--)|(?:(?://|/\*)?\s*\]\]>(?:\s*\*/)?|-->)\s*$")
_TRAILING_COMMA = re.compile(r",\s*(?=[}\]])")
_BETWEEN = re.compile(r"[\s;,]*")
_DECODER = json.JSONDecoder(strict=False)  # raw line breaks in strings are the commonest error


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkedData:
    """`article` is the node of the page's article, empty where there is none; `types` are those of all nodes.

    `work` is the article's, else that of the recording or page: what names title, author and time.
    """

    article: Node = field(default_factory=dict)
    work: Node = field(default_factory=dict)
    types: frozenset[str] = frozenset()

    @property
    def is_signed_and_dated(self) -> bool:
        """Whether it names a person and a time: then nobody need look for them on the page."""
        return bool(self.work.get("datePublished")) and bool(person_names(self.work.get("author")))


def linked_data(blocks: Iterable[str]) -> LinkedData:
    """The fullest article node of the `blocks`, with what only other nodes about the same page say.

    References (`{"@id": …}`) to other nodes of the page are replaced by these. Nothing is raised for broken JSON.
    """
    nodes = list(islice((node for value in _values(blocks) for node in _nodes(value)), MAX_NODES))
    articles, recordings, pages = (
        sorted((node for node in nodes if _is(node, kind)), key=len, reverse=True)
        for kind in (_ARTICLE_TYPE, _RECORDING_TYPE, _PAGE_TYPE)
    )
    work = _merged([*(articles or recordings), *pages], nodes)
    types = frozenset(kind for node in nodes for kind in types_of(node))
    return LinkedData(article=work if articles else {}, work=work, types=types)


def _merged(about: Sequence[Node], nodes: Sequence[Node]) -> Node:
    """The first node, with what it lacks from those with the same headline or none, references followed."""
    headline = about[0].get("headline") if about else None
    same = [node for node in about if node.get("headline") in (None, headline) or _is(node, _PAGE_TYPE)]
    merged = {key: value for node in reversed(same) for key, value in node.items() if value or value is False}
    named = {node["@id"]: node for node in nodes if isinstance(node.get("@id"), str)}
    return {**merged, **{key: _followed(merged[key], named) for key in _REFERRING if key in merged}}


def types_of(node: Node) -> tuple[str, ...]:
    kinds = node.get("@type")
    every = kinds if isinstance(kinds, list) else [kinds]
    return tuple(kind.rpartition("/")[2] for kind in every[:MAX_VALUES] if isinstance(kind, str))


def values_of(value: object) -> list[Any]:
    """`value` as a list, flattened: some pages nest lists in lists."""
    found: list[Any] = []
    waiting = [value]
    for _ in range(2 * MAX_VALUES):
        if not waiting or len(found) >= MAX_VALUES:
            break
        first = waiting.pop(0)
        if isinstance(first, list):
            waiting = [*first[:MAX_VALUES], *waiting]
        else:
            found.append(first)
    return found


def text_of(value: object) -> str:
    """A JSON string as one line of text, empty for anything else; entities are common in it."""
    return one_line(unescape(value[:MAX_TEXT_CHARACTERS])) if isinstance(value, str) else ""


def names_of(value: object) -> tuple[str, ...]:
    """Names in JSON-LD: a string, a node with a name, or a list of these."""
    nodes = (_named(node) if isinstance(node, dict) else node for node in values_of(value))
    return tuple(text for node in nodes for text in map(text_of, values_of(node)) if text)


def _named(node: Node) -> object:
    """A node's name; some outlets give a person's only in its parts."""
    return node.get("name") or " ".join(filter(None, (text_of(node.get("givenName")), text_of(node.get("familyName")))))


def person_names(value: object) -> tuple[str, ...]:
    """Names of those that do not call themselves organisations; many outlets call theirs a person."""
    return names_of([each for each in values_of(value) if not (isinstance(each, dict) and _is(each, _ORGANISATION))])


def _is(node: Node, kind: re.Pattern[str]) -> bool:
    return any(map(kind.search, types_of(node)))


def _followed(value: object, named: Mapping[str, Node]) -> list[Any]:
    return [_target(each, named) if isinstance(each, dict) else each for each in values_of(value)]


def _target(node: Node, named: Mapping[str, Node]) -> Node:
    reference = node.get("@id")
    return named.get(reference, node) if isinstance(reference, str) and not node.get("name") else node


def _nodes(value: object) -> Iterator[dict[str, Any]]:
    """The JSON objects at the top of `value` and in its graph."""
    waiting = [value]
    for _ in range(4 * MAX_NODES):
        if not waiting:
            return
        first = waiting.pop(0)
        if isinstance(first, list):
            waiting.extend(first[:MAX_NODES])
        elif isinstance(first, dict):
            yield first
            waiting.extend(first[key] for key in ("@graph", "mainEntity") if key in first)


def _values(blocks: Iterable[str]) -> Iterator[object]:
    left = MAX_CHARACTERS
    for block in blocks:
        if len(block) <= left:
            left -= len(block)
            yield from _decoded(block) or _decoded(_mended(block))


def _decoded(block: str) -> list[object]:
    """The JSON values that stand in `block` one after the other; those before the first error."""
    found: list[object] = []
    at = _after_space(block, 0)
    try:
        while at < len(block) and len(found) < MAX_NODES:
            value, end = _DECODER.raw_decode(block, at)
            found.append(value)
            at = _after_space(block, end)
    except (ValueError, RecursionError):
        pass
    return found


def _after_space(block: str, at: int) -> int:
    found = _BETWEEN.match(block, at)
    return found.end() if found else at


def _mended(block: str) -> str:
    """`block` without what JSON does not allow and pages write all the same."""
    bare = _WRAPPING.sub("", block)
    if '"' not in bare:
        bare = unescape(bare)
    return _TRAILING_COMMA.sub("", bare)
