"""A feed's earlier documents (RFC 5005), where its newest one does not reach back to what is known.

the next earlier document, of the same site → its slot → GET → parse
lists something that is known?   → the list is whole
ten documents, or no address     → as whole as it can be had
interrupted                      → the rest at the next poll
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta

from services.fetcher.model import ParsedEntry, ParsedFeed, Unread
from shared.errors import PermanentError, StoreConflict, TransientError, Unavailable
from shared.urls import site_of
from shared.workers import WorkerLost

MOST_DOCUMENTS = 10
LONGEST_SECONDS = 80.0
"""For all of them: the feed's lease must outlast it."""
REQUEST_SECONDS = 20.0
"""Of these, kept for a request when its slot is waited for: what is left is a slot of the slowest site."""

Read = Callable[[str, timedelta], Awaitable[ParsedFeed]]
Known = Callable[[ParsedFeed], Awaitable[Mapping[str, str]]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Walked:
    """What earlier documents listed, newest first, and what of it was `known`; `unread` is where it was interrupted.

    `killed` when it ended at a document that cost a worker.
    """

    entries: tuple[ParsedEntry, ...] = ()
    known: Mapping[str, str] = field(default_factory=dict)
    documents: int = 0
    unread: Unread | None = None
    closed: bool = False
    killed: bool = False


async def walk(start: Unread, read: Read, known: Known) -> Walked:
    """Read earlier documents from `start` on until one lists what is known. Raises only what concerns our own store.

    `read` is told for how long the host's slot may be waited for.
    """
    walked, seen, next_up = Walked(), set[str](), start
    now = asyncio.get_running_loop().time
    end = now() + LONGEST_SECONDS
    try:
        async with asyncio.timeout_at(end):
            while next_up.left > 0 and not walked.closed:
                seen.add(next_up.url)
                document = await read(next_up.url, timedelta(seconds=end - now() - REQUEST_SECONDS))
                walked = _added(walked, document, await known(document))
                earlier = document.links.earlier
                if earlier is None or earlier in seen or site_of(earlier) != site_of(start.url):
                    return walked
                next_up = Unread(url=earlier, left=next_up.left - 1)
    except (StoreConflict, Unavailable):
        raise
    except PermanentError as error:
        return replace(walked, killed=isinstance(error, WorkerLost))
    except (TransientError, TimeoutError):
        return replace(walked, unread=next_up)
    return walked


def _added(walked: Walked, document: ParsedFeed, known: Mapping[str, str]) -> Walked:
    return Walked(
        entries=(*walked.entries, *document.entries),
        known={**walked.known, **known},
        documents=walked.documents + 1,
        closed=bool(known),
    )
