from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from services.processor.text.blocks import Block, Hint, Inside, blocks_of, hints_of


def blocks(markup: str) -> tuple[Block, ...]:
    return blocks_of(html.document_fromstring(f"<html><body>{markup}</body></html>"))


def texts(markup: str) -> list[str]:
    return [block.text for block in blocks(markup)]


def test_block_elements_divide_and_inline_elements_do_not():
    """A paragraph with emphasis and links is one block; a heading before it is another."""
    assert texts("<h2>La crue</h2><p>Le <b>fleuve</b> a <a href='/x'>débordé</a>.</p>") == [
        "La crue",
        "Le fleuve a débordé.",
    ]


def test_line_breaks_and_elements_between_divide_what_one_element_holds():
    """Old pages write paragraphs as text between line breaks, or around a picture's box."""
    assert texts("<div>One<br>two<div></div>three</div>") == ["One", "two", "three"]


def test_scripts_inside_a_paragraph_do_not_divide_it():
    """A counter's script is not read, and a sentence around it stays one."""
    assert texts("<p>Rain <script>count()</script>fell.</p>") == ["Rain fell."]


def test_what_readers_never_see_as_text_is_no_block():
    """Scripts, styles, choices and the head hold no text of the page."""
    assert texts("<script>x</script><style>y</style><select><option>z</option></select><svg><text>t</text></svg>") == []


def test_spaces_between_inline_elements_are_kept():
    """Words that only a line feed between two elements divides are two words."""
    assert texts("<p><b>Awa</b>\n<b>Diop</b></p>") == ["Awa Diop"]


def test_letters_in_links_are_counted_and_the_first_address_is_kept():
    """Whether a block is all link shows in its count."""
    (block,) = blocks("<p>See <a href='/one'>first</a> and <a href='/two'>then</a></p>")
    assert (block.linked, block.link) == (9, "/one")


def test_a_heading_inside_of_a_link_is_linked():
    """Cards wrap whole blocks into a link."""
    (block,) = blocks("<a href='/card'><h3>Another story</h3></a>")
    assert (block.linked, block.link, block.place.tag) == (len("Another story"), "/card", "h3")


def test_places_know_the_elements_and_roles_around():
    """A list in a navigation is told by element and by role."""
    nav, role = blocks("<nav><ul><li>Home</li></ul></nav><div role='navigation'><p>Home</p></div>")
    assert nav.place.inside == Inside.NAV | Inside.LIST
    assert role.place.inside == Inside.NAV


def test_hints_come_from_the_words_of_class_and_id_however_they_are_joined():
    """`related-links`, `relatedLinks` and `related__links` say the same; `unrelated` says nothing."""
    assert hints_of("related-links") == hints_of("relatedLinks") == hints_of("related__links") == Hint.RELATED
    assert hints_of("unrelated") == 0


def test_hints_are_inherited_beside_those_of_the_block_itself():
    """A caption inside of a newsletter box has its own hint and that of the box."""
    (block,) = blocks("<div id='newsletter'><p class='caption'>Sign</p></div>")
    assert block.place.own == Hint.CAPTION
    assert block.place.hints == Hint.CAPTION | Hint.SUBSCRIBE


def test_hidden_elements_hide_what_is_in_them():
    """By attribute and by style."""
    shown = blocks("<p>a</p><div hidden><p>b</p></div><div style='display: none'><p>c</p></div>")
    assert [block.place.hidden for block in shown] == [False, True, True]


def test_paragraphs_of_one_box_share_its_container_and_lists_do_not_make_one():
    """A list between paragraphs belongs to their container, another box is another."""
    first, item, second, apart = blocks("<div><p>a</p><ul><li>b</li></ul><p>c</p><div><p>d</p></div></div>")
    assert first.place.container == item.place.container == second.place.container != apart.place.container
    assert apart.place.outer == first.place.container


def test_ten_thousand_levels_are_read_without_recursion():
    """Pages with unclosed tags nest without end."""
    root = etree.Element("div")
    inner = root
    for _ in range(10_000):
        inner = etree.SubElement(inner, "div")
    inner.text = "deep"
    (block,) = blocks_of(root)
    assert (block.text, block.place.depth) == ("deep", 10_001)


@given(st.lists(st.text(alphabet="ab é漢", min_size=1), max_size=8))
def test_no_text_is_lost_or_moved(paragraphs: list[str]):
    """What paragraphs hold comes out in their order."""
    body = etree.Element("body")
    for text in paragraphs:
        etree.SubElement(body, "p").text = text
    assert [block.text for block in blocks_of(body)] == [" ".join(text.split()) for text in paragraphs if text.strip()]
