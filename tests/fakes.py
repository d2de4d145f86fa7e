"""Values of the pipeline, with what a test does not care about filled in, and stand-ins for its neighbours."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

from services.fetcher.errors import LeaseLost
from services.fetcher.hosts.robotstxt import Robots
from services.fetcher.model import Entry, Feed, FeedSettings, ParsedEntry, Response, Rhythm, Validators
from services.fetcher.pages.frontier import Visit, VisitResult
from services.fetcher.polling.schedule import Schedule
from services.fetcher.polling.selection import Selection
from services.fetcher.polling.store import Poll
from services.processor.model import Article
from shared.broker.protocols import Delivery
from shared.envelope import Message
from shared.events import ArticleData, ArticleEvent, Language, Moment, Provenance, Site, Story
from shared.messages import EntryFacts, FeedFacts, RawPage, ResponseFacts, raw_id
from shared.urls import host_of

NOW = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
URL = "https://news.example/a"
WORDS = "Le conseil municipal a voté mardi soir le budget de la ville après un long débat sur les transports publics."


def settings(url: str = "https://news.example/feed.xml", **more: Any) -> FeedSettings:
    return FeedSettings(url=url, name="News", **more)


def feed(**more: Any) -> Feed:
    said = settings()
    return Feed(**{"feed_id": said.feed_id, "settings": said, "lease": uuid4(), **more})


def parsed(identity: str = "a", url: str | None = URL, fingerprint: str = "1", **more: Any) -> ParsedEntry:
    facts = EntryFacts(**{"identity": identity, "url": url, "title": f"Title of {identity}", **more})
    return ParsedEntry(identity=identity, fingerprint=fingerprint, facts=facts)


def poll(leased: Feed, *new: ParsedEntry, **more: Any) -> Poll:
    schedule = Schedule(wait=timedelta(days=3650), interval=timedelta(hours=1), terms=(("rhythm", 3600.0),))
    said = {"rhythm": Rhythm(polls=1), "validators": None, "body_hash": None, "selection": Selection(new=new)}
    return Poll(feed=leased, schedule=schedule, **{**said, **more})


def entry(url: str | None = URL, **more: Any) -> Entry:
    said = {
        "entry_id": uuid4(),
        "url": url,
        "facts": EntryFacts(identity="a", url=url, title="Title"),
        "feed": settings(),
        "lease": uuid4(),
        "discovered_at": NOW,
    }
    return Entry(**{**said, **more})


def response(body: bytes = b"<p>text</p>", status: int = 200, url: str = URL, **headers: str) -> Response:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return Response(
        requested_url=url,
        final_url=url,
        status=status,
        headers={"content-type": "text/html", **named},
        body=body,
        fetched_at=NOW,
        seconds=0.1,
    )


def raw_page(url: str | None = URL, *, number: int = 1, at: datetime = NOW, **more: Any) -> RawPage:
    """Observation `number` of the entry at `url`; `entry_id` tells two entries of one address apart."""
    identity = more.pop("entry_id", None) or UUID(int=abs(hash(url)) % 2**128)
    answered = ResponseFacts(requested_url=url, final_url=url, status=200) if url else None
    said = {
        "kind": "fetched",
        "feed": FeedFacts(url="https://news.example/feed.xml", name="News"),
        "entry": EntryFacts(identity="a", url=url, title="Title"),
        "response": answered,
        "body": b"<p>text</p>",
    }
    return RawPage(
        raw_id=raw_id(identity, number), entry_id=identity, observation=number, observed_at=at, **{**said, **more}
    )


def article(text: str = WORDS, *, url: str = URL, headline: str = "Le budget est voté", **more: Any) -> Article:
    said = {
        "url": url,
        "canonical_url": None,
        "headline": headline,
        "lede": None,
        "paragraphs": (text,),
        "language": Language(code="fr", confidence=0.99),
        "word_count": 20 + len(text.split()),
        "text_hash": f"text:{hash(text)}",
        "headline_hash": f"headline:{hash(headline)}",
        "page_hash": "page",
        "extractor": "test/1",
    }
    return Article(**{**said, **more})


def event(identity: UUID | None = None, revision: int = 1, **more: Any) -> ArticleEvent:
    name = identity or uuid4()
    page = raw_page()
    data = ArticleData(
        article_id=name,
        revision=revision,
        url=URL,
        urls=(URL,),
        site=Site(host="news.example", name="News"),
        headline="Le budget est voté",
        text=WORDS,
        language=Language(code="fr", confidence=0.99),
        fetched=Moment(at=NOW, source="fetch"),
        story=Story(id=name, role="original"),
        provenance=Provenance(
            feed_url=page.feed.url,
            feed_name=page.feed.name,
            entry_id=page.entry_id,
            raw_id=page.raw_id,
            observation=1,
            observed_as="fetched",
        ),
    )
    return ArticleEvent(**{"verb": "published", "time": NOW, "data": data, **more})


def delivery(page: RawPage | Message, attempt: int = 1) -> Delivery:
    message = page.message() if isinstance(page, RawPage) else page
    return Delivery(message=message, routing_key="page", attempt=attempt)


class Client:
    """Gives the next of its answers; an exception among them is raised. `asked` holds what it was asked for."""

    def __init__(self, *answers: Response | Exception) -> None:
        self._answers = list(answers)
        self.asked: list[tuple[str, Validators | None, Mapping[str, str]]] = []
        self.hops: tuple[str, ...] = ()

    async def get(
        self,
        url: str,
        *,
        accept: str,
        validators: Validators | None = None,
        headers: Mapping[str, str] | None = None,
        before_hop: Callable[[str], Awaitable[None]] | None = None,
        max_body_bytes: int | None = None,
    ) -> Response:
        self.asked.append((url, validators, headers or {}))
        for hop in self.hops:
            if before_hop is not None:
                await before_hop(hop)
        answer = self._answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer


class Hosts:
    """Every slot is free after `wait`, unless `busy` is set to what is raised instead.

    `held_meanwhile` is raised to those who waited.
    """

    def __init__(self, busy: Exception | None = None) -> None:
        self.busy = busy
        self.held_meanwhile: Exception | None = None
        self.wait = timedelta(0)
        self.reserved: list[str] = []
        self.held: list[tuple[str, timedelta | None]] = []

    async def reserve(self, site: str, delay: timedelta, patience: timedelta = timedelta(seconds=10)) -> timedelta:
        self.reserved.append(site)
        if self.busy is not None:
            raise self.busy
        return self.wait

    async def follow(self, site: str, delay: timedelta) -> timedelta:
        return await self.reserve(site, delay)

    async def check(self, site: str) -> None:
        if self.held_meanwhile is not None:
            raise self.held_meanwhile

    async def hold(self, site: str, retry_after: timedelta | None) -> datetime:
        self.held.append((site, retry_after))
        return NOW


class Feeds:
    """Remembers what is committed; `kept` False stands for a lease that was lost."""

    def __init__(self, known: Mapping[str, str] | None = None, *, kept: bool = True) -> None:
        self._known = known or {}
        self._kept = kept
        self.polls: list[Poll] = []
        self.postponed: list[tuple[Feed, datetime]] = []
        self.put_off_feeds: list[Feed] = []
        self.released: list[Feed] = []

    async def known(self, feed: UUID, identities: list[str]) -> Mapping[str, str]:
        return {name: print_ for name, print_ in self._known.items() if name in identities}

    async def commit(self, poll: Poll) -> bool:
        self.polls.append(poll)
        return self._kept

    async def postpone(self, feed: Feed, until: datetime) -> None:
        self.postponed.append((feed, until))

    async def put_off(self, feed: Feed, others: tuple[Feed, ...], wait: timedelta) -> None:
        self.put_off_feeds += [feed, *others]

    async def release(self, feed: Feed) -> None:
        self.released.append(feed)


class Entries:
    """Numbers observations from the entry's own count. `busy` is raised by `begin`, `lost` stands for a lost lease."""

    def __init__(self, *, busy: Exception | None = None, lost: bool = False) -> None:
        self._busy = busy
        self._lost = lost
        self.results: list[VisitResult] = []
        self.postponed: list[datetime] = []
        self.released: list[Entry] = []
        self.wait = timedelta(0)
        self.overtaken = False

    async def begin(self, entry: Entry, delay: timedelta) -> Visit:
        if self._busy is not None:
            raise self._busy
        return await self.number(entry)

    async def number(self, entry: Entry) -> Visit:
        if self._lost:
            raise LeaseLost
        return Visit(start=NOW, wait=self.wait, number=entry.observations + 1)

    async def holds(self, entry: Entry) -> bool:
        return not self.overtaken

    async def commit(self, result: VisitResult) -> bool:
        self.results.append(result)
        return not self._lost

    async def postpone(self, entry: Entry, until: datetime) -> None:
        self.postponed.append(until)

    async def release(self, entry: Entry) -> None:
        self.released.append(entry)


