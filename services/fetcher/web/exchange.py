"""What is asked at each hop of a request, and where an answer leads. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from multidict import CIMultiDict

from services.fetcher.model import Response, Validators
from services.fetcher.web.decoding import ACCEPTED
from shared.errors import PermanentError
from shared.urls import normalise, site_of

_REDIRECTS = frozenset({301, 302, 303, 307, 308})
_UNCHANGED = frozenset({307, 308})


@dataclass(frozen=True, slots=True, kw_only=True)
class Wanted:
    """What is asked for, the same for every hop."""

    url: str
    accept: str
    validators: Validators | None
    headers: Mapping[str, str]
    max_body_bytes: int
    form: Mapping[str, str] | None = None

    def leads_to(self, answer: Response) -> str | None:
        """Where the answer sends us. A form goes only where it may go as it is, and never from https into the clear."""
        target = redirect_target(answer)
        if self.form is None or target is None:
            return target
        goes_on = answer.status in _UNCHANGED and (_is_secure(target) or not _is_secure(answer.final_url))
        return target if goes_on else None

    def headers_at(self, hop: str) -> CIMultiDict[str]:
        """Validators go to the address they came from, the operator's headers to the first site, never in the clear."""
        headers = CIMultiDict({"Accept": self.accept, "Accept-Encoding": ACCEPTED})
        if self.headers and site_of(hop) == site_of(self.url) and (_is_secure(hop) or not _is_secure(self.url)):
            headers.update(self.headers)
        if self.validators is not None and self.validators.url == hop:
            said = {"If-None-Match": self.validators.etag, "If-Modified-Since": self.validators.last_modified}
            headers.update({name: value for name, value in said.items() if value})
        return headers


def read_headers(raw: tuple[tuple[bytes, bytes], ...]) -> dict[str, str]:
    """Lower-case names; repeated ones joined. A validator that we could not send back byte for byte is left out."""
    joined: dict[str, str] = {}
    for raw_name, raw_value in raw:
        name = raw_name.decode("latin-1").lower()
        try:
            value = raw_value.decode()
        except UnicodeDecodeError:
            if name in {"etag", "last-modified"}:
                continue
            value = raw_value.decode("latin-1")
        if name != "set-cookie":
            joined[name] = f"{joined[name]}, {value}" if name in joined else value
    return joined


def read_cookies(raw: tuple[tuple[bytes, bytes], ...]) -> tuple[str, ...]:
    """The names of the cookies that were offered: walls are known by them. Their values are read by nobody."""
    offered = (value for name, value in raw if name.lower() == b"set-cookie")
    return tuple(value.partition(b"=")[0].strip().decode("latin-1") for value in offered)


def is_redirect(status: int, headers: Mapping[str, str]) -> bool:
    return status in _REDIRECTS and "location" in headers


def redirect_target(answer: Response) -> str | None:
    """Where the answer sends us, without user, password and fragment."""
    if not is_redirect(answer.status, answer.headers):
        return None
    return checked(answer.headers["location"], answer.final_url)


def checked(url: str, base: str | None = None) -> str:
    address = normalise(url, base)
    if address is None:
        raise PermanentError("bad_url", url[:300])
    return address


def _is_secure(url: str) -> bool:
    return urlsplit(url).scheme == "https"
