"""What a robots.txt says, and what counts while there is none."""

from datetime import UTC, datetime, timedelta

import pytest

from services.fetcher.hosts.robotstxt import LARGE, MOST_BYTES, UNAVAILABLE, UNREACHABLE, Robots, RobotsFile, obeyed

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
AGENT = "FilDActu/0.1 (+https://bot.example/about; otherbot)"
PAGE = "https://site.example/private/page"
ANSWER = RobotsFile(status=200, body="Disallow: /", reached_at=NOW - timedelta(days=400))
SILENCE = RobotsFile(status=UNREACHABLE, body="")


@pytest.mark.parametrize(
    ("status", "allowed"),
    [
        *((status, False) for status in (200, 204, 500, 503, UNREACHABLE, None)),
        *((status, True) for status in (301, 401, 403, 404, 410, 429)),
    ],
)
def test_a_missing_robots_txt_allows_all_and_an_unreachable_one_nothing(status, allowed):
    """RFC 9309: 2xx is obeyed, 4xx means there are no rules, 5xx or no answer means hands off."""
    assert allowed == Robots.parse(status, b"User-agent: *\nDisallow: /").allowed(PAGE, AGENT)


@pytest.mark.parametrize(
    ("text", "allowed"),
    [
        ("", True),
        ("User-agent: *\nDisallow: /", False),
        ("User-agent: *\nDisallow: /private", False),
        ("User-agent: *\nDisallow: /private\nAllow: /private/page", True),
        ("User-agent: *\nDisallow: /*/page$", False),
        ("User-agent: *\nDisallow: /\n\nUser-agent: fildactu\nDisallow:", True),
        ("User-agent: *\nDisallow:\n\nUser-agent: FILDACTU\nDisallow: /", False),
        ("User-agent: otherbot\nDisallow: /", True),
        ("User-agent: bot\nDisallow: /", True),
        ("\ufeffUser-agent: *\nDisallow: /", False),
        ("<html><body>Not found</body></html>", True),
    ],
)
def test_rules_are_obeyed_as_the_standard_says(text, allowed):
    """Longest match, Allow on a tie, our own group before `*`; only the product token of our agent counts."""
    assert allowed == Robots.parse(200, text.encode()).allowed(PAGE, AGENT)


def test_only_the_first_half_mebibyte_is_read():
    """An endless file costs no more than the standard asks for."""
    body = b"#" * MOST_BYTES + b"\nUser-agent: *\nDisallow: /"

    assert Robots.parse(200, body).allowed(PAGE, AGENT)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("User-agent: *\nCrawl-delay: 7.5", 7.5),
        ("User-agent: *\nRequest-rate: 1/10s", 10.0),
        ("User-agent: *\nCrawl-delay: soon", None),
        ("User-agent: otherbot\nCrawl-delay: 7", None),
        ("", None),
    ],
)
def test_the_pace_that_robots_txt_asks_for(text, seconds):
    """Crawl-delay, or a request rate as the delay that it amounts to."""
    assert seconds == Robots.parse(200, text).crawl_delay(AGENT)


def test_without_rules_there_is_no_pace():
    """A missing file asks for nothing."""
    assert Robots.parse(404, "User-agent: *\nCrawl-delay: 7").crawl_delay(AGENT) is None


@pytest.mark.parametrize(
    ("status", "max_age", "kept"),
    [
        (200, None, timedelta(hours=24)),
        (200, timedelta(hours=3), timedelta(hours=3)),
        (200, timedelta(days=9), timedelta(hours=24)),
        (200, timedelta(minutes=1), timedelta(minutes=10)),
        (404, None, timedelta(hours=24)),
        (503, None, timedelta(minutes=10)),
        (UNREACHABLE, timedelta(hours=9), timedelta(minutes=10)),
    ],
)
def test_robots_txt_is_kept_for_a_day_at_most(status, max_age, kept):
    """As its answer says within ten minutes and a day; a host that did not answer is asked again soon."""
    assert Robots.parse(status, b"").fresh_for(max_age) == kept


