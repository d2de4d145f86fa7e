from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree, html

from services.processor.text.blocks import blocks_of
from services.processor.text.editing import edited, reviewed
from services.processor.text.features import Reading, Stated, features_of, letters, readings_of
from services.processor.text.lines import Line, Why, kept
from services.processor.text.reviewer import Weights, probabilities, shipped_weights

RAIN = "Heavy rain closed the coast road between the two towns on Monday, the prefecture said in the evening."
BRIDGE = "Engineers will look at the old bridge before traffic is let through again, at the earliest on Thursday."
SCHOOL = "Four schools stay shut until the weekend, and lessons are given on the regional radio in the meantime."
NEWSLETTER = "Subscribe to our newsletter and never miss a story that matters to you and your town, every morning."
HALF = Weights(version="t", drop=0.3, add=0.7, bias=0.0, of={})


def readings(*paragraphs: str, taken: str = "", second: str = "") -> tuple[Reading, ...]:
    body = etree.Element("body")
    for text in paragraphs:
        etree.SubElement(body, "p").text = text
    return readings_of(blocks_of(body), taken, second)


def test_a_line_that_the_reviewer_doubts_is_dropped_and_says_why():
    """The line stays in the trace, marked."""
    lines = edited([RAIN, NEWSLETTER], readings(RAIN, NEWSLETTER), [0.9, 0.1], HALF)
    assert lines == (Line(text=RAIN), Line(text=NEWSLETTER, dropped=Why.REVIEWER))


def test_a_lost_paragraph_comes_back_where_it_stood():
    """Between its neighbours, by the page's order, and named as the reviewer's."""
    lines = edited([RAIN, SCHOOL], readings(RAIN, BRIDGE, SCHOOL), [0.9, 0.9, 0.9], HALF)
    assert lines == (Line(text=RAIN), Line(text=BRIDGE, voice="reviewer"), Line(text=SCHOOL))


def test_what_is_lost_before_the_first_and_after_the_last_line_comes_back_there():
    """A text that trafilatura cut at both ends is whole again."""
    page = readings(RAIN, BRIDGE, SCHOOL)
    assert kept(edited([BRIDGE], page, [0.9, 0.9, 0.9], HALF)) == (RAIN, BRIDGE, SCHOOL)
    assert kept(edited([], page, [0.9, 0.9, 0.9], HALF)) == (RAIN, BRIDGE, SCHOOL)


def test_a_paragraph_comes_back_once_and_never_beside_itself():
    """Pages repeat a paragraph for small screens; a line may hold it with other punctuation, or within a longer one."""
    page = readings(RAIN, BRIDGE, BRIDGE)
    assert kept(edited([RAIN], page, [0.9] * 3, HALF)) == (RAIN, BRIDGE)
    assert kept(edited([f"– {RAIN} {BRIDGE.upper()}"], page, [0.9] * 3, HALF)) == (f"– {RAIN} {BRIDGE.upper()}",)


def test_a_line_reads_as_its_block_does():
    """trafilatura drops the joiners of Persian, and puts marks before the items of lists."""
    persian = "انبار قدیمی سقف نداشت و بچه\u200cها با کمک نجار ده تیرهای چوبی را عوض کردند."
    page = readings(persian, RAIN)
    assert kept(edited([persian.replace("\u200c", ""), f"- {RAIN}"], page, [0.9, 0.9], HALF)) == (persian, RAIN)


def test_the_next_article_of_an_endless_page_does_not_come_in():
    """It stands below the text, in an `article` of its own of which nothing was taken."""
    page = "".join(
        f"<article><p>{text}</p><p>{text} {more}</p></article>" for text, more in ((RAIN, "1"), (SCHOOL, "2"))
    )
    blocks = readings_of(blocks_of(html.fromstring(f"<body>{page}</body>")), RAIN, "")
    assert kept(edited([RAIN], blocks, [0.9] * 4, HALF)) == (RAIN, f"{RAIN} 1")


def test_short_blocks_do_not_come_back():
    """Too many of them are buttons."""
    assert edited([RAIN], readings(RAIN, "Read more"), [0.9, 0.99], HALF) == (Line(text=RAIN),)


def test_a_line_of_several_blocks_is_judged_by_all_of_them():
    """trafilatura joins what line breaks divide: the longer part decides."""
    joined = f"{RAIN} {BRIDGE} {SCHOOL}"
    page = readings(RAIN, BRIDGE, SCHOOL)
    assert kept(edited([joined], page, [0.9, 0.1, 0.9], HALF)) == (joined,)
    assert kept(edited([joined], page, [0.1, 0.4, 0.1], HALF)) == ()


def test_a_repeated_line_counts_as_its_best_place():
    """A paragraph that a box at the top repeats is a paragraph."""
    assert kept(edited([RAIN], readings(RAIN, RAIN), [0.05, 0.9], HALF)) == (RAIN,)


def test_a_line_that_stands_in_no_block_stays():
    """Nothing is known against it."""
    assert kept(edited(["Quite another text than all on the page"], readings(RAIN), [0.1], HALF)) != ()


