"""A web server on the loopback interface that means harm: each path is an attack on whoever asks for it.

Run as a program it prints its port and serves until it is killed, so that its own work is none of its client's.
"""

import asyncio
import gzip
import os
import subprocess
import sys
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from functools import cache, partial
from itertools import count, repeat

import brotli
from backports import zstd

Attack = Callable[[], AsyncIterator[bytes]]
ATTACKS: dict[str, Attack] = {}
PAGE = b"<html><body>" + b"<p>Le pont reste ouvert.</p>" * 40 + b"</body></html>"
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n"
CLOSE = HEAD + b"Connection: close\r\n\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
BOMB_BYTES = 128 * 2**20
DRIP_SECONDS = 0.02


def answer(body: bytes, *headers: bytes) -> bytes:
    lines = [b"Content-Length: %d" % len(body), *headers]
    return HEAD + b"".join(line + b"\r\n" for line in lines) + b"\r\n" + body


def attack(name: str, *parts: bytes, endless: bytes = b"", drip: bytes | None = None) -> None:
    """Send the parts; then one thing for ever, at full speed or as a drip."""

    async def sent() -> AsyncIterator[bytes]:
        for part in parts:
            yield part
        for piece in repeat(endless) if endless else ():
            yield piece
        for piece in repeat(drip) if drip is not None else ():
            await asyncio.sleep(DRIP_SECONDS)
            yield piece

    ATTACKS[name] = sent


def bomb(name: str, encoding: bytes, make: Callable[[], bytes]) -> None:
    made = cache(make)

    async def sent() -> AsyncIterator[bytes]:
        yield answer(made(), b"Content-Encoding: " + encoding)

    ATTACKS[name] = sent


