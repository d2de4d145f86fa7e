"""Pages that `fildactu extract` is asked for: what was named on the command line or in a list, and its bytes."""

import gzip
import json
import sys
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

from shared.errors import PermanentError
from shared.urls import normalise

WEB = ("http://", "https://")
STANDARD_INPUT = "-"
HEAD_BYTES = 1024
GZIP = b"\x1f\x8b"
# https://mimesniff.spec.whatwg.org/#matching-an-image-type-pattern and the sections after it
_SIGNATURES = (
    b"%PDF-", b"\x89PNG", b"GIF8", b"\xff\xd8\xff", b"RIFF", b"\x00\x00\x01\x00", b"OggS", b"PK\x03\x04",
    b"Rar!", b"7z\xbc\xaf", b"\x1a\x45\xdf\xa3", b"wOFF", b"wOF2", b"\x7fELF", b"SQLite format 3",
)  # fmt: skip
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")
_CONTROLS = bytes({*range(1, 9), 0x0B, *range(0x0E, 0x1B), *range(0x1C, 0x20)})
CONTROL_SHARE = 0.02
"""Of what holds no text a tenth are control characters; a damaged page has a few."""


class InvalidPages(Exception):
    """What was asked for cannot be meant: the message says what is wrong and how to say it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """A file, `-` or an address, and what is known of a file's page: its address, and the Content-Type it came with."""

    source: str
    url: str | None = None
    content_type: str | None = None

    @property
    def is_address(self) -> bool:
        return self.source.startswith(WEB)


def wanted_pages(sources: Sequence[str], urls: Sequence[str], content_type: str | None) -> list[Wanted]:
    """`urls` are those of the files among `sources`, in their order. Raises InvalidPages."""
    files = sum(not Wanted(source=source).is_address for source in sources)
    if urls and len(urls) != files:
        raise InvalidPages(f"--url was given {len(urls)} times for {files} files: give each file's, in their order")
    if sources.count(STANDARD_INPUT) > 1:
        raise InvalidPages("- was given twice: standard input can be read once")
    addresses = iter([_address(url) for url in urls])
    pages = (Wanted(source=source, content_type=content_type) for source in sources)
    return [
        each if each.is_address else Wanted(source=each.source, url=next(addresses, None), content_type=content_type)
        for each in pages
    ]


def listed_pages(path: Path) -> list[Wanted]:
    """Of JSON Lines with `file`, and where known `url` and `content_type`. Raises InvalidPages."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise InvalidPages(f"{path} cannot be read: {getattr(error, 'strerror', None) or error}") from error
    return [_listed(f"{path}:{number}", line) for number, line in enumerate(lines, 1) if line.strip()]


def read_page(source: str, most: int) -> bytes:
    """The bytes of a page in a file or on standard input, unpacked. Raises PermanentError `unreadable`."""
    try:
        body = _unpacked(_bytes_of(source, most), most)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        raise _unreadable(getattr(error, "strerror", None) or str(error)) from error
    if len(body) > most:
        raise _unreadable(f"more than {most} bytes: FETCHER_MAX_BODY_BYTES sets how much a page may have")
    return checked(body)


def checked(body: bytes) -> bytes:
    """`body`, where it can be a page; raises PermanentError `unreadable` for what is empty or no text."""
    if not body.strip():
        raise _unreadable("it is empty")
    if is_binary(body[:HEAD_BYTES]):
        raise _unreadable("it is no text: a page is HTML, or HTML in .gz")
    return body


def is_binary(head: bytes) -> bool:
    """Whether a file that begins so is an image, a PDF, an archive or the like."""
    if head.startswith(_UTF_16):
        return False
    controls = len(head) - len(head.translate(None, _CONTROLS))
    return head.startswith(_SIGNATURES) or controls > CONTROL_SHARE * len(head)


def _listed(place: str, line: str) -> Wanted:
    said = _object(place, line)
    values = {name: said.get(name) for name in ("file", "url", "content_type")}
    wrong = [name for name, value in values.items() if value is not None and not isinstance(value, str)]
    if wrong or not values["file"]:
        raise InvalidPages(f"{place}: {wrong[0] if wrong else 'file'} must be a text: {line[:80]}")
    url = _address(values["url"]) if values["url"] else None
    return Wanted(source=values["file"], url=url, content_type=values["content_type"])


def _object(place: str, line: str) -> dict[str, Any]:
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        raise InvalidPages(
            f'{place}: not a JSON object such as {{"file": "page.html", "url": "https://…"}}: {line[:80]}'
        )
    return said


def _address(url: str) -> str:
    found = normalise(url)
    if found is None:
        raise InvalidPages(f"{url!r} is no http(s) address of a page")
    return found


def _bytes_of(source: str, most: int) -> bytes:
    if source == STANDARD_INPUT:
        return sys.stdin.buffer.read(most + 1)
    with Path(source).open("rb") as file:
        return file.read(most + 1)


def _unpacked(body: bytes, most: int) -> bytes:
    """A bomb is inflated no further than what is read of it."""
    if not body.startswith(GZIP):
        return body
    with gzip.open(BytesIO(body)) as file:
        return file.read(most + 1)


def _unreadable(why: str) -> PermanentError:
    return PermanentError("unreadable", why)
