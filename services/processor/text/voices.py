"""The extractors that say which parts of a page are text: trafilatura on the shared tree, Resiliparse on its own."""

import unicodedata
import warnings
from importlib.metadata import version
from typing import Any

from lxml.html import HtmlElement
from resiliparse.extract.html2text import extract_plain_text
from trafilatura import bare_extraction
from trafilatura.settings import Document

from services.processor.page.facts import Guesses

VERSION = f"trafilatura/{version('trafilatura')}"
ENOUGH_CHARACTERS = 250
"""Precision mode that yields less has probably cut; the default mode reads again."""


def main_text(tree: HtmlElement, url: str, *, guess: bool) -> tuple[str, Guesses]:
    """The main text by trafilatura, which works on a copy of `tree`; guessing metadata costs a third of its time."""
    found = _read(tree, url=url, favor_precision=True, with_metadata=guess)
    text = (found.text if found else None) or ""
    if len(text) < ENOUGH_CHARACTERS:
        again = _read(tree, url=url)
        text = max(text, (again.text if again else None) or "", key=len)
    return text, Guesses(title=found.title, author=found.author, date=found.date) if found else Guesses()


def second_text(characters: str) -> str:
    """The main text by Resiliparse, which parses for itself: it errs otherwise than trafilatura does."""
    found = extract_plain_text(characters, main_content=True, alt_texts=False, noscript=False)
    return unicodedata.normalize("NFC", str(found))


def warm_up() -> None:
    # htmldate's parser would tell stderr once in each worker that it does not know EST.
    warnings.filterwarnings("ignore", message="tzname .* identified but not understood")
    bare_extraction("<html><body><p>Warm-up</p></body></html>", with_metadata=True)


def _read(tree: HtmlElement, **options: Any) -> Document | None:  # noqa: ANN401 (they are the library's)
    found = bare_extraction(tree, include_comments=False, **options)
    return found if isinstance(found, Document) else None
