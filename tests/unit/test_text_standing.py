"""What stands on many pages of a host: how lines are remembered, when they stand, what is left out of a text."""

from hypothesis import given
from hypothesis import strategies as st

from services.processor.extraction import extract
from services.processor.fingerprint import text_hash
from services.processor.model import Article, Source
from services.processor.text.lines import Line, Why, kept
from services.processor.text.standing import (
    LARGEST_SHARE,
    LONGEST_LINE,
    MOST_KEYS,
    SEEN_ON,
    line_keys,
    standing_keys,
    without_standing,
)
from shared.messages import EntryFacts

CALL = "Abonnez-vous à notre lettre !"
NEWS = (
    "Le conseil municipal a voté hier soir le budget de la ville, après trois heures de débat.",
    "La construction du pont commencera au printemps, si les crues le permettent.",
)
# No rule knows it: only that other articles of the host end with it tells what it is.
BY_HEART = "Ce que le fleuve prend au printemps, il le rend toujours à la fin de la saison des pluies."


def lines(*texts: str) -> tuple[Line, ...]:
    return tuple(Line(text=text) for text in texts)


def standing(*texts: str) -> frozenset[str]:
    return frozenset(line_keys(texts))


def test_a_line_that_other_articles_have_is_left_out():
    """It is marked with the reason, in its place; the article's own lines stay."""
    marked = without_standing(lines(NEWS[0], CALL, NEWS[1]), standing(CALL))

    assert [line.dropped for line in marked] == [None, Why.STANDING, None]
    assert kept(marked) == NEWS


def test_a_line_that_was_dropped_before_keeps_its_reason():
    """What a rule or the reviewer dropped is not dropped for standing as well."""
    dropped = Line(text=CALL, dropped=Why.FURNITURE)

    assert without_standing((*lines(*NEWS), dropped), standing(CALL))[-1] == dropped


def test_typography_makes_no_other_line():
    """Case, spaces, apostrophes and punctuation change from template to template."""
    assert line_keys(["ABONNEZ-VOUS à\u00a0notre lettre"]) == line_keys([CALL])
    assert line_keys(["Abonnez-vous à nos lettres"]) != line_keys([CALL])


def test_a_long_line_and_one_without_words_are_never_remembered():
    """A long paragraph is written for its article; a row of asterisks says nothing."""
    at_most, longer = "a" * LONGEST_LINE, "a" * (LONGEST_LINE + 1)

    assert len(line_keys([at_most])) == 1
    assert line_keys([longer, "* * *", ""]) == ()
    assert kept(without_standing(lines(*NEWS, "* * *"), standing(CALL))) == (*NEWS, "* * *")


def test_of_an_endless_page_the_last_lines_are_remembered():
    """A page of 100,000 paragraphs takes no more room than any other, and its end is where standing lines are."""
    many = [f"Line {number}" for number in range(MOST_KEYS + 50)]

    assert line_keys(many) == line_keys(many[50:])
    assert len(line_keys(many)) == MOST_KEYS


def test_a_line_stands_once_three_articles_had_it():
    """In how many of its lines one article repeats it does not count."""
    (key,) = line_keys([CALL])
    others = [[f"{number:016x}"] for number in range(20)]

    assert standing_keys([[key]] * (SEEN_ON - 1) + others) == frozenset()
    assert standing_keys([[key, key, key], [key], *others]) == frozenset()
    assert standing_keys([[key]] * SEEN_ON + others) == {key}


def test_a_page_that_is_like_the_others_stays_whole():
    """Bulletins of one form, or one text under many addresses: where most of it stands elsewhere, none of it is left
    out.
    """
    most = lines(NEWS[0], CALL)

    assert without_standing(most, standing(*NEWS)) == most
    assert without_standing(most, standing(NEWS[0], CALL)) == most
    assert without_standing((), standing(CALL)) == ()


words = st.sampled_from(["pluie", "marché", "route", "école", "récolte", "prix", "fête", "雨", "نهر"])
texts = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), min_size=1, max_size=8)
learned = st.lists(st.lists(words, min_size=1, max_size=6).map(" ".join), max_size=4)


@given(texts, learned)
def test_what_stays_is_in_order_and_most_of_the_text(text, known):
    """Nothing is added or moved, and never more than two fifths of a text are left out."""
    marked = without_standing(lines(*text), standing(*known))
    size = sum(map(len, text))

    assert [line.text for line in marked] == text
    assert sum(map(len, kept(marked))) >= (1 - LARGEST_SHARE) * size - 1e-9
    assert all(line.dropped is None or line_keys([line.text])[0] in standing(*known) for line in marked)


def extracted(known: frozenset[str]) -> Article:
    """What the pipeline makes of a page on which the motto of its site stands below the news."""
    body = "".join(f"<p>{text}</p>" for text in (*NEWS * 2, BY_HEART))
    url = "https://journal.example/1"
    page = f"<html><body><h1>Le budget est voté</h1><article>{body}</article></body></html>"
    found = extract(
        Source(
            kind="fetched", url=url, body=page.encode(), content_type="text/html; charset=utf-8",
            entry=EntryFacts(identity="1", url=url), feed_language=None, section=None, standing=known,
        )
    )  # fmt: skip
    assert isinstance(found, Article)
    return found


def test_an_article_is_extracted_without_what_stands_on_its_host():
    """It remembers the line all the same: what stands is learned from every page, and may be forgotten."""
    whole, bare = extracted(frozenset()), extracted(standing(BY_HEART))

    assert (BY_HEART in whole.paragraphs, whole.full_hash) == (True, None)
    assert (BY_HEART in bare.paragraphs, bare.full_hash) == (False, whole.text_hash)
    assert bare.text_hash == text_hash(bare.paragraphs)
    assert bare.line_keys == whole.line_keys
    assert set(line_keys([BY_HEART])) < set(bare.line_keys)
