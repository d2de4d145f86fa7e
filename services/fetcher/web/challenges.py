"""Whether an answer is a wall in place of what was asked for, by what the transport says of it. Pure.

Only what no site sends with its own pages counts. Many walls also leave marks on every answer that they let pass
(`x-iinfo`, `x-datadome`, `server: cloudflare`, a dozen cookies): by those, a site's own 403 would be taken for a wall.
"""

from urllib.parse import unquote, urlsplit

from services.fetcher.model import Response
from shared.urls import host_of, site_of

CHALLENGE, BLOCKED = "challenge", "blocked"
CONSENT, LOGIN = "consent_redirect", "login_redirect"

_SAID = (
    ("cf-mitigated", "challenge", CHALLENGE),  # Cloudflare
    ("cf-mitigated", "", BLOCKED),
    ("x-vercel-mitigated", "challenge", CHALLENGE),
    ("x-vercel-mitigated", "", BLOCKED),
    ("x-amzn-waf-action", "", CHALLENGE),  # AWS WAF, with 202 or 405
    ("sg-captcha", "", CHALLENGE),  # SiteGround, with 202
    ("x-dd-b", "", CHALLENGE),  # DataDome
    ("x-sucuri-block", "", BLOCKED),
)
"""Header, how its value begins, what that means; the first that fits."""
_SAID_BY_A_REFUSAL = (
    (frozenset({403}), "server", "akamaighost", BLOCKED),  # made by the edge itself; a site's own has the site's server
    (frozenset({403, 429}), "x-kpsdk-ct", "", CHALLENGE),  # Kasada
)
_COOKIES = ("techaro.lol-anubis", "within.website-x-cmd-anubis")
"""Anubis sets them with its challenge, whose status is 200."""
_COOKIES_OF_A_REFUSAL = ("_pxhd",)
"""PerimeterX, now HUMAN."""

_SITES = ((CHALLENGE, frozenset({"captcha-delivery.com", "perfdrive.com"})),)
"""DataDome's and Radware's."""
_HOSTS = (
    (CHALLENGE, frozenset({"captcha", "challenge", "validate"})),
    (CONSENT, frozenset({"consent", "cmp", "guce", "gdpr", "myprivacy", "cookiewall"})),
    (LOGIN, frozenset({"login", "signin", "sso", "auth", "account", "accounts", "oauth", "passport"})),
)
"""First labels of hosts, below a site's own name, to which a wall sends those whom it does not let in."""
_PATHS = (
    (CHALLENGE, frozenset({"captcha", "sgcaptcha", "verify-human"})),
    (CONSENT, frozenset({"consent", "cookie-consent", "cookiewall", "cookie-wall", "privacy-gate"})),
    (
        LOGIN,
        frozenset({"login", "log-in", "signin", "sign-in", "sign_in", "wp-login", "connexion", "anmelden", "inloggen"}),
    ),
)
"""Last segments of such addresses, without what follows a dot; an article may have any of them as its name."""
_WAYS_BACK = frozenset(
    {
        "back", "callback", "continue", "dest", "destination", "from", "goto", "next", "r", "redir", "redirect",
        "redirect_to", "redirect_uri", "redirect_url", "redirecturl", "return", "return_to", "return_url", "returnto",
        "returnurl", "target", "u", "url",
    }
)  # fmt: skip
"""Parameters by which such a page is told where to send its visitor on to."""


def challenge(response: Response) -> str | None:
    """`challenge`, `blocked`, `consent_redirect`, `login_redirect`; None when it is the site itself that answers."""
    return _by_headers(response) or _by_status(response) or _by_cookies(response) or _by_address(response)


def _by_headers(response: Response) -> str | None:
    said = (reason for name, start, reason in _SAID if _says(response, name, start))
    refused = (
        reason
        for statuses, name, start, reason in _SAID_BY_A_REFUSAL
        if response.status in statuses and _says(response, name, start)
    )
    return next(said, None) or next(refused, None)


def _says(response: Response, name: str, start: str) -> bool:
    return name in response.headers and response.headers[name].strip().lower().startswith(start)


def _by_status(response: Response) -> str | None:
    """A page is there or it is not: "accepted" is what walls say, and never of a feed as such."""
    html = response.headers.get("content-type", "text/html").lower().startswith("text/html")
    return CHALLENGE if response.status == 202 and html else None


def _by_cookies(response: Response) -> str | None:
    if any(name.startswith(_COOKIES) for name in response.cookies):
        return CHALLENGE
    if response.status in {403, 429} and any(name.startswith(_COOKIES_OF_A_REFUSAL) for name in response.cookies):
        return CHALLENGE
    return None


def _by_address(response: Response) -> str | None:
    """Words that the address reached has and the one asked for has not: an article may be about captchas."""
    if response.final_url == response.requested_url or not 200 <= response.status < 300:
        return None
    by_path = _is_front_door(response.final_url) or _knows_the_way_back(response)
    for kinds, word in ((_SITES, site_of), (_HOSTS, _first_label), (_PATHS if by_path else (), _last_segment)):
        reached = word(response.final_url)
        for reason, words in kinds:
            if reached in words and reached != word(response.requested_url):
                return reason
    return None


def _is_front_door(url: str) -> bool:
    return "/" not in urlsplit(url).path.strip("/")


def _knows_the_way_back(response: Response) -> bool:
    query, asked = urlsplit(response.final_url).query, urlsplit(response.requested_url).path.rstrip("/")
    named = any(part.partition("=")[0].lower() in _WAYS_BACK for part in query.split("&"))
    return named or (bool(asked) and asked in unquote(query))


def _first_label(url: str) -> str:
    """Of a host that is more than its site: any word may be a site's name."""
    host = host_of(url)
    return "" if host == site_of(url) else host.partition(".")[0]


def _last_segment(url: str) -> str:
    return urlsplit(url).path.rstrip("/").rpartition("/")[2].partition(".")[0].lower()
