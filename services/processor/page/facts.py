"""What a page states of itself: meta tags, JSON-LD, microdata, links, headings, forms."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from lxml.html import HtmlElement

from services.processor.normalization import one_line
from services.processor.page.json_ld import LinkedData, linked_data, text_of
from services.processor.page.microdata import microdata_of
from services.processor.page.shown import Shown, shown_on

MAX_META = 500
MAX_META_CHARACTERS = 5000
MAX_FORMS = 50


@dataclass(frozen=True, slots=True, kw_only=True)
class PageFacts:
    """What the page at `url` states of itself.

    `meta` is by lower-case name or property; `linked` the JSON-LD, `items` the article's microdata by property;
    `base` what relative links start from.
    """

    url: str
    meta: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    linked: LinkedData = field(default_factory=LinkedData)
    items: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    shown: Shown = field(default_factory=Shown)
    title: str | None = None
    canonical: str | None = None
    base: str | None = None
    language: str | None = None
    form_targets: tuple[str, ...] = ()

    def first(self, *names: str) -> str | None:
        """The first value any of the meta `names` has."""
        return next(iter(self.every(*names)), None)

    def every(self, *names: str) -> tuple[str, ...]:
        """All that the meta `names` say, in the order of the names."""
        values = (one_line(value) for name in names for value in self.meta.get(name, ()))
        return tuple(value for value in values if value)

    @property
    def article(self) -> Mapping[str, Any]:
        """The JSON-LD node of the article, empty where there is none."""
        return self.linked.article

    @property
    def work(self) -> Mapping[str, Any]:
        """The JSON-LD node of the article, else of the recording or page: where title, author and time stand."""
        return self.linked.work

    @property
    def headings(self) -> tuple[str, ...]:
        return self.shown.headings

    @property
    def description(self) -> str:
        tagged = self.first("og:description", "description", "twitter:description")
        return tagged or text_of(self.work.get("description"))


@dataclass(frozen=True, slots=True, kw_only=True)
class Guesses:
    """What the extractor worked out from the page's looks, asked for only where the page states nothing."""

    title: str | None = None
    author: str | None = None
    date: str | None = None


def facts_of(tree: HtmlElement, url: str) -> PageFacts:
    found: dict[str, list[HtmlElement]] = {}
    for element in tree.iter("meta", "link", "script", "title", "form", "base"):
        found.setdefault(element.tag, []).append(element)
    title = next(iter(found.get("title", ())), None)
    scripts = (script for script in found.get("script", ()) if "ld+json" in (script.get("type") or "").lower())
    linked = linked_data(script.text or "" for script in scripts)
    meta = _meta(found.get("meta", ()))
    return PageFacts(
        url=url,
        meta=meta,
        linked=linked,
        items=microdata_of(tree),
        shown=shown_on(tree, brief=linked.is_signed_and_dated),
        title=one_line(title.text_content()[:MAX_META_CHARACTERS]) if title is not None else None,
        canonical=_canonical(found.get("link", ())),
        base=next((href for base in found.get("base", ()) if (href := base.get("href", "")).startswith("http")), None),
        language=tree.get("lang") or tree.get("xml:lang") or _language(meta, linked),
        form_targets=tuple(form.get("action") or "" for form in found.get("form", ())[:MAX_FORMS]),
    )


def _language(meta: Mapping[str, tuple[str, ...]], linked: LinkedData) -> str | None:
    """What a page says of its language where its root element says nothing."""
    tagged = (value for name in ("og:locale", "content-language", "dc.language") for value in meta.get(name, ()))
    return next(tagged, None) or text_of(linked.work.get("inLanguage")) or None


def _canonical(links: Iterable[HtmlElement]) -> str | None:
    named = (link.get("href") for link in links if "canonical" in (link.get("rel") or "").lower().split())
    return next((href for href in named if href), None)


def _meta(elements: Iterable[HtmlElement]) -> Mapping[str, tuple[str, ...]]:
    """Values by every name an element goes by: some say `name` and `property` at once, and mean both."""
    values: dict[str, tuple[str, ...]] = {}
    for element in islice(elements, MAX_META):
        names = {name.lower() for key in ("property", "name", "itemprop", "http-equiv") if (name := element.get(key))}
        content = (element.get("content") or "")[:MAX_META_CHARACTERS]
        for name in names if content else ():
            values[name] = (*values.get(name, ()), content)
    return values
