"""Pages' bytes to characters: whatever is declared, and whatever was done to them before."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.processor.page.charset import decoded

ARABIC = "وصل الوفد الوزاري إلى العاصمة صباح اليوم لإجراء محادثات حول أسعار القمح والوقود."
RUSSIAN = "Утром в порту разгрузили первое судно с рисом, и цены на рынке сразу снизились."
CHINESE = "渔港的早晨，米价稳定。市政府宣布将在年底前开放新的码头，商贩们表示欢迎。"
TAIWANESE = "漁港的早晨，米價穩定。市政府宣布將在年底前開放新的碼頭，商販們表示歡迎。"
JAPANESE = "港の朝市では米の値段が落ち着いた。市役所は年末までに新しい桟橋を開くと発表した。"
KOREAN = "항구의 아침 시장에서 쌀값이 안정되었다. 시청은 연말까지 새 부두를 열겠다고 발표했다."
FRENCH = "La mairie a cédé dès lundi : l'œuvre coûtera 3 000 € et « ça ne se fera pas sans nous »."
POLISH = "Zarząd portu ogłosił, że do końca roku otworzy nowe nabrzeże; związek złożył skargę."
GREEK = "Το λιμεναρχείο ανακοίνωσε ότι θα ανοίξει νέα προβλήτα έως το τέλος του έτους."
TURKISH = "Şehir meclisi çarşamba günü toplanacak; balıkçılar ücretlerin artmasından endişe ediyor."
HEBREW = "העירייה הודיעה כי תפתח רציף חדש עד סוף השנה, אך הדייגים חוששים."
THAI = "เทศบาลประกาศว่าจะเปิดท่าเรือใหม่ภายในสิ้นปี แต่ชาวประมงกังวล"

TEXTS = [
    (ARABIC, "windows-1256", "cp1256"),
    (ARABIC, "iso-8859-6", "iso8859-6"),
    (RUSSIAN, "windows-1251", "cp1251"),
    (RUSSIAN, "koi8-r", "koi8-r"),
    (CHINESE, "gb2312", "gb18030"),
    (CHINESE, "gbk", "gb18030"),
    (TAIWANESE, "big5", "big5"),
    (JAPANESE, "Shift_JIS", "cp932"),
    (JAPANESE, "x-sjis", "cp932"),
    (JAPANESE, "euc-jp", "euc_jp"),
    (KOREAN, "euc-kr", "euc_kr"),
    (KOREAN, "windows-949", "cp949"),
    (FRENCH, "windows-1252", "cp1252"),
    (FRENCH, "iso-8859-15", "iso8859-15"),
    (POLISH, "iso-8859-2", "iso8859-2"),
    (GREEK, "iso-8859-7", "iso8859-7"),
    (TURKISH, "iso-8859-9", "cp1254"),
    (HEBREW, "iso-8859-8-i", "iso8859-8"),
    (THAI, "tis-620", "cp874"),
]
GUESSED = [each for each in TEXTS if each[2] not in {"cp1254", "iso8859-2"}]


def page(text, charset=None):
    declared = f'<meta http-equiv="Content-Type" content="text/html; charset={charset}">' if charset else ""
    return f"<html><head>{declared}<title>{text}</title></head><body><p>{text}</p></body></html>"


def written(text, encoding, charset=None):
    """The page's bytes, and the text as the encoding can write it: a dash or a symbol of money is missing in some."""
    body = page(text, charset).encode(encoding, "replace")
    return body, body.decode(encoding)


@pytest.mark.parametrize(("text", "charset", "encoding"), TEXTS)
def test_a_page_is_read_as_it_says(text, charset, encoding):
    """The charset in its head or in the server's header is what the web means by that name."""
    body, expected = written(text, encoding, charset)

    assert decoded(body, None) == expected
    assert decoded(written(text, encoding)[0], f"text/html; charset={charset}") == written(text, encoding)[1]


@pytest.mark.parametrize(("text", "encoding"), [(text, encoding) for text, _, encoding in GUESSED])
def test_a_page_that_says_nothing_is_guessed(text, encoding):
    """From its text, not from its markup, which is the same in all."""
    body, expected = written(text, encoding)

    assert decoded(body, None) == expected


@pytest.mark.parametrize("text", [each[0] for each in TEXTS])
@pytest.mark.parametrize("charset", ["iso-8859-1", "windows-1251", "gbk", "utf-16", "klingon"])
def test_what_is_utf_8_is_read_as_that(text, charset):
    """Whatever the server's default header says."""
    assert decoded(page(text).encode(), f"text/html; charset={charset}") == page(text)


@pytest.mark.parametrize(("text", "encoding"), [(text, encoding) for text, _, encoding in GUESSED if text != FRENCH])
def test_a_servers_default_is_not_believed_of_another_script(text, encoding):
    """Latin-1 on a page whose letters all lie beyond ASCII."""
    body, expected = written(text, encoding)

    assert decoded(body, "text/html; charset=ISO-8859-1") == expected


