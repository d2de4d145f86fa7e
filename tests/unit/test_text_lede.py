"""The lede: what a page shows between its headline and its text, or shows and states as its description."""

import pytest

from services.processor.page.tree import tree_of
from services.processor.text.blocks import blocks_of
from services.processor.text.lede import Lede, lede_of

HEADLINE = "Le port de Bassolo rouvre"
LEDE = "Après trois semaines de travaux, le quai aux grains accueille de nouveau les vraquiers de la côte."
TEXT = (
    "Le premier navire a accosté mercredi au nouveau quai, après une approche ralentie par la houle.",
    "Deux portiques électriques remplacent les camions à benne qui encombraient la corniche.",
    "Le port compte accueillir un vraquier par semaine jusqu'à la fin de la campagne.",
)


def page(between, after=""):
    text = "".join(f"<p>{paragraph}</p>" for paragraph in TEXT)
    return f"<html><body><h1>{HEADLINE}</h1>{between}<div class='article-body'>{text}</div>{after}</body></html>"


def lede(markup, *descriptions, lines=TEXT):
    return lede_of(blocks_of(tree_of(markup)), descriptions, [HEADLINE], lines)


def test_a_description_that_readers_see_is_the_lede():
    """Where a block outside of the text says what the page states as its description, it is the lede."""
    assert lede(page(f"<div>{LEDE}</div>"), LEDE) == Lede(text=LEDE, source="meta")


def test_a_lede_without_spaces_is_found_by_its_characters():
    """Chinese and Japanese descriptions are matched and counted by characters."""
    said = "新港口昨天正式开放，第一艘船已经靠岸，卸下了一万二千吨玉米。"

    assert lede(page(f"<div>{said}</div>"), f"{said[:20]}…") == Lede(text=said, source="meta")


def test_a_description_that_nobody_sees_is_none():
    """No lede is invented from what is written for search engines."""
    assert lede(page(""), LEDE) is None


@pytest.mark.parametrize(
    "cut",
    [
        f"{LEDE[:60]}…",
        f"{LEDE[:60]}...",
        f"{LEDE[:60]} [...]",
        f"{LEDE[:80]}... 29.07.2026, Fil du Sud",
        f"{LEDE}, Fil du Sud",
        f"{LEDE} - Fil du Sud",
        LEDE.upper(),
    ],
)
def test_a_cut_or_signed_description_finds_the_whole_lede(cut):
    """Descriptions are cut, signed by the site or set otherwise; the lede is what readers see."""
    found = lede(page(f"<div>{LEDE}</div>"), " ".join(cut.split(" ")))

    assert found == Lede(text=LEDE, source="meta")


@pytest.mark.parametrize(
    "hidden",
    [
        f"<div class='article__meta'><div itemprop='description'>{LEDE}</div></div>",
        f"<div style='display:none'>{LEDE}</div>",
        f"<div hidden>{LEDE}</div>",
        f"<nav><div>{LEDE}</div></nav>",
        f"<footer><p>{LEDE}</p></footer>",
        f"<a href='/autre'>{LEDE}</a>",
        f"<script>{LEDE}</script>",
    ],
)
def test_what_is_not_shown_as_a_lede_is_none(hidden):
    """Data for machines, hidden blocks, navigation and links to other pages are no ledes."""
    assert lede(page(hidden), LEDE) is None


def test_the_longest_match_is_the_lede():
    """Beside the lede many pages have it cut, for cards and machines."""
    cut = " ".join(LEDE.split()[:10])

    assert lede(page(f"<div>{cut}</div><div>{LEDE}</div>"), cut) == Lede(text=LEDE, source="meta")


def test_a_few_words_in_common_are_no_match():
    """What is left of a description without its last clause must say enough to be told from another sentence."""
    assert lede(page(f"<div>{LEDE}</div>"), "Après trois semaines de travaux, le fleuve monte") is None


def test_a_first_paragraph_that_is_repeated_as_description_is_the_lede():
    """A line of the text that is all of a description is the lede; one that goes on is a paragraph."""
    assert lede(page(""), TEXT[0]) == Lede(text=TEXT[0], source="meta")
    assert lede(page(""), " ".join(TEXT[0].split()[:9])) is None


def test_the_middle_of_a_text_is_no_lede():
    """A description made of a paragraph far down leaves it there."""
    lines = (*TEXT, *TEXT, "Le fleuve n'a pas encore bougé cette saison.", *TEXT)

    assert lede(page(""), lines[6], lines=lines) is None


def test_a_lede_of_several_paragraphs_is_one():
    """Paragraphs that together say what the description begins with are the lede, with a space between."""
    parts = ("Le quai aux grains accueille de nouveau.", "Les vraquiers de la côte attendaient.", "Le port respire.")
    between = "".join(f"<p>{part}</p>" for part in parts)

    assert lede(page(f"<header>{between}</header>"), " ".join((*parts, "Et la suite."))) == Lede(
        text=" ".join(parts), source="meta"
    )


@pytest.mark.parametrize(
    "name",
    ["chapo", "article__chapeau", "standfirst", "article-intro", "dek", "lead", "sub-lede",
             "article__announce-text", "sommario", "subtitle", "excerpt"],
)  # fmt: skip
def test_a_block_that_is_called_a_lede_is_one(name):
    """Class names say so in many systems, whatever the description says."""
    shown = page(f"<div class='{name}'>{LEDE}</div>")

    assert lede(shown, "Tout sur le port") == Lede(text=LEDE, source="page")


def test_a_paragraph_right_below_the_headline_is_the_lede():
    """What stands between headline and text, and is no by-line, is the lede by its place."""
    assert lede(page(f"<h2>{LEDE}</h2>")) == Lede(text=LEDE, source="page")


@pytest.mark.parametrize(
    "between",
    [
        "<div class='byline'>Par Awa Diop, envoyée spéciale à Bassolo pour Fil du Sud</div>",
        "<p>Publié le 3 mars 2026 à 10h15, mis à jour à 12h30</p>",
        "<figure><figcaption class='lead'>Le quai aux grains vu de la corniche, mercredi matin</figcaption></figure>",
        "<p class='lead'><a href='/a'>Abonnez-vous à notre lettre et lisez tout, chaque matin avant le café</a></p>",
        "<ul class='summary'><li>Le port rouvre après trois semaines de travaux sur le quai</li></ul>",
        "<div class='related-intro related'>Le port rouvre après trois semaines de travaux sur le quai</div>",
        "<p>Abonnez-vous à notre lettre du matin et sachez tout avant les autres</p>",
        "<p>Bassolo</p>",
    ],
)
def test_other_lines_below_a_headline_are_no_lede(between):
    """By-lines, dates, captions, calls, lists, cards and kickers stand there too."""
    assert lede(page(between)) is None


def test_a_called_lede_below_the_text_is_another_articles():
    """Cards further down have ledes of their own."""
    assert lede(page("", after=f"<div class='lead'>{LEDE}</div>")) is None


def test_a_page_without_its_headline_and_an_empty_text_have_no_lede():
    """Nothing is raised where a page has none of what is looked for."""
    assert lede("<html><body></body></html>", LEDE, "", "…", lines=()) is None
