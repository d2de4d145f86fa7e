"""Section and tags of an article. Pure."""

from collections.abc import Collection, Iterable
from html import unescape

from services.processor.metadata.found import Found, first
from services.processor.model import Source
from services.processor.normalization import bare, distinct, one_line
from services.processor.page.facts import PageFacts
from services.processor.page.json_ld import names_of

MAX_TAGS = 30
MAX_CHARACTERS = 200

_SECTIONS = (
    "article:section", "og:article:section", "parsely-section", "section", "cxenseparse:section", "dcsext.section",
    "sailthru.section", "dc.subject",
)  # fmt: skip
_LISTS = ("news_keywords", "parsely-tags", "sailthru.tags", "cxenseparse:keywords", "keywords", "analytics:keyw")


def section(source: Source, facts: PageFacts) -> Found[str] | None:
    linked = next(iter(names_of(facts.work.get("articleSection"))), "")
    item = next(iter(facts.items.get("articleSection", ())), "")
    tagged = unescape(facts.first(*_SECTIONS) or "")
    candidates = (Found(linked, "json-ld"), Found(tagged, "meta"), Found(item, "microdata"))
    found = first((*candidates, Found(source.section or "", "feed")))
    return Found(found.value[:MAX_CHARACTERS], found.source) if found else None


def tags(source: Source, facts: PageFacts, houses: Collection[str]) -> Found[tuple[str, ...]] | None:
    """The tags of the first source that has any, without the site's own names."""
    linked = names_of(facts.work.get("keywords"))
    tagged = facts.every("article:tag", "og:article:tag")
    listed = next((values for name in _LISTS if (values := facts.every(name))), ())
    sources = (
        Found(linked, "json-ld"), Found(tagged, "meta"), Found(listed, "meta"),
        Found(facts.items.get("keywords", ()), "microdata"), Found(source.entry.tags, "feed"),
    )  # fmt: skip
    return first(Found(_kept(each.value, houses), each.source) for each in sources)


def _kept(texts: Iterable[str], houses: Collection[str]) -> tuple[str, ...]:
    split = (one_line(unescape(tag)).strip(" #") for text in texts for tag in _split(text))
    return distinct(tuple(tag for tag in split if bare(tag) not in {"", *houses} and len(tag) <= MAX_CHARACTERS))[
        :MAX_TAGS
    ]


def _split(text: str) -> list[str]:
    """Keywords are listed with commas, in Arabic with its own; semicolons where there are no commas."""
    return (text.replace("،", ",") if "," in text or "،" in text else text.replace(";", ",")).split(",")
