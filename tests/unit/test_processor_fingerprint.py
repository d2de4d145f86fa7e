"""Typography changes no hash, words do."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.fingerprint import headline_hash, normalised_words, page_hash, text_hash

TEXT = "L'œuvre « Étoiles » — 10 000 €, dit-elle… “Final” coûte 5 % de plus."
WORDS = st.lists(
    st.text(alphabet=st.characters(categories=["L", "Nd"]), min_size=1, max_size=8), min_size=1, max_size=12
)
SEPARATORS = st.sampled_from([" ", "  ", "\u00a0", "\n", " – ", ", ", " « ", "… ", "\u202f! ", "\t"])


@pytest.mark.parametrize(
    "variant",
    [
        TEXT,
        TEXT.replace("'", "’"),
        TEXT.replace("'", "´"),
        TEXT.replace("'", "ʼ"),
        TEXT.replace(" ", "\u00a0"),
        TEXT.replace("œ", "oe"),
        TEXT.replace("…", "..."),
        TEXT.replace("—", "-").replace("«", '"').replace("»", '"'),
        TEXT.replace("“", "„").replace("”", "“"),
        TEXT.replace("É", "E\u0301"),
        TEXT.replace("5 %", "5%").replace(" €", "€"),
        TEXT.replace("Final", "Fi\u00adnal"),
        TEXT.replace("Final", "ﬁnal"),
        TEXT.upper().replace("L'ŒUVRE", "L'ŒUVRE"),
    ],
)
def test_typography_changes_no_hash(variant):
    """Quotation marks, spaces, ligatures, hyphenation and case are not words."""
    assert text_hash([TEXT]) == text_hash([variant])


@pytest.mark.parametrize(
    "variant",
    [
        TEXT.replace("10 000", "11 000"),
        TEXT.replace("€", "$"),
        TEXT.replace("5 %", "5"),
        TEXT.replace("coûte", "coûtait"),
        TEXT.replace("coûte", "coute"),
        TEXT + " Non",
    ],
)
def test_words_change_the_hash(variant):
    """A figure, a currency, a letter or a word more is another text."""
    assert text_hash([TEXT]) != text_hash([variant])


def test_arabic_vowel_signs_and_stretching_are_left_out():
    """The same word with and without its signs is one word."""
    assert normalised_words("مُحَمَّـــد") == ["محمد"]


def test_words_of_scripts_with_combining_vowels_stay_whole():
    """Vowel signs of Indic scripts belong to their words."""
    assert normalised_words("नमस्ते, दुनिया!") == ["नमस्ते", "दुनिया"]


@given(WORDS, st.data())
def test_what_stands_between_words_changes_no_hash(words, data):
    """Any separators and any division into paragraphs give one hash."""
    spaced = "".join(word + data.draw(SEPARATORS) for word in words)

    assert text_hash([" ".join(words)]) == text_hash([spaced]) == text_hash(words)


@given(st.text())
def test_words_are_words_of_themselves(text):
    """Reducing what is reduced changes nothing."""
    words = normalised_words(text)

    assert words == normalised_words(" ".join(words))


@given(WORDS, WORDS)
def test_hashes_are_equal_for_equal_words_only(first, second):
    """The hash stands for the words."""
    same = normalised_words(" ".join(first)) == normalised_words(" ".join(second))

    assert same == (text_hash(first) == text_hash(second))


def test_hashes_are_sixteen_bytes_in_hexadecimal():
    """The stored form is as the store's columns expect it, and stays the same from run to run."""
    assert text_hash(["Un,", "deux !"]) == "dc98450b070f4bb45243e598fb8b182c"
    assert [len(text_hash(["un"])), len(headline_hash(None)), len(page_hash(b""))] == [32, 32, 32]
    assert headline_hash("Un  deux !") == headline_hash("un deux")
    assert page_hash(b"a") != page_hash(b"b")