def test_where_trafilatura_stopped_early_less_is_asked_of_a_paragraph():
    """Two paragraphs that only Resiliparse has come back at odds that would else not do."""
    page = readings(RAIN, BRIDGE, SCHOOL, taken=RAIN, second=f"{RAIN}\n{BRIDGE}\n{SCHOOL}")
    assert kept(edited([RAIN], page, [0.9, 0.4, 0.4], HALF)) == (RAIN, BRIDGE, SCHOOL)
    alone = readings(RAIN, BRIDGE, SCHOOL, taken=RAIN, second=RAIN)
    assert kept(edited([RAIN], alone, [0.9, 0.4, 0.4], HALF)) == (RAIN,)


def test_a_text_that_both_extractors_have_is_not_cut_to_pieces():
    """A ticker or a manual is no kind of page that the model learnt: where it would drop half, it drops nothing."""
    text = f"{RAIN}\n{BRIDGE}\n{SCHOOL}"
    page = readings(RAIN, BRIDGE, SCHOOL, taken=text, second=text)
    assert kept(edited(text.splitlines(), page, [0.9, 0.1, 0.1], HALF)) == (RAIN, BRIDGE, SCHOOL)
    assert kept(edited(text.splitlines(), page, [0.9, 0.9, 0.1], HALF)) == (RAIN, BRIDGE)


@given(st.lists(st.sampled_from([RAIN, BRIDGE, SCHOOL, NEWSLETTER, "Short", "漢字"]), max_size=6), st.data())
def test_trafilaturas_lines_keep_their_order_and_number(lines: list[str], data: st.DataObject):
    """Editing marks and inserts; it never moves, changes or loses a line."""
    page = readings(RAIN, BRIDGE, "Short", SCHOOL, NEWSLETTER)
    likely = data.draw(st.lists(st.floats(0, 1), min_size=len(page), max_size=len(page)))
    found = edited(lines, page, likely, HALF)
    assert [line.text for line in found if line.voice == "trafilatura"] == lines


def test_a_block_that_a_voice_has_is_found_whatever_its_punctuation():
    """Shares go by letters: whole, by parts, not at all."""
    whole, part, none = readings(RAIN, f"{BRIDGE} {NEWSLETTER}", SCHOOL, taken=f"«{RAIN}»\n{BRIDGE}")
    assert [whole.taken, part.taken, none.taken] == pytest.approx([1.0, 1 / 3, 0.0])


def test_a_short_text_is_found_only_as_a_whole_line():
    """`Rain` in a sentence does not make a menu's entry text."""
    (menu,) = readings("Rain", taken="Rain fell.")
    assert menu.taken == 0.0
    (line,) = readings("Rain", taken="Rain\nIt fell.")
    assert line.taken == 1.0


def test_a_sentence_is_as_long_in_chinese_as_in_english():
    """Lengths count a character that is written without spaces as three letters."""
    (block,) = readings("外交部发言人周一表示")
    assert block.size == 3 * len("外交部发言人周一表示")


def test_features_are_finite_for_a_page_of_one_empty_looking_block():
    """Nothing divides by what a page may lack."""
    (found,) = features_of(readings("…"), Stated(title="t", description="d", site="s"))
    assert all(-10 < value < 10 for value in found.values())


def test_weights_add_up_to_a_probability():
    """A bias of nothing is even odds; the votes move it."""
    page = readings(RAIN, NEWSLETTER, taken=RAIN)
    assert probabilities(page, Stated(), HALF) == (0.5, 0.5)
    taken, other = probabilities(page, Stated(), replace(HALF, of={"taken": 2.0}))
    assert taken > 0.85 > other == 0.5


def test_the_shipped_weights_know_only_features_that_exist():
    """A feature that was renamed without a new training would silently count nothing."""
    page = readings(RAIN, BRIDGE, taken=RAIN)
    named = {
        name for found in features_of(page, Stated(title=letters(RAIN), description=RAIN, site="s")) for name in found
    }
    placed = {"tag", "parent", "own", "around", "inside"}
    for name in shipped_weights().of:
        assert (
            name in named
            or name.partition(":")[0] in placed
            or name in {"taken -2", "second -2", "taken +2", "second +2", "site"}
        ), name


def test_the_shipped_weights_mend_a_plain_article():
    """A newsletter box goes, a lost paragraph between two that were found comes back."""
    page = html.document_fromstring(
        f"<html><body><nav><a href='/'>Home</a></nav><article><h1>Rain</h1><div class='article-body'><p>{RAIN}</p>"
        f"<p>{BRIDGE}</p><p>{SCHOOL}</p><div class='newsletter-signup'><p><a href='/n'>{NEWSLETTER}</a></p></div></div>"
        "</article><footer><p>All rights reserved</p></footer></body></html>"
    )
    second = f"{RAIN}\n{BRIDGE}\n{SCHOOL}"
    lines = reviewed([RAIN, SCHOOL, NEWSLETTER], blocks_of(page), second, Stated(title="rain"), shipped_weights())
    assert kept(lines) == (RAIN, BRIDGE, SCHOOL)


@pytest.mark.parametrize("text", ["", "[]", '{"version": "1"}', '{"version": "1", "drop": "x"}'])
def test_weights_that_are_none_are_refused(text: str):
    """A broken file stops the service at its start instead of spoiling texts."""
    with pytest.raises((ValueError, KeyError, TypeError)):
        Weights.read(text)
