import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.urls import address_key, host_of, normalise, site_of

addresses = st.from_regex(
    r"https?://(www\.)?[a-z0-9-]{1,10}\.example(:[0-9]{2,4})?(/[A-Za-z0-9%~._-]{0,8}){0,3}/{0,2}"
    r"(\?[A-Za-z0-9%=&+_.;-]{0,30})?(#[a-z]{0,5})?",
    fullmatch=True,
)


@pytest.mark.parametrize(
    ("url", "base", "found"),
    [
        ("https://News.Example/a", None, "https://news.example/a"),
        (" https://news.example/a#part ", None, "https://news.example/a"),
        ("https://user:secret@news.example/a", None, "https://news.example/a"),
        ("https://news.example:443/a/../b", None, "https://news.example/b"),
        ("https://éléphant.example/été", None, "https://xn--lphant-9uab.example/%C3%A9t%C3%A9"),
        ("/b?c=d", "https://news.example/a/", "https://news.example/b?c=d"),
        ("//cdn.example/b", "https://news.example/a/", "https://cdn.example/b"),
        ("javascript:alert(1)", "https://news.example/", None),
        ("mailto:a@news.example", None, None),
        ("file:///etc/passwd", None, None),
        ("/only/a/path", None, None),
        ("", None, None),
        ("https://", None, None),
    ],
)
def test_addresses_are_brought_to_the_form_that_is_fetched(url, base, found) -> None:
    """As browsers spell them, without what is not for the server; nothing but the web is an address."""
    assert normalise(url, base) == found


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("http://news.example/a", "https://news.example/a"),
        ("https://www.news.example/a", "https://news.example/a/"),
        ("https://news.example", "https://news.example/"),
        ("https://news.example/a?utm_source=x&utm_medium=y", "https://news.example/a"),
        ("https://news.example/a?id=1&fbclid=x", "https://news.example/a?id=1"),
        ("https://news.example/a?UTM_Source=x", "https://news.example/a"),
        ("https://news.example/spip.php?article12", "https://news.example/spip.php?article12="),
        ("https://éléphant.example/a", "https://xn--lphant-9uab.example/a"),
        ("https://NEWS.example/a", "https://news.example/a#comments"),
    ],
)
def test_spellings_of_one_address_have_one_key(one, other) -> None:
    """Scheme, `www.`, last slash, tracking parameters and fragment name no other page."""
    assert address_key(one) == address_key(other)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://news.example/spip.php?article12", "https://news.example/spip.php?article13"),
        ("https://news.example/spip.php?article12", "https://news.example/spip.php"),
        ("https://news.example/?id=1", "https://news.example/?id=2"),
        ("https://news.example/?sid=1", "https://news.example/?sid=2"),
        ("https://news.example/?ref=1", "https://news.example/?ref=2"),
        ("https://news.example/?cid=1", "https://news.example/?cid=2"),
        ("https://news.example/?a=1&b=2", "https://news.example/?b=2&a=1"),
        ("https://news.example/A", "https://news.example/a"),
        ("https://fr.news.example/a", "https://news.example/a"),
        ("https://news.example:8080/a", "https://news.example/a"),
        ("https://news.example/amp/a", "https://news.example/a"),
    ],
)
def test_addresses_of_different_pages_have_different_keys(one, other) -> None:
    """On many sites a parameter names the article; a false match would hide one of them for good."""
    assert address_key(one) != address_key(other)


@given(addresses)
def test_a_key_does_not_depend_on_how_often_an_address_was_normalised(url) -> None:
    """Nor on the form it is stored in: made from what was already brought to one form, it is the same."""
    found = normalise(url)
    assert found is not None
    assert normalise(found) == found
    assert address_key(found) == address_key(url)
    assert address_key(f"https://{address_key(url)}") == address_key(url)


@given(st.text())
def test_any_text_has_a_key(text) -> None:
    """What is no address is its own key, and nothing raises."""
    found = normalise(text)

    assert (address_key(text) == text) if found is None else (site_of(found) in host_of(found))


@pytest.mark.parametrize(
    ("url", "host", "site"),
    [
        ("https://fr.sputniknews.africa/a", "fr.sputniknews.africa", "sputniknews.africa"),
        ("https://www.bbc.co.uk:443/news", "www.bbc.co.uk", "bbc.co.uk"),
        ("https://someone.github.io/", "someone.github.io", "someone.github.io"),
        ("http://127.0.0.1:8000/a", "127.0.0.1", "127.0.0.1"),
        ("http://[::1]:8000/a", "::1", "::1"),
        ("http://localhost/a", "localhost", "localhost"),
        ("https://co.uk/", "co.uk", "co.uk"),
        ("urn:fildactu:entry:1", "", ""),
    ],
)
def test_a_site_is_what_can_be_registered(url, host, site) -> None:
    """Host slots and copies are judged by it; an address without one is its own."""
    assert (host_of(url), site_of(url)) == (host, site)
