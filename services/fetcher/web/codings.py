"""The content codings of the web, each undone as its bytes come in; owns zlib, brotli and zstd. Pure."""

import sys
import zlib
from collections.abc import Callable, Iterator
from typing import Protocol

import brotli

from shared.errors import PermanentError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

STEP = 2**18
"""Most bytes that come out at once."""
MOST_MEMBERS = 256
ZSTD_WINDOW_LOG = 23
"""8 MiB, what RFC 9659 allows on the web; the library's own limit is sixteen times as much memory."""
DAMAGED = (zlib.error, brotli.error, zstd.ZstdError)

# Gzip's with its only method: every 256th length of a body makes brotli begin with the first two.
_GZIP, _ZSTD = b"\x1f\x8b\x08", b"\x28\xb5\x2f\xfd"


class Coding(Protocol):
    """`ended` once its end was found; `rest` is what came with the end and is not of it."""

    @property
    def ended(self) -> bool: ...
    @property
    def rest(self) -> bytes: ...
    def feed(self, data: bytes) -> Iterator[bytes]: ...


def by_first_bytes(head: bytes) -> Coding | None:
    """The coding that a body is in for certain, whatever its label says."""
    if head.startswith(_GZIP):
        return _Members(_GZIP, lambda: Zlib(31))
    return _Members(_ZSTD, _Zstd) if head.startswith(_ZSTD) else None


def is_zlib(head: bytes) -> bool:
    """Whether these may be the first bytes of zlib's wrapping (RFC 1950), the one that "deflate" means on the web."""
    return head[0] & 0x0F == 8 and int.from_bytes(head[:2]) % 31 == 0


class _Members:
    """Compressed pieces one after the other, each with the same first bytes; what else follows is left."""

    def __init__(self, magic: bytes, new: Callable[[], Coding]) -> None:
        self._magic = magic
        self._new = new
        self._member = new()
        self._begun = 1
        self._after = b""

    @property
    def ended(self) -> bool:
        return self._member.ended

    @property
    def rest(self) -> bytes:
        return self._after

    def feed(self, data: bytes) -> Iterator[bytes]:
        while data:
            if self._member.ended:
                data = self._next(data)
                continue
            yield from self._member.feed(data)
            data = self._left_over()

    def _left_over(self) -> bytes:
        return self._member.rest if self._member.ended else b""

    def _next(self, data: bytes) -> bytes:
        """What the next member begins with; nothing while that is not known, nor when there is none."""
        self._after += data
        if not self._after.startswith(self._magic):
            self._after = self._after[: len(self._magic)]
            return b""
        if self._begun == MOST_MEMBERS:
            raise PermanentError("too_large", f"over {MOST_MEMBERS} compressed pieces")
        self._member, self._begun = self._new(), self._begun + 1
        data, self._after = self._after, b""
        return data


class Zlib:
    """Deflate in the wrapping that the window bits name: 31 gzip's, 15 zlib's, -15 none."""

    def __init__(self, window_bits: int) -> None:
        self._decoder = zlib.decompressobj(wbits=window_bits)

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def rest(self) -> bytes:
        return self._decoder.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = True
        while more and not self._decoder.eof:
            piece = self._decoder.decompress(data, STEP)
            data = self._decoder.unconsumed_tail
            more = bool(data) or len(piece) == STEP
            yield piece


class _Zstd:
    def __init__(self) -> None:
        self._decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})

    @property
    def ended(self) -> bool:
        return self._decoder.eof

    @property
    def rest(self) -> bytes:
        return self._decoder.unused_data

    def feed(self, data: bytes) -> Iterator[bytes]:
        more = True
        while more and not self._decoder.eof:
            yield self._decoder.decompress(data, STEP)
            data, more = b"", not self._decoder.needs_input


class Brotli:
    rest = b""

    def __init__(self) -> None:
        self._decoder = brotli.Decompressor()

    @property
    def ended(self) -> bool:
        return bool(self._decoder.is_finished())

    def feed(self, data: bytes) -> Iterator[bytes]:
        # It says that it can take more while it still holds some: only an empty piece means that it has no more.
        piece = b"more"
        while piece and not self.ended:
            piece = self._decoder.process(data, output_buffer_limit=STEP)
            data = b""
            yield piece