class Gate:
    """Lets everyone in, unless `refusal` is set to what is raised instead. `rules` are robots.txt files by host."""

    def __init__(self, refusal: Exception | None = None, rules: Mapping[str, str] | None = None) -> None:
        self._refusal = refusal
        self._rules = rules or {}
        self.checked: list[str] = []

    async def check(self, url: str) -> Robots:
        self.checked.append(url)
        if self._refusal is not None:
            raise self._refusal
        said = self._rules.get(host_of(url))
        return Robots.parse(404, b"") if said is None else Robots.parse(200, said)

    def pace(self, rules: Robots, page_delay: timedelta | None) -> timedelta:
        return timedelta(0)


class Outlet:
    """Takes every page, but raises the next of its `failures` first. `sent` holds page and attempt."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.sent: list[tuple[RawPage, int]] = []

    async def send(self, page: RawPage, *, attempt: int = 1) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.sent.append((page, attempt))


class Hanging(Client):
    """A host that takes the request and never answers; `reached` is set by then."""

    def __init__(self) -> None:
        super().__init__()
        self.reached = asyncio.Event()

    async def get(self, url: str, **_asked: Any) -> Response:
        self.reached.set()
        await asyncio.Event().wait()
        raise AssertionError(url)


class Publisher:
    """Confirms every publish, but raises the next of its `failures` first. `attempts` counts all of them."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.attempts: list[str] = []
        self.published: list[tuple[str, str, Message]] = []

    def relent(self, *failures: Exception) -> None:
        """Only these are left to be raised."""
        self._failures = list(failures)

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        self.attempts.append(message.message_id)
        if self._failures:
            raise self._failures.pop(0)
        self.published.append((exchange, routing_key, message))


class Broken:
    """A store that does not answer."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    @asynccontextmanager
    async def begin(self) -> AsyncIterator[Any]:
        raise self._error
        yield

    async def standing(self, _: Any) -> frozenset[str]:
        raise self._error


def answers(*values: Any) -> Callable[..., Awaitable[Any]]:
    """A function that gives its values one after the other, whatever it is asked; an exception is raised."""
    left = list(values)

    async def answer(*_arguments: Any) -> Any:
        value = left.pop(0)
        if isinstance(value, BaseException):
            raise value
        return value

    return answer


def ids(messages: Sequence[tuple[str, str, Message]]) -> list[str]:
    return [message.message_id for _, _, message in messages]