@pytest.mark.parametrize(
    ("text", "obey_all", "allowed"),
    [
        ("User-agent: *\nDisallow: /", False, True),
        ("User-agent: *\nDisallow: /", True, False),
        ("User-agent: fildactu\nDisallow: /private", False, False),
        ("User-agent: fildactu\nDisallow: /else", False, True),
        ("User-agent: *\nDisallow: /\n\nUser-agent: FilDActu\nDisallow: /else", True, True),
        ("User-agent: otherbot\nDisallow: /", True, True),
        ("User-agent: fil\nDisallow: /", False, True),
    ],
)
def test_only_our_own_name_keeps_us_from_feeds(text, obey_all, allowed):
    """They are published for robots; an operator may have us obey what is said to all robots, too."""
    assert Robots.parse(200, text).allows_feed(PAGE, AGENT, obey_all=obey_all) == allowed


@pytest.mark.parametrize("status", [404, 500, UNREACHABLE, None])
@pytest.mark.parametrize("obey_all", [False, True])
def test_a_file_that_cannot_be_had_forbids_no_feed(status, obey_all):
    """Whatever the reason."""
    assert Robots.parse(status, "User-agent: fildactu\nDisallow: /").allows_feed(PAGE, AGENT, obey_all=obey_all)


@pytest.mark.parametrize(
    ("text", "refused"),
    [
        ("User-agent: GPTBot\nUser-agent: CCBot\nDisallow: /", ("CCBot", "GPTBot")),
        ("user-agent: gptbot # theirs\nDisallow: /private", ("GPTBot",)),
        ("User-agent: GPTBot\nDisallow: /else", ()),
        ("User-agent: *\nDisallow: /", ()),
        ("User-agent: *\nDisallow: /\n\nUser-agent: GPTBot\nAllow: /", ()),
    ],
)
def test_agents_that_are_named_and_may_not_have_the_page(text, refused):
    """Rules for all robots are not about them, and what they may have is no refusal."""
    assert Robots.parse(200, text).refused_agents(PAGE, ("CCBot", "GPTBot")) == refused


def test_a_large_file_is_not_asked_about_every_robot():
    """Its rules count for us as ever; to walk through all of them for each robot and page would hold others up."""
    large = "User-agent: GPTBot\nUser-agent: FilDActu\n" + "Disallow: /private/*x\n" * (LARGE // 20) + "Disallow: /"
    rules = Robots.parse(200, large)

    assert (rules.allowed(PAGE, AGENT), rules.refused_agents(PAGE, ("GPTBot",))) == (False, ())


def test_an_older_file_counts_while_the_host_is_unreachable():
    """However old: the standard lets it be used on."""
    assert obeyed(ANSWER, SILENCE, NOW) == ANSWER


@pytest.mark.parametrize(("status", "allowed"), [(200, False), (404, True), (429, True)])
def test_a_new_answer_replaces_what_was_kept(status, allowed):
    """Its time is remembered with it."""
    found = obeyed(ANSWER, RobotsFile(status=status, body="User-agent: *\nDisallow: /"), NOW)

    assert (found.status, found.reached_at) == (status, NOW)
    assert Robots.parse(found.status, found.body).allowed(PAGE, AGENT) == allowed


@pytest.mark.parametrize(
    ("since", "status"),
    [
        (None, UNREACHABLE),
        (timedelta(days=30), UNREACHABLE),
        (timedelta(days=30, seconds=1), UNAVAILABLE),
    ],
)
def test_a_host_that_never_answers_is_given_up_after_a_month(since, status):
    """Nothing is allowed until then; from then on it counts as a host without a file."""
    kept = RobotsFile(status=503, body="", reached_at=since and NOW - since)

    found = obeyed(kept, SILENCE, NOW)

    assert (found.status, found.reached_at) == (status, kept.reached_at or NOW)


def test_the_first_silence_is_where_the_month_begins():
    """Nothing was known before."""
    assert obeyed(None, SILENCE, NOW).reached_at == NOW
