"""An article as the page its outlet would serve, with all the furniture that stands around a text."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from functools import cache
from html import escape
from importlib.resources import files
from string import Template

from services.newsroom.feeds import FEED_TYPES
from services.newsroom.filler import Filler, filler
from services.newsroom.model import Article, ArticlePage, ConsentWall, Outlet

NO_FILLER = Filler(head="", top="", bottom="")


def render_page(
    page: ArticlePage,
    *,
    started_at: datetime,
    cards: Sequence[Article],
    filler_bytes: int = 0,
    counter: int = 0,
) -> bytes:
    """Return the page's bytes in its outlet's encoding, at least `filler_bytes` of them.

    `cards` are the articles it links to; `counter` is the number beside the news list of outlets that show one.
    """
    values = _values(page, started_at, cards) | {"counter": str(counter)}
    bare = _encode(page, values, NO_FILLER)
    if len(bare) >= filler_bytes:
        return bare
    return _encode(page, values, filler(page.article.slug, filler_bytes - len(bare)))


def render_home(outlet: Outlet, articles: Sequence[Article]) -> bytes:
    cards = "\n".join(
        f'<li><a href="{escape(article.url)}">{escape(article.headline)}</a></li>' for article in articles
    )
    text = _template("home").substitute(
        language=outlet.language,
        direction=outlet.direction,
        encoding=outlet.page.encoding,
        name=escape(outlet.name),
        description=escape(outlet.description),
        feed_type=FEED_TYPES[outlet.feed.format],
        feed_url=outlet.home + outlet.feed.path,
        cards=cards,
    )
    return text.encode(outlet.page.encoding, errors="xmlcharrefreplace")


def render_consent_wall(wall: ConsentWall) -> bytes:
    text = _template("consent-wall").substitute(url=escape(wall.url), encoding=wall.encoding)
    return text.encode(wall.encoding, errors="xmlcharrefreplace")


def _encode(page: ArticlePage, values: Mapping[str, str], padding: Filler) -> bytes:
    template = _template(page.outlet.page.template + (".amp" if page.amp else ""))
    text = template.substitute(values, filler_head=padding.head, filler_top=padding.top, filler_bottom=padding.bottom)
    return text.encode(page.outlet.page.encoding, errors="xmlcharrefreplace")


@cache
def _template(name: str) -> Template:
    return Template(files("services.newsroom").joinpath("templates", f"{name}.html").read_text(encoding="utf-8"))


def _values(page: ArticlePage, started_at: datetime, cards: Sequence[Article]) -> dict[str, str]:
    article, outlet = page.article, page.outlet
    markup = outlet.page.markup
    plain = {
        "language": article.language,
        "direction": outlet.direction,
        "encoding": outlet.page.encoding,
        "url": article.url,
        "home": outlet.home,
        "name": outlet.name,
        "feed_url": outlet.home + outlet.feed.path,
        "feed_type": FEED_TYPES[outlet.feed.format],
        "slug": article.slug,
        "headline": article.headline,
        "section": article.section,
        "keywords": ", ".join((article.section, *article.tags)),
        "author_names": ", ".join(article.authors),
        "description": _description(article),
        "description_short": _description(article)[:120],
    }
    pieces = {
        "authors": _repeat(markup["author"], article.authors),
        "tags": _repeat(markup["tag"], article.tags),
        "lede": _piece(markup["lede"], text=article.lede) if article.lede else "",
        "paragraphs": _paragraphs(article, cards, markup),
        "cards": "\n".join(_card(markup["card"], card) for card in cards),
        "photo": _photo(article, markup),
        "amp_link": f'<link rel="amphtml" href="{escape(article.amp_url)}">' if article.amp_url else "",
        "json_ld": _json_ld(page, started_at) if outlet.page.json_ld else "",
    }
    return {name: escape(value) for name, value in plain.items()} | pieces | _dates(page, started_at)


def _dates(page: ArticlePage, started_at: datetime) -> dict[str, str]:
    published = (started_at - page.article.age).astimezone(page.outlet.zone)
    modified = (started_at - page.article.modified_age).astimezone(page.outlet.zone)
    return {
        "published_iso": published.isoformat(timespec="seconds"),
        "modified_iso": modified.isoformat(timespec="seconds"),
        "published_short": published.strftime("%H:%M %d.%m.%Y"),
        "published_unix": str(int(published.timestamp())),
        "published_compact": published.strftime("%Y%m%dT%H%M%z"),
        "modified_compact": modified.strftime("%Y%m%dT%H%M%z"),
        "published_microdata": published.strftime("%Y-%m-%dT%H:%M%z"),
        "modified_microdata": modified.strftime("%Y-%m-%dT%H:%M%z"),
    }


def _description(article: Article) -> str:
    """An article without a lede is described by the beginning of its text, as publishing systems do."""
    return article.lede or f"{article.paragraphs[0][:150].rsplit(' ', 1)[0]}..."


def _paragraphs(article: Article, cards: Sequence[Article], markup: Mapping[str, str]) -> str:
    blocks = [_piece(markup["paragraph"], text=paragraph) for paragraph in article.paragraphs]
    if "inline_card" in markup and cards:
        blocks.insert(1, _card(markup["inline_card"], cards[0]))
    return "\n".join(blocks)


def _photo(article: Article, markup: Mapping[str, str]) -> str:
    if article.photo is None or "photo" not in markup:
        return ""
    return _piece(markup["photo"], credit=article.photo.credit, caption=article.photo.caption)


def _card(markup: str, article: Article) -> str:
    return _piece(markup, url=article.url, headline=article.headline)


def _repeat(markup: str, texts: Sequence[str]) -> str:
    return " ".join(_piece(markup, text=text) for text in texts)


def _piece(markup: str, **values: str) -> str:
    return Template(markup).substitute({name: escape(value) for name, value in values.items()})


def _json_ld(page: ArticlePage, started_at: datetime) -> str:
    article, dates = page.article, _dates(page, started_at)
    document = {
        "@context": "https://schema.org",
        "@type": page.outlet.page.json_ld,
        "mainEntityOfPage": article.url,
        "headline": article.headline,
        "description": _description(article),
        "datePublished": dates["published_iso"],
        "dateModified": dates["modified_iso"],
        "articleSection": article.section,
        "keywords": list(article.tags),
        "inLanguage": article.language,
        "author": [{"@type": "Person", "name": name} for name in article.authors]
        or [{"@type": "Organization", "name": page.outlet.name}],
        "publisher": {"@type": "NewsMediaOrganization", "name": page.outlet.name},
    }
    # Inside a script element only "</" could end it early.
    return json.dumps(document, ensure_ascii=page.outlet.page.encoding != "utf-8").replace("</", "<\\/")