@pytest.mark.parametrize(("text", "encoding"), [(text, encoding) for text, _, encoding in GUESSED])
def test_a_page_that_wrongly_says_utf_8_is_guessed(text, encoding):
    """Its own bytes belie it."""
    body, expected = written(text, encoding, "utf-8")

    assert decoded(body, "text/html; charset=utf-8") == expected


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (page(FRENCH).encode("utf-16"), page(FRENCH)),
        (codecs.BOM_UTF16_BE + page(ARABIC).encode("utf-16-be"), page(ARABIC)),
        (page(RUSSIAN).encode("utf-16-le"), page(RUSSIAN)),
        (page(RUSSIAN).encode("utf-16-be"), page(RUSSIAN)),
        (codecs.BOM_UTF32_LE + page(FRENCH).encode("utf-32-le"), page(FRENCH)),
        (codecs.BOM_UTF8 + page(FRENCH).encode(), page(FRENCH)),
        (codecs.BOM_UTF8 + page(FRENCH).encode("cp1252"), page(FRENCH)),
        (page(JAPANESE, "iso-2022-jp").encode("iso-2022-jp"), page(JAPANESE, "iso-2022-jp")),
    ],
)
def test_marks_and_zero_bytes_tell_wide_encodings(body, expected):
    """Before anything that is declared; a mark of UTF-8 before what is none is taken off."""
    assert decoded(body, "text/html; charset=iso-8859-1") == expected


def test_a_few_broken_bytes_spoil_no_page():
    """They become U+FFFD, in UTF-8 and in what is declared."""
    for encoding, charset in (("utf-8", "utf-8"), ("gb18030", "gb2312")):
        body = page(CHINESE * 10, charset).encode(encoding)
        text = decoded(body.replace(b"</p>", b"\xff</p>"), None)

        assert text.replace("\ufffd", "").startswith(page(CHINESE * 10, charset)[:-25])
        assert "\ufffd" in text


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"a\x00b\x01c\x7fd\x1be", "abcde"),
        ("a\ufffeb\uffffc".encode(), "abc"),
        (b"a\xed\xa0\x80b" + "é".encode() * 20, "a\ufffd\ufffd\ufffdb" + "é" * 20),
        ("l\x92eau \x93bleue\x94\x85".encode(), "l’eau “bleue”…"),
        (b"one\x0btwo\x0cthree", "one two three"),
        (b"tab\tline\r\nend", "tab\tline\r\nend"),
    ],
)
def test_control_characters_are_taken_out_or_mended(body, expected):
    """No parser meets one; quotation marks of Windows that were taken for Latin-1 are quotation marks."""
    assert decoded(body, None) == expected


@pytest.mark.parametrize(
    ("text", "charset", "encoding", "wrong"),
    [
        (CHINESE, "gb2312", "gb18030", "latin-1"),
        (CHINESE, "gb2312", "gb18030", "iso8859-15"),
        (RUSSIAN, "windows-1251", "cp1251", "latin-1"),
        (POLISH, "utf-8", "utf-8", "latin-1"),
        (ARABIC, "utf-8", "utf-8", "latin-1"),
    ],
)
def test_a_page_that_was_decoded_wrongly_before_is_read_back(text, charset, encoding, wrong):
    """It was taken for Latin-1 or Latin-9 when somebody wrote it anew in UTF-8."""
    given = page(text, charset)

    assert decoded(given.encode(encoding).decode(wrong).encode(), None) == given


def test_a_page_that_was_taken_for_windows_charset_is_read_back():
    """That has quotation marks and signs where Latin-1 has none; and what was done twice is undone twice."""
    given = page("Le café « Été » coûte 3 € à l’entrée — déjà !")
    twice = page(POLISH).encode().decode("latin-1").encode().decode("latin-1").encode()

    assert decoded(given.encode().decode("cp1252").encode(), None) == given
    assert decoded(twice, None) == page(POLISH)


@pytest.mark.parametrize(
    "text", [FRENCH, FRENCH + " Ã©", "« " * 40, "naïveté · ÀÉ · œuvre", "Ärger über Öl, Übel und Ämter. " * 5]
)
def test_sound_letters_are_never_taken_for_wrong_ones(text):
    """A French page that says gb2312 is French; a page with one sound accent is no page decoded wrongly."""
    assert decoded(page(text, "gb2312").encode(), None) == page(text, "gb2312")


@pytest.mark.parametrize(
    "start", [b"%PDF-1.7\n\xe2\xe3", b"\x89PNG\r\n", b"PK\x03\x04", b"GIF89a", b"\xff\xd8\xff\xe0"]
)
def test_what_is_no_text_has_no_characters(start):
    """Documents, pictures and archives that a server sends as pages."""
    assert decoded(start + b"<p>text</p>" * 20, "text/html") == ""


LABELS = [
    "utf-8",
    "utf-16",
    "utf-7",
    "hz",
    "hex",
    "zlib",
    "rot13",
    "idna",
    "punycode",
    "gbk",
    "big5",
    "undefined",
    "cp1252",
]


@given(st.binary(max_size=300), st.sampled_from(LABELS), st.booleans())
def test_any_bytes_under_any_label_are_characters(noise, label, outside):
    """Nothing raises, no codec of Python's that is no charset is run, and what comes out can be written and parsed."""
    body = noise if outside else f'<meta charset="{label}">'.encode() + noise
    text = decoded(body, f"text/html; charset={label}" if outside else None)

    assert text.isprintable() or not any(ord(each) < 9 or 0x7F <= ord(each) < 0xA0 for each in text)
    assert text.encode() is not None


CHARACTERS = st.characters(exclude_categories=["Cs", "Cc"], exclude_characters="\ufeff\ufffe\uffff\ufffd")


@given(st.text(alphabet=CHARACTERS, max_size=80), st.sampled_from(["utf-8", "iso-8859-1", "windows-1251"]))
def test_text_in_utf_8_comes_back(text, charset):
    """Whatever the server says of it."""
    assert decoded(f"<p>{text}".encode(), f"text/html; charset={charset}") == f"<p>{text}"
