"""What is asked at each hop."""

import pytest

from services.fetcher.model import Validators
from services.fetcher.web.exchange import Wanted, read_headers

SECRET = {"Authorization": "Basic c2VjcmV0"}


def wanted(url, **known):
    return Wanted(url=url, accept="*/*", validators=None, headers=SECRET, max_body_bytes=1, **known)


@pytest.mark.parametrize(
    ("first", "hop", "told"),
    [
        ("https://news.example/a", "https://news.example/a", True),
        ("https://news.example/a", "https://www.news.example/b", True),
        ("http://news.example/a", "https://news.example/a", True),
        ("http://news.example/a", "http://news.example/a", True),
        ("https://news.example/a", "http://news.example/a", False),
        ("https://news.example/a", "https://other.example/a", False),
        ("https://a.github.io/", "https://b.github.io/", False),
        ("https://93.184.216.34/", "https://93.184.216.35/", False),
    ],
)
def test_the_operators_headers_stay_on_their_site(first, hop, told):
    """The same registrable domain, and not in the clear once they were meant for TLS."""
    assert told == ("Authorization" in wanted(first).headers_at(hop))


@pytest.mark.parametrize(
    ("validators", "expected"),
    [
        (Validators(url="https://n.example/a", etag="x", last_modified="y"), {"If-None-Match", "If-Modified-Since"}),
        (Validators(url="https://n.example/a", etag="x"), {"If-None-Match"}),
        (Validators(url="https://n.example/b", etag="x"), set()),
    ],
)
def test_validators_are_for_one_address(validators, expected):
    """Both are sent where both are known; to any other address neither."""
    asked = Wanted(url="https://n.example/a", accept="*/*", validators=validators, headers={}, max_body_bytes=1)

    assert expected | {"Accept", "Accept-Encoding"} == set(asked.headers_at("https://n.example/a"))


def test_repeated_headers_are_one():
    """Marks of rights may come in several lines; cookies are not kept."""
    raw = ((b"X-Robots-Tag", b"noai"), (b"Set-Cookie", b"a=1"), (b"x-robots-tag", b"noindex"), (b"Server", b"\xe9"))

    assert read_headers(raw) == {"x-robots-tag": "noai, noindex", "server": "é"}
