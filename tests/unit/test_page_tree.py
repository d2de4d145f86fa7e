"""A page's tree has all its text, is no deeper than its readers can follow, and says when it is too much for them."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.page.charset import decoded
from services.processor.page.tree import MAX_DEPTH, MAX_ELEMENTS, MAX_TEXT, Parsed, parsed, tree_of, without_floods

SENTENCE = "La pluie est revenue dans la nuit sur le plateau."


def page(body, head=""):
    return f"<!doctype html><html><head><title>Pluie</title>{head}</head><body>{body}</body></html>"


def read(markup) -> Parsed:
    found = parsed(markup)
    assert found is not None
    return found


def depth(element):
    return sum(1 for _ in element.iterancestors())


@pytest.mark.parametrize("wrapping", ["div", "span", "font", "b", "blockquote", "section", "center"])
def test_tags_that_are_never_closed_hide_nothing_below_them(wrapping):
    """libxml2 ends a document at 256 levels; the wrappings go, and the paragraphs stay paragraphs."""
    found = read(page(f"<{wrapping}>" * 400 + f"<p>{SENTENCE}</p><p>Suite.</p>"))
    texts = [paragraph.text for paragraph in found.tree.iter("p")]

    assert texts == [SENTENCE, "Suite."]
    assert max(map(depth, found.tree.iter())) <= MAX_DEPTH + 2
    assert SENTENCE in found.characters
    assert found.characters.count(f"<{wrapping}") <= MAX_DEPTH


def test_text_between_wrappings_keeps_its_place():
    """What stands before, inside and after each of them is read in that order."""
    words = [f"m{at} " for at in range(300)]
    found = read(page("".join(f"<div>{word}" for word in words) + "</div>après " * 300))

    text = found.tree.find("body").text_content()
    assert text.split() == [*"".join(words).split(), *["après"] * 300]


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (f"<p>{SENTENCE}</p>" * (MAX_ELEMENTS + 1), "elements"),
        ("<br>" * (MAX_ELEMENTS + 1), "elements"),
        (f"<p>{'mot ' * (MAX_TEXT // 3)}</p>", "characters of text"),
    ],
)
def test_too_much_of_anything_is_said(body, what):
    """In words, and nothing is made of it for other readers."""
    complexity = read(page(body)).too_complex

    assert complexity is not None
    assert complexity.endswith(what)


@pytest.mark.parametrize(
    "flood",
    [
        f"<select>{'<option>Niger</option>' * (MAX_ELEMENTS + 1)}</select>",
        f"<svg>{'<path d=M0/>' * (MAX_ELEMENTS + 1)}</svg>",
        f"<script>{'var a=1;' * (MAX_TEXT // 4)}</script>",
        f"<!--{'x' * 2 * MAX_TEXT}-->",
        " " * 2 * MAX_TEXT,
    ],
)
def test_what_nobody_reads_makes_no_page_too_complex(flood):
    """Countries to choose from, drawings, scripts, comments and blanks: the article is read, by other parsers too."""
    found = read(page(f"<p>{SENTENCE}</p>{flood}"))

    assert found.too_complex is None
    assert [paragraph.text_content().strip() for paragraph in found.tree.iter("p")] == [SENTENCE]
    assert SENTENCE in found.characters
    assert "Niger" not in found.characters


def test_floods_of_attributes_are_cut():
    """An element keeps its first ones; pictures written into an attribute go."""
    many = " ".join(f'a{at}="{at}"' for at in range(5000))
    found = read(page(f'<p class="lede" {many}>{SENTENCE}</p><img alt="mer" src="data:image/png;base64,{"A" * 9000}">'))
    paragraph, picture = next(found.tree.iter("p")), next(found.tree.iter("img"))

    assert (paragraph.get("class"), paragraph.text, len(paragraph.attrib)) == ("lede", SENTENCE, 100)
    assert dict(picture.attrib) == {"alt": "mer"}


@pytest.mark.parametrize(
    "tag",
    [
        f'<div title="a > b {"x" * 5000}">',
        f'<div data-json=\'{{"a": "{"x" * 3000}"}}\' class="{"y " * 900}" id=z>',
        f'<a href="{"x" * 9000}',
        f"<p class={'a' * 3990} lang=fr>",
    ],
)
def test_long_tags_that_are_sound_stay_as_they_are_or_lose_a_value(tag):
    """Quotation marks, brackets and slashes inside of values end nothing."""
    left = without_floods(f"<main>{tag}<b>texte</b></main>")

    assert left.startswith("<main><")
    assert left.endswith("<b>texte</b></main>")


@pytest.mark.parametrize(
    "markup",
    [
        '<?xml version="1.0" encoding="iso-8859-1"?><html><body><p>é東</p></body></html>',
        "<meta charset=iso-8859-1><p>é東</p>",
        "<p>é東",
        "<P>é東</P>",
    ],
)
def test_characters_stay_what_they_are_whatever_the_page_says_of_its_bytes(markup):
    """They have been decoded: a declaration inside means nothing any more."""
    assert [paragraph.text for paragraph in read(markup).tree.iter("p")] == ["é東"]


@pytest.mark.parametrize("markup", ["", "   ", "only words", "1 < 2", "<!-- nothing -->", "{}"])
def test_what_has_no_element_is_no_page(markup):
    """There is nothing to read in it."""
    assert tree_of(markup) is None


def test_entities_of_a_documents_own_are_not_expanded():
    """Those that name each other ten times over, nine deep, would be a billion characters."""
    entities = "".join(f'<!ENTITY e{at} "{f"&e{at - 1};" * 10}">' for at in range(1, 10))
    markup = f'<!DOCTYPE html [<!ENTITY e0 "ha">{entities}]><html><body><p>&e9;</p><p>{SENTENCE}</p></body></html>'

    assert len(read(markup).tree.text_content()) < 2000


@given(st.binary(max_size=500), st.sampled_from(["<p>", "<div><p", "<!--", "<script>", "<a href='", "<table><tr>", ""]))
def test_any_bytes_are_a_tree_or_none(noise, start):
    """Whatever stands in them, behind whatever was opened."""
    found = parsed(decoded(start.encode() + noise, None))

    assert found is None or found.tree.text_content() is not None


@given(st.lists(st.sampled_from(["<div>", "</div>", "<p>", "</p>", "<li>", "<b>", "</b>", "mot "]), max_size=900))
def test_no_tree_is_deeper_than_it_may_be(pieces):
    """However tags are opened and closed, the words are all there."""
    found = parsed(page("".join(pieces) * 3))

    assert found is not None
    assert max(map(depth, found.tree.iter())) <= MAX_DEPTH + 55
    assert found.tree.text_content().count("mot") == 3 * pieces.count("mot ")
