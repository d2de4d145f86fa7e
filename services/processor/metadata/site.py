"""What site a page belongs to, by which names it goes, and which address it gives itself. Pure."""

import re
from collections.abc import Collection
from urllib.parse import urlsplit

from services.processor.metadata.found import Found, first
from services.processor.model import Source
from services.processor.normalization import bare
from services.processor.page.facts import PageFacts
from services.processor.page.json_ld import names_of, text_of, values_of
from shared.urls import host_of, normalise, site_of

MAX_NAME_CHARACTERS = 200

_ARTICLE = re.compile(r"^(?:l['’]|(?:le|la|les|the|der|die|das|el|il|o|a)\s)\s*", re.IGNORECASE)
_PUBLISHERS = ("publisher", "article:publisher", "dc.publisher", "dcterms.publisher", "citation_publisher")


def site_name(facts: PageFacts) -> Found[str] | None:
    linked = next(iter(names_of(facts.work.get("publisher"))), "")
    others = (Found(linked, "json-ld"), Found(facts.first("application-name") or "", "meta"))
    found = first((Found(facts.first("og:site_name") or "", "meta"), *others))
    return Found(found.value[:MAX_NAME_CHARACTERS], found.source) if found else None


def house_names(facts: PageFacts) -> frozenset[str]:
    """Every name of the site and its publisher, bare: what no author and no tag is called."""
    stated = facts.every("og:site_name", "application-name", "apple-mobile-web-app-title", "twitter:site", *_PUBLISHERS)
    items = facts.items.get("publisher", ())
    named = (*stated, *items, *names_of(facts.work.get("publisher")), *names_of(facts.work.get("isPartOf")))
    return frozenset(filter(None, map(bare, (*named, *_labels(facts.url)))))


def is_house(name: str, houses: Collection[str]) -> bool:
    """Whether `name` is one of `houses`, with or without its article: `L'Écho`, of the site `echo.example`."""
    return bare(name) in houses or bare(_ARTICLE.sub("", name, count=1)) in houses


def canonical_url(source: Source, facts: PageFacts) -> Found[str] | None:
    own = next((text for each in values_of(facts.work.get("url")) if (text := text_of(each))), None)
    stated = (Found(facts.canonical, "link"), Found(facts.first("og:url"), "meta"), Found(own, "json-ld"))
    for each in stated:
        found = normalise(each.value, facts.base or source.url) if each.value else None
        if found and is_plausible_canonical(found, source.url):
            return Found(found, each.source)
    return None


def is_plausible_canonical(canonical: str, url: str) -> bool:
    """Whether a page at `url` may have `canonical` as its address: on the same site, and not just the home page."""
    if site_of(canonical) != site_of(url):
        return False
    stated, fetched = urlsplit(canonical), urlsplit(url)
    return bool(stated.path.strip("/") or stated.query) or not fetched.path.strip("/")


def _labels(url: str) -> tuple[str, ...]:
    """`www.le-littoral.example` → the host, the site and its first label."""
    host, site = host_of(url), site_of(url)
    return (re.sub(r"^www\.", "", host), site, site.partition(".")[0])
