"""The picture a page names as its article's own. Pure."""

from services.processor.metadata.found import Found, first
from services.processor.normalization import one_line
from services.processor.page.facts import PageFacts
from services.processor.page.json_ld import names_of, text_of, values_of
from shared.events import Image
from shared.urls import normalise

MAX_CHARACTERS = 1000


def lead_image(facts: PageFacts) -> Found[Image] | None:
    """What the page shows when it is shared, else what its JSON-LD or microdata names."""
    linked = next(iter(values_of(facts.work.get("image"))), None)
    item = next(iter(facts.items.get("image", ())), "")
    shared = facts.first("og:image", "og:image:secure_url", "og:image:url", "twitter:image", "twitter:image:src")
    stated = (Found(shared or "", "meta"), Found(_address(linked), "json-ld"), Found(item, "microdata"))
    every = (Found(_resolved(each.value, facts), each.source) for each in stated)
    found = first(every)
    return Found(_image(found.value, facts, linked), found.source) if found else None


def _image(url: str, facts: PageFacts, linked: object) -> Image:
    """`linked` is JSON-LD's picture: what it says counts only where it is of the same picture."""
    node = linked if isinstance(linked, dict) and _resolved(_address(linked), facts) == url else {}
    credit = text_of(node.get("creditText")) or next(iter(names_of(node.get("creator"))), "")
    return Image(
        url=url,
        alt=_short(facts.first("og:image:alt", "twitter:image:alt") or ""),
        caption=_short(text_of(node.get("caption"))),
        credit=_short(credit or text_of(node.get("copyrightNotice"))),
    )


def _resolved(address: str, facts: PageFacts) -> str:
    return (normalise(address, facts.base or facts.url) or "") if address else ""


def _address(value: object) -> str:
    """A picture's address: the text itself, or what its node calls `url` or `contentUrl`."""
    if not isinstance(value, dict):
        return text_of(value)
    return next((text for key in ("url", "contentUrl", "@id") if (text := text_of(value.get(key)))), "")


def _short(text: str) -> str | None:
    return one_line(text)[:MAX_CHARACTERS] or None
