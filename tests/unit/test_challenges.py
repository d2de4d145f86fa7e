"""Walls are known by what the transport says, and nothing else is taken for one."""

from dataclasses import replace

import pytest
from fakes import response

from services.fetcher.web.challenges import challenge

ASKED = "https://news.example/2026/11/bridge.html"


@pytest.mark.parametrize(
    ("status", "headers", "reason"),
    [
        (403, {"cf_mitigated": "challenge", "server": "cloudflare"}, "challenge"),
        (200, {"cf_mitigated": " Challenge "}, "challenge"),
        (403, {"cf_mitigated": "block"}, "blocked"),
        (202, {"x_amzn_waf_action": "challenge"}, "challenge"),
        (405, {"x_amzn_waf_action": "captcha"}, "challenge"),
        (403, {"x_vercel_mitigated": "deny"}, "blocked"),
        (429, {"x_vercel_mitigated": "challenge"}, "challenge"),
        (202, {"sg_captcha": "challenge"}, "challenge"),
        (202, {}, "challenge"),
        (403, {"x_dd_b": "2", "x_datadome": "protected"}, "challenge"),
        (403, {"x_sucuri_block": "GEO001"}, "blocked"),
        (403, {"server": "AkamaiGHost"}, "blocked"),
        (429, {"x_kpsdk_ct": "abc"}, "challenge"),
    ],
)
def test_a_wall_is_known_by_its_headers(status, headers, reason):
    """Each of the large services marks the answers that it gives in a site's place."""
    assert challenge(response(b"<p>checking</p>", status, **headers)) == reason


@pytest.mark.parametrize(
    ("status", "headers"),
    [
        (200, {}),
        (200, {"server": "cloudflare", "cf_ray": "8f0"}),
        (403, {"server": "cloudflare", "cf_ray": "8f0"}),
        (401, {"www_authenticate": "Basic"}),
        (451, {}),
        (404, {}),
        (429, {"retry_after": "60"}),
        (503, {"server": "AkamaiGHost"}),
        (200, {"server": "AkamaiGHost"}),
        (403, {"x_iinfo": "1-2-3"}),
        (200, {"x_datadome": "protected"}),
        (200, {"x_kpsdk_ct": "abc"}),
        (202, {"content_type": "application/rss+xml"}),
        (304, {}),
    ],
)
def test_a_sites_own_answer_is_no_wall(status, headers):
    """A refusal of its own keeps its status as its reason, whoever stands before the site."""
    assert challenge(response(b"<p>text</p>", status, **headers)) is None


@pytest.mark.parametrize(
    ("status", "cookie", "reason"),
    [
        (200, "techaro.lol-anubis-cookie-verification", "challenge"),
        (403, "_pxhd", "challenge"),
        (200, "_pxhd", None),
        (200, "session", None),
        (403, "visid_incap_123", None),
    ],
)
def test_a_wall_is_known_by_the_cookies_that_it_offers(status, cookie, reason):
    """By their names; some of them come with every page, and count with a refusal only."""
    assert challenge(replace(response(status=status), cookies=("lang", cookie))) == reason


@pytest.mark.parametrize(
    ("reached", "reason"),
    [
        ("https://consent.news.example/?next=x", "consent_redirect"),
        ("https://consent.portal.test/collect?session=3", "consent_redirect"),
        ("https://myprivacy.group.test/consent?siteKey=a", "consent_redirect"),
        ("https://news.example/privacy-gate/?u=/a", "consent_redirect"),
        ("https://login.news.example/", "login_redirect"),
        ("https://news.example/account/Login?ReturnUrl=%2F", "login_redirect"),
        ("https://news.example/fr/connexion?page=%2F2026%2F11%2Fbridge.html", "login_redirect"),
        ("https://news.example/signin", "login_redirect"),
        ("https://news.example/wp-login.php?redirect_to=%2Fa", "login_redirect"),
        ("https://accounts.portal.test/v3/start", "login_redirect"),
        ("https://geo.captcha-delivery.com/captcha/?cid=1", "challenge"),
        ("https://news.example/.well-known/sgcaptcha/?r=%2F2026%2F11%2Fbridge.html&y=ipc", "challenge"),
        ("https://news.example/captcha/", "challenge"),
        ("https://news.example/2026/11/bridge-new.html", None),
        ("https://www.news.example/2026/11/bridge.html", None),
        ("https://news.example/2026/11/how-to-login-safely", None),
        ("https://news.example/consent/2026/the-law", None),
        ("https://loginsdaily.example/a", None),
        (ASKED, None),
    ],
)
def test_a_wall_is_known_by_where_it_leads(reached, reason):
    """To a host or page for logging in or consenting: by whole words, never by a part of one."""
    assert challenge(replace(response(url=ASKED), final_url=reached)) == reason


@pytest.mark.parametrize(
    ("asked", "reached"),
    [
        ("https://www.challenge.example/a1", "https://challenge.example/a1"),
        ("https://www.passport.test/x", "https://passport.test/x"),
        ("https://short.test/r/1", "https://login.example/a1"),
        ("https://news.example/?p=7", "https://news.example/security/captcha/"),
        ("https://news.example/p/7", "https://news.example/2026/login"),
        ("https://short.test/1", "https://news.example/glossary/consent.html"),
        ("https://news.example/?p=7", "https://news.example/2026/login?utm_source=rss"),
        ("https://login.news.example/a", "https://login.news.example/b"),
        ("http://news.example/topics/login", "https://news.example/topics/login"),
        ("https://consent.example/feed", "https://consent.example/feed.xml"),
    ],
)
def test_what_was_asked_for_is_no_wall(asked, reached):
    """A page about logging in may move like any other, an article may have its name from it, and so may a site."""
    assert challenge(replace(response(url=asked), final_url=reached)) is None


def test_a_log_in_page_that_fails_keeps_its_status():
    """What it says of itself is more than what its address tells."""
    assert challenge(replace(response(status=500), final_url="https://login.news.example/")) is None
