"""What came out of a page, as JSON values under the names that they have in an event. Pure."""

from typing import Any

from services.processor.extraction import Traced
from services.processor.model import Article, NotAnArticle
from services.processor.text.lines import Line
from shared.events import Access

ARTICLE = "article"
"""The verdict on a page that holds one; any other says why it holds none."""


def description(traced: Traced) -> dict[str, Any]:
    """`verdict` and `detail`, the fields of an article where it is one, and `lines` with what was dropped and why."""
    found = traced.extracted
    lines = {"lines": [_line(line) for line in traced.lines]}
    if isinstance(found, NotAnArticle):
        return {"verdict": found.reason, "detail": found.detail, **lines}
    return {"verdict": ARTICLE, "detail": "", **_article(found), **lines}


def _article(article: Article) -> dict[str, Any]:
    return {
        "canonical_url": article.canonical_url,
        "site_name": article.site_name,
        "headline": article.headline,
        "lede": article.lede,
        "text": article.text,
        "paragraphs": list(article.paragraphs),
        "word_count": article.word_count,
        "language": article.language.model_dump(mode="json"),
        "authors": list(article.authors),
        "published": article.published.model_dump(mode="json") if article.published else None,
        "modified": article.modified.model_dump(mode="json") if article.modified else None,
        "section": article.section,
        "tags": list(article.tags),
        "images": [image.model_dump(mode="json") for image in article.images],
        "related": [link.model_dump(mode="json") for link in article.related],
        "form": article.form,
        "access": Access(free=article.free, excerpt=article.excerpt).model_dump(mode="json"),
        "provenance": {
            "extractor": article.extractor,
            "page_verdict": article.page_verdict,
            "fields": dict(article.fields),
        },
    }


def _line(line: Line) -> dict[str, Any]:
    return {"text": line.text, "voice": line.voice, "dropped": line.dropped.value if line.dropped else None}
