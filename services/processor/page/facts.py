"""What a page states of itself: meta tags, JSON-LD, links, headings, forms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from html import unescape
from typing import Any

from lxml.html import HtmlElement

from services.processor.normalization import one_line
from services.processor.page.json_ld import article_node


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the page at `url` states of itself.

    `meta` is by lower-case name or property; `article` the JSON-LD article node; `base` what relative links start from.
    """

    url: str
    meta: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    article: Mapping[str, Any] = field(default_factory=dict)
    headings: tuple[str, ...] = ()
    title: str | None = None
    canonical: str | None = None
    base: str | None = None
    language: str | None = None
    form_targets: tuple[str, ...] = ()

    def first(self, *names: str) -> str | None:
        """The first value any of the meta `names` has."""
        values = (one_line(value) for name in names for value in self.meta.get(name, ()))
        return next((value for value in values if value), None)

    @property
    def description(self) -> str:
        tagged = self.first("og:description", "description", "twitter:description")
        stated = self.article.get("description")
        return tagged or (one_line(unescape(stated)) if isinstance(stated, str) else "")


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """What the extractor worked out from the page's looks, asked for only where the page states nothing."""

    title: str | None = None
    author: str | None = None
    date: str | None = None


def facts_of(tree: HtmlElement, url: str) -> PageFacts:
    found: dict[str, list[HtmlElement]] = {}
    for element in tree.iter("meta", "link", "script", "title", "h1", "form", "base"):
        found.setdefault(element.tag, []).append(element)
    title = next(iter(found.get("title", ())), None)
    scripts = (script for script in found.get("script", ()) if "ld+json" in (script.get("type") or ""))
    return PageFacts(
        url=url,
        meta=_meta(found.get("meta", ())),
        article=article_node(script.text or "" for script in scripts),
        headings=tuple(text for text in (one_line(h1.text_content()) for h1 in found.get("h1", ())[:5]) if text),
        title=one_line(title.text_content()) if title is not None else None,
        canonical=_canonical(found.get("link", ())),
        base=next((href for base in found.get("base", ()) if (href := base.get("href", "")).startswith("http")), None),
        language=tree.get("lang") or tree.get("xml:lang"),
        form_targets=tuple(form.get("action") or "" for form in found.get("form", ())),
    )


def _canonical(links: Iterable[HtmlElement]) -> str | None:
    named = (link.get("href") for link in links if "canonical" in (link.get("rel") or "").lower().split())
    return next((href for href in named if href), None)


def _meta(elements: Iterable[HtmlElement]) -> Mapping[str, tuple[str, ...]]:
    values: dict[str, tuple[str, ...]] = {}
    for element in elements:
        name = (element.get("property") or element.get("name") or element.get("itemprop") or "").lower()
        content = element.get("content")
        if name and content:
            values[name] = (*values.get(name, ()), content)
    return values
