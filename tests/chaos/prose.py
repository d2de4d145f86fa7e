"""The wire's texts: short reports of made-up places, no two alike, each with its marker. Pure."""

import random
import re
from html import escape

MARKER = re.compile(r"dispatch \d{4} state \w+")
SENTENCES = 9


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


PLACES = _words(
    "Norwick Halvern Tasmere Obrook Quillan Sandhavn Brelle Ystra Marenka Dovrey Kelbury Lanthorpe Fjorne Ostrava "
    "Pellworth Grisdale Aldmoor Venmark Corrin Thessby Umberley Wrenfield Zelwick Hollin Jarrow Ivreca"
)
PEOPLE = _words("council guild ministry ferry crews teachers growers museum library court brigade choir tram drivers")
THINGS = _words(
    "copper lighthouses barley orchards violins turbines glaciers telescopes bridges beehives sluices looms kilns "
    "almanacs pigments reservoirs timber lanterns granite saffron parchment harpoons"
)
DEEDS = _words("counted repaired measured auctioned restored surveyed debated shipped photographed catalogued insured")
WHY = (
    "after a long winter",
    "before the spring fair",
    "despite a shortage of funds",
    "at the request of the mayor",
    "while visitors looked on",
    "under a new agreement",
    "because the old records were lost",
)


def marker_of(number: int, state: str) -> str:
    return f"dispatch {number:04d} state {state}"


def found_marker(text: str | None) -> str | None:
    found = MARKER.search(text or "")
    return found[0] if found else None


def title_of(number: int, edition: int) -> str:
    chance = random.Random(f"title {number}")
    told = f"The {chance.choice(PEOPLE)} of {chance.choice(PLACES)} and its {chance.choice(THINGS)}, report {number}"
    return told if edition == 1 else f"{told}, corrected {edition - 1} times"


def paragraphs_of(number: int, state: str) -> tuple[str, ...]:
    """About 130 words in three paragraphs; the marker is in the second."""
    chance = random.Random(f"text {number} {state}")
    said = [_sentence(chance) for _ in range(SENTENCES)]
    said[4] = f"Our bureau in {chance.choice(PLACES)} filed this as {marker_of(number, state)} of the day."
    return tuple(" ".join(said[start : start + 3]) for start in range(0, SENTENCES, 3))


def _sentence(chance: random.Random) -> str:
    return (
        f"In {chance.choice(PLACES)} the {chance.choice(PEOPLE)} {chance.choice(DEEDS)} "
        f"{chance.randrange(12, 9000)} {chance.choice(THINGS)} {chance.choice(WHY)}, "
        f"and {chance.choice(PLACES)} will soon do the same."
    )


def page_of(host: str, title: str, paragraphs: tuple[str, ...]) -> bytes:
    body = "".join(f"<p>{escape(each)}</p>" for each in paragraphs)
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>{escape(title)}</title>'
        f'<meta property="og:title" content="{escape(title)}"><meta property="og:site_name" content="{host}"></head>'
        f"<body><main><article><h1>{escape(title)}</h1>{body}</article></main></body></html>"
    ).encode()
