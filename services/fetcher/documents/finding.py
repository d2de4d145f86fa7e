"""Feeds of a site, found as a careful visitor would: a few requests, one after the other, each answer read."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from services.fetcher.documents.charset import read_text
from services.fetcher.documents.discovery import Guess, Source, guess
from services.fetcher.model import ParsedFeed, Response
from shared.errors import PermanentError, PipelineError
from shared.urls import normalise

MOST_REQUESTS = 10
PAUSE_SECONDS = 1.0
ACCEPT = "text/html, application/xhtml+xml, application/atom+xml, application/rss+xml, */*;q=0.1"

Parse = Callable[[bytes, str | None, str], Awaitable[ParsedFeed]]


class Client(Protocol):
    async def get(self, url: str, *, accept: str) -> Response: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Candidate:
    """A feed that was read, at the address it was found; `source` says by what."""

    url: str
    title: str | None
    entries: int
    source: Source
    faults: tuple[str, ...] = ()


async def find(
    client: Client, parse: Parse, url: str, pause: Callable[[float], Awaitable[None]] = asyncio.sleep
) -> list[Candidate]:
    """The feeds that the page at `url` leads to, best first; the page itself where it is a feed.

    At most ten requests, with a pause between two. Raises PermanentError `bad_url`, and what the client raises for the
    page itself (TransientError, PermanentError); an address that does not answer or is no feed is left out.
    """
    address = normalise(url if "://" in url else f"https://{url}")
    if address is None:
        raise PermanentError("bad_url", f"{url!r} is no http(s) address")
    page = await client.get(address, accept=ACCEPT)
    if page.status >= 400:
        raise PermanentError(f"http_{page.status}", f"{page.final_url} answers {page.status}")
    itself = await _read(parse, page, Guess(url=page.final_url, source=Source.GIVEN))
    if itself is not None:
        return [itself]
    return await _follow(client, parse, page, pause)


async def _follow(
    client: Client, parse: Parse, page: Response, pause: Callable[[float], Awaitable[None]]
) -> list[Candidate]:
    await pause(PAUSE_SECONDS)
    robots = await _answer(client, normalise("/robots.txt", page.final_url) or page.final_url)
    text, _ = read_text(page.body, page.headers.get("content-type"))
    listing = robots.body.decode("utf-8", "replace") if robots is not None else ""
    return await _checked(client, parse, guess(text, page.final_url, listing)[: MOST_REQUESTS - 2], pause)


async def _checked(
    client: Client, parse: Parse, guesses: Sequence[Guess], pause: Callable[[float], Awaitable[None]]
) -> list[Candidate]:
    """What of the guesses is a feed. One that was reached from two addresses counts once."""
    found: dict[str, Candidate] = {}
    for each in guesses:
        await pause(PAUSE_SECONDS)
        answer = await _answer(client, each.url)
        if answer is not None and (candidate := await _read(parse, answer, each)):
            found.setdefault(candidate.url, candidate)
    return list(found.values())


async def _answer(client: Client, url: str) -> Response | None:
    try:
        answer = await client.get(url, accept=ACCEPT)
    except PipelineError:
        return None
    return answer if answer.status == 200 else None


async def _read(parse: Parse, answer: Response, guessed: Guess) -> Candidate | None:
    try:
        parsed = await parse(answer.body, answer.headers.get("content-type"), answer.final_url)
    except PermanentError:
        return None
    return Candidate(
        url=answer.final_url,
        title=parsed.title or guessed.title,
        entries=len(parsed.entries),
        source=guessed.source,
        faults=parsed.faults,
    )
