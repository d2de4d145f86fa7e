"""Names out of by-lines: split, without what surrounds them, and told from those of organisations. Pure."""

import re
from collections.abc import Collection, Iterable
from itertools import islice

from services.processor.metadata.organisations import AGENCIES, NO_SIGNER, WORD
from services.processor.metadata.site import is_house
from services.processor.normalization import bare, distinct, one_line

MAX_AUTHORS = 20
MAX_NAME_CHARACTERS = 100
MAX_NAME_WORDS = 6
"""Longer ones are sentences; Spanish, Arabic and Malagasy names have up to six words."""
MAX_BYLINES = 40
MAX_BYLINE_CHARACTERS = 600
FULL_NAME = 2
"""Words that a name has at least, where something else stands beside it."""
SHORT_NAME = 4
"""Agencies write so few letters as capitals or small; `Sid` and `Ani` are somebody's names."""

_BY = re.compile(
    r"^(?:(?:ein|eine) .{3,40}? von|(?:publié|rédigé|écrit|propos recueillis) par|par|(?:written|posted|published) by"
    r"|by|von|(?:escrito )?por|da|di|av|af|door|autore?:|authors?:|auteur:|textes?:|tekst:|автор:|الكاتب:|بقلم|كتبت?)"
    r"(?:\s*:\s*|\s+)",
    re.IGNORECASE,
)
_BETWEEN = re.compile(r"\s*[;|•·/\n]\s*|\s+(?:and|und|et|avec|with|&|og|och|и|та)\s+", re.IGNORECASE)
# These are parts of names too (`Ortega y Gasset`, `محمد وليد`): whole names must stand on both sides.
_BETWEEN_WHOLE_NAMES = re.compile(r"\s+(?:y|e|en|ve|i)\s+|\s+و(?=\w)", re.IGNORECASE)
_COMMA = re.compile(r"\s*[,،、，]\s*")
_BRACKETED = re.compile(r"\s*[(\[（][^()\[\]（）]*[)\]）]")
# What follows a name on the same line: a post, an employer, a date, an address.
_AFTER = re.compile(
    r"\s+[-–—]+\s.*$|\s+(?:à|in|aus|from|depuis)\s.*$|\s+(?:for|pour le compte de|für)\s.*$"
    r"|(?<!\bthe)\s+(?:the )?(?:associated|canadian) press\b.*$"
    r"|\s+(?:am|le|on|el|at)?\s*\d.*$|\s+기자.*$|\s*記者.*$",
    re.IGNORECASE,
)
_ROLE = re.compile(
    r"(?:journalist\w*|correspond\w+|corresponsal\w*|korrespondent\w*|envoyée?s?|reporter\w*|reportage"
    r"|editors?|éditeur|éditrice|rédact(?:eur|rice)\w*|redakteur\w*|redactora?|redator\w*|editora?|columnist\w*"
    r"|kolumnist\w*|chroniqueu\w+|chef|chief|senior|professor\w*|professeure?|analyst\w*|contributor|contributeur\w*"
    r"|stagiaire|writer|producer|producteur|photograph\w*|fotograf\w*|director|directeur|directrice|politolog\w+"
    r"|корреспондент|журналист\w*|редактор|صحفية?|صحافية?|مراسلة?|محررة?|كاتبة?|muhabir\w*)",
    re.IGNORECASE,
)
_ADDRESS = re.compile(r"@|:|^www\.|^/|\w\.[a-z]{2,}$|\\|[<>{}=_#/]")
_NET_ADDRESS = re.compile(r"\S*://\S+|\S+@\S+")
_FULL_STOP = re.compile(r"(?<=\w{3})\.$")  # not that of `Fatou K.`
_INITIALS = re.compile(r"[a-z]{1,5}|[A-ZÀ-Þ]{1,5}|[A-ZÀ-Þ]\.?")
_INVERTED = re.compile(r"(\w[\w'’-]+), (\w[\w'’.-]+)")


def people_in(texts: Iterable[str], houses: Collection[str] = ()) -> tuple[str, ...]:
    """The people that `texts` name, each once, at most MAX_AUTHORS; `houses` are bare names of the site's own."""
    names = (name for text in islice(texts, MAX_BYLINES) for name in names_in(text[:MAX_BYLINE_CHARACTERS]))
    people = (name for name in names if is_person(name, houses))
    return distinct(tuple(islice((_in_usual_case(name) for name in people), 2 * MAX_AUTHORS)))[:MAX_AUTHORS]


