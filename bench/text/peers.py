"""The open extractors beside the product, in an environment of their own (deploy/requirements/peers.txt).

Each gets characters, is asked for text, title, authors and date in one go, and may not use the network. Those that give
markup instead of text (readability-lxml) have it rendered by Resiliparse.
"""

import re
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from itertools import islice
from pathlib import Path
from typing import Any, NoReturn

from bench.text.findings import Extractor, Found, measured, write
from bench.text.pages import TruePage, chosen_pages

# Each peer is imported where it is used: the product's environment has only some of them.
# ruff: noqa: PLC0415

MODES: dict[str, dict[str, bool]] = {
    "trafilatura": {},
    "trafilatura precision": {"favor_precision": True},
    "trafilatura recall": {"favor_recall": True},
    "trafilatura fast": {"fast": True},
}
# readability-lxml raises ValueError on them.
_CONTROLS = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f]")


def trafilatura(**mode: bool) -> Extractor:
    from trafilatura import bare_extraction

    def prepare(page: TruePage) -> Callable[[], Found]:
        markup = characters(page.body)

        def run() -> Found:
            said: Any = bare_extraction(markup, url=page.url, with_metadata=True, **mode)  # type: ignore[arg-type]
            if said is None:
                return Found()
            return Found(text=said.text or "", title=said.title, authors=_split(said.author), date=said.date)

        return run

    return prepare


def readability() -> Extractor:
    from readability import Document  # type: ignore[import-not-found]
    from resiliparse.extract.html2text import extract_plain_text

    def prepare(page: TruePage) -> Callable[[], Found]:
        markup = _CONTROLS.sub("", characters(page.body))

        def run() -> Found:
            document = Document(markup, url=page.url)
            text = extract_plain_text(document.summary(), main_content=False, list_bullets=False, alt_texts=False)
            return Found(text=text, title=document.short_title())

        return run

    return prepare


def newspaper() -> Extractor:
    from newspaper import Article  # type: ignore[import-not-found]

    def prepare(page: TruePage) -> Callable[[], Found]:
        markup = characters(page.body)

        def run() -> Found:
            article = Article(page.url, fetch_images=False)
            article.download(input_html=markup)
            article.parse()
            return Found(
                text=article.text,
                title=article.title,
                authors=_names(article.authors),
                date=article.publish_date.isoformat() if article.publish_date else None,
            )

        return run

    return prepare


def resiliparse() -> Extractor:
    from resiliparse.extract.html2text import extract_plain_text
    from resiliparse.parse.html import HTMLTree

    def prepare(page: TruePage) -> Callable[[], Found]:
        markup = characters(page.body)

        def run() -> Found:
            tree = HTMLTree.parse(markup)
            text = extract_plain_text(tree, main_content=True, list_bullets=False, alt_texts=False)
            return Found(text=text, title=tree.title)

        return run

    return prepare


def goose() -> Extractor:
    from goose3 import Goose  # type: ignore[import-not-found]

    reader = Goose({"enable_image_fetching": False})

    def prepare(page: TruePage) -> Callable[[], Found]:
        markup = characters(page.body)

        def run() -> Found:
            article = reader.extract(raw_html=markup)
            at = article.publish_datetime_utc
            date = at.isoformat() if at else article.publish_date
            return Found(text=article.cleaned_text, title=article.title, authors=_names(article.authors), date=date)

        return run

    return prepare


def peers() -> dict[str, Extractor]:
    modes = {name: trafilatura(**mode) for name, mode in MODES.items()}
    others = {"readability-lxml": readability, "newspaper4k": newspaper, "Resiliparse": resiliparse, "goose3": goose}
    return modes | {name: made() for name, made in others.items()}


def characters(body: bytes) -> str:
    """As trafilatura, and with it most users, would decode it."""
    from trafilatura.utils import decode_file

    try:
        return body.decode("utf-8")
    except UnicodeDecodeError:
        return str(decode_file(body))


def without_network() -> None:
    def refuse(*_: object) -> NoReturn:
        raise OSError("this bench has no network")

    socket.socket.connect = refuse  # type: ignore[method-assign]
    socket.getaddrinfo = refuse  # type: ignore[assignment]


def _names(said: Iterable[object]) -> tuple[str, ...]:
    """goose3 gives what JSON-LD has, lists among names."""
    return tuple(
        name for each in said for name in (each if isinstance(each, list) else [each]) if isinstance(name, str)
    )


def _split(names: str | None) -> tuple[str, ...]:
    """Trafilatura joins them so."""
    return tuple(name.strip() for name in (names or "").split(";") if name.strip())


def main(arguments: Sequence[str]) -> None:
    """`OUTPUT PART PARTS EVERY FOLDER…`: one of every so many pages of the folders, and of these each that is ours."""
    output, part, parts, every, *folders = arguments
    pages = islice(chosen_pages(map(Path, folders), int(every)), int(part), None, int(parts))
    without_network()
    write(measured(peers(), pages), Path(output))


if __name__ == "__main__":
    main(sys.argv[1:])
