r"""RawPage: one observation of a feed entry, from the fetcher to the processor.

On the wire a raw page is zstd(JSON line + "\n" + body bytes as served). Compact JSON holds no raw line feed, so the
first one ends the metadata. Headers would be too small for it (a feed may carry whole articles), base64 too large.
"""

from collections.abc import Mapping
from typing import Literal, Self
from uuid import UUID, uuid5

import zstandard
from pydantic import AwareDatetime, Field, ValidationError

from shared.contract import Contract
from shared.envelope import Message
from shared.errors import UndecodableMessage

RAW_PAGE_KIND = "fildactu.raw-page.v1"
CONTENT_TYPE = "application/vnd.fildactu.raw-page"
CONTENT_ENCODING = "zstd"
ZSTD_LEVEL = 3
MAX_DECODED_BYTES = 64 * 1024 * 1024
"""Above any page the fetcher accepts; a frame that claims more is refused before it is inflated."""

MAX_OBSERVATION = 2**31 - 1
"""What the stores' integer columns hold."""

ObservationKind = Literal["fetched", "unchanged", "gone", "feed_only"]


class FeedFacts(Contract):
    """The feed that carried the entry, with what its operator says of it."""

    url: str
    name: str
    language: str | None = None
    section: str | None = None


class EntryFacts(Contract):
    """What the feed says of the entry; `content` and `summary` are HTML as found, never shown to subscribers."""

    identity: str
    url: str | None = None
    title: str | None = None
    authors: tuple[str, ...] = ()
    published: AwareDatetime | None = None
    updated: AwareDatetime | None = None
    summary: str | None = None
    content: str | None = None
    tags: tuple[str, ...] = ()


class ResponseFacts(Contract):
    """What the server said; `content_type` is the header as sent, `seconds` from request to last byte."""

    requested_url: str
    final_url: str
    status: int
    content_type: str | None = None
    last_modified: str | None = None
    seconds: float = 0.0


class RawPage(Contract):
    """One observation: `fetched` has a body, `unchanged`, `gone` and `feed_only` have none.

    `no_page_reason` says why a `feed_only` one has no page (`robots`, `http_403`, `not_html`, …).
    """

    raw_id: UUID
    entry_id: UUID
    observation: int = Field(ge=1, le=MAX_OBSERVATION)
    kind: ObservationKind
    observed_at: AwareDatetime
    feed: FeedFacts
    entry: EntryFacts
    response: ResponseFacts | None = None
    no_page_reason: str | None = None
    rights: tuple[str, ...] = ()
    traceparent: str | None = None
    body: bytes = Field(default=b"", exclude=True, repr=False)

    def encode(self) -> bytes:
        head = self.model_dump_json(exclude_none=True).encode()
        return zstandard.ZstdCompressor(level=ZSTD_LEVEL).compress(head + b"\n" + self.body)

    @classmethod
    def decode(cls, data: bytes) -> Self:
        """Raises UndecodableMessage, whatever is wrong."""
        head, found, body = _inflate(data).partition(b"\n")
        if not found:
            raise UndecodableMessage("no line feed after the metadata")
        try:
            page = cls.model_validate_json(head)
        except ValidationError as error:
            raise UndecodableMessage(_first_fault(error)) from error
        return page.model_copy(update={"body": body})

    def message(self) -> Message:
        return Message(
            body=self.encode(),
            message_id=str(self.raw_id),
            kind=RAW_PAGE_KIND,
            content_type=CONTENT_TYPE,
            content_encoding=CONTENT_ENCODING,
            correlation_id=str(self.entry_id),
            headers=self._headers(),
        )

    def _headers(self) -> Mapping[str, str | int]:
        trace = {"traceparent": self.traceparent} if self.traceparent else {}
        return {"x-observation": self.observation, "x-kind": self.kind, **trace}


def raw_id(entry_id: UUID, observation: int) -> UUID:
    """The id of an observation, from its number: a page that goes A, B, A is three observations."""
    return uuid5(entry_id, str(observation))


def decode_raw_page(message: Message) -> RawPage:
    """Raises UndecodableMessage unless `message` is a raw page of this major version."""
    if message.kind != RAW_PAGE_KIND:
        raise UndecodableMessage(f"kind {message.kind!r} is not {RAW_PAGE_KIND!r}")
    return RawPage.decode(message.body)


def _inflate(data: bytes) -> bytes:
    try:
        size = zstandard.frame_content_size(data)
        if not 0 <= size <= MAX_DECODED_BYTES:
            raise UndecodableMessage(f"{size} bytes decoded is outside 0..{MAX_DECODED_BYTES}")
        return zstandard.ZstdDecompressor().decompress(data)
    except zstandard.ZstdError as error:
        raise UndecodableMessage(f"not zstd: {error}") from error


def _first_fault(error: ValidationError) -> str:
    fault = error.errors(include_url=False, include_input=False)[0]
    return f"{'.'.join(map(str, fault['loc']))}: {fault['msg']} ({error.error_count()} faults)"
