"""A feed in the format its outlet speaks: RSS 2.0 in three manners, RSS 1.0, Atom 1.0 and JSON Feed 1.1."""

import json
from collections.abc import Callable, Mapping
from datetime import datetime
from email.utils import format_datetime
from types import MappingProxyType
from xml.sax.saxutils import escape, quoteattr

from services.newsroom.model import Article, Feed, Listing

FEED_TYPES = MappingProxyType(
    {
        "rian": "application/rss+xml",
        "rss2": "application/rss+xml",
        "malformed_rss2": "text/xml",
        "rss1": "application/rdf+xml",
        "atom": "application/atom+xml",
        "json_feed": "application/feed+json",
    }
)


def content_type(feed: Feed) -> str:
    """Only UTF-8 is announced: elsewhere the XML declaration alone knows, as at many old publishing systems."""
    charset = "; charset=utf-8" if feed.outlet.feed.encoding == "utf-8" else ""
    return FEED_TYPES[feed.outlet.feed.format] + charset


def render_feed(feed: Feed, *, started_at: datetime) -> bytes:
    """Return the feed's bytes in the encoding that it declares."""
    text = _WRITERS[feed.outlet.feed.format](feed, started_at)
    return text.encode(feed.outlet.feed.encoding, errors="xmlcharrefreplace")


def _rian(feed: Feed, started_at: datetime) -> str:
    """RSS 2.0 as the RIA family writes it: no description, so the page is all there is."""
    items = "".join(
        f"<item>{_element('title', listing.title)}{_element('link', listing.url)}{_element('guid', listing.url)}"
        f"<rian:priority>3</rian:priority><rian:type>article</rian:type>"
        f"{_element('pubDate', _rfc822(feed, listing, started_at))}<category>Fil d'actu</category></item>\n"
        for listing in feed.listings
    )
    return _rss2_document(feed, items, namespaces='xmlns:rian="http://rian.ru/ns"')


def _rss2(feed: Feed, started_at: datetime) -> str:
    items = "".join(
        f"<item>\n{_element('title', listing.title)}\n{_element('link', listing.url)}\n"
        f'<guid isPermaLink="false">{escape(listing.guid)}</guid>\n'
        f"{_element('pubDate', _rfc822(feed, listing, started_at))}\n"
        f"{_optional('description', _lede(listing))}{_details(listing, 'dc:creator', 'category')}</item>\n"
        for listing in feed.listings
    )
    built = _element("lastBuildDate", format_datetime((started_at - feed.age).astimezone(feed.outlet.zone)))
    return _rss2_document(feed, built + items, namespaces='xmlns:dc="http://purl.org/dc/elements/1.1/"')


def _malformed_rss2(feed: Feed, started_at: datetime) -> str:
    """RSS 2.0 with bare ampersands, a tag left open, a control character and no end."""
    items = [_malformed_item(feed, listing, started_at) for listing in feed.listings]
    # The oldest entry stays the oldest, so that its title is the same in every edition.
    items[-1] = items[-1].replace("<title>", "<title><em>")
    document = _rss2_document(
        feed, "".join(items), namespaces='xmlns:content="http://purl.org/rss/1.0/modules/content/"'
    )
    return document.removesuffix("nel>\n</rss>\n")


def _malformed_item(feed: Feed, listing: Listing, started_at: datetime) -> str:
    full_text = listing.article if listing.article and listing.article.feed_only else None
    return (
        f"<item>\n<title>{listing.title}</title>\n<link>{listing.url}</link>\n"
        f'<guid isPermaLink="false">{listing.guid}</guid>\n'
        f"<pubDate>{_rfc822(feed, listing, started_at)}</pubDate>\n"
        f"<description>\x0b{_lede(listing)}</description>\n"
        f"{_content_encoded(full_text) if full_text else ''}</item>\n"
    )


def _content_encoded(article: Article) -> str:
    paragraphs = "".join(f"<p>{escape(part)}</p>" for part in (article.lede, *article.paragraphs))
    return f"<content:encoded><![CDATA[{paragraphs}]]></content:encoded>\n"


def _rss2_document(feed: Feed, items: str, *, namespaces: str) -> str:
    return (
        f'<?xml version="1.0" encoding="{feed.outlet.feed.encoding}"?>\n'
        f'<rss version="2.0" {namespaces}>\n<channel>\n'
        f"{_element('title', feed.outlet.name)}\n{_element('link', feed.outlet.home + '/')}\n"
        f"{_element('description', feed.outlet.description)}\n"
        f"{_element('language', feed.outlet.language)}\n{items}</channel>\n</rss>\n"
    )