def signers_in(texts: Iterable[str]) -> tuple[str, ...]:
    """The organisations that sign in place of people, as they write themselves: `dpa`, `Le Littoral avec AFP`."""
    names = (_BY.sub("", one_line(text)) for text in islice(texts, MAX_AUTHORS))
    return distinct(tuple(name for name in names if _may_sign(name)))


def _may_sign(name: str) -> bool:
    """Accounts of a system sign nothing, and Sputnik's own name stands on every page of Sputnik's."""
    if not any(map(str.isalpha, name)) or len(name) > MAX_NAME_CHARACTERS:
        return False
    return not (_NET_ADDRESS.search(name) or name[0] in "@/" or NO_SIGNER.search(name))


def names_in(byline: str) -> tuple[str, ...]:
    """The names in a by-line such as `Par Awa Diop et Jean Mba, correspondants à Dakar`, organisations too."""
    line = _BRACKETED.sub("", _BY.sub("", _NET_ADDRESS.sub(" ", one_line(byline)))).strip()
    if inverted := _INVERTED.fullmatch(line):
        return (f"{inverted[2]} {inverted[1]}",)
    return tuple(name for part in _BETWEEN.split(line) for piece in _pieces(part) for name in _whole_names(piece))


def is_person(name: str, houses: Collection[str] = ()) -> bool:
    """Whether `name` may be somebody's: no address, organisation, agency, role, nor what the site calls itself."""
    words = name.split()
    if not name or len(name) > MAX_NAME_CHARACTERS or len(words) > MAX_NAME_WORDS or _ADDRESS.search(name):
        return False
    if _is_house(words, houses) or _is_agency(words) or not any(map(str.isalpha, name)):
        return False
    parts = [part for word in words for part in re.split(r"[-.]", word)]
    return not any(map(WORD.fullmatch, parts)) and not any(map(str.isdigit, name)) and not _INITIALS.fullmatch(name)


def is_address(name: str) -> bool:
    return bool(_ADDRESS.search(name))


def _pieces(part: str) -> Iterable[str]:
    """`Awa Diop, correspondante, Dakar` → `Awa Diop`: after a comma stands a name, a post or a place."""
    pieces = [_named(piece) for piece in _COMMA.split(part)]
    full = any(len(piece.split()) > 1 for piece in pieces)
    return [piece for piece in pieces if piece and not (full and _is_lone_word(piece))]


def _named(piece: str) -> str:
    """`piece` without what stands before and after the name, empty where there is none."""
    bared = _AFTER.sub("", _BY.sub("", piece)).strip(" ,:*-–—\"'«»“”")
    bared = _FULL_STOP.sub("", bared)
    words = bared.split()
    role = next((at for at, word in enumerate(words) if _ROLE.fullmatch(word.strip(".,:"))), len(words))
    return bared if role == len(words) else _before_role(words[:role], words[role])


def _before_role(words: list[str], role: str) -> str:
    """`Awa Diop journaliste`, `Amy M. Gibbons Political Correspondent`: in capitals the post may have several words."""
    if len(words) < FULL_NAME:
        return ""
    end = FULL_NAME if role[:1].isupper() else len(words)
    while end < len(words) and (words[end - 1].endswith(".") or words[end - 1].islower()):
        end += 1
    return " ".join(words[:end])


def _is_lone_word(piece: str) -> bool:
    return " " not in piece and piece[:1].lower() != piece[:1].upper()


def _whole_names(piece: str) -> tuple[str, ...]:
    parts = _BETWEEN_WHOLE_NAMES.split(piece)
    return tuple(parts) if all(len(part.split()) > 1 for part in parts) else (piece,)


def _is_house(words: list[str], houses: Collection[str]) -> bool:
    """Whether the name is the site's, or begins with its name in capitals: `MDR SACHSEN-ANHALT`."""
    return is_house(" ".join(words), houses) or (words[0].isupper() and bare(words[0]) in houses)


def _is_agency(words: list[str]) -> bool:
    """Whether the name is an agency's, or has one in capitals: `AFP Deutschland`, `The Associated Press`."""
    named = bare("".join(words[1:] if words[0].lower() == "the" else words))
    if named in AGENCIES and not (len(named) <= SHORT_NAME and words[-1].istitle()):
        return True
    return any(word.isupper() and bare(word) in AGENCIES for word in words)


def _in_usual_case(name: str) -> str:
    return name.title() if name.isupper() and " " in name else name
