"""Character references that XML does not know, made such that it does. Pure.

Feeds write `R & D`, `caf&eacute;`, `?id=5&copy=1` and emoji as two halves. An XML parser gives up on any of them, and
what reads such a document instead spells guids and markup otherwise: every entry would seem to be new.
"""

import html
import re
from html.entities import html5

# Characters that XML forbids, and references to them (or to some neighbours of theirs, in decimal).
FORBIDDEN = dict.fromkeys([*range(9), 11, 12, *range(14, 32), 0xFFFE, 0xFFFF])
_FORBIDDEN_REFERENCE = (
    r"&#(?:[xX]0*(?:[dD][89a-fA-F][0-9a-fA-F]{2}|[01]?[0-9a-fA-F]|[1-9a-fA-F][0-9a-fA-F]{5,})"
    r"|0*(?:5[5-7][0-9]{3}|[12]?[0-9]|3[01]|[1-9][0-9]{6,}));"
)
_FORBIDDEN_REFERENCES = re.compile(f"{_FORBIDDEN_REFERENCE}(?:{_FORBIDDEN_REFERENCE})*")

_UNSOUND = re.compile(
    r"&(?!(?:amp|lt|gt|quot|apos|#[0-9]+|#x[0-9a-fA-F]+);)(?:(#X[0-9a-fA-F]+|[A-Za-z][A-Za-z0-9]{0,31});)?"
)
# What is not closed goes on to the end: tried at each opening, the end would be sought in quadratic time.
_UNSOUND_OUTSIDE = re.compile(rf"<!\[CDATA\[.*?(?:\]\]>|\Z)|<!--.*?(?:-->|\Z)|{_UNSOUND.pattern}", re.DOTALL)


def without_forbidden_references(text: str) -> str:
    """Halves of characters are joined; what refers to no character is nothing."""
    return _FORBIDDEN_REFERENCES.sub(_joined, text)


def with_sound_references(text: str) -> str:
    """HTML's names become their characters, any other `&` becomes `&amp;`; not in CDATA and comments.

    A name counts with its semicolon only: `&copy=1` in an address is no sign. Linear in the text's length.
    """
    # A document that declares entities of its own may mean them.
    if "<!ENTITY" in text or not _UNSOUND.search(text):
        return text
    return _UNSOUND_OUTSIDE.sub(_sound, text)


def _sound(found: re.Match[str]) -> str:
    name = found[1]
    if found[0].startswith("<"):
        return found[0]
    if name is None:
        return "&amp;"
    if name.startswith("#"):
        return f"&{name.lower()};"
    return html.escape(html5[f"{name};"]) if f"{name};" in html5 else f"&amp;{name};"


def _joined(found: re.Match[str]) -> str:
    """Halves of characters as references to whole ones: many write emoji so. A half on its own is nothing."""
    numbers = (each[2:] for each in found[0].split(";")[:-1])
    values = (int(each[1:], 16) if each[0] in "xX" else int(each.lstrip("0")[:9] or "0") for each in numbers)
    text = "".join(chr(value) for value in values if value <= 0x10FFFF)
    whole = text.encode("utf-16", "surrogatepass").decode("utf-16", "ignore")
    return "".join(f"&#{ord(character)};" for character in whole if ord(character) not in FORBIDDEN)