def _rss1(feed: Feed, started_at: datetime) -> str:
    sequence = "".join(f"<rdf:li rdf:resource={quoteattr(listing.url)}/>" for listing in feed.listings)
    items = "".join(
        f"<item rdf:about={quoteattr(listing.url)}>\n{_element('title', listing.title)}\n"
        f"{_element('link', listing.url)}\n{_element('dc:date', _iso(feed, listing, started_at))}\n"
        f"{_optional('description', _lede(listing))}{_details(listing, 'dc:creator', 'dc:subject')}</item>\n"
        for listing in feed.listings
    )
    home = quoteattr(feed.outlet.home + "/")
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        '<rdf:RDF xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" xmlns="http://purl.org/rss/1.0/" '
        'xmlns:dc="http://purl.org/dc/elements/1.1/">\n'
        f"<channel rdf:about={home}>{_element('title', feed.outlet.name)}"
        f"{_element('link', feed.outlet.home + '/')}{_element('description', feed.outlet.description)}"
        f"<items><rdf:Seq>{sequence}</rdf:Seq></items></channel>\n{items}</rdf:RDF>\n"
    )


def _atom(feed: Feed, started_at: datetime) -> str:
    entries = "".join(_atom_entry(feed, listing, started_at) for listing in feed.listings)
    home, address = quoteattr(feed.outlet.home + "/"), quoteattr(feed.outlet.home + feed.path)
    return (
        '<?xml version="1.0" encoding="utf-8"?>\n'
        f'<feed xmlns="http://www.w3.org/2005/Atom" xml:lang="{feed.outlet.language}">\n'
        f"{_element('title', feed.outlet.name)}\n{_element('id', feed.outlet.home + '/')}\n"
        f'<link rel="alternate" href={home}/>\n<link rel="self" href={address}/>\n'
        f"{_element('updated', _iso_of(feed, started_at - feed.age))}\n{entries}</feed>\n"
    )


def _atom_entry(feed: Feed, listing: Listing, started_at: datetime) -> str:
    authors = "".join(f"<author>{_element('name', name)}</author>\n" for name in _authors(feed, listing))
    tags = "".join(f"<category term={quoteattr(tag)}/>\n" for tag in _tags(listing))
    return (
        f"<entry>\n{_element('title', listing.title)}\n{_element('id', listing.guid)}\n"
        f'<link rel="alternate" type="text/html" href={quoteattr(listing.url)}/>\n'
        f"{_element('published', _iso(feed, listing, started_at))}\n"
        f"{_element('updated', _iso_of(feed, started_at - listing.modified_age))}\n"
        f"{_optional('summary', _lede(listing))}{authors}{tags}</entry>\n"
    )


def _json_feed(feed: Feed, started_at: datetime) -> str:
    document = {
        "version": "https://jsonfeed.org/version/1.1",
        "title": feed.outlet.name,
        "home_page_url": feed.outlet.home + "/",
        "feed_url": feed.outlet.home + feed.path,
        "description": feed.outlet.description,
        "language": feed.outlet.language,
        "items": [_json_item(feed, listing, started_at) for listing in feed.listings],
    }
    return json.dumps(document, ensure_ascii=False, indent=1)


def _json_item(feed: Feed, listing: Listing, started_at: datetime) -> Mapping[str, object]:
    return {
        "id": listing.guid,
        "url": listing.url,
        "title": listing.title,
        "content_html": f"<p>{escape(_lede(listing))}</p>",
        "summary": _lede(listing),
        "date_published": _iso(feed, listing, started_at),
        "authors": [{"name": name} for name in _authors(feed, listing)],
        "tags": list(_tags(listing)),
    }


_WRITERS: Mapping[str, Callable[[Feed, datetime], str]] = MappingProxyType(
    {
        "rian": _rian,
        "rss2": _rss2,
        "malformed_rss2": _malformed_rss2,
        "rss1": _rss1,
        "atom": _atom,
        "json_feed": _json_feed,
    }
)


def _element(name: str, text: str) -> str:
    return f"<{name}>{escape(text)}</{name}>"


def _optional(name: str, text: str) -> str:
    return _element(name, text) + "\n" if text else ""


def _details(listing: Listing, author: str, tag: str) -> str:
    authors = listing.article.authors if listing.article else ()
    return "".join(_optional(author, name) for name in authors) + "".join(_optional(tag, t) for t in _tags(listing))


def _authors(feed: Feed, listing: Listing) -> tuple[str, ...]:
    """Atom wants an author for every entry; unsigned pieces are the outlet's."""
    return (listing.article.authors if listing.article else ()) or (feed.outlet.name,)


def _tags(listing: Listing) -> tuple[str, ...]:
    return (listing.article.section, *listing.article.tags) if listing.article else ()


def _lede(listing: Listing) -> str:
    return listing.article.lede if listing.article else ""


def _rfc822(feed: Feed, listing: Listing, started_at: datetime) -> str:
    return format_datetime((started_at - listing.age).astimezone(feed.outlet.zone))


def _iso(feed: Feed, listing: Listing, started_at: datetime) -> str:
    return _iso_of(feed, started_at - listing.age)


def _iso_of(feed: Feed, moment: datetime) -> str:
    return moment.astimezone(feed.outlet.zone).isoformat(timespec="seconds")
