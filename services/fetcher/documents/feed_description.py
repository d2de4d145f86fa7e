"""A parsed feed as one JSON object, for people and scripts that ask what the fetcher sees. Pure."""

from datetime import UTC, datetime, timedelta
from typing import Any

from services.fetcher.model import ParsedEntry, ParsedFeed, Wishes

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


def describe(parsed: ParsedFeed, url: str | None) -> dict[str, Any]:
    """JSON values only; times are ISO 8601 in UTC, spans are minutes, what the feed does not say is null."""
    links = {"hub": parsed.links.hub, "self": parsed.links.own, "archive": parsed.links.earlier}
    return {
        "url": url,
        "title": parsed.title,
        "hints": {**_wishes(parsed.wishes), **links},
        "faults": [str(fault) for fault in parsed.faults],
        "sitemaps": [{"url": each.url, "modified": _utc(each.modified)} for each in parsed.sitemaps],
        "entries": [_entry(each) for each in parsed.entries],
    }


def _wishes(wishes: Wishes) -> dict[str, Any]:
    return {
        "ttl_minutes": _minutes(wishes.ttl),
        "period_minutes": _minutes(wishes.period),
        "skip_hours": sorted(wishes.skip_hours),
        "skip_days": [_DAYS[day] for day in sorted(wishes.skip_days)],
    }


def _entry(entry: ParsedEntry) -> dict[str, Any]:
    facts = entry.facts
    return {
        "identity": entry.identity,
        "url": facts.url,
        "title": facts.title,
        "authors": list(facts.authors),
        "published": _utc(facts.published),
        "updated": _utc(facts.updated),
        "summary": facts.summary,
        "content": facts.content,
        "tags": list(facts.tags),
    }


def _minutes(span: timedelta | None) -> float | None:
    return None if span is None else span / timedelta(minutes=1)


def _utc(moment: datetime | None) -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat().replace("+00:00", "Z")
