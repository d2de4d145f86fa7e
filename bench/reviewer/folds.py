"""Weights for pages that they have not seen: hosts are dealt into folds by a hash, and each fold has its own model.

`make train-reviewer` writes them beside this module, so that a bench needs neither training nor its libraries.
"""

import hashlib
import json
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from bench.text.pages import TruePage
from services.processor.text.reviewer import Weights
from shared.urls import site_of

FOLDS = 5
STORED = Path(__file__).with_name("folds.json")


def fold_of(url: str) -> int:
    """All hosts of a site are in one fold."""
    return hashlib.sha256((site_of(url) or url).encode()).digest()[0] % FOLDS


def held_out_weights(pages: Iterable[TruePage]) -> dict[str, Weights]:
    """By host, the weights of the model that was trained without its site."""
    return {page.host: stored()[fold_of(page.url)] for page in pages}


@cache
def stored() -> tuple[Weights, ...]:
    """Raises FileNotFoundError before the first `make train-reviewer`."""
    said = json.loads(STORED.read_text(encoding="utf-8"))
    return tuple(Weights.read(json.dumps(each)) for each in said)
