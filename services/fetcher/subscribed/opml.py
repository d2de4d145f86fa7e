"""Lists of feeds as other readers write and read them: OPML 1.0 and 2.0 (http://opml.org/spec2.opml). Pure.

Folders become sections; of what a feeds file says of a feed, OPML has address, name, section and language.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime
from email.utils import format_datetime
from itertools import groupby
from typing import NoReturn
from uuid import UUID
from xml.etree import ElementTree as ET
from xml.parsers import expat

from services.fetcher.model import FeedSettings, feed_id
from services.fetcher.subscribed import feed_values
from services.fetcher.subscribed.feeds_yaml import Fault
from shared.urls import host_of

BETWEEN_FOLDERS = " / "
FEED_SCHEMES = ("feed://", "feed:")
"""A reader's own spelling: `feed://host/…` stands for http, and `feed:https://…` for what follows it."""


def read_opml(document: bytes) -> tuple[tuple[FeedSettings, ...], tuple[Fault, ...]]:
    """The feeds, each once, and what could not be read, by line. One that breaks off or is no OPML yields no feeds."""
    outlines = _Outlines()
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda name, attributes: outlines.start(name, attributes, parser.CurrentLineNumber)
    parser.EndElementHandler = outlines.end
    # A few hundred bytes of entities expand to gigabytes, and no list of feeds needs any.
    parser.EntityDeclHandler = _refuse_entities
    try:
        parser.Parse(document, True)
    except expat.ExpatError as error:
        return (), (Fault(error.lineno, f"not XML: {expat.ErrorString(error.code)}"),)
    except (NotOpml, ValueError, LookupError) as error:
        return (), (Fault(max(parser.CurrentLineNumber, 1), str(error)),)
    return tuple(outlines.feeds.values()), tuple(outlines.faults)


def write_opml(feeds: Iterable[FeedSettings], *, title: str, made_at: datetime) -> bytes:
    """An OPML 2.0 document: a folder for each section, and the feeds without one at its end."""
    top = ET.Element("opml", version="2.0")
    head, body = ET.SubElement(top, "head"), ET.SubElement(top, "body")
    ET.SubElement(head, "title").text = _writable(title)
    ET.SubElement(head, "dateCreated").text = format_datetime(made_at, usegmt=True)
    by_section = sorted(feeds, key=lambda each: (each.section is None, each.section or "", each.name, each.url))
    for section, members in groupby(by_section, key=lambda each: each.section):
        folder = body if section is None else ET.SubElement(body, "outline", text=_writable(section))
        for each in members:
            ET.SubElement(folder, "outline", _attributes(each))
    ET.indent(top)
    return bytes(ET.tostring(top, encoding="utf-8", xml_declaration=True)) + b"\n"


class NotOpml(Exception):
    """The document is something else."""


class _Outlines:
    """What the elements come to, one after the other."""

    def __init__(self) -> None:
        self.feeds: dict[UUID, FeedSettings] = {}
        self.faults: list[Fault] = []
        self._depth = 0
        self._folders: list[str | None] = []

    def start(self, name: str, attributes: Mapping[str, str], line: int) -> None:
        self._depth += 1
        if self._depth == 1 and name.lower() != "opml":
            raise NotOpml(f"not OPML: the document is <{name}>")
        if name.lower() != "outline":
            return
        said = {key.lower(): value.strip() for key, value in attributes.items()}
        label = said.get("text") or said.get("title")
        if "xmlurl" in said:
            self._add(said, label, line)
            label = None
        self._folders.append(label)

    def end(self, name: str) -> None:
        self._depth -= 1
        if name.lower() == "outline":
            self._folders.pop()

    def _add(self, said: Mapping[str, str], label: str | None, line: int) -> None:
        try:
            url = feed_values.address(_address(said["xmlurl"]))
        except ValueError as error:
            self.faults.append(Fault(line, f"xmlUrl: {error}"))
            return
        section = BETWEEN_FOLDERS.join(folder for folder in self._folders if folder)
        settings = FeedSettings(
            url=url, name=label or host_of(url), language=_language(said.get("language")), section=section or None
        )
        # Readers list a feed once for each folder that it is in; the first one is its section.
        self.feeds.setdefault(feed_id(url), settings)


def _address(written: str) -> str:
    for scheme in FEED_SCHEMES:
        if written.lower().startswith(scheme):
            rest = written[len(scheme) :]
            return rest if "://" in rest else f"http://{rest}"
    return written


def _language(written: str | None) -> str | None:
    """None for what is no language tag: some readers write `unknown`."""
    try:
        return feed_values.language(written) if written else None
    except ValueError:
        return None


def _refuse_entities(*_declaration: object) -> NoReturn:
    raise NotOpml("entities are not read: write the text itself")


def _attributes(feed: FeedSettings) -> dict[str, str]:
    said: dict[str, str | None] = {
        "type": "rss",
        "text": feed.name,
        "title": feed.name,
        "xmlUrl": feed.url,
        "language": feed.language,
    }
    return {name: _writable(value) for name, value in said.items() if value}


def _writable(text: str) -> str:
    """Without the characters that XML 1.0 cannot hold (https://www.w3.org/TR/xml/#charsets)."""
    return "".join(letter if _in_xml(ord(letter)) else "\N{REPLACEMENT CHARACTER}" for letter in text)


def _in_xml(code: int) -> bool:
    return code in {0x9, 0xA, 0xD} or 0x20 <= code <= 0xD7FF or 0xE000 <= code <= 0xFFFD or code >= 0x10000
