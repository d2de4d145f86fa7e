"""Pages with their true text, from folders with a `truth.jsonl` or `truth.jsonl.gz`."""

import gzip
import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from urllib.parse import urlsplit


@dataclass(frozen=True, slots=True, kw_only=True)
class TruePage:
    """A page as served and what a reader finds on it. `published` is ISO 8601; None where the set does not say."""

    name: str
    group: str
    url: str
    body: bytes
    language: str | None
    title: str | None
    authors: tuple[str, ...] | None
    published: str | None
    text: str

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""


def true_pages(folder: Path) -> Iterator[TruePage]:
    """Raises FileNotFoundError where `folder` holds no truth."""
    packed = folder / "truth.jsonl.gz"
    for line in _unpacked(packed if packed.exists() else folder / "truth.jsonl").splitlines():
        said = json.loads(line)
        yield TruePage(
            name=said["page"],
            group=said["set"],
            url=said["url"],
            body=_unpacked(folder / said["page"]),
            language=said.get("language"),
            title=said.get("title"),
            authors=tuple(said["authors"]) if said.get("authors") is not None else None,
            published=said.get("published"),
            text=said["text"],
        )


def chosen_pages(folders: Iterable[Path], every: int = 1) -> Iterator[TruePage]:
    """One of every so many pages of the folders, one after the other."""
    return islice(chain.from_iterable(map(true_pages, folders)), 0, None, every)


def _unpacked(path: Path) -> bytes:
    return gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
