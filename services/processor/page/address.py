"""What an address alone tells of its page: a home page, a list, a way in, a kind of news. Pure."""

import re
from urllib.parse import parse_qs, unquote, urlsplit

from shared.events import Form

_LISTS = frozenset(
    {
        "archive", "archives", "author", "authors", "auteur", "auteurs", "categorie", "categoria", "categories",
        "category", "rubrique", "rubriques", "rubrik", "schlagwort", "search", "recherche", "buscar", "suche",
        "section", "sections", "tag", "tags", "thema", "themen", "theme", "themes", "topic", "topics", "etiqueta",
        "sujet", "sujets", "dossier", "temas", "kategorie", "kategoria", "autor", "redaktion", "rss", "feed",
    }
)  # fmt: skip
"""Segments after which a word names a list; `/tag/climat`, but not `/tag/2026/05/le-climat-change-12345`."""
_SEARCHES = frozenset({"s", "q", "search", "query", "recherche"})
_WORDED_SEARCHES = frozenset({"search", "recherche"})
"""Say so of a script as well (`/spip.php?recherche=coton`), where `s` and `q` may be anything."""
_SCRIPT = re.compile(r"/(?:index|spip|default)\.\w{2,5}")
_WAYS_IN = frozenset(
    {
        "login", "log-in", "signin", "sign-in", "sign_in", "wp-login", "connexion", "se-connecter", "anmelden",
        "anmeldung", "inloggen", "entrar", "acceder", "accedi", "iniciar-sesion", "logowanie", "giris", "register",
        "inscription", "registrieren", "auth",
    }
)  # fmt: skip
_MISSES = frozenset(
    {"404", "404.html", "404.php", "not-found", "notfound", "page-not-found", "introuvable", "error404"}
)
_FORMS: tuple[tuple[frozenset[str], Form], ...] = (
    (frozenset({"live", "liveblog", "live-blog", "liveticker", "live-ticker", "direct", "en-direct", "live-updates",
                "minuto-a-minuto", "en-vivo", "diretta", "ao-vivo", "canli"}), "live_blog"),
    (frozenset({"gallery", "galleries", "galerie", "galeries", "galeria", "diaporama", "diaporamas", "slideshow",
                "fotostrecke", "bildergalerie", "fotogalerie", "fotogaleria", "portfolio", "photos", "in-pictures",
                "pictures", "photolenta"}), "gallery"),
    (frozenset({"video", "videos", "watch", "replay", "vod"}), "video"),
    (frozenset({"audio", "podcast", "podcasts"}), "audio"),
)  # fmt: skip
# A number of an article, or words enough for a headline.
_NAME = re.compile(r"\d{3,}|[^\W\d_]+(?:[-_][^\W_]+){3,}")
_NO_SECTION = re.compile(rf"[\d.]|{_NAME.pattern}")


def is_home(url: str) -> bool:
    """Whether it is a site's first page, in one of its languages at most (`/fr/`)."""
    parts = urlsplit(url)
    return bool(re.fullmatch(r"/?(?:[a-z]{2}(?:-[a-z]{2})?/?|index\.\w{2,5}|home/?)?", parts.path)) and not parts.query


def is_list(url: str) -> bool:
    """Whether it names a section, a tag, an author, a page of results; an article's own name or number denies it."""
    parts, segments = urlsplit(url), _segments(url)
    asked = parse_qs(parts.query).keys()
    if (_SEARCHES & asked and not segments) or (_WORDED_SEARCHES & asked and _SCRIPT.fullmatch(parts.path)):
        return True
    if len(segments) >= 2 and segments[-2] == "page" and segments[-1].isdigit():
        return True
    named = next((at for at, segment in enumerate(segments[:2]) if segment in _LISTS), None)
    return named is not None and not any(map(_NAME.search, segments[named + 1 :]))


def is_section(url: str) -> bool:
    """Whether it could be a section's: a few plain words, nothing that names one article."""
    segments = _segments(url)
    return 0 < len(segments) <= 3 and not any(map(_NO_SECTION.search, segments))


def is_way_in(url: str) -> bool:
    return any(segment.partition(".")[0] in _WAYS_IN for segment in _segments(url)[-2:])


def is_miss(url: str) -> bool:
    return any(segment in _MISSES for segment in _segments(url)[-1:])


def form_named_by(url: str) -> Form:
    """What a section of the site's is for: `/videos/…`; of an article's own name nothing is made."""
    sections = set(_segments(url)[:-1])
    return next((form for words, form in _FORMS if words & sections), "article")


def _segments(url: str) -> list[str]:
    return [unquote(segment).lower() for segment in urlsplit(url).path.split("/") if segment]
