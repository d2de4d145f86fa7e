"""Addresses in a Link header (RFC 8288). Pure."""

import re
from urllib.parse import urljoin

_LINK = re.compile(r"<([^<>]*)>((?:\s*;\s*[\w!#$&+.^`|~*-]+(?:\s*=\s*(?:\"[^\"]*\"|[^\s\",;]*))?)*)")
_REL = re.compile(r";\s*rel\s*=\s*(?:\"([^\"]*)\"|([^\s\",;]*))", re.IGNORECASE)


def linked(header: str, relation: str, base: str) -> str | None:
    """The first address with this relation, absolute; None where there is none that makes sense."""
    for url, parameters in _LINK.findall(header[:65_536]):
        said = _REL.search(parameters)
        if said and relation in (said[1] or said[2] or "").lower().split():
            try:
                return str(urljoin(base, url.strip()))
            except ValueError:
                continue
    return None
