"""Whether a page says that its article is free to read. Pure."""

from services.processor.page.facts import PageFacts
from services.processor.page.json_ld import values_of

_TIERS = (
    "article:content_tier", "og:article:content_tier", "article:access", "cxenseparse:access", "content_tier",
    "lp:paywall", "paywall", "access", "cxenseparse:paywall", "article:paywall",
)  # fmt: skip
_FREE = frozenset({"free", "true", "false-paywall", "open", "public", "gratuit", "no"})
_CLOSED = frozenset({"locked", "metered", "paid", "premium", "plus", "subscriber", "subscribers", "hard", "yes"})
_PAYWALLS = frozenset({"paywall", "lp:paywall", "cxenseparse:paywall", "article:paywall"})
"""These say `true` of what is not free."""


def is_free(facts: PageFacts) -> bool | None:
    """None where nothing says so; JSON-LD and microdata before meta tags."""
    linked = (_truth(value) for value in values_of(facts.work.get("isAccessibleForFree")))
    items = (_truth(value) for value in facts.items.get("isAccessibleForFree", ()))
    tagged = (_tier(name, value) for name in _TIERS for value in facts.meta.get(name, ()))
    parts = (False for part in values_of(facts.work.get("hasPart")) if _is_closed_part(part))
    return next((found for found in (*linked, *items, *parts, *tagged) if found is not None), None)


def _truth(value: object) -> bool | None:
    words = {"true": True, "false": False}
    return words.get(str(value)[:50].strip().lower().rpartition("/")[2])


def _tier(name: str, value: str) -> bool | None:
    word = value[:50].strip().lower()
    if name in _PAYWALLS and word in {"true", "false"}:
        return word == "false"
    return True if word in _FREE else False if word in _CLOSED else None


def _is_closed_part(part: object) -> bool:
    return isinstance(part, dict) and _truth(part.get("isAccessibleForFree")) is False
