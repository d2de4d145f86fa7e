"""Content codings undone while a body comes in: gzip, deflate, br and zstd, whatever the label says. Pure.

The HTTP client's own decoding is switched off: it passes `x-gzip` and doubled codings through as they are, fails on a
plain body that is labelled gzip, and does not say when a compressed body ended early.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from io import BytesIO

from services.fetcher.web.codings import DAMAGED, STEP, Brotli, Coding, Zlib, by_first_bytes, is_zlib
from shared.errors import PermanentError, TransientError

ACCEPTED = "gzip, deflate, br, zstd"
SLICE = 2**15
"""Most bytes that are given to a decoder at once: some can be made to work long for nothing."""
RATIO_FREE_BYTES = 2**20
"""Decoded bytes below which no ratio is suspect: short pages of repeated markup compress a thousandfold."""
_TELLING = 4
"""Bytes by which a body's coding is known, if at all."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    max_bytes: int
    max_ratio: float


class Decoding:
    """One body, in two codings at most; one that is not in the coding of its label is taken as it is.

    Raises PermanentError `too_large` or `decompression_ratio`, TransientError `payload` for a damaged body.
    """

    def __init__(self, content_encoding: str, limits: DecodingLimits) -> None:
        self._limits = limits
        self._outer = _Layer(content_encoding.rpartition(",")[2].strip().lower())
        self._inner = _Layer("")
        self._sent = self._between = 0
        self._body = BytesIO()

    @property
    def sent(self) -> int:
        """Bytes that were fed."""
        return self._sent

    def feed(self, chunk: bytes) -> Iterator[None]:
        """Take more of the body. It stops between steps of about a millisecond, so that others have their turn."""
        size = max(len(chunk), 1) if self._outer.is_plain else SLICE
        for start in range(0, len(chunk), size):
            if start:
                yield
            data = chunk[start : start + size]
            self._sent += len(data)
            yield from self._steps(self._outer.feed(data))

    def end(self) -> tuple[bytes, bool]:
        """The body without its codings, and whether it ended early."""
        for _ in self._steps(self._outer.feed(b"", last=True), last=True):
            pass
        return self._body.getvalue(), self._outer.ended_early or self._inner.ended_early

    def _steps(self, outer: Iterator[bytes], *, last: bool = False) -> Iterator[None]:
        try:
            for between in outer:
                self._between += len(between)
                self._check(self._between)
                yield from self._kept(self._inner.feed(between))
            if last:
                yield from self._kept(self._inner.feed(b"", last=True))
        except DAMAGED as error:
            raise TransientError("payload") from error

    def _kept(self, pieces: Iterator[bytes]) -> Iterator[None]:
        for piece in pieces:
            self._body.write(piece)
            self._check(self._body.tell())
            if len(piece) >= STEP // 2 and not self._outer.is_plain:
                yield

    def _check(self, size: int) -> None:
        if size > self._limits.max_bytes:
            raise PermanentError("too_large", f"over {self._limits.max_bytes} bytes decoded")
        if size > RATIO_FREE_BYTES and size > self._sent * self._limits.max_ratio:
            raise PermanentError("decompression_ratio", f"{self._sent} bytes decode to more than {size}")


class _Layer:
    """A body in one coding, known by its first bytes or else by its label; or in none."""

    def __init__(self, label: str) -> None:
        self._label = label
        self._head: bytes | None = b""
        self._coding: Coding | None = None

    @property
    def is_plain(self) -> bool:
        """Known by a body's first bytes; it costs nothing then, however much comes at once."""
        return self._head is None and self._coding is None

    @property
    def ended_early(self) -> bool:
        return self._coding is not None and not self._coding.ended

    def feed(self, data: bytes, *, last: bool = False) -> Iterator[bytes]:
        if self._head is not None:
            data = self._head + data
            if len(data) < _TELLING and not last:
                self._head = data
                return
            self._head, self._coding = None, _coding(data, self._label)
        if self._coding is None:
            yield data
            return
        if data:
            yield from self._coding.feed(data)
        if last and isinstance(self._coding, _Doubtful):
            yield from self._coding.close()


def _coding(head: bytes, label: str) -> Coding | None:
    known = by_first_bytes(head)
    if known is not None or not head:
        return known
    if label == "br":
        return _Doubtful(Brotli())
    if label == "deflate":
        # Some servers send it without its wrapping.
        return Zlib(15) if is_zlib(head) else _Doubtful(Zlib(-15), by_its_end=True)
    return None


class _Doubtful:
    """A coding that only the label tells of, and labels lie: what comes out is held until it cannot be chance.

    Nearly any text begins like a bare deflate stream: `by_its_end` a short one must end with the body, too.
    """

    def __init__(self, coding: Coding, *, by_its_end: bool = False) -> None:
        self._coding = coding
        self._by_its_end = by_its_end
        self._sent, self._held = BytesIO(), BytesIO()
        self._plain = self._sure = False

    @property
    def ended(self) -> bool:
        return self._plain or self._coding.ended

    @property
    def rest(self) -> bytes:
        return b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        if self._plain:
            yield data
            return
        if self._sure:
            yield from self._coding.feed(data)
            return
        self._sent.write(data)
        if self._coding.ended:
            yield self._as_sent()
            return
        try:
            for piece in self._coding.feed(data):
                yield from self._hold(piece)
        except DAMAGED:
            if self._sure:
                raise
            yield self._as_sent()

    def close(self) -> Iterator[bytes]:
        if self._plain or self._sure:
            return
        wrong = bool(self._coding.rest) or (self._by_its_end and not self._coding.ended)
        yield self._as_sent() if wrong else self._held.getvalue()

    def _hold(self, piece: bytes) -> Iterator[bytes]:
        if self._sure:
            yield piece
            return
        self._held.write(piece)
        if self._held.tell() >= STEP:
            self._sure = True
            yield self._held.getvalue()
            self._sent = self._held = BytesIO()

    def _as_sent(self) -> bytes:
        self._plain = True
        return self._sent.getvalue()
