"""The processor's eyes without its loops, for people who ask what it would read in a page. Nothing is stored or sent.

A page is read by `extraction` in the same killable workers as a queued one, without a feed that says anything of it.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from typing import Any
from urllib.parse import urlsplit

import structlog

from services.processor.config import ProcessorSettings
from services.processor.description import description
from services.processor.extraction import Traced, trace, warm_up
from services.processor.model import Source
from services.processor.page.charset import decoded
from services.processor.page.facts import facts_of
from services.processor.page.tree import parsed
from services.processor.profiles.loading import Profiles, load_profiles
from shared.errors import Unavailable
from shared.messages import EntryFacts
from shared.urls import normalise
from shared.workers import WorkerLost, WorkerPool

log = structlog.get_logger()
NOWHERE = "file:"
"""The address of a page that has none and states none: what is relative to it leads nowhere."""
FAILED = "failed"
"""The verdict on a page that meets a fault of ours."""
UNREAD = frozenset({"worker_timeout", "worker_died", FAILED})
"""Verdicts that say nothing of the page but that it could not be read."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """A page as served, and the address that answered; without one, the page's own word for it is taken."""

    body: bytes
    url: str | None = None
    content_type: str | None = None


class Asking:
    """Reads pages one by one, as many at once as there are workers; by the shipped profiles where none are given."""

    def __init__(self, pool: WorkerPool, profiles: Profiles | None = None) -> None:
        self._pool = pool
        self._profiles = profiles

    async def describe(self, page: Page) -> dict[str, Any]:
        """`url` and what `description` says; for a page that cost its worker one of `UNREAD`. Raises Unavailable."""
        try:
            url, traced = await self._pool.run(read, page, self._profiles)
        except WorkerLost as error:
            return {"url": page.url, "verdict": error.reason, "detail": error.detail}
        except Unavailable:
            raise
        except Exception as error:
            # One of thousands of pages; the others can be read.
            log.exception("page_unread", url=page.url)
            return {"url": page.url, "verdict": FAILED, "detail": f"{type(error).__name__}: {error}"}
        return {"url": url, **description(traced)}


@asynccontextmanager
async def asking(settings: ProcessorSettings, *, workers: int) -> AsyncIterator[Asking]:
    profiles = load_profiles(settings.profiles_dir)
    pool = WorkerPool("asking", replace(settings.extraction, workers=workers), warm_up)
    try:
        yield Asking(pool, profiles)
    finally:
        await pool.close()


def read(page: Page, profiles: Profiles | None = None) -> tuple[str | None, Traced]:
    """The page's address, None where nothing says it, and what came out of the page. Runs in a worker."""
    url = page.url or stated_address(page)
    source = Source(
        kind="fetched",
        url=url or NOWHERE,
        body=page.body,
        content_type=page.content_type,
        entry=EntryFacts(identity=NOWHERE),
        feed_language=None,
        section=None,
    )
    return url, trace(source, profiles)


def stated_address(page: Page) -> str | None:
    """Where the page says that it stands: an absolute address, rather of a page than of its site's home."""
    found = parsed(decoded(page.body, page.content_type))
    if found is None or found.too_complex:
        return None
    facts = facts_of(found.tree, NOWHERE)
    stated = (normalise(url or "") for url in (facts.canonical, facts.first("og:url")))
    # The first of those that lead as far; false sorts before true.
    return min((url for url in stated if url), key=lambda url: urlsplit(url).path in {"", "/"}, default=None)
