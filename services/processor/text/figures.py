"""The pictures that belong to an article, with what their page says of them."""

import re
from collections.abc import Iterator, Sequence
from html import unescape
from itertools import islice, takewhile

from lxml.etree import iterwalk
from lxml.html import HtmlElement

from services.processor.normalization import one_line
from services.processor.text.credits import credit_of, split_credit
from shared.events import Image
from shared.urls import normalise

MAX_IMAGES = 20
MAX_LOOKED_AT = 500
LEAST_PIXELS = 100
"""A picture that says it is smaller is an icon, a face beside a name or a counter."""
MAX_CAPTION_CHARACTERS = 1000
KNOWN_BY = 20
"""By so many characters at its start is a paragraph found again in the tree."""

_TEXTS = ("p", "div", "li")
_PICTURES = ("img", "amp-img")
_SOURCES = ("data-srcset", "data-lazy-srcset", "srcset")
_ADDRESSES = (
    "data-src", "data-original", "data-lazy-src", "data-full-src", "data-lazy", "data-hi-res-src", "src",
)  # fmt: skip
_SRCSET = re.compile(r"(\S+?)\s+(\d+(?:\.\d+)?)[wx]\s*(?:,|$)")
# What stands in until a script runs, and what every page of a site has. By the whole name: phones are called Pixel.
_PLACEHOLDER = re.compile(
    r"^data:|\.svg$|(?:^|/)(?:spacer|blank|pixel|placeholder|transparent|lazy(?:-?load(?:ing)?)?|loading|1x1|avatar|logo"
    r"|icon|leer|empty|dummy|default)[-_]?\d*(?:x\d+)?\.\w{3,4}$",
    re.IGNORECASE,
)
# Names that say the picture is not the article's, in classes and ids on the way from the picture to the text.
_NOT_OWN = re.compile(
    (
        r"(?:^|[\s_-])(?:avatar|author|byline|logo|icon|emoji|ad|ads|advert\w*|sponsor\w*|banner|share|social"
        r"|related|recommend\w*|promo|newsletter"
        r"|comments?|pixel|tracking|sidebar|recirc\w*|outbrain|taboola)(?:$|[\s_-])|article__article-"
    ),
    re.IGNORECASE,
)
_CARD = re.compile(r"(?:^|[\s_-])(?:card|teaser)s?(?:$|[\s_-])", re.IGNORECASE)
_INLINE = frozenset({"a", "b", "em", "i", "strong", "sup", "sub", "u"})
_NOT_HERE = frozenset({"nav", "footer", "aside", "noscript", "template", "article"})
"""Between a picture and the elements that hold the text; an article there is another one's card."""
_CAPTION = re.compile(
    (
        r"caption|(?:^|[\s_-])(?:legende?|légende|bildunterschrift|bildtext|pie-?(?:de-?)?foto|didascalia"
        r"|media__(?:title|description))(?:$|[\s_-])"
    ),
    re.IGNORECASE,
)
_CREDIT = re.compile(
    (
        r"credit|copyright|photographer|fotograf|(?:image|photo|picture|media|figure|caption)[\w-]*(?:source"
        r"|author|byline|rights|owner)"
    ),
    re.IGNORECASE,
)
_NOT_SAID = frozenset({"script", "style", "button", "svg", "title", "noscript", "template", "iframe"})
_FOR_SCREEN_READERS = re.compile(
    (
        r"(?:^|[\s_-])(?:sr-only|visually-?hidden|screen-?reader[\w-]*|expand\w*|toggle|read-?more)(?:$"
        r"|[\s_-])"
    ),
    re.IGNORECASE,
)


def figures_of(tree: HtmlElement, lines: Sequence[str], base: str) -> tuple[Image, ...]:
    """The pictures between the paragraphs `lines` of a text and above them, in document order, each once.

    Captions and credits are apart; `base` is what relative addresses start from.
    """
    pictures, around = _beside(tree, {line[:KNOWN_BY] for line in lines if len(line) >= KNOWN_BY})
    found: dict[str, Image] = {}
    for picture in pictures:
        path = _path(picture, around)
        address = _address(picture, base) if _is_own(path) else None
        if address and len(found) < MAX_IMAGES:
            found.setdefault(address, _image(picture, path, address))
    return tuple(found.values())


def _beside(tree: HtmlElement, known: set[str]) -> tuple[list[HtmlElement], set[HtmlElement]]:
    """The pictures from the headline to the end of the text, and all elements that hold paragraphs of it."""
    pictures: list[HtmlElement] = []
    around: set[HtmlElement] = set()
    until, headings = 0, 0
    for element in tree.iter("h1", *_PICTURES, *_TEXTS):
        if element.tag in _PICTURES:
            pictures += [element] * (len(pictures) < MAX_LOOKED_AT)
        elif element.tag == "h1":
            pictures = pictures if headings or around else [each for each in pictures if _is_in_article(each)]
            headings += 1
        elif element.text and " ".join(element.text[: 4 * KNOWN_BY].split())[:KNOWN_BY] in known:
            until = len(pictures)
            _add_ancestors(around, element)
    return pictures[:until], around


