"""A scripted news wire: several outlets on one port, whose every entry, change and answer is known.

It knows what the pipeline should come to, and takes nothing of it from the pipeline's own store.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from hashlib import blake2b
from html import escape
from typing import Literal

from aiohttp import web
from chaos.prose import marker_of, page_of, paragraphs_of, title_of
from chaos.records import Item, Truth

FEED = "/feed.xml"
SECOND_FEED = "/second.xml"
ELSEWHERE = "/elsewhere"
Trouble = Literal["status", "hang", "truncate", "reset"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One answered request; `at` is an aware UTC time."""

    host: str
    path: str
    status: int
    at: datetime


@dataclass(slots=True, kw_only=True)
class Dispatch:
    """One article as it stands on its outlet's site now. `states` are the markers it has had; None is "not there"."""

    number: int
    host: str
    published: datetime
    title: str
    summary: str
    paragraphs: tuple[str, ...]
    states: list[str | None]
    copies: "Dispatch | None" = None
    editions: int = 1
    listed: bool = True

    @property
    def path(self) -> str:
        return f"/news/{self.number:04d}"

    @property
    def url(self) -> str:
        return f"http://{self.host}{self.path}"

    @property
    def there(self) -> bool:
        return self.states[-1] is not None


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """How the wire answers instead, on `host` (any without) below `prefix`."""

    kind: Trouble
    host: str | None
    prefix: str
    status: int
    retry_after: int
    lifted: asyncio.Event = field(default_factory=asyncio.Event)

    def meets(self, host: str, path: str) -> bool:
        return self.host in {None, host} and path.startswith(self.prefix)