def _zeros(compressor: Callable[[bytes], bytes], flush: Callable[[], bytes]) -> bytes:
    pieces = [compressor(bytes(2**20)) for _ in range(BOMB_BYTES // 2**20)]
    return b"".join(pieces) + flush()


def _zlib_bomb(window_bits: int) -> bytes:
    coder = zlib.compressobj(9, wbits=window_bits)
    return _zeros(coder.compress, coder.flush)


def _brotli_bomb() -> bytes:
    coder = brotli.Compressor(quality=5)
    return _zeros(coder.process, coder.finish)


def _zstd_bomb() -> bytes:
    coder = zstd.ZstdCompressor(level=3)
    return _zeros(coder.compress, coder.flush)


def _chunks(body: bytes, size: int, length: bytes) -> bytes:
    pieces = (body[start : start + size] for start in range(0, len(body), size))
    return b"".join(length % len(piece) + b"\r\n" + piece + b"\r\n" for piece in (*pieces, b""))


bomb("bomb-gzip", b"gzip", partial(_zlib_bomb, 31))
bomb("bomb-deflate", b"deflate", partial(_zlib_bomb, 15))
bomb("bomb-bare-deflate", b"deflate", partial(_zlib_bomb, -15))
bomb("bomb-br", b"br", _brotli_bomb)
bomb("bomb-zstd", b"zstd", _zstd_bomb)
bomb("bomb-unlabelled", b"identity", partial(_zlib_bomb, 31))
bomb("bomb-in-a-bomb", b"gzip, gzip", lambda: gzip.compress(_zlib_bomb(31)))
bomb("bomb-of-pieces", b"gzip", lambda: gzip.compress(bytes(2**20)) * 2000)
bomb("flood-of-pieces", b"gzip", lambda: gzip.compress(b"") * 200_000)
bomb("nothing-from-much", b"deflate", lambda: b"\x78\x9c" + b"\x00\x00\x00\xff\xff" * 500_000)

attack("endless-body", CLOSE, endless=bytes(65536))
attack("endless-chunks", CHUNKED, endless=b"10000\r\n" + bytes(65536) + b"\r\n")
attack("endless-tiny-chunks", CHUNKED, endless=b"1\r\nx\r\n" * 5000)
attack("endless-headers", b"HTTP/1.1 200 OK\r\n", endless=b"X-Flood: a\r\n" * 5000)
attack("endless-header", b"HTTP/1.1 200 OK\r\nX-Flood: ", endless=b"a" * 65536)
attack("endless-header-name", b"HTTP/1.1 200 OK\r\n", endless=b"a" * 65536)
attack("endless-status-line", b"HTTP/1.1 200 ", endless=b"a" * 65536)
attack("endless-junk", endless=b"a" * 65536)
attack("endless-continue", endless=b"HTTP/1.1 100 Continue\r\n\r\n" * 2000)
attack("endless-hints", endless=b"HTTP/1.1 103 Early Hints\r\nLink: </a.css>; rel=preload\r\n\r\n" * 1000)
attack("endless-chunk-extension", CHUNKED + b"5;", endless=b"a" * 65536)
attack("endless-chunk-extensions", CHUNKED, endless=(b"1;" + b"a" * 1000 + b"\r\nx\r\n") * 60)
attack("endless-trailers", CHUNKED + b"0\r\n", endless=b"X-Flood: a\r\n" * 5000)
attack("endless-nothing", HEAD + b"Content-Encoding: deflate\r\n\r\n\x78\x9c", endless=b"\0\0\0\xff\xff" * 9999)
attack("full-headers", b"HTTP/1.1 200 OK\r\n" + (b"X-F: " + b"a" * 65000 + b"\r\n") * 500 + b"\r\n")
attack("cookies", HEAD + b"Set-Cookie: id=1; Domain=news.example\r\n" * 400 + b"Content-Length: 0\r\n\r\n")

attack("drip-head", b"HTTP/1.1 200 OK\r\nX-Drip: ", drip=b"a")
attack("drip-continue", drip=b"HTTP/1.1 100 Continue\r\n\r\n")
attack("drip-body", CLOSE, drip=b"a")
attack("drip-chunks", CHUNKED, drip=b"1\r\na\r\n")
attack("drip-chunk-extension", CHUNKED + b"5;", drip=b"a")
attack("drip-trailers", CHUNKED + b"1\r\na\r\n0\r\n", drip=b"X: a\r\n")
attack("drip-compressed", HEAD + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(PAGE)[:-9], drip=b"")
attack("silence", drip=b"")
attack("silence-in-body", HEAD + b"Content-Length: 1000\r\n\r\nshort", drip=b"")

attack("length-too-long", HEAD + b"Content-Length: 5000\r\n\r\n" + PAGE)
attack("longer-than-announced", answer(PAGE) + PAGE)
attack("not-modified-with-a-body", b"HTTP/1.1 304 Not Modified\r\nContent-Length: %d\r\n\r\n" % len(PAGE) + PAGE)
attack("length-absurd", HEAD + b"Content-Length: 1" + b"0" * 30 + b"\r\n\r\n" + PAGE)
attack("length-huge", HEAD + b"Content-Length: 9000000000\r\n\r\n" + PAGE)
attack("length-negative", HEAD + b"Content-Length: -1\r\n\r\n" + PAGE)
attack("length-twice", HEAD + b"Content-Length: 3\r\nContent-Length: 5\r\n\r\nabcde")
attack("length-and-chunks", HEAD + b"Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n")
attack("chunk-size-absurd", CHUNKED + b"f" * 40 + b"\r\nabc")
attack("chunk-size-negative", CHUNKED + b"-5\r\nabc")
attack("chunks-cut-off", CHUNKED + b"ff\r\nabc")
attack("chunks-then-junk", CHUNKED + b"%x\r\n%b\r\n" % (len(PAGE), PAGE), b"junk\r\n")
attack("gzip-cut-off", answer(gzip.compress(os.urandom(50_000))[:20_000], b"Content-Encoding: gzip"))
attack("gzip-damaged", answer(gzip.compress(PAGE)[:40] + b"\xff" * 200, b"Content-Encoding: gzip"))
attack("gzip-in-name-only", answer(PAGE, b"Content-Encoding: gzip"))
attack("br-in-name-only", answer(PAGE, b"Content-Encoding: br"))
attack("deflate-in-name-only", answer(PAGE, b"Content-Encoding: deflate"))
attack("unknown-coding", answer(PAGE, b"Content-Encoding: sdch"))

attack("no-headers", PAGE)
attack("no-http", b"SSH-2.0-OpenSSH_9\r\n")
attack("tls-for-plain", b"\x15\x03\x01\x00\x02\x02\x28")
attack("nothing")
attack("nul-in-head", b"HTTP/1.1 200 OK\r\nX-Nul: a\0b\r\n\r\n" + PAGE)
attack("nul-in-body", answer(b"<p>a\0b</p>"))
attack("bad-version", b"HTTP/9.9 200 OK\r\n\r\n" + PAGE)
attack("bad-status", b"HTTP/1.1 99999 OK\r\n\r\n" + PAGE)
attack("switching", b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n", endless=bytes(65536))
attack("tiny-chunks", CHUNKED + _chunks(PAGE * 100, 1, b"%x"))
attack("padded-chunks", CHUNKED + _chunks(PAGE * 100, 6, b"%08x"))
attack("two-answers", answer(PAGE) + answer(b"smuggled"))

attack("redirect-to-file", b"HTTP/1.1 302 Found\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n")
attack("redirect-split", b"HTTP/1.1 302 Found\r\nLocation: /a\0b%0d%0aX-Evil:1\r\nContent-Length: 0\r\n\r\n")
attack("redirect-giant", b"HTTP/1.1 302 Found\r\nLocation: /" + b"a" * 60_000 + b"\r\nContent-Length: 0\r\n\r\n")
attack("redirect-with-endless-body", b"HTTP/1.1 302 Found\r\nLocation: /page\r\n\r\n", endless=bytes(65536))
attack("redirect-loop", b"HTTP/1.1 302 Found\r\nLocation: /redirect-loop\r\nContent-Length: 0\r\n\r\n")
attack("page", answer(PAGE))


class Chain:
    """A redirect that leads to another one, for ever; never twice to the same address."""

    def __init__(self) -> None:
        self._numbers = count()

    async def sent(self) -> AsyncIterator[bytes]:
        target = b"/redirect-chain?%d" % next(self._numbers)
        yield b"HTTP/1.1 301 Moved\r\nLocation: " + target + b"\r\nContent-Length: 0\r\n\r\n"


ATTACKS["redirect-chain"] = Chain().sent


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """One request and its attack; connections are kept open where the attack ends, as the client may come again."""
    try:
        while True:
            asked = await reader.readuntil(b"\r\n\r\n")
            name = asked.split(b" ", 2)[1].decode().strip("/").partition("?")[0]
            closes = await _attacked(name, writer)
            if closes:
                return
    except (ConnectionError, asyncio.IncompleteReadError):
        pass  # the client has had enough, as it should
    finally:
        writer.close()


async def _attacked(name: str, writer: asyncio.StreamWriter) -> bool:
    attacks = ATTACKS.get(name)
    if attacks is None:
        writer.write(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
        return False
    async for piece in attacks():
        writer.write(piece)
        await writer.drain()
    return not name.startswith(("page", "two", "redirect"))


async def main() -> None:
    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)  # noqa: T201 - whoever started us reads it
    await server.serve_forever()


@contextmanager
def hostile_server() -> Iterator[int]:
    """The port of one in a process of its own."""
    with subprocess.Popen([sys.executable, __file__], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        try:
            yield int(process.stdout.readline())
        finally:
            process.kill()


if __name__ == "__main__":
    asyncio.run(main())
