"""The world outside: sites whose pages change, the feeds that say so, and what is read in them.

A feed announces every change of a page, also that it is gone, so that the pipeline has to come to the last state.
"""

import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from hashlib import blake2b

from services.fetcher.model import FeedSettings, ParsedEntry, ParsedFeed, Response, Validators
from services.processor.model import Article, Extracted, NotAnArticle, Source
from shared.errors import TransientError
from shared.events import Language
from shared.messages import EntryFacts

GONE = None
State = str | None
"""The text of a page, or that it is gone."""


@dataclass(slots=True)
class Page:
    """A page and all that it ever was; `announced` counts the times its feeds spoke of it."""

    states: list[State] = field(default_factory=list)

    @property
    def text(self) -> State:
        return self.states[-1]

    @property
    def announced(self) -> int:
        return len(self.states)


class Site:
    """Answers as a server that knows ETags. An ETag names the content: a page that is as it was has its old one."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self.pages: dict[str, Page] = {}
        self.listed: dict[str, list[str]] = {}
        self.documents: dict[str, Mapping[str, int]] = {}
        self.failures: list[int] = []

    def publish(self, url: str, text: str, *feeds: str) -> None:
        self.pages[url] = Page(states=[text])
        for each in feeds:
            self.listed.setdefault(each, []).append(url)

    def change(self, url: str, state: State) -> None:
        if self.pages[url].text != state:
            self.pages[url].states.append(state)

    def document(self, feed: str) -> bytes:
        lines = [f"{url} {self.pages[url].announced}" for url in self.listed.get(feed, ())]
        return "\n".join(lines).encode()

    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        before_hop: Callable[[str], Awaitable[None]] | None = None,
    ) -> Response:
        """One answer; the next of `failures` goes first: a status, or 0 for a connection that breaks."""
        if self.failures:
            return self._failed(url, self.failures.pop(0))
        if url in self.pages:
            text = self.pages[url].text
            if text is GONE:
                return self._answer(url, 404, b"", "")
            body = text.encode()
        else:
            body = self.document(url)
            self.documents[_etag(body)] = _announced(body)
        tag = _etag(body)
        if validators is not None and validators.url == url and validators.etag == tag:
            return self._answer(url, 304, b"", tag)
        return self._answer(url, 200, body, tag)

    def _failed(self, url: str, status: int) -> Response:
        if not status:
            raise TransientError("connection_reset")
        return self._answer(url, status, b"", "")

    def _answer(self, url: str, status: int, body: bytes, tag: str) -> Response:
        return Response(
            requested_url=url,
            final_url=url,
            status=status,
            headers={"content-type": "text/html", **({"etag": tag} if tag else {}), "retry-after": "20"},
            body=body,
            fetched_at=self._now(),
            seconds=0.0,
        )


def settings(url: str) -> FeedSettings:
    return FeedSettings(url=url, name=url)


async def parse(body: bytes, _content_type: str | None, _url: str) -> ParsedFeed:
    return ParsedFeed(entries=tuple(_entry(url, count) for url, count in _announced(body).items()))


async def extract(source: Source) -> Extracted:
    text = source.body.decode()
    if not text:
        return NotAnArticle(reason="empty")
    return Article(
        url=source.url,
        canonical_url=None,
        headline="Le budget",
        lede=None,
        paragraphs=(text,),
        language=Language(code="fr", confidence=1.0),
        word_count=100,
        text_hash=_hash(text.encode()),
        headline_hash="headline",
        page_hash=_hash(source.body),
        extractor="model/1",
    )


def told(body: bytes) -> tuple[str, int, State]:
    """Article, revision and state of an event, as a subscriber reads it."""
    event = json.loads(body)
    data = event["data"]
    text = GONE if event["type"].endswith("withdrawn.v1") else data["text"]
    return data["article_id"], data["revision"], text


def _entry(url: str, count: int) -> ParsedEntry:
    return ParsedEntry(identity=url, fingerprint=str(count), facts=EntryFacts(identity=url, url=url, title="Le budget"))


def _announced(body: bytes) -> dict[str, int]:
    pairs = (line.split(" ") for line in body.decode().splitlines())
    return {url: int(count) for url, count in pairs}


def _hash(body: bytes) -> str:
    return blake2b(body, digest_size=8).hexdigest()


def _etag(body: bytes) -> str:
    return f'"{_hash(body)}"'
