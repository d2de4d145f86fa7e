"""A news site of one feed for scenarios that look at single rows: scripted, with validators made from what is served.

The same contents give the same validators, in this process and in one that ran a year ago.
"""

import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from html import escape

from aiohttp import web

HOST = "dispatch.example"
FEED = f"http://{HOST}/feed.xml"
OPENINGS = ("The harbour office", "A council of elders", "Every teacher here", "Our correspondent", "The night train")
NOUNS = ("bridge", "orchard", "archive", "turbine", "lantern", "ferry", "granary", "viaduct", "choir", "lagoon", "kiln")
VERBS = ("repaired", "counted", "painted", "opened", "measured", "sold", "praised", "flooded", "guarded", "mapped")


@dataclass(slots=True)
class SmallSite:
    """`texts` maps an item's name to the state that its page shows; `listed` are the items of the feed."""

    texts: dict[str, str] = field(default_factory=dict)
    listed: list[str] = field(default_factory=list)
    asked: list[tuple[str, int]] = field(default_factory=list)

    def publish(self, *names: str) -> None:
        for name in names:
            self.texts[name] = "as first printed"
            self.listed.append(name)

    def correct(self, name: str, state: str) -> None:
        """Another text, of which the feed tells as well."""
        self.texts[name] = state

    def withdraw(self, name: str) -> None:
        del self.texts[name]
        self.listed.remove(name)

    def feed(self) -> str:
        items = "".join(
            f"<item><guid>{name}</guid><link>{address(name)}</link>"
            f"<title>{escape(title(name, self.texts[name]))}</title></item>"
            for name in self.listed
        )
        return f'<rss version="2.0"><channel><title>Dispatch</title>{items}</channel></rss>'

    def page(self, name: str) -> str:
        state = self.texts[name]
        paragraphs = "".join(f"<p>{escape(each)}</p>" for each in story(name, state))
        return f"<html><body><article><h1>{escape(title(name, state))}</h1>{paragraphs}</article></body></html>"

    async def answer(self, request: web.Request) -> web.Response:
        response = self._answered(request)
        self.asked.append((request.path, response.status))
        return response

    def _answered(self, request: web.Request) -> web.Response:
        name = request.path.rpartition("/")[2]
        if request.path == "/feed.xml":
            body, kind = self.feed(), "application/rss+xml"
        elif name in self.texts:
            body, kind = self.page(name), "text/html"
        else:
            return web.Response(status=404)
        headers = {"ETag": f'"{_digest(body)}"'}
        if request.headers.get("If-None-Match") == headers["ETag"]:
            return web.Response(status=304, headers=headers)
        return web.Response(text=body, content_type=kind, headers=headers)


@asynccontextmanager
async def served(site: SmallSite) -> AsyncIterator[int]:
    """The port of the loopback at which it answers."""
    application = web.Application()
    application.router.add_get("/{path:.*}", site.answer)
    runner = web.AppRunner(application, access_log=None)
    await runner.setup()
    try:
        listening = web.TCPSite(runner, "127.0.0.1", 0)
        await listening.start()
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


def address(name: str) -> str:
    return f"http://{HOST}/news/{name}"


def title(name: str, state: str) -> str:
    return f"Dispatch {name}, {state}"


def story(name: str, state: str) -> tuple[str, ...]:
    """Three paragraphs of their own words, in an order that no other text has."""
    return tuple(_paragraph(name, state, number) for number in range(3))


def _paragraph(name: str, state: str, number: int) -> str:
    words = hashlib.blake2b(f"{name}/{state}/{number}".encode(), digest_size=24).digest()
    sentences = (
        f"{OPENINGS[a % 5]} {VERBS[b % 10]} the {NOUNS[c % 11]} near marker {a}{b} in the year {1700 + c}."
        for a, b, c in zip(words[::3], words[1::3], words[2::3], strict=True)
    )
    return f"{title(name, state)}: " + " ".join(sentences)


def _digest(text: str) -> str:
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()
