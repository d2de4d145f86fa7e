"""The outlets and their articles, read from the YAML files beside this module."""

from collections.abc import Mapping
from datetime import timedelta, timezone
from functools import cache
from importlib.resources import files
from string import Template
from types import MappingProxyType
from typing import Any

import yaml

from services.newsroom.model import Article, Correction, FeedStyle, Outlet, PageStyle, Photo

OUTLETS = (
    "fil-afrique",
    "gazette-du-fleuve",
    "harbour-post",
    "marsad-alsahil",
    "courrier-des-lacs",
    "savanna-times",
)

Document = Mapping[str, Any]


@cache
def outlets() -> tuple[Outlet, ...]:
    """Return every outlet with all the articles it will ever publish, in their first revision."""
    documents = [_document(name) for name in OUTLETS]
    texts = {text["slug"]: (_url(document, text), text) for document in documents for text in document["articles"]}
    return tuple(_outlet(document, texts) for document in documents)


def _document(name: str) -> Document:
    source = files("services.newsroom").joinpath("content", f"{name}.yaml").read_text(encoding="utf-8")
    document: Document = yaml.safe_load(source)
    return document


def _outlet(document: Document, texts: Mapping[str, tuple[str, Document]]) -> Outlet:
    feed, page = document["feed"], document["page"]
    return Outlet(
        name=document["name"],
        host=document["host"],
        language=document["language"],
        direction=document["direction"],
        zone=_zone(document["timezone"]),
        description=document["description"],
        robots=document["robots"],
        feed=FeedStyle(**{**feed, "validators": frozenset(feed["validators"])}),
        page=PageStyle(
            template=page["template"],
            encoding=page["encoding"],
            json_ld=page["json_ld"],
            markup=MappingProxyType(page["markup"]),
        ),
        articles=tuple(_article(document, text, texts) for text in document["articles"]),
    )


def _article(document: Document, text: Document, texts: Mapping[str, tuple[str, Document]]) -> Article:
    story_of, source = texts[text["copy_of"]] if "copy_of" in text else (None, text)
    age = timedelta(minutes=text["age"])
    return Article(
        host=document["host"],
        slug=text["slug"],
        url=_url(document, text),
        amp_url=_address(document, document["page"]["amp_path"], text) if text.get("amp") else None,
        language=document["language"],
        section=text["section"],
        authors=tuple(text["authors"]),
        tags=tuple(text["tags"]),
        age=age,
        modified_age=age,
        headline=text["headline"],
        lede=source["lede"],
        paragraphs=tuple(source["paragraphs"]),
        photo=Photo(**text["photo"]) if "photo" in text else None,
        feed_only=text.get("feed_only", False),
        story_of=story_of,
        correction=_correction(text["correction"]) if "correction" in text else None,
    )


def _correction(text: Document) -> Correction:
    return Correction(
        age=timedelta(minutes=text["age"]), headline=text["headline"], paragraphs=tuple(text["paragraphs"])
    )


def _url(document: Document, text: Document) -> str:
    return _address(document, document["page"]["path"], text)


def _address(document: Document, path: str, text: Document) -> str:
    return f"http://{document['host']}{Template(path).substitute(slug=text['slug'])}"


def _zone(offset: str) -> timezone:
    """Read an offset such as "+0300"."""
    return timezone(timedelta(hours=int(offset[:3]), minutes=int(offset[0] + offset[3:])))
