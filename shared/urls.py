"""Addresses: as they are fetched, as they are compared, and whose they are. Pure."""

from functools import cache, lru_cache
from ipaddress import ip_address
from urllib.parse import parse_qsl, urlencode, urlsplit, urlunsplit

from ada_url import URL, join_url, normalize_url
from publicsuffixlist import PublicSuffixList

KEY_VERSION = 1
"""Version of `address_key`; a stored key says which rule made it."""

TRACKING_PREFIXES = ("utm_", "at_", "mtm_", "pk_", "hsa_", "_hs", "oly_", "vero_", "matomo_")
TRACKING_NAMES = frozenset(
    {
        "__twitter_impression", "cmpid", "dclid", "fb_ref", "fb_source", "fbclid", "gbraid", "gclid", "gclsrc",
        "guccounter", "guce_referrer", "guce_referrer_sig", "icid", "igsh", "igshid", "ito", "mc_cid", "mc_eid",
        "mkt_tok", "msclkid", "ncid", "ns_campaign", "ns_fee", "ns_linkname", "ns_mchannel", "ns_source", "ocid",
        "ref_src", "ref_url", "s_cid", "smid", "smtyp", "spref", "sr_share", "srnd", "ttclid", "twclid", "wbraid",
        "wt.mc_id", "wt_mc", "xtor", "xtref", "yclid", "ysclid",
    }
)  # fmt: skip


def normalise(url: str, base: str | None = None) -> str | None:
    """The address as WHATWG serialises it, without user, password and fragment; None unless it is http(s)."""
    try:
        found = str(join_url(base, url.strip()) if base else normalize_url(url.strip()))
    except ValueError:
        return None
    if not found.startswith(("http://", "https://")):
        return None
    return _without_secrets(found) if "@" in found or "#" in found else found


def _without_secrets(url: str) -> str:
    parsed = URL(url)
    parsed.username = parsed.password = parsed.hash = ""
    return str(parsed.href)


def address_key(url: str) -> str:
    """What two addresses of one page have in common: no scheme, no `www.`, no tracking parameters, no last slash.

    Parameters that are not known to track stay, with their order and case: `?id=`, `article123` or `sid` name the
    article on many sites. What is not http(s) is its own key.
    """
    found = normalise(url)
    if found is None:
        return url
    parts = urlsplit(found)
    host = (parts.netloc.lower()).removeprefix("www.")
    query = [(name, value) for name, value in parse_qsl(parts.query, keep_blank_values=True) if not _tracks(name)]
    # A bare `?article123` has no `=`; urlencode would add one, and both spellings are one address.
    return urlunsplit(("", host, parts.path.rstrip("/") or "/", urlencode(query), ""))[2:]


def host_of(url: str) -> str:
    """The host of a fetchable address, lower case, without the port."""
    return (urlsplit(url).hostname or "").lower()


@cache
def _suffixes() -> PublicSuffixList:
    return PublicSuffixList()


@lru_cache(maxsize=1000)
def site_of(url: str) -> str:
    """The registrable domain (`fr.sputniknews.africa` → `sputniknews.africa`); the host itself where there is none."""
    return _registrable(host_of(url))


@lru_cache(maxsize=10_000)
def _registrable(host: str) -> str:
    return host if _is_address(host) else (_suffixes().privatesuffix(host) or host)


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _tracks(name: str) -> bool:
    lower = name.lower()
    return lower in TRACKING_NAMES or lower.startswith(TRACKING_PREFIXES)
