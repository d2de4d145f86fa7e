"""What each request looks like."""

import re
from itertools import pairwise

import pytest
from fortnight.readers import CONTACT
from fortnight.recorder import Exchange
from fortnight.recording import Recording
from fortnight.sites import DAY

pytestmark = pytest.mark.timeout(600)
"""Whichever test comes first plays the fortnight."""
REPEATED_AFTER_FIRST = {"host", "accept", "accept-encoding", "user-agent", "if-none-match", "if-modified-since"}


def test_every_request_names_us_with_version_and_contact(fortnight: Recording) -> None:
    """`Name/version (+contact)`, always the same: whoever minds can tell who it is, and whom to write to."""
    names = {each.asked.headers.get("user-agent", "") for each in fortnight.exchanges}

    assert len(names) == 1
    assert re.fullmatch(rf"[A-Za-z]+/[0-9][0-9.a-z]* \(\+{re.escape(CONTACT)}\)", names.pop())


def test_no_request_has_a_cookie_a_referer_or_anything_else_that_nobody_asked_for(fortnight: Recording) -> None:
    """Cookies are offered, and not even sent back once; what is asked with is what is needed."""
    offered = [each for each in fortnight.exchanges if "set-cookie" in each.answer.headers]
    sent = {name for each in fortnight.exchanges for name in each.asked.headers}

    assert offered
    assert sent <= REPEATED_AFTER_FIRST


def test_no_request_has_a_query_that_its_address_has_not(fortnight: Recording) -> None:
    """No `?_=123` to get around caches: a query is there where a feed names one."""
    queries = {each.asked.target for each in fortnight.exchanges if "?" in each.asked.target}

    assert all(re.fullmatch(r"/feed\.xml\?before=\d+", each) for each in queries)


def test_every_request_of_a_feed_says_that_it_wants_a_feed(fortnight: Recording) -> None:
    """By `Accept`, with the types of each dialect."""
    for each in feeds(fortnight):
        assert "application/rss+xml" in each.asked.headers["accept"]
        assert "application/atom+xml" in each.asked.headers["accept"]


def test_every_request_takes_compressed_answers(fortnight: Recording) -> None:
    """By gzip, brotli and zstd; the gzipped ones are read."""
    for each in fortnight.exchanges:
        assert {"gzip", "br", "zstd"} <= set(re.split(r"[,\s]+", each.asked.headers["accept-encoding"]))


def test_nothing_but_feeds_and_robots_txt_is_asked_for(fortnight: Recording) -> None:
    """No icon, no home page, no guess."""
    known = {scene.url for scene in fortnight.scenes.values()} | {s.paper.url for s in fortnight.scenes.values()}
    hops = {f"http://{host}/feed.xml" for s in fortnight.scenes.values() for host in s.sites}

    assert {url.partition("?")[0] for url in fortnight.urls()} <= known | hops


def test_robots_txt_is_asked_for_at_most_once_a_day_at_each_site(fortnight: Recording) -> None:
    """However many feeds and fetchers there are, and whoever is restarted."""
    hosts = {host for scene in fortnight.scenes.values() for host in scene.sites}
    for host in hosts:
        pairs = fortnight.successive(f"http://{host}/robots.txt")
        early = [after.asked.at for before, after in pairs if after.asked.at - before.asked.at < DAY]
        assert early == [], host


def test_the_requests_to_a_site_keep_its_pace(fortnight: Recording) -> None:
    """Two seconds lie between any two, redirects, robots.txt and several feeds of one site included."""
    hosts = {host for scene in fortnight.scenes.values() for host in scene.sites}
    for host in hosts:
        asked = sorted(each.asked.at for each in fortnight.exchanges if each.asked.host == host)
        gaps = [(later - earlier).total_seconds() for earlier, later in pairwise(asked)]
        assert min(gaps, default=2.0) >= 1.99, host


def feeds(fortnight: Recording) -> list[Exchange]:
    return [each for each in fortnight.exchanges if each.asked.target != "/robots.txt"]
