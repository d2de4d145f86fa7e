"""The feeds file: what it may hold, and what is said of one that is wrong."""

from base64 import b64encode
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Backlog, Bounds, FeedSettings
from services.fetcher.subscribed.feeds import InvalidFeeds, dump_settings, expand, load_feeds, load_settings
from services.fetcher.subscribed.feeds_yaml import read_feeds
from shared.errors import PermanentError

FULL = """\
defaults:
  min_interval: 5m
  page_delay: 1.5s
feeds:
  - url: HTTPS://Presse.example/rss#top
    name: La Presse
    language: no
    section: Afrique
    max_interval: 2d
    headers: {X-Key: "key ${KEY}"}
    username: lecteur
    password: ${PASS}
    include: "/afrique/"
    exclude: [sport, "(?i)horoscope"]
    backlog: newest 20
    revisit_after: [1h, 6h]
  - {url: "http://other.example/feed", name: Other, min_interval: 30 s, backlog: none}
  - {url: "http://resting.example/feed", name: Resting, paused: true}
"""


def faults_of(text, environ=None):
    return [(fault.line, fault.message) for fault in read_feeds(text, environ or {})[1]]


def one(line, environ=None):
    """The faults of a file whose only feed has `line` besides its address and name."""
    return faults_of(f"feeds:\n  - url: http://a.example/f\n    name: A\n    {line}\n", environ)


def written(tmp_path, text):
    path = tmp_path / "feeds.yaml"
    path.write_text(text, encoding="utf-8")
    return path


def test_every_key_is_read(tmp_path):
    """A file that uses each key gives settings that say the same; a paused feed is left out."""
    first, second = load_feeds(written(tmp_path, FULL), {"KEY": "k", "PASS": "p"})

    assert first == FeedSettings(
        url="https://presse.example/rss",
        name="La Presse",
        language="no",
        section="Afrique",
        bounds=Bounds(shortest=timedelta(minutes=5), longest=timedelta(days=2)),
        headers={"X-Key": "key ${KEY}"},
        username="lecteur",
        password="${PASS}",
        include=("/afrique/",),
        exclude=("sport", "(?i)horoscope"),
        backlog=Backlog.NEWEST,
        backlog_newest=20,
        revisit_after=(timedelta(hours=1), timedelta(hours=6)),
        page_delay=timedelta(seconds=1.5),
    )
    assert second.bounds.shortest == timedelta(seconds=30)
    assert second.page_delay == timedelta(seconds=1.5)
    assert second.backlog is Backlog.NONE


def test_all_faults_are_told_at_once_with_their_lines():
    """Faults do not hide one another: each is listed once, in the order of the lines."""
    text = """\
defaults:
  max_interval: daily
fedes: []
feeds:
  - name: No address
    colour: red
  - url: ftp://files.example/feed
    name: Wrong scheme
    include: ["(", "[a-"]
  - url: https://a.example/rss
    name: A
    min_interval: 2h
    max_interval: 1h
  - url: https://A.example:443/rss
    name: A again
"""

    assert [line for line, _ in faults_of(text)] == [2, 3, 5, 6, 7, 9, 9, 13, 14]
    messages = "\n".join(message for _, message in faults_of(text))
    assert "did you mean 'feeds'?" in messages
    assert "url is missing" in messages
    assert "the same address as in line 10" in messages


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("min_interval: 15", "not a duration such as"),
        ("min_interval: 0s", "longer than zero"),
        ("max_interval: 999999999999d", "longer than 366d"),
        ("min_interval: 2d", "longer than max_interval"),
        ("language: French please", "not a language tag"),
        ("backlog: newest", "newest 20"),
        ("backlog: newest 0", "newest 20"),
        ("paused: perhaps", "neither true nor false"),
        ("section: [a, b]", "single value"),
        ("headers: secret", "mapping of names to values"),
        ("headers: {'Bad Name': x}", "not the name of a header"),
        ('headers: {X-A: "a\\nb"}', "one line"),
        ("headers: {X-A: '${KEY'}", "not written as such"),
        ("headers: {X-A: '${KEY}'}", "does not set KEY"),
        ("username: lecteur", "username without password"),
        ("password: ${KEY}", "does not set KEY"),
        ("include: ['(unclosed']", "not a regular expression"),
        ("revisit_after: [1h, soon]", "'soon' is not a duration"),
        ("revisit_after: [6h, 1h]", "greater than the one before"),
        ("exclude: [[a]]", "single value"),
        ("langauge: fr", "did you mean 'language'?"),
        ("name: B", "given twice"),
    ],
)
def test_a_fault_says_what_is_wrong(line, said):
    """Each kind of fault is found at its line, and its message tells what is wrong."""
    assert one(line)
    assert one(line)[0][0] == 4
    assert said in "\n".join(message for _, message in one(line))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        ("", 1, "holds no feeds"),
        ("feeds: []", 1, "list of feeds"),
        ("defaults: {}", 1, "`feeds` is missing"),
        ("- a\n- b", 1, "must be a mapping"),
        ("feeds:\n  - plain", 2, "must be a mapping"),
        ("feeds:\n  - url:\n    name: A", 2, "url is missing"),
        ("feeds:\n  - {url: a: b", 2, "not YAML"),
        ("feeds:\n  - \x07", 2, "not YAML"),
        ("feeds: [{url: 'http://a.example', name: A}, {url: 'http://a.example/', name: B}]", 1, "same address"),
        ("feeds: [{url: 'http://u:p@a.example', name: A}]", 1, "username and password"),
        ("feeds: [{url: 'http://a.example/${KEY}', name: A}]", 1, "headers, username and password only"),
        ("defaults: {url: 'http://a.example'}\nfeeds: [{url: 'http://a.example', name: A}]", 1, "unknown key 'url'"),
        ("feeds: [{url: 'http://a.example', name: A, username: u, password: plain}]", 1, "from the environment"),
    ],
)
def test_a_file_of_the_wrong_shape_is_told_as_faults(text, line, said):
    """Whatever the file holds comes back as faults with lines, never as an exception of the parser."""
    found = faults_of(text)

    assert line in {number for number, _ in found}
    assert said in "\n".join(message for _, message in found)


