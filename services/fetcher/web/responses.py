"""What holds for every answer, of a feed, a page, a robots.txt or a hub. Pure."""

import hashlib

THROTTLING_STATUSES = frozenset({429, 503})
"""By these a host asks us to slow down."""


def body_hash(body: bytes) -> str:
    return hashlib.blake2b(body, digest_size=16).hexdigest()
