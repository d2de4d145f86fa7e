"""The language a text is written in: from its words, and from what feed and page say where words are few."""

from functools import cache
from typing import Protocol

from py3langid.langid import MODEL_FILE, LanguageIdentifier

from services.processor.normalization import primary_language, word_count
from shared.events import Language

SHORT_TEXT_WORDS = 20
ENOUGH_CHARACTERS = 300
"""Read by the classifier: more text costs time and changes no verdict."""
SURE = 0.5

UNKNOWN = Language(code="und", confidence=0.0)


class Classifier(Protocol):
    def rank(self, text: str) -> list[tuple[str, float]]:
        """Language codes with their probabilities, the likeliest first."""
        ...


@cache
def classifier() -> Classifier:
    """Loaded at first use: it takes most of a second."""
    found: Classifier = LanguageIdentifier.from_model_file(MODEL_FILE, norm_probs=True)
    return found


def language_of(text: str, *hints: str | None) -> Language:
    """The language of `text`; `hints` are tags such as `fr-SN`, the most trusted first, used where words are few."""
    hint = next((code for code in map(primary_language, hints) if code), None)
    ranked = classifier().rank(text[:ENOUGH_CHARACTERS]) if text.strip() else []
    if hint and (not ranked or word_count(text[:ENOUGH_CHARACTERS]) < SHORT_TEXT_WORDS or ranked[0][1] < SURE):
        return Language(code=hint, confidence=round(dict(ranked).get(hint, 0.0), 3))
    if not ranked or ranked[0][1] < SURE:
        return UNKNOWN
    code, probability = ranked[0]
    return Language(code=code, confidence=round(min(1.0, probability), 3))
