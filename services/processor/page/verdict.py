"""What kind of page an address led to: an article of some form, or what stands in an article's place. Pure.

A real article must never be refused: each refusal needs two signs that have nothing to do with each other, and of a
page that calls itself an article, or has a long text, nearly nothing is believed but where it led.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

from services.processor.normalization import word_count
from services.processor.page.address import form_named_by, is_home, is_list, is_miss, is_section, is_way_in
from services.processor.page.consent import is_consent_wall
from services.processor.page.signals import Signals
from services.processor.page.walls import (
    MARKED_ALONE,
    asks_for_proof,
    asks_to_log_in,
    is_numbered_not_found,
    is_titled_not_found,
    needs_scripts,
    says_not_found,
)
from shared.events import Form

DENIED_WORDS = 25
"""Below it, a page under such a heading has nothing else to say."""
HARDLY_WORDS = 40
"""Of a text as long as a wall's own words."""
CAPTION_WORDS = 15
"""Below it, a page with a video, a sound or pictures has no text of its own."""
HEADLINES = 8
"""So many links that are headlines, at least, make a list."""
FEW_HEADLINES = 3
"""As `HEADLINES`, where the page or its address calls it a list and hardly a word stands between them."""
HEADLINE_WORDS = 5
"""A section is named in fewer."""
TEASER = 100
"""Characters that a line below a headline has on a list of them; many have more, but so have paragraphs."""
LINKED_LINES = 0.3
LINKED_LETTERS = 0.6
LONG_LINES = 3
"""Paragraphs longer than a teaser: so many are an article, whatever is linked around it."""

_ARTICLE = re.compile(r"(Article|Posting|Report|Review)$")
_LISTS = frozenset({"CollectionPage", "SearchResultsPage", "ProfilePage"})
_GALLERIES = frozenset({"ImageGallery", "MediaGallery"})
_VIDEOS = frozenset({"VideoObject", "TVEpisode", "Clip"})
_SOUNDS = frozenset({"AudioObject", "PodcastEpisode", "RadioEpisode"})


@dataclass(frozen=True, slots=True, kw_only=True)
class PageVerdict:
    """The article's `form`, or the `reason` why the page holds none, with the sign that decided in `detail`."""

    form: Form = "article"
    reason: str | None = None
    detail: str = ""


ARTICLE = PageVerdict()


def verdict_of(signals: Signals) -> PageVerdict:
    """The first of the refusals that fits; else the form of the article."""
    if is_consent_wall(signals.url, signals.form_targets, signals.text):
        return PageVerdict(reason="consent_wall")
    for reason, sign in _REFUSALS:
        if detail := sign(signals):
            return PageVerdict(reason=reason, detail=detail)
    if signals.words < CAPTION_WORDS and not _has_article(signals) and (stated := _stated_form(signals)):
        return PageVerdict(form=stated, reason=f"{stated}_page", detail=f"{signals.words} words of text")
    if not any(map(str.isalnum, signals.text)):
        return PageVerdict(reason="empty")
    return PageVerdict(form=_form(signals))


def _challenge(signals: Signals) -> str | None:
    if not signals.is_short:
        return None
    heads = any(map(asks_for_proof, (signals.title, *signals.headings)))
    asks = heads or asks_for_proof(signals.text)
    if signals.mark and (asks or not (signals.stated or signals.mark in MARKED_ALONE)):
        return f"of {signals.mark}"
    said_twice = heads and (asks_for_proof(signals.text) or signals.words < DENIED_WORDS)
    return "asks for proof of a reader" if said_twice and not signals.stated else None


def _login(signals: Signals) -> str | None:
    if signals.stated or not signals.is_short:
        return None
    if is_way_in(signals.url) and not is_way_in(signals.asked):
        return "the address leads to a way in"
    posts = signals.passwords or any(map(is_way_in, signals.form_targets))
    asks = any(map(asks_to_log_in, (signals.title, *signals.headings)))
    return "asks to log in" if posts and asks else None


def _not_found(signals: Signals) -> str | None:
    if is_miss(signals.url) and not is_miss(signals.asked):
        return "the address leads to an error page"
    heads = (signals.title, *signals.headings)
    if any(map(is_numbered_not_found, heads)) and not _has_article(signals):
        return "says 404"
    if signals.stated or signals.long_lines >= LONG_LINES:
        return None
    said = any(map(is_titled_not_found, heads)) or (signals.words < HARDLY_WORDS and says_not_found(signals.text))
    return "says that there is no page" if said else None


def _index(signals: Signals) -> str | None:
    if is_home(signals.url) and not is_home(signals.asked):
        # Sites that dropped an article often redirect its address to their home page.
        return "the address leads to the home page"
    hardly = signals.words < HARDLY_WORDS
    enough = FEW_HEADLINES if is_home(signals.url) or (hardly and _is_called_list(signals)) else HEADLINES
    if _has_article(signals) or signals.links.headlines < enough:
        return None
    if signals.long_lines >= LONG_LINES and not is_home(signals.url):
        return None
    if signals.types & _LISTS:
        return "calls itself a list"
    if signals.stated:
        return None
    short = all(len(line) < TEASER for line in signals.text.splitlines())
    titled = short and signals.links.titles >= HEADLINES
    linked = titled or signals.links.lines >= LINKED_LINES or (hardly and signals.links.letters >= LINKED_LETTERS)
    headed = any(word_count(heading) >= HEADLINE_WORDS for heading in signals.headings)
    listed = is_list(signals.url) or is_home(signals.url) or (linked and not headed and is_section(signals.url))
    return "a list of headlines" if listed else None


def _is_called_list(signals: Signals) -> bool:
    return bool(signals.types & _LISTS) or is_list(signals.url)


def _shell(signals: Signals) -> str | None:
    hardly = signals.words < HARDLY_WORDS and not signals.stated
    return "shows nothing without scripts" if hardly and needs_scripts(signals.text) else None


_REFUSALS: tuple[tuple[str, Callable[[Signals], str | None]], ...] = (
    ("bot_challenge", _challenge),
    ("login", _login),
    ("not_found_page", _not_found),
    ("index_page", _index),
    ("empty", _shell),
)


def _has_article(signals: Signals) -> bool:
    return any(map(_ARTICLE.search, signals.types))


def _form(signals: Signals) -> Form:
    """What the page states of itself, then what its address is for; a long text needs a statement, but of a live blog.

    Most articles have a video or a gallery somewhere: beside an article's own node, theirs says nothing.
    """
    if "LiveBlogPosting" in signals.types:
        return "live_blog"
    if not _has_article(signals) and (stated := _stated_form(signals)):
        return stated
    named = form_named_by(signals.url)
    return named if signals.is_short or named == "live_blog" else "article"


def _stated_form(signals: Signals) -> Form | None:
    forms: tuple[tuple[bool, Form], ...] = (
        (bool(signals.types & _GALLERIES), "gallery"),
        (bool(signals.types & _VIDEOS) or signals.og_type.startswith("video"), "video"),
        (bool(signals.types & _SOUNDS), "audio"),
    )
    return next((form for fits, form in forms if fits), None)
