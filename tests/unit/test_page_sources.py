"""Which pages `fildactu extract` was asked for, and what can be a page at all."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.console.page_sources import InvalidPages, is_binary, listed_pages, wanted_pages


def test_addresses_belong_to_files_not_to_pages_at_addresses() -> None:
    """`--url` counts files only, in their order."""
    found = wanted_pages(
        ["a.html", "https://b.example/", "-"], ["https://a.example/1", "https://c.example/"], "text/html"
    )
    assert [each.url for each in found] == ["https://a.example/1", None, "https://c.example/"]
    assert [each.is_address for each in found] == [False, True, False]


def test_standard_input_is_read_once() -> None:
    """A second `-` would be an empty page."""
    with pytest.raises(InvalidPages, match="twice"):
        wanted_pages(["-", "-"], [], None)


@pytest.mark.parametrize(
    ("urls", "said"),
    [(["https://a.example/"], "1 times for 2 files"), (["https://a.example/", "port"], "'port' is no")],
)
def test_addresses_that_cannot_be_meant_are_told(urls: list[str], said: str) -> None:
    """One for each file or none, and each of the web."""
    with pytest.raises(InvalidPages, match=said):
        wanted_pages(["a.html", "b.html"], urls, None)


def test_a_list_that_is_not_there_is_told(tmp_path: Path) -> None:
    """With its name and the reason."""
    with pytest.raises(InvalidPages, match=r"none\.jsonl cannot be read: No such file"):
        listed_pages(tmp_path / "none.jsonl")


def test_a_fault_in_a_list_is_told_with_its_line(tmp_path: Path) -> None:
    """Empty lines count, and stand for no page."""
    path = tmp_path / "list.jsonl"
    for faulty, said in (("[]", "not a JSON object"), ('{"file": 7}', "file must be a text"), ("{}", "file must be")):
        path.write_text(f'\n{{"file": "a.html", "url": null}}\n{faulty}\n')
        with pytest.raises(InvalidPages, match=rf"list\.jsonl:3: {said}"):
            listed_pages(path)


@given(st.text(st.characters(exclude_categories=["Cc", "Cs"])), st.sampled_from(["utf-8", "utf-16"]))
def test_text_behind_a_tag_is_never_taken_for_binary(text: str, charset: str) -> None:
    """Whatever its script."""
    assert not is_binary(f"<p>{text}".encode(charset))


@pytest.mark.parametrize("head", [b"%PDF-1.7", b"\x89PNG\r\n", b"PK\x03\x04", bytes(range(256))])
def test_what_holds_no_text_is_known_by_its_first_bytes(head: bytes) -> None:
    """By its signature, or by control characters that no text has."""
    assert is_binary(head)
