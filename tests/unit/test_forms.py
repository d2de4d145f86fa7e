"""Where a form that was posted may be sent on to."""

import pytest
from fakes import response
from pydantic import ValidationError

from services.fetcher.config import FetcherSettings
from services.fetcher.web.exchange import Wanted

SECURE, OTHER, CLEAR = "https://hub.example/", "https://other.example/", "http://hub.example/"


def wanted(form: dict[str, str] | None) -> Wanted:
    return Wanted(url=SECURE, accept="*/*", validators=None, headers={}, max_body_bytes=1000, form=form)


@pytest.mark.parametrize("status", [307, 308])
def test_a_form_goes_on_where_it_may_go_as_it_is(status: int) -> None:
    """To any site, but never from https into the clear: it may hold a secret."""
    form = wanted({"hub.secret": "s"})

    assert form.leads_to(response(b"", status, SECURE, location=OTHER)) == OTHER
    assert form.leads_to(response(b"", status, CLEAR, location="/moved")) == CLEAR + "moved"
    assert form.leads_to(response(b"", status, SECURE, location=CLEAR)) is None


@pytest.mark.parametrize("status", [301, 302, 303])
def test_a_form_goes_nowhere_where_it_would_become_a_question(status: int) -> None:
    """Unlike what was a question before."""
    assert wanted({"a": "b"}).leads_to(response(b"", status, SECURE, location=OTHER)) is None
    assert wanted(None).leads_to(response(b"", status, SECURE, location=OTHER)) == OTHER


@pytest.mark.parametrize(
    "address", ["https://reader.example/hubs", "https://reader.example:8443", "http://127.0.0.1:8810", "http://[::1]/h"]
)
def test_a_callback_that_hubs_can_reach_safely_is_taken(address: str) -> None:
    """In the clear only on this machine itself."""
    assert FetcherSettings(websub_callback=address).websub_callback == address


@pytest.mark.parametrize(
    "address",
    [
        "http://reader.example/hubs",
        "reader.example",
        "ftp://reader.example",
        "https://",
        "https://a/?b",
        "https://a/#b",
    ],
)
def test_another_callback_is_refused_at_the_start(address: str) -> None:
    """With what is wrong about it."""
    with pytest.raises(ValidationError, match="an https:// address"):
        FetcherSettings(websub_callback=address)
