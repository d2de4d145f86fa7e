"""Lines that name who wrote a text. Pure."""

import re
from collections.abc import Iterable

from services.processor.fingerprint import normalised_words

MAX_CHARACTERS = 160
MAX_WORDS = 14
MAX_BIOGRAPHY = 600
MAX_PLAIN_WORDS = 4
MAX_PLAIN_CHARACTERS = 30
"""Of names in Arabic, Chinese and other scripts that do not tell names from other words."""

# Words that end in a letter need white space before the name, scripts without case a colon too.
_BY = re.compile(
    (
        r"(?:(?:written |reported |compiled |story |text )?by|(?:propos recueillis |texte |un article "
        r"|article )?par|von|por|di|da|av|af|door|oleh"
        r"|text|texte|texto|testo|autore?|autora?|автор|текст|tekst|opracowa(?:ł|ła|nie)|dodał|publié par"
        r"|posté par|posted by|published by|reviewed by"
        r"|geschrieben von|redactado por|a cura di|بقلم|كتبت?|إعداد|حوار|作者|记者|記者|撰文|文)(?:\s*[:：/]\s*|\s+)"
    ),
    re.IGNORECASE,
)
_WORK = re.compile(
    (
        r"\W*(?:(?:with |additional |and |compiled )*(?:reporting|writing|editing|translat(?:ed|ion)"
        r"|edited) by|(?:with|additional) (?:reports|reporting|material) (?:from|by)|mit material von"
        r"|--?\W?(?:with assistance from|editors?:)) (?-i:[^\W\d_a-zà-ÿ]).{1,200}"
    ),
    re.IGNORECASE,
)
_ROLE = re.compile(
    (
        r"(?:\b(?:is|was|est|ist|es|è|é|är|er|jest)|[—–,]) .{0,60}\b(?:journalis|reporter|correspond"
        r"|korrespond|korespond"
        r"|editor|rédact|redakt|redact|redator|écrivain|periodist|giornalist|jornalist|writer|columnist"
        r"|chronique|colunist|schreibt|covers|couvre|freelance)"
    ),
    re.IGNORECASE,
)
_PARTICLES = frozenset(
    {
        "and", "et", "und", "y", "e", "i", "og", "och", "en", "de", "del", "della", "di", "da", "dos", "du",
        "des", "la", "le", "les", "van", "von", "der", "den", "ter", "el", "al", "bin", "ben", "ould", "in",
        "à", "for", "für", "pour", "at", "of", "the", "с", "и", "w", "z",
    }
)  # fmt: skip
_NAME = re.compile(r"[^\W\d_]+")


def is_byline(line: str, authors: Iterable[str]) -> bool:
    """Whether `line` only names people: some of `authors` and what belongs to them, or anybody after `Par` or `By`."""
    if len(line) > MAX_CHARACTERS:
        return False
    by = _BY.match(line)
    named = line[by.end() :] if by else line
    words = normalised_words(named)
    return 0 < len(words) <= MAX_WORDS and (_names_authors(words, authors) or bool(by and _is_all_names(named)))


def credits_work(line: str) -> bool:
    """Whether `line` says who reported, wrote or edited, as agencies do below a text; not an agency's own sign."""
    return bool(_WORK.fullmatch(line))


def is_biography(line: str, authors: Iterable[str]) -> bool:
    """Whether `line` presents one of `authors`, as `Awa Diop est journaliste à Dakar` does."""
    presented = any(line.startswith(author) for author in authors if " " in author)
    return presented and len(line) <= MAX_BIOGRAPHY and bool(_ROLE.search(line))


def _names_authors(words: list[str], authors: Iterable[str]) -> bool:
    """The name of one at least, and little besides: a place, a paper."""
    known = [normalised_words(author) for author in authors]
    whole = [name for name in known if len(name) > 1 and set(name) <= set(words)]
    others = set(words) - {word for name in known for word in name} - _PARTICLES
    return bool(whole) and len(others) <= len({word for name in whole for word in name}) // 2


def _is_all_names(text: str) -> bool:
    """Every word begins with a capital, but for the particles of names; no sentence ends here."""
    words = _NAME.findall(text)
    if text.rstrip().endswith((".", "?", "!", ":", "。")) or not words:
        return False
    if text.lower() == text.upper():  # a script without capitals
        return len(words) <= MAX_PLAIN_WORDS and len(text) <= MAX_PLAIN_CHARACTERS
    is_name = all(not word[0].islower() or word in _PARTICLES for word in words)
    return is_name and any(word[0].isupper() for word in words)