def _is_in_article(picture: HtmlElement) -> bool:
    """Above a headline, between site and article, only what HTML says to be in the article is its own."""
    return any(above.tag == "article" for above in picture.iterancestors("article"))


def _add_ancestors(around: set[HtmlElement], element: HtmlElement) -> None:
    for above in element.iterancestors():
        if above in around:
            return
        around.add(above)


def _path(picture: HtmlElement, around: set[HtmlElement]) -> list[HtmlElement]:
    """The picture and the elements above it that hold no paragraph of the text."""
    path = [picture]
    for above in picture.iterancestors():
        if above in around:
            break
        path.append(above)
    return path


def _is_own(path: Sequence[HtmlElement]) -> bool:
    picture = path[0]
    if any(_pixels(picture.get(side)) < LEAST_PIXELS for side in ("width", "height")):
        return False
    names = " ".join(f"{each.get('class') or ''} {each.get('id') or ''}" for each in path)
    if any(each.tag in _NOT_HERE for each in path) or _NOT_OWN.search(names):
        return False
    return not _leads_away(path) or (_figure(path) is not None and not _CARD.search(names))


def _pixels(stated: str | None) -> float:
    """The stated size; what is not stated in pixels may be any."""
    return int(stated) if stated and stated.isdecimal() and len(stated) < 7 else float("inf")


def _leads_away(path: Sequence[HtmlElement]) -> bool:
    """Whether a click opens something else than the picture: a card of another article."""
    addresses = (each.get("href") or "" for each in path if each.tag == "a")
    return any(
        href and not re.search(r"^#|^javascript:|\.(?:jpe?g|png|webp|gif|avif)\b", href, re.IGNORECASE)
        for href in addresses
    )


def _figure(path: Sequence[HtmlElement]) -> HtmlElement | None:
    return next((each for each in path if each.tag == "figure"), None)


def _address(picture: HtmlElement, base: str) -> str | None:
    """The largest of the addresses that a browser may choose from, without those that stand in until it has."""
    places = [picture, *(source for above in picture.iterancestors("picture") for source in above.iter("source"))]
    sized = [
        (float(size), url)
        for each in places
        for name in _SOURCES
        for url, size in _SRCSET.findall(each.get(name) or "")
    ]
    plain = [picture.get(name) or "" for name in _ADDRESSES]
    largest = [url for _, url in sorted(sized, reverse=True)[:1]]
    stated = next((url for url in (*largest, *plain) if url and not _PLACEHOLDER.search(url.split("?")[0])), None)
    return normalise(stated, base) if stated else None


def _image(picture: HtmlElement, path: Sequence[HtmlElement], address: str) -> Image:
    figure = _figure(path)
    around = figure if figure is not None else _alone(path)
    caption, credit = _said(around) if around is not picture else ("", "")
    if credit:
        credit = credit_of(credit)
    else:
        caption, credit = split_credit(caption)
    alt = one_line(unescape(picture.get("alt") or ""))
    return Image(url=address, caption=caption or None, credit=credit or None, alt=alt[:MAX_CAPTION_CHARACTERS] or None)


def _alone(path: Sequence[HtmlElement]) -> HtmlElement:
    """The largest element around the picture that holds no other."""
    alone = takewhile(lambda each: len(list(islice(each.iter(*_PICTURES), 2))) == 1, path)
    return list(alone)[-1]


def _said(figure: HtmlElement) -> tuple[str, str]:
    """What stands in the `figure` as caption and as credit; a credit that is not marked is part of the caption."""
    captions: dict[str, None] = {}
    credits_: dict[str, None] = {}
    for text, is_credit in _labelled(figure):
        (credits_ if is_credit else captions)[text] = None
    caption, credit = one_line("".join(captions)), one_line("".join(credits_))
    return ("", "") if len(caption) > MAX_CAPTION_CHARACTERS else (caption, credit)


def _labelled(figure: HtmlElement) -> Iterator[tuple[str, bool]]:
    """The texts in captions and credits, each with whether it is a credit."""
    captions: list[HtmlElement] = []
    credits_: list[HtmlElement] = []
    walker = iterwalk(figure, events=("start", "end"))
    for event, element in walker:
        if event == "start":
            if _is_unseen(element):
                walker.skip_subtree()
                continue
            names = element.get("class") or ""
            captions += [element] * (element.tag == "figcaption" or bool(_CAPTION.search(names)))
            credits_ += [element] * bool(_CREDIT.search(names))
            text = element.text
        else:
            captions, credits_ = ([each for each in open_ if each is not element] for open_ in (captions, credits_))
            text = element.tail if element is not figure else None
        if text and (captions or credits_):
            yield text if element.tag in _INLINE else f" {text}", bool(credits_)


def _is_unseen(element: HtmlElement) -> bool:
    tag = element.tag
    return not isinstance(tag, str) or tag in _NOT_SAID or bool(_FOR_SCREEN_READERS.search(element.get("class") or ""))
