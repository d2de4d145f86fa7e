"""Content codings undone: gzip, deflate, br and zstd, whatever the label says, to a limit and not beyond. Pure.

The HTTP client's own decoding is switched off: it passes `x-gzip` and doubled codings through as they are, fails on a
plain body that is labelled gzip, and does not say when a compressed body ended early.
"""

import sys
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import brotli

from shared.errors import PermanentError, TransientError

if sys.version_info >= (3, 14):
    from compression import zstd
else:
    from backports import zstd

ACCEPTED = "gzip, deflate, br, zstd"
STEP = 2**18
RATIO_FREE_BYTES = 2**20
"""Decoded bytes below which no ratio is suspect: short pages of repeated markup compress a thousandfold."""
MOST_LAYERS = 2
MOST_MEMBERS = 16
ZSTD_WINDOW_LOG = 23
"""8 MiB, what RFC 9659 allows on the web; the library's own limit is sixteen times as much memory."""

_GZIP, _ZSTD = b"\x1f\x8b", b"\x28\xb5\x2f\xfd"


@dataclass(frozen=True, slots=True, kw_only=True)
class DecodingLimits:
    max_bytes: int
    max_ratio: float


class _EndedEarly(Exception):
    """The coding goes on where the body ends."""


class _NotEncoded(Exception):
    """The label is wrong: the body is not in this coding."""


def decode(body: bytes, content_encoding: str, limits: DecodingLimits) -> tuple[bytes, bool]:
    """The body without its content codings, and whether it ended early.

    Raises PermanentError `too_large` or `decompression_ratio`, TransientError `payload` for a damaged body. A body
    that does not even begin in the coding of its label is taken as it is.
    """
    truncated, label = False, content_encoding.lower()
    for _ in range(MOST_LAYERS):
        coding = _coding(body, label)
        if coding is None:
            break
        body, ended_early = _inflate(body, coding, limits)
        truncated, label = truncated or ended_early, ""
    return body, truncated


def _coding(body: bytes, label: str) -> Callable[[bytes], Iterator[bytes]] | None:
    """What the body is in: by its first bytes where they tell, else by its label."""
    if body.startswith(_GZIP):
        return _gunzip
    if body.startswith(_ZSTD):
        return _unzstd
    if not body:
        return None
    return {"br": _unbrotli, "deflate": _undeflate}.get(label.rpartition(",")[2].strip())


def _inflate(body: bytes, coding: Callable[[bytes], Iterator[bytes]], limits: DecodingLimits) -> tuple[bytes, bool]:
    pieces, size = [], 0
    try:
        for piece in coding(body):
            size += len(piece)
            _check(size, len(body), limits)
            pieces.append(piece)
    except _EndedEarly:
        return b"".join(pieces), True
    except _NotEncoded:
        return body, False
    except (zlib.error, brotli.error, zstd.ZstdError) as error:
        raise TransientError("payload") from error
    return b"".join(pieces), False


def _check(size: int, encoded: int, limits: DecodingLimits) -> None:
    if size > limits.max_bytes:
        raise PermanentError("too_large", f"over {limits.max_bytes} bytes decoded")
    if size > RATIO_FREE_BYTES and size > encoded * limits.max_ratio:
        raise PermanentError("decompression_ratio", f"{encoded} bytes decode to more than {size}")


def _gunzip(body: bytes) -> Iterator[bytes]:
    for _ in range(MOST_MEMBERS):
        decoder = zlib.decompressobj(wbits=31)
        yield from _unzlib(decoder, body)
        body = decoder.unused_data
        if not body.startswith(_GZIP):
            return


def _undeflate(body: bytes) -> Iterator[bytes]:
    """In its zlib wrapping, as the standard says, or without, as some servers send it."""
    if body[0] & 0x0F == 8 and int.from_bytes(body[:2]) % 31 == 0:
        yield from _unzlib(zlib.decompressobj(), body)
        return
    try:
        yield from _unzlib(zlib.decompressobj(wbits=-15), body)
    except (_EndedEarly, zlib.error) as error:
        # Nearly any text begins like a bare deflate stream; only the end tells.
        raise _NotEncoded from error


def _unzlib(decoder: "zlib._Decompress", body: bytes) -> Iterator[bytes]:
    while not decoder.eof:
        piece = decoder.decompress(body, STEP)
        body = decoder.unconsumed_tail
        if not (piece or body or decoder.eof):
            raise _EndedEarly
        yield piece


def _unzstd(body: bytes) -> Iterator[bytes]:
    for _ in range(MOST_MEMBERS):
        decoder = zstd.ZstdDecompressor(options={zstd.DecompressionParameter.window_log_max: ZSTD_WINDOW_LOG})
        while not decoder.eof:
            piece = decoder.decompress(body, STEP)
            body = b""
            if not piece and decoder.needs_input and not decoder.eof:
                raise _EndedEarly
            yield piece
        body = decoder.unused_data
        if not body.startswith(_ZSTD):
            return


def _unbrotli(body: bytes) -> Iterator[bytes]:
    decoder = brotli.Decompressor()
    try:
        piece = decoder.process(body, output_buffer_limit=STEP)
    except brotli.error as error:
        raise _NotEncoded from error
    while True:
        yield piece
        if decoder.is_finished():
            return
        if not piece and decoder.can_accept_more_data():
            raise _EndedEarly
        piece = decoder.process(b"", output_buffer_limit=STEP)
