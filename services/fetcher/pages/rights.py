"""Marks by which publishers reserve rights in their pages, read and passed on as they were said. Pure."""

from collections.abc import Iterator, Mapping

from services.fetcher.hosts.robotstxt import Robots
from services.fetcher.web.link_header import targets

LONGEST_MARK = 500
"""Characters."""
MOST_MARKS = 50
AI_AGENTS = (
    "AI2Bot", "Amazonbot", "anthropic-ai", "Applebot-Extended", "Bytespider", "CCBot", "ChatGPT-User", "Claude-Web",
    "ClaudeBot", "cohere-ai", "cohere-training-data-crawler", "Diffbot", "DuckAssistBot", "FacebookBot",
    "Google-CloudVertexBot", "Google-Extended", "GPTBot", "ICC-Crawler", "ImagesiftBot", "img2dataset",
    "Meta-ExternalAgent", "Meta-ExternalFetcher", "MistralAI-User", "OAI-SearchBot", "omgili", "omgilibot", "PanguBot",
    "Perplexity-User", "PerplexityBot", "PetalBot", "Timpibot", "Webzio-Extended", "YouBot",
)  # fmt: skip
"""Robots that gather text for language models, as they name themselves."""

_DIRECTIVES = ("noai", "noimageai", "noindex", "none", "nosnippet", "noarchive")
_HEADERS = ("tdm-reservation", "tdm-policy", "content-signal", "content-usage")


def rights(headers: Mapping[str, str], robots: Robots | None = None, url: str = "") -> tuple[str, ...]:
    """What a page's answer and its robots.txt reserve, as `header: value`; header names come in lower case.

    `url` is the page's address on the host of that robots.txt.
    """
    marks = [
        *(f"x-robots-tag: {mark}" for mark in _reserving_tags(headers.get("x-robots-tag", ""))),
        *(f"{name}: {headers[name].strip()}" for name in _HEADERS if name in headers),
        # On which terms the page may be used (RFC 4946; Really Simple Licensing).
        *(f"license: {target}" for target in targets(headers.get("link", ""), "license")),
        *(f"robots.txt: {mark}" for mark in (_robots_marks(robots, url) if robots else ())),
    ]
    said = dict.fromkeys(mark[:LONGEST_MARK] for mark in marks if mark != "tdm-reservation: 0")
    return tuple(said)[:MOST_MARKS]


def _robots_marks(robots: Robots, url: str) -> Iterator[str]:
    yield from robots.signals
    if refused := robots.refused_agents(url, AI_AGENTS):
        yield f"disallows {', '.join(refused)}"


def _reserving_tags(tags: str) -> Iterator[str]:
    """`googlebot: noindex` is kept with its bot: it is said to someone, and a reader can judge to whom."""
    for tag in tags.lower().split(","):
        if tag.rpartition(":")[2].strip() in _DIRECTIVES:
            yield " ".join(tag.split())
