"""The headline: what the heading that readers see and what the page states elsewhere agree on. Pure."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from html import unescape

from services.processor.fingerprint import normalised_words
from services.processor.metadata.found import Found, first
from services.processor.metadata.site import is_house
from services.processor.normalization import bare, one_line
from services.processor.page.facts import Guesses, PageFacts
from services.processor.page.json_ld import text_of

ALIKE = 0.6
"""How alike a visible heading must be to a stated headline to be that headline."""
MAX_CHARACTERS = 1000
MAX_COMPARED_CHARACTERS = 300
MAX_SUFFIXES = 3
HEADING_WEIGHT = 1.5
"""A heading is whole and what readers see, so it outweighs one stated headline; two that agree outweigh it."""
WEAK_WEIGHT = 0.6
"""Of `<title>` and feed: made for search engines, and often the headline of another hour."""
WHOLE_CHARACTERS = 60
"""A stated headline that is shorter than this and begins like the heading is another, not the same cut off."""
LONGER = 2
"""A headline has at least so many times the letters of a site's name."""
KICKER_CHARACTERS = 15
"""A stated headline of fewer letters at the end of a heading is not the heading without its kicker."""

_DASH = re.compile(r"\s+[|•·—–-]\s+|\s*\|\s*")
_SEPARATOR = re.compile(r"\s+[|•·—–»:/-]\s+|\s*\|\s*")


@dataclass(frozen=True, slots=True)
class _Vote:
    """A candidate with its weight; `key` is what it is compared by."""

    text: str
    source: str
    weight: float

    @property
    def key(self) -> str:
        return bare(self.text)


def headline(title: str | None, facts: PageFacts, guesses: Guesses, houses: frozenset[str]) -> Found[str] | None:
    """`title` is the feed's. The heading counts only where it is like something stated: else it names the site."""
    feed = one_line(unescape(title or ""))
    stated = stated_headlines(facts, houses)
    weak = [Found(without_site(facts.title or "", houses), "title"), Found(feed, "feed")]
    references = [found.value for found in (*stated, Found(feed, "feed")) if found.value]
    heading = _heading(facts, references or [weak[0].value])
    if heading is None:
        guess = Found(one_line(guesses.title or ""), "trafilatura")
        title_alone = Found(_longer_side(weak[0].value), "title")
        found = first((*stated, weak[1], title_alone, guess))
        return Found(found.value[:MAX_CHARACTERS], found.source) if found else None
    votes = [_Vote(found.value, found.source, 1.0) for found in stated]
    votes += [_Vote(found.value, found.source, WEAK_WEIGHT) for found in weak if found.value]
    return _elected(_Vote(heading, "h1", HEADING_WEIGHT), votes)


def stated_headlines(facts: PageFacts, houses: frozenset[str] = frozenset()) -> list[Found[str]]:
    """What JSON-LD (or microdata) and meta tags call the headline, one each, the more precise first."""
    linked = text_of(facts.work.get("headline")) or text_of(facts.work.get("name"))
    item = next(iter(facts.items.get("headline", ())), "")
    shared = facts.first("og:title", "twitter:title", "sailthru.title", "parsely-title", "dc.title") or ""
    found = (
        Found(linked, "json-ld") if linked else Found(item, "microdata"),
        Found(without_site(one_line(unescape(shared)), houses), "meta"),
    )
    return [each for each in found if each.value]


def without_site(title: str, houses: frozenset[str]) -> str:
    """`Headline - Section | The Site` without what follows the last separators, where that names the site.

    A name of the site before the first separator goes too.
    """
    for _ in range(MAX_SUFFIXES):
        ends = list(_SEPARATOR.finditer(title[:MAX_CHARACTERS]))
        if not ends:
            break
        before, after = title[: ends[-1].start()].strip(), title[ends[0].end() :].strip()
        if before and is_house(title[ends[-1].end() :], houses):
            title = before
        elif after and is_house(title[: ends[0].start()], houses):
            title = after
    return title


def _longer_side(title: str) -> str:
    """`title` without what is short before or after a dash: on pages that say nothing else, it names the site."""
    ends = list(_DASH.finditer(title[:MAX_CHARACTERS]))
    sides = ((title[: end.start()], title[end.end() :]) for end in (*ends[-1:], *ends[:1]))
    longer = (max(pair, key=len) for pair in sides if len(max(pair, key=len)) >= LONGER * len(min(pair, key=len)))
    return next(longer, title)


def _heading(facts: PageFacts, references: Sequence[str]) -> str | None:
    """The first of the h1, else of the blocks named as title, that is most like one of the `references`."""
    shown = facts.shown
    scored = [(_likeness(text, references), text) for text in (*shown.headings, *shown.titles)]
    best, heading = max(scored, key=lambda each: each[0], default=(0.0, ""))
    return heading if best >= ALIKE else None


def _elected(heading: _Vote, votes: Sequence[_Vote]) -> Found[str]:
    """The candidate with the greatest weight, in the heading's own words where it is the same."""
    cast = [_for_heading(vote, heading) for vote in votes]
    alone = not any(vote.key == heading.key and vote.weight > WEAK_WEIGHT for vote in cast)
    kicker = next((vote for vote in cast if alone and _lacks_kicker(vote, heading)), None)
    candidates = [_Vote(kicker.text, "h1", heading.weight) if kicker else heading, *cast]
    weights = {each.key: 0.0 for each in candidates}
    for each in candidates:
        weights[each.key] += each.weight
    best = max(candidates, key=lambda each: weights[each.key])
    return Found(best.text[:MAX_CHARACTERS], best.source)


def _for_heading(vote: _Vote, heading: _Vote) -> _Vote:
    """`vote`, counted for the heading where it is the heading cut off, or followed by a section or a site."""
    cut = vote.key.rstrip("…") and heading.key.startswith(vote.key) and len(vote.key) >= WHOLE_CHARACTERS
    parts = [vote.text[: end.start()] for end in _SEPARATOR.finditer(vote.text[:MAX_CHARACTERS])]
    same = cut or heading.key in map(bare, parts) or vote.text.endswith(("…", "..."))
    return _Vote(heading.text, vote.source, vote.weight) if same else vote


def _lacks_kicker(vote: _Vote, heading: _Vote) -> bool:
    """Whether the heading is `vote` with a section or catchword before it: `Culture : La halle rouvre`."""
    return vote.key != heading.key and heading.key.endswith(vote.key) and len(vote.key) >= KICKER_CHARACTERS


def _likeness(heading: str, references: Iterable[str]) -> float:
    words = _compared(heading)
    return max((_ratio(words, _compared(text)) for text in references), default=0.0)


def _compared(text: str) -> str:
    return " ".join(normalised_words(text[: 2 * MAX_COMPARED_CHARACTERS]))[:MAX_COMPARED_CHARACTERS]


def _ratio(words: str, other: str) -> float:
    return 1.0 if words == other else SequenceMatcher(None, words, other, autojunk=False).ratio()
