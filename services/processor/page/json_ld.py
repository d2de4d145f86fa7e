"""schema.org data that pages carry as JSON-LD: the node that describes the article. Pure."""

import json
import re
from collections.abc import Iterable, Mapping
from typing import Any

MAX_NODES = 200

_ARTICLE_TYPE = re.compile(r"(Article|Posting|Report|Review)$")


def article_node(blocks: Iterable[str]) -> Mapping[str, Any]:
    """The fullest article node in the JSON-LD `blocks` of a page, empty where there is none."""
    nodes = (node for block in blocks for node in _nodes(block) if _is_article(node))
    return max(nodes, key=len, default={})


def _is_article(node: Mapping[str, Any]) -> bool:
    kinds = node.get("@type")
    named = kinds if isinstance(kinds, list) else [kinds]
    return any(_ARTICLE_TYPE.search(kind) for kind in named if isinstance(kind, str))


def _nodes(block: str) -> list[dict[str, Any]]:
    """The JSON objects at the top of `block` and in its graph; none where it is not JSON, which is common."""
    try:
        waiting = [json.loads(block, strict=False)]
    except (ValueError, RecursionError):
        return []
    found: list[dict[str, Any]] = []
    while waiting and len(found) < MAX_NODES:
        value = waiting.pop()
        if isinstance(value, list):
            waiting.extend(value)
        elif isinstance(value, dict):
            found.append(value)
            waiting.extend(value[key] for key in ("@graph", "mainEntity") if key in value)
    return found
