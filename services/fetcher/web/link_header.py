"""Addresses in a Link header (RFC 8288). Pure."""

import re
from collections.abc import Iterator
from urllib.parse import urljoin

MOST_CHARACTERS = 65_536

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s\",;]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]*))", re.IGNORECASE)


def targets(header: str, relation: str) -> Iterator[str]:
    """The addresses with this relation, as they were said."""
    for url, parameters in _LINK.findall(header[:MOST_CHARACTERS]):
        said = _REL.search(parameters)
        if said and relation in (said[1] or said[2] or "").lower().split():
            yield url.strip()


def linked(header: str, relation: str, base: str) -> str | None:
    """The first address with this relation, absolute; None where there is none that makes sense."""
    for url in targets(header, relation):
        try:
            return str(urljoin(base, url))
        except ValueError:
            continue
    return None
