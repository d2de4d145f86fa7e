"""Text as it is found in the bytes, whatever is declared."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.documents.charset import read_text

TEXT = "<rss><title>Été à Łódź — 東京</title></rss>"
FRENCH = "<rss><title>Été à Abéché — « oui »</title></rss>"
JAPANESE = "<rss><title>東京の朝市、魚と米</title></rss>"
CHINESE = "<rss><title>渔港的早晨，米价稳定</title></rss>"
RUSSIAN = "<rss><title>Утро в порту, цены на рис</title></rss>"


def declared(text, encoding):
    return f'<?xml version="1.0" encoding="{encoding}"?>{text}'


@pytest.mark.parametrize(
    ("body", "content_type", "text"),
    [
        (TEXT.encode(), None, TEXT),
        (TEXT.encode(), "text/xml; charset=iso-8859-1", TEXT),
        (declared(TEXT, "windows-1252").encode(), None, declared(TEXT, "windows-1252")),
        (codecs.BOM_UTF8 + declared(TEXT, "us-ascii").encode(), None, declared(TEXT, "us-ascii")),
        (codecs.BOM_UTF8 + declared(FRENCH, "iso-8859-1").encode("cp1252"), None, declared(FRENCH, "iso-8859-1")),
        (TEXT.encode("utf-16"), "text/xml; charset=utf-8", TEXT),
        (codecs.BOM_UTF16_BE + TEXT.encode("utf-16-be"), None, TEXT),
        (declared(TEXT, "utf-8").encode("utf-16-le"), None, declared(TEXT, "utf-8")),
        (TEXT.encode("utf-16-be"), None, TEXT),
        (codecs.BOM_UTF32_LE + TEXT.encode("utf-32-le"), None, TEXT),
        (declared(FRENCH, "iso-8859-1").encode("cp1252"), None, declared(FRENCH, "iso-8859-1")),
        (FRENCH.encode("cp1252"), "application/xml; charset=latin1", FRENCH),
        (declared(RUSSIAN, "windows-1251").encode("cp1251"), None, declared(RUSSIAN, "windows-1251")),
        (declared(RUSSIAN, "KOI8-R").encode("koi8-r"), "text/xml; charset=utf-8", declared(RUSSIAN, "KOI8-R")),
        (RUSSIAN.encode("cp1251"), 'text/xml; charset="windows-1251"', RUSSIAN),
        (declared(JAPANESE, "x-sjis").encode("cp932"), None, declared(JAPANESE, "x-sjis")),
        (declared(JAPANESE, "Shift_JIS").encode("cp932"), None, declared(JAPANESE, "Shift_JIS")),
        (declared(JAPANESE, "euc-jp").encode("euc-jp"), None, declared(JAPANESE, "euc-jp")),
        (declared(JAPANESE, "iso-2022-jp").encode("iso-2022-jp"), None, declared(JAPANESE, "iso-2022-jp")),
        (declared(CHINESE, "gb2312").encode("gb18030"), None, declared(CHINESE, "gb2312")),
        (declared(CHINESE, "utf-8").encode("gb18030"), "text/xml; charset=GBK", declared(CHINESE, "utf-8")),
        (declared("<rss>plain</rss>", "no-such-thing").encode(), None, declared("<rss>plain</rss>", "no-such-thing")),
    ],
)
def test_text_is_read_as_it_was_written(body, content_type, text):
    """Marks, NUL bytes and valid UTF-8 count before declarations, and labels mean what the web means by them."""
    assert read_text(body, content_type) == (text, ())


@pytest.mark.parametrize(
    ("body", "content_type", "text", "fault"),
    [
        (FRENCH.encode("cp1252"), None, FRENCH, "wrong_encoding"),
        (declared(FRENCH, "utf-8").encode("cp1252"), None, declared(FRENCH, "utf-8"), "wrong_encoding"),
        (declared(FRENCH, "klingon").encode("cp1252"), None, declared(FRENCH, "klingon"), "unknown_encoding"),
        (declared(FRENCH, "punycode").encode("cp1252"), None, declared(FRENCH, "punycode"), "unknown_encoding"),
        (
            declared(FRENCH, "unicode_escape").encode("cp1252"),
            None,
            declared(FRENCH, "unicode_escape"),
            "unknown_encoding",
        ),
        (TEXT.encode() + b"\xe9", "text/xml; charset=iso-8859-1", TEXT + "\ufffd", "invalid_bytes"),
        (TEXT.encode("utf-16") + b"\x00", None, TEXT + "\ufffd", "invalid_bytes"),
        (
            declared(JAPANESE, "euc-jp").encode("euc-jp") + b"\xff",
            None,
            declared(JAPANESE, "euc-jp") + "\ufffd",
            "invalid_bytes",
        ),
    ],
)
def test_what_is_wrong_with_an_encoding_is_said(body, content_type, text, fault):
    """As much text as can be had, and the reason why it may not be right."""
    assert read_text(body, content_type) == (text, (fault,))


LABELS = [
    "utf-8",
    "utf-16",
    "utf-7",
    "hz",
    "hex",
    "zlib",
    "rot13",
    "idna",
    "gbk",
    "big5",
    "mbcs",
    "undefined",
    "cp1252",
]


@given(st.binary(max_size=200), st.sampled_from(LABELS), st.booleans())
def test_any_bytes_under_any_label_are_text(noise, label, outside):
    """No codec of Python's that is no encoding is run, and what comes out can be written as UTF-8."""
    body = noise if outside else declared("", label).encode() + noise
    text, _ = read_text(body, f"text/xml; charset={label}" if outside else None)

    assert text.encode() is not None


@given(
    st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\x00\ufeff"), min_size=2, max_size=60)
)
def test_text_in_utf_8_comes_back(text):
    """Whatever the server says of it."""
    assert read_text(f"<rss>{text}".encode(), "text/xml; charset=windows-1252") == (f"<rss>{text}", ())
