"""Feeds from a command line, and feeds as a feeds file: the same keys, and the same rules."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Backlog, Bounds, FeedSettings
from services.fetcher.subscribed.feed_options import InvalidOptions, edited, new_feeds
from services.fetcher.subscribed.feeds_writing import duration, write_feeds
from services.fetcher.subscribed.feeds_yaml import read_feeds

EVERY_KEY = {
    "name": "La Presse",
    "language": "fr",
    "section": "Afrique",
    "min_interval": "30m",
    "max_interval": "2d",
    "headers": {"X-Key": "key ${KEY}"},
    "username": "lecteur",
    "password": "${PASS}",
    "include": ["/afrique/", "(?i)sahel"],
    "exclude": ["sport"],
    "backlog": "newest 5",
    "revisit_after": ["1h", "6h"],
    "page_delay": "1.5s",
}
FEED = FeedSettings(
    url="https://presse.example/rss",
    name="La Presse",
    language="fr",
    section="Afrique",
    bounds=Bounds(shortest=timedelta(minutes=30), longest=timedelta(days=2)),
    headers={"X-Key": "key ${KEY}"},
    username="lecteur",
    password="${PASS}",
    include=("/afrique/", "(?i)sahel"),
    exclude=("sport",),
    backlog=Backlog.NEWEST,
    backlog_newest=5,
    revisit_after=(timedelta(hours=1), timedelta(hours=6)),
    page_delay=timedelta(seconds=1.5),
)


def test_a_feed_is_made_of_every_key():
    """As in a feeds file; what its variables are is the fetcher's to know."""
    assert new_feeds(["HTTPS://Presse.example/rss#top"], EVERY_KEY) == (FEED,)


def test_a_new_feed_has_the_name_of_its_host():
    """Its address is all that must be said, and one that is said twice is one feed."""
    feeds = new_feeds(["https://a.example/rss", "https://b.example/", "https://A.example/rss"], {})

    assert [(each.url, each.name) for each in feeds] == [
        ("https://a.example/rss", "a.example"),
        ("https://b.example/", "b.example"),
    ]


@pytest.mark.parametrize(
    ("url", "keys", "said"),
    [
        ("nowhere", {}, "url: 'nowhere' is not an http or https address"),
        ("https://u:p@a.example/", {}, "credentials belong in username"),
        ("https://a.example/", {"min_interval": "15"}, "min_interval: '15' is not a duration"),
        ("https://a.example/", {"min_interval": "2d"}, "longer than max_interval"),
        ("https://a.example/", {"headers": {"Bad name": "x"}}, "not the name of a header"),
        ("https://a.example/", {"headers": {"X-Key": ""}}, "is empty"),
        ("https://a.example/", {"username": "u", "password": "plain"}, "must come from the environment"),
        ("https://a.example/", {"include": ["("]}, "not a regular expression"),
        ("https://a.example/", {"revisit_after": ["6h", "1h"]}, "greater than the one before"),
    ],
)
def test_what_cannot_be_is_refused(url: str, keys: dict[str, object], said: str):
    """With what to write instead, by the same rules as in a file."""
    with pytest.raises(InvalidOptions) as caught:
        new_feeds([url], keys)

    assert said in str(caught.value)


def test_one_name_is_for_one_feed():
    """Several feeds of one name could not be told apart."""
    with pytest.raises(InvalidOptions, match="it is for one feed"):
        new_feeds(["https://a.example/", "https://b.example/"], {"name": "A"})


def test_an_edit_changes_what_is_said_and_nothing_else():
    """A list takes the place of the one before, and a key that is unset is as if it had never been said."""
    changed = edited(FEED, {"section": "world", "exclude": ["horoscope"]}, {"include", "headers", "backlog"})

    said = {
        "section": "world",
        "exclude": ("horoscope",),
        "include": (),
        "headers": {},
        "backlog": Backlog.ALL,
        "backlog_newest": 0,
    }
    assert {name: getattr(changed, name) for name in said} == said
    kept = [name for name in FeedSettings.__dataclass_fields__ if name not in said]
    assert [getattr(changed, name) for name in kept] == [getattr(FEED, name) for name in kept]


@pytest.mark.parametrize("key", ["url", "name", "colour"])
def test_only_keys_that_may_be_missing_are_unset(key: str):
    """The message lists them."""
    with pytest.raises(InvalidOptions, match=rf"{key}: cannot be unset; backlog, "):
        edited(FEED, {}, {key})


def test_half_of_the_credentials_are_refused():
    """An edit is held against the whole feed."""
    with pytest.raises(InvalidOptions, match="username without password"):
        edited(FEED, {}, {"password"})


@pytest.mark.parametrize(
    ("span", "written"),
    [
        (timedelta(days=2), "2d"),
        (timedelta(hours=36), "36h"),
        (timedelta(minutes=90), "90m"),
        (timedelta(seconds=61), "61s"),
        (timedelta(seconds=1.25), "1.25s"),
        (timedelta(microseconds=1), "0.000001s"),
        (timedelta(0), "0s"),
    ],
)
def test_durations_are_written_as_people_write_them(span: timedelta, written: str):
    """In the largest unit without a fraction."""
    assert duration(span) == written


SPANS = st.integers(min_value=1, max_value=366 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))
WORDS = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20).filter(
    lambda text: text == text.strip() and "${" not in text
)
PATTERNS = st.lists(st.sampled_from(["/a/", "(?i)b", "[0-9]+: x", "#", "- y", "no"]), max_size=3).map(tuple)
SETTINGS = st.builds(
    FeedSettings,
    url=st.integers(0, 10**6).map(lambda number: f"https://s{number}.example/feed?a=1&b=2"),
    name=WORDS,
    language=st.sampled_from([None, "no", "fr", "pt-BR"]),
    section=st.none() | WORDS,
    bounds=st.tuples(SPANS, SPANS).map(lambda spans: Bounds(shortest=min(spans), longest=max(spans))),
    headers=st.dictionaries(st.sampled_from(["X-A", "Accept", "No"]), st.sampled_from(["1", "on", "a: ${B} #"])),
    include=PATTERNS,
    exclude=PATTERNS,
    backlog=st.sampled_from([Backlog.ALL, Backlog.NONE]),
    backlog_newest=st.just(0),
    revisit_after=st.none() | st.lists(SPANS, max_size=3, unique=True).map(sorted).map(tuple),
    page_delay=st.none() | st.just(timedelta(0)) | SPANS,
)


@given(st.lists(SETTINGS, min_size=1, max_size=5, unique_by=lambda each: each.url))
def test_what_is_written_as_a_feeds_file_is_read_the_same(feeds: list[FeedSettings]):
    """Every key of each feed comes back, whatever it holds."""
    again, faults = read_feeds(write_feeds((each, False) for each in feeds), None)

    assert faults == ()
    assert list(again) == feeds


@given(SETTINGS)
def test_an_edit_that_says_nothing_changes_nothing(settings: FeedSettings):
    """Whatever the feed is."""
    assert edited(settings, {}) == settings


def test_a_paused_feed_is_written_as_such():
    """It is in the file, and not among the feeds that are polled."""
    text = write_feeds([(FEED, True)])

    assert "paused: true" in text
    assert read_feeds(text, None) == ((), ())
