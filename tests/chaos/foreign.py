"""Raw pages as other releases write them, and messages that are none. Pure."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

import aio_pika
import zstandard
from aio_pika import DeliveryMode

from shared.messages import CONTENT_ENCODING, CONTENT_TYPE, RAW_PAGE_KIND, RawPage, raw_id

OURS = "x-sent-by-the-scenario"
STRANGER = UUID(int=7)
LONG_HEADER_BYTES = 60_000

# What the first release of this major version could leave out, because it had not been thought of yet.
OPTIONAL = ("rights", "traceparent", "no_page_reason")
OPTIONAL_OF_THE_ENTRY = ("authors", "published", "updated", "summary", "content", "tags")
OPTIONAL_OF_THE_RESPONSE = ("content_type", "last_modified", "seconds")


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """A message, and what is said of it in a failure."""

    name: str
    message: aio_pika.Message


def older_minor(page: RawPage) -> Sent:
    """Without what newer versions have added."""
    head = _head(page)
    for name in OPTIONAL:
        head.pop(name, None)
    for part, names in (("entry", OPTIONAL_OF_THE_ENTRY), ("response", OPTIONAL_OF_THE_RESPONSE)):
        for name in names:
            head.get(part, {}).pop(name, None)
    return Sent(name="older minor version", message=amqp(framed(head, page.body), raw=page))


def newer_minor(page: RawPage) -> Sent:
    """With fields and headers that nobody knows yet."""
    head = _head(page)
    head |= {"colour": "blue", "layers": [{"depth": 1}], "weight": 1.5}
    head["entry"] |= {"mood": None}
    head["feed"] |= {"rating": {"stars": 5}}
    strange = {"x-colour": "blue", "x-weight": 1.5, "x-layers": [1, {"a": True}], "x-nothing": None}
    return Sent(name="newer minor version", message=amqp(framed(head, page.body), raw=page, headers=strange))


def newer_major(page: RawPage) -> Sent:
    message = amqp(framed({"everything": "is new"}), raw=page, type="fildactu.raw-page.v2")
    return Sent(name="newer major version", message=message)


def garbage(page: RawPage) -> Iterator[Sent]:
    """Messages of which nothing can be made; `page` is one that was once right."""
    whole = page.encode()
    named: Mapping[str, bytes] = {
        "empty body": b"",
        "no zstd": b"<html>a page as it is</html>",
        "zstd of nothing": zstandard.compress(b""),
        "half a page": whole[: len(whole) // 2],
        "a byte more": whole[:-1] + b"\0",
        "no line feed": zstandard.compress(b"{}"),
        "no JSON": zstandard.compress(b"\xff\xfe\0\0\n<p>"),
        "a list": zstandard.compress(b"[]\n<p>"),
        "deep JSON": zstandard.compress(b"[" * 100_000 + b"\n"),
        "a bomb": zstandard.compress(b"\0" * 100_000_000),
        "NUL bytes": b"\0" * 1000,
    }
    for name, body in named.items():
        yield Sent(name=name, message=amqp(body, raw=page, message_id=name))
    yield Sent(name="nothing but a body", message=aio_pika.Message(b"?", message_id="", headers={OURS: 1}))
    said: Mapping[str, dict[str, Any]] = {
        "a long header": {"headers": {"x-long": "a" * LONG_HEADER_BYTES}},
        "NUL in headers": {"headers": {"x-nul": "a\0b", "x-detail": "\0"}},
        "odd counts": {"headers": {"x-attempt": -(2**40), "x-redriven": "many"}},
        "an endless attempt": {"headers": {"x-attempt": 2**62}},
        "another kind": {"type": "fildactu.article"},
        "NUL in the kind": {"type": "fildactu\0raw-page"},
    }
    for name, properties in said.items():
        yield Sent(name=name, message=amqp(b"", raw=page, message_id=name, **properties))
    for name, head in _wrong_heads(page):
        yield Sent(name=name, message=amqp(framed(head), raw=page, message_id=name))


def _wrong_heads(page: RawPage) -> Iterator[tuple[str, dict[str, Any]]]:
    head = _head(page)
    yield "a kind of observation that is not known", head | {"kind": "moved"}
    yield "no entry", {name: said for name, said in head.items() if name != "entry"}
    yield "number zero", head | {"observation": 0}
    yield "a number that no store holds", head | {"observation": 2**40}
    yield "a time without a zone", head | {"observed_at": "2026-07-01T12:00:00"}
    yield "no identifier", head | {"raw_id": "\0"}


def poisoned(page: RawPage) -> Iterator[Sent]:
    """Pages that can be read, with values that no honest fetcher sends: each as an entry of its own."""
    at = "http://stranger.example/"
    said: Mapping[str, dict[str, Any]] = {
        "NUL in the address": {"entry": {"identity": "1", "url": f"{at}a\0b", "title": "A\0B"}},
        "NUL in the title": {"entry": {"identity": "2", "url": f"{at}2", "title": "A\0B", "authors": ["\0"]}},
        "NUL in the feed": {"feed": {"url": "\0", "name": "\0", "section": "a\0"}},
        "NUL in the rights": {"rights": ["a\0b"]},
        "NUL in the trace": {"traceparent": "\0"},
        "no address at all": {"entry": {"identity": "3"}, "response": None},
        "an address that is none": {"entry": {"identity": "4", "url": "http://[::1"}, "response": None},
        "a long address": {"entry": {"identity": "5", "url": f"{at}{'a' * 100_000}"}},
        "a long title": {"entry": {"identity": "6", "url": f"{at}6", "title": "b" * 1_000_000}},
        "the first year": {"observed_at": "0001-01-01T00:00:00+14:00"},
        "the last year": {"observed_at": "9999-12-31T23:59:59-14:00"},
        "a language that is none": {"feed": {"url": at, "name": "a", "language": "x" * 1000}},
        "an unknown charset": {"response": _answer(at, content_type="text/html; charset=\0")},
    }
    for number, (name, changes) in enumerate(said.items(), 1):
        entry = uuid5(STRANGER, name)
        ids = {"entry_id": str(entry), "raw_id": str(raw_id(entry, 1)), "observation": 1}
        own = {"entry": {"identity": name, "url": f"{at}{number}"}, "response": _answer(f"{at}{number}")}
        head = _head(page) | own | ids | changes
        yield Sent(name=name, message=amqp(framed(head, page.body), raw=page, message_id=ids["raw_id"]))


def entry_of(sent: Sent) -> UUID:
    """Of a poisoned page."""
    return uuid5(STRANGER, sent.name)


def _answer(url: str, **more: str) -> dict[str, Any]:
    return {"requested_url": url, "final_url": url, "status": 200, "content_type": "text/html", **more}


def framed(head: Mapping[str, Any], body: bytes = b"") -> bytes:
    return zstandard.compress(json.dumps(head).encode() + b"\n" + body)


def amqp(body: bytes, *, raw: RawPage, **properties: Any) -> aio_pika.Message:
    """As our own messages are, but for what is given."""
    said: dict[str, Any] = {
        "content_type": CONTENT_TYPE,
        "content_encoding": CONTENT_ENCODING,
        "delivery_mode": DeliveryMode.PERSISTENT,
        "message_id": str(raw.raw_id),
        "type": RAW_PAGE_KIND,
        **properties,
    }
    return aio_pika.Message(body, **{**said, "headers": {**said.get("headers", {}), OURS: 1}})


def _head(page: RawPage) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(page.model_dump_json(exclude_none=True))
    return found
