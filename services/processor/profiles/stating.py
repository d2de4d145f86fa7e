"""What a profile says of an article beside its text: candidates for the metadata, pictures, related links."""

from collections.abc import Collection, Iterator, Sequence
from datetime import UTC, datetime

from lxml.html import HtmlElement

from services.processor.normalization import one_line
from services.processor.page.facts import PageFacts
from services.processor.page.stated import Stated
from services.processor.profiles.schema import Figures, Profile, Selectors, Time
from services.processor.profiles.selecting import every, preferred, text_of
from services.processor.text.pointers import title_of
from services.processor.text.related import MAX_RELATED
from shared.events import Form, Image, Related
from shared.urls import host_of, normalise, site_of

SECONDS_SINCE_1970 = range(10**9, 10**10)
"""From 2001 to 2286; other numbers are no times."""


def stated_by(profile: Profile, tree: HtmlElement, facts: PageFacts, blocks: Sequence[HtmlElement]) -> Stated:
    """`blocks` is the text, where links that stand alone are related ones too."""
    base = facts.base or facts.url
    return Stated(
        origin=f"profile:{profile.name}",
        version=profile.version,
        headline=first_text(tree, profile.headline),
        authors=_texts(tree, profile.authors),
        published=_time(tree, profile.published),
        modified=_time(tree, profile.modified),
        section=first_text(tree, profile.section),
        tags=_texts(tree, profile.tags),
        images=tuple(_images(tree, profile.figures, base)) if profile.figures else (),
        related=tuple(dict.fromkeys(_related(tree, profile, blocks, base)))[:MAX_RELATED],
        form=_form(tree, profile),
    )


def first_text(root: HtmlElement, selectors: Selectors, unseen: Collection[HtmlElement] = ()) -> str | None:
    """The text of the first element that the most preferred selector finds, without that of the elements `unseen`."""
    return next((text for element in preferred(root, selectors) if (text := text_of(element, unseen))), None)


def pointer(block: HtmlElement, profile: Profile, base: str) -> Related | None:
    """The link to another page of the publisher that `block` is nothing but, as in a list "Read also"."""
    links = list(block.iter("a"))
    if len(links) != 1 or text_of(links[0]) != text_of(block):
        return None
    title = title_of(text_of(block))
    url = normalise(links[0].get("href", ""), base)
    is_own = url is not None and (site_of(url) == site_of(base) or profile.covers(host_of(url)))
    return Related(url=url, title=title) if url and title and is_own else None


def _texts(tree: HtmlElement, selectors: Selectors) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for element in every(tree, selectors) if (text := text_of(element))))


def _time(tree: HtmlElement, time: Time | None) -> str | None:
    found = preferred(tree, time.element) if time else []
    value = next((value for element in found if time and (value := element.get(time.attribute))), None)
    if value and value.isdecimal() and int(value) in SECONDS_SINCE_1970:
        return datetime.fromtimestamp(int(value), UTC).isoformat()
    return value


def _images(tree: HtmlElement, figures: Figures, base: str) -> Iterator[Image]:
    for figure in every(tree, figures.figure):
        picture = next(iter(every(figure, figures.image)), None)
        url = normalise(_address(picture), base) if picture is not None else None
        if picture is not None and url:
            credited = every(figure, figures.credit)
            yield Image(
                url=url,
                caption=first_text(figure, figures.caption, credited),
                credit=first_text(figure, figures.credit),
                alt=one_line(picture.get("alt", "")) or None,
            )


def _address(picture: HtmlElement) -> str:
    """Pictures that are loaded late carry a placeholder as `src`, or none."""
    sources = (picture.get(name, "") for name in ("data-src", "src", "data-srcset", "srcset"))
    named = (source.split()[0].rstrip(",") for source in sources if source.strip())
    return next((address for address in named if not address.startswith("data:")), "data:")


def _related(tree: HtmlElement, profile: Profile, blocks: Sequence[HtmlElement], base: str) -> Iterator[Related]:
    cards = profile.related
    for card in every(tree, cards.card) if cards else ():
        title = title_of((first_text(card, cards.title) if cards else None) or text_of(card))
        addresses = (normalise(link.get("href", ""), base) for link in every(card, ("a[href]",)))
        url = next((address for address in addresses if address), None)
        if url and title:
            yield Related(url=url, title=title)
    yield from (found for block in blocks if (found := pointer(block, profile, base)))


def _form(tree: HtmlElement, profile: Profile) -> Form | None:
    return next((form for form, selectors in profile.forms.items() if every(tree, selectors)), None)