def test_the_error_names_file_and_line(tmp_path):
    """The error prints one `file:line: message` for each fault."""
    path = written(tmp_path, "feeds:\n  - url: nowhere\n    name: ''\n")

    with pytest.raises(InvalidFeeds) as caught:
        load_feeds(path, {})

    assert str(caught.value).splitlines() == [
        f"{path}:2: url: 'nowhere' is not an http or https address",
        f"{path}:3: name: is empty",
    ]


@pytest.mark.parametrize("content", [None, b"\xff\xfe\x00bad"])
def test_a_file_that_cannot_be_read_is_a_fault(tmp_path, content):
    """A missing file and one in another encoding are told like any other fault."""
    path = Path(tmp_path / "feeds.yaml")
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(InvalidFeeds, match=r"feeds\.yaml:1: cannot be read"):
        load_feeds(path, {})


def test_expand_fills_in_secrets_and_credentials():
    """Headers get their values, username and password become an Authorization header, and no placeholder is left."""
    settings = FeedSettings(
        url="http://a.example/", name="A", headers={"X-Key": "k=${KEY}"}, username="${USER}", password="${PASS}"
    )

    filled = expand(settings, {"KEY": "1", "USER": "é", "PASS": "p:q"})

    basic = b64encode("é:p:q".encode()).decode()
    assert filled.headers == {"X-Key": "k=1", "Authorization": f"Basic {basic}"}
    assert (filled.username, filled.password) == (None, None)


def test_expand_refuses_unset_variables():
    """A variable that the environment does not set is a permanent error that names it and no other value."""
    settings = FeedSettings(url="http://a.example/", name="A", headers={"X-Key": "${KEY} ${SET}"})

    with pytest.raises(PermanentError, match="KEY for http") as caught:
        expand(settings, {"SET": "s3cret"})

    assert caught.value.reason == "unset_variable"
    assert "s3cret" not in str(caught.value)


def test_what_is_stored_holds_no_secret():
    """The stored form keeps placeholders as they were written."""
    settings = FeedSettings(url="http://a.example/", name="A", username="u", password="${PASS}")

    assert dump_settings(settings)["password"] == "${PASS}"
    assert "PASS" not in repr(replace(settings))


SPANS = st.integers(min_value=1, max_value=366 * 86_400_000).map(lambda ms: timedelta(milliseconds=ms))
TEXTS = st.text(min_size=1, max_size=20)
SETTINGS = st.builds(
    FeedSettings,
    url=TEXTS,
    name=TEXTS,
    language=st.none() | TEXTS,
    section=st.none() | TEXTS,
    bounds=st.builds(Bounds, shortest=SPANS, longest=SPANS),
    headers=st.dictionaries(TEXTS, TEXTS, max_size=3),
    username=st.none() | TEXTS,
    password=st.none() | TEXTS,
    include=st.lists(TEXTS, max_size=3).map(tuple),
    exclude=st.lists(TEXTS, max_size=3).map(tuple),
    backlog=st.sampled_from(Backlog),
    backlog_newest=st.integers(min_value=0, max_value=1000),
    revisit_after=st.none() | st.lists(SPANS, max_size=3).map(tuple),
    page_delay=st.none() | SPANS,
)


@given(SETTINGS)
def test_settings_survive_the_store(settings):
    """What is written to the store is read back the same."""
    assert load_settings(dump_settings(settings)) == settings