class Wire:
    """Publish, correct and withdraw at any time; what is asked next sees it."""

    def __init__(self, hosts: Sequence[str]) -> None:
        self.hosts = tuple(hosts)
        self.port = 0
        self.dispatches: list[Dispatch] = []
        self.requests: list[Request] = []
        self._faults: list[Fault] = []
        self._around: set[str] = set()
        self._closed: set[str] = set()
        self.second_feeds = False
        """Whether each outlet has another feed of the same articles; every other one stands there at another address,
        whose page names the first one as canonical. To be set before the start."""

    @property
    def feed_urls(self) -> tuple[str, ...]:
        feeds = (FEED, SECOND_FEED) if self.second_feeds else (FEED,)
        return tuple(f"http://{host}{feed}" for host in self.hosts for feed in feeds)

    def publish(self, host: str | None = None) -> Dispatch:
        """A new article, listed in its outlet's feed; without a host, the outlets take turns."""
        number = len(self.dispatches) + 1
        made = Dispatch(
            number=number,
            host=host or self.hosts[number % len(self.hosts)],
            published=datetime.now(UTC),
            title=title_of(number, 1),
            summary=f"Report {number}, as first filed.",
            paragraphs=paragraphs_of(number, "1"),
            states=[marker_of(number, "1")],
        )
        self.dispatches.append(made)
        return made

    def correct(self, dispatch: Dispatch) -> None:
        """Another text under another title; the feed's entry changes with it."""
        dispatch.editions += 1
        dispatch.title = title_of(dispatch.number, dispatch.editions)
        self.set_text(dispatch, str(dispatch.editions), told=True)

    def set_text(self, dispatch: Dispatch, variant: str, *, told: bool = False) -> None:
        """The text `variant` of the article, the same for the same name; the feed says so only when it is `told`."""
        dispatch.paragraphs = paragraphs_of(dispatch.number, variant)
        dispatch.states.append(marker_of(dispatch.number, variant))
        if told:
            dispatch.summary = f"Report {dispatch.number}, state {len(dispatch.states)} of it."

    def copy(self, dispatch: Dispatch, host: str | None = None) -> Dispatch:
        """The words that the article has now, as an article of another outlet."""
        made = self.publish(host or next(each for each in self.hosts if each != dispatch.host))
        made.title, made.paragraphs, made.copies = dispatch.title, dispatch.paragraphs, dispatch
        made.states = [dispatch.states[-1]]
        return made

    def withdraw(self, dispatch: Dispatch) -> None:
        """404 from now on, and out of the feed."""
        dispatch.states.append(None)
        dispatch.listed = False

    def bring_back(self, dispatch: Dispatch) -> None:
        """A withdrawn article, with the text that it had, as its feed tells."""
        dispatch.states.append(dispatch.states[-2])
        dispatch.listed = True
        dispatch.summary = f"Report {dispatch.number}, back again after {len(dispatch.states)} states."

    def answer_with(
        self, kind: Trouble, *, host: str | None = None, prefix: str = "/", status: int = 503, retry_after: int = 1
    ) -> None:
        """From now on, until `answer_well`: `status` (with Retry-After), `hang`, `truncate` or `reset`."""
        self._faults.append(Fault(kind=kind, host=host, prefix=prefix, status=status, retry_after=retry_after))

    def answer_well(self) -> None:
        """What hangs is answered now."""
        for fault in self._faults:
            fault.lifted.set()
        self._faults.clear()

    def send_around(self, dispatch: Dispatch) -> None:
        """Its address redirects to another one of the same host, which names the first as canonical."""
        self._around.add(dispatch.url)

    def close_to_robots(self, host: str) -> None:
        """Its robots.txt refuses all pages; the feed carries the texts instead, and nothing there can be withdrawn."""
        self._closed.add(host)

    def truth(self) -> Truth:
        return Truth(
            hosts=len(self.hosts),
            items=tuple(
                Item(
                    url=each.url,
                    states=tuple(each.states),
                    copy_of=each.copies.url if each.copies is not None else None,
                )
                for each in self.dispatches
            ),
        )

    async def answer(self, request: web.Request) -> web.StreamResponse:
        host, path = request.host.partition(":")[0], request.path
        fault = next((each for each in self._faults if each.meets(host, path)), None)
        if fault is not None and fault.kind == "hang":
            await fault.lifted.wait()
        response = self._response(host, path, request.headers.get("If-None-Match"))
        if fault is not None and fault.kind == "status":
            response = web.Response(status=fault.status, headers={"Retry-After": str(fault.retry_after)})
        self.requests.append(Request(host=host, path=path, status=response.status, at=datetime.now(UTC)))
        if fault is not None and fault.kind in {"truncate", "reset"}:
            return await _broken(request, response if fault.kind == "truncate" else None)
        return response

    def _response(self, host: str, path: str, known: str | None) -> web.Response:
        if path == "/robots.txt":
            return web.Response(text=f"User-agent: *\n{'Disallow' if host in self._closed else 'Allow'}: /news\n")
        if f"http://{host}{path}" in self._around:
            return web.Response(status=302, headers={"Location": f"{ELSEWHERE}{path}"})
        body, kind = self._document(host, path)
        if body is None:
            return web.Response(status=404, text="There is nothing here.")
        etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        if known == etag:
            return web.Response(status=304, headers={"ETag": etag})
        return web.Response(body=body, headers={"ETag": etag, "Content-Type": f"{kind}; charset=utf-8"})

    def _document(self, host: str, path: str) -> tuple[bytes | None, str]:
        if path == FEED:
            return self._feed(host, lambda each: each.url), "application/rss+xml"
        if path == SECOND_FEED:
            return self._feed(host, _second_address), "application/rss+xml"
        asked = (host, path.removeprefix(ELSEWHERE))
        found = next((each for each in self.dispatches if (each.host, each.path) == asked), None)
        if found is None or not found.there:
            return None, "text/html"
        page = page_of(host, found.title, found.paragraphs)
        link = f'<link rel="canonical" href="{found.url}"></head>'.encode()
        return page.replace(b"</head>", link) if path.startswith(ELSEWHERE) else page, "text/html"

    def _said_of(self, dispatch: Dispatch) -> str:
        if dispatch.host not in self._closed:
            return dispatch.summary
        return "".join(f"<p>{each}</p>" for each in dispatch.paragraphs)

    def _feed(self, host: str, address: Callable[[Dispatch], str]) -> bytes:
        listed = (each for each in reversed(self.dispatches) if each.host == host and each.listed)
        items = "".join(
            f"<item><guid>{address(each)}</guid><link>{address(each)}</link><title>{escape(each.title)}</title>"
            f"<description>{escape(self._said_of(each))}</description><pubDate>{format_datetime(each.published)}</pubDate></item>"
            for each in listed
        )
        head = f"<title>{host}</title><link>http://{host}/</link><description>News of {host}</description>"
        return f'<?xml version="1.0"?><rss version="2.0"><channel>{head}{items}</channel></rss>'.encode()


def _second_address(dispatch: Dispatch) -> str:
    return f"http://{dispatch.host}{ELSEWHERE}{dispatch.path}" if dispatch.number % 2 else dispatch.url


async def _broken(request: web.Request, whole: web.Response | None) -> web.StreamResponse:
    """Half of the body, or nothing, and the connection is gone."""
    response = web.StreamResponse(status=200)
    if whole is not None and isinstance(whole.body, bytes) and whole.body:
        response.content_length = len(whole.body)
        response.headers["Content-Type"] = whole.headers["Content-Type"]
        await response.prepare(request)
        await response.write(whole.body[: len(whole.body) // 2])
    if request.transport is not None:
        request.transport.abort()
    return response


@asynccontextmanager
async def served(wire: Wire) -> AsyncIterator[Wire]:
    """On a free port of the loopback until the block ends."""
    application = web.Application()
    application.router.add_get("/{path:.*}", wire.answer)
    runner = web.AppRunner(application, access_log=None, shutdown_timeout=0.2)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        wire.port = runner.addresses[0][1]
        yield wire
    finally:
        wire.answer_well()
        await runner.cleanup()
