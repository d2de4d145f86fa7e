"""One list out of the pictures that a page states for its article and those that stand in its text. Pure."""

import re
from collections.abc import Sequence
from urllib.parse import unquote, urlsplit

from shared.events import Image

MAX_IMAGES = 20
LEAST_NAME = 5

_SIZE = re.compile(
    r"[-_](?:\d{2,4}x\d{2,4}|\d{2,4}w?|w\d{2,4}|scaled|large|medium|small|thumb(?:nail)?|e\d{9,}|sm"
    r"|lg)(?=$|[-_.])"
)
_COMMON_NAME = re.compile(
    r"(?:image|photo|picture|default|original|view|jpe?g|master|\d{1,4}[x_]\d{1,4}|sixteen_nine"
    r"|width)s?[-_\d]*"
)


def merged(stated: Sequence[Image], figures: Sequence[Image]) -> tuple[Image, ...]:
    """The `stated` pictures first, with what the `figures` of the same picture say, then the other figures."""
    by_key = {picture_key(figure.url): figure for figure in reversed(figures)}
    first = tuple(_completed(image, by_key.get(picture_key(image.url))) for image in stated)
    known = {picture_key(image.url) for image in stated}
    return (*first, *(figure for figure in figures if picture_key(figure.url) not in known))[:MAX_IMAGES]


def picture_key(url: str) -> str:
    """What the addresses of one picture in several sizes have in common: its file's name, if that names it."""
    path = unquote(urlsplit(url).path)
    name = _SIZE.sub("", path.rpartition("/")[2].partition(".")[0]).lower()
    return name if len(name) >= LEAST_NAME and not _COMMON_NAME.fullmatch(name) else _SIZE.sub("", path).lower()


def _completed(image: Image, figure: Image | None) -> Image:
    if figure is None:
        return image
    said = {name: getattr(image, name) or getattr(figure, name) for name in ("caption", "credit", "alt")}
    return image.model_copy(update=said)
