"""Commands on what is subscribed to, and what they say when it cannot be done."""

import json
import sys
from collections.abc import Callable

import pytest
from console_command import Finished

from services.console.__main__ import main

OPML = """<opml version="2.0"><body><outline text="Afrique">
<outline text="Second" xmlUrl="http://second.example/feed"/>
<outline text="Broken" xmlUrl="nowhere"/></outline></body></opml>"""
FILE = "feeds: [{url: 'http://first.example/feed', name: first}]"
Command = Callable[..., Finished]


@pytest.fixture
def feeds(tmp_path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Command:
    """Runs a `fildactu feeds` command, in a folder with a feeds file, an OPML file and the state."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FILDACTU_STORE_URL", raising=False)
    (tmp_path / "feeds.yaml").write_text(FILE)
    (tmp_path / "mine.opml").write_text(OPML)

    def run(*arguments: str) -> Finished:
        monkeypatch.setattr(sys, "argv", ["fildactu", "feeds", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        out, err = capsys.readouterr()
        return Finished(int(ended.value.code or 0), out, err)

    return run


@pytest.fixture
def good(feeds: Command) -> Callable[..., str]:
    """The output of a command that must not fail."""

    def run(*arguments: str) -> str:
        done = feeds(*arguments)
        assert (done.code, done.err) == (0, "")
        return done.out

    return run


def listing(good: Callable[..., str], *more: str) -> list[dict[str, object]]:
    return [json.loads(line) for line in good("list", "--json", *more).splitlines()]


def test_feeds_are_added_edited_and_removed(good: Callable[..., str]) -> None:
    """Each command says what it did, and the list shows it."""
    added = good("add", "https://presse.example/rss", "--name", "Presse", "--language", "fr")
    good("add", "https://a.example/rss", "https://b.example/rss", "--min-interval", "2h", "--header", "X-A: 1")
    good("edit", "presse", "b.example", "--section", "world", "--unset", "language", "--exclude", "sport")
    removed = good("remove", "https://a.example/rss")

    assert added == "added: Presse (https://presse.example/rss)\n"
    assert removed == "removed: a.example (https://a.example/rss)\n"
    assert good("export", "--yaml") == (
        "feeds:\n- url: https://b.example/rss\n  name: b.example\n  section: world\n  min_interval: 2h\n"
        "  headers:\n    X-A: '1'\n  exclude:\n  - sport\n"
        "- url: https://presse.example/rss\n  name: Presse\n  section: world\n  exclude:\n  - sport\n"
    )
    assert [feed["name"] for feed in listing(good)] == ["b.example", "Presse"]
    states = {feed["name"]: feed["state"] for feed in listing(good, "--all")}
    assert states == {"a.example": "resting", "b.example": "new", "Presse": "new"}
    assert "b.example" in good("list")


def test_a_feed_of_a_file_is_paused_and_resumed(good: Callable[..., str]) -> None:
    """Applying the file again does not resume it."""
    good("apply", "feeds.yaml")
    paused = good("pause", "first")
    good("apply", "feeds.yaml")
    assert paused == "paused: first (http://first.example/feed)\n"
    assert [feed["state"] for feed in listing(good)] == ["paused"]
    assert "paused: true" in good("export", "--yaml")

    good("resume", "http://first.example/feed")
    assert [feed["state"] for feed in listing(good)] == ["new"]


def test_what_is_imported_is_exported(feeds: Command, good: Callable[..., str], tmp_path) -> None:
    """An outline that cannot be read is told with its line, and fails the command; the others are there."""
    done = feeds("import", "mine.opml")
    exported = good("export")
    (tmp_path / "ours.opml").write_text(exported)

    assert (done.code, done.out) == (1, "mine.opml: 1 feeds added, 0 known already\n")
    assert done.err == "mine.opml:3: xmlUrl: 'nowhere' is not an http or https address\n"
    assert 'text="Second" title="Second" xmlUrl="http://second.example/feed"' in exported
    assert good("import", "ours.opml") == "ours.opml: 0 feeds added, 1 known already\n"
    assert [(feed["name"], feed["source"]) for feed in listing(good)] == [("Second", "import mine.opml")]


def test_a_feed_tells_why_it_is_polled_when_it_is(good: Callable[..., str]) -> None:
    """By its name or address, in words or as JSON."""
    good("add", "https://presse.example/rss", "--name", "Presse")
    good("pause", "Presse")

    assert "but        it is paused" in good("why", "presse").splitlines()
    told = json.loads(good("why", "--json", "https://presse.example/rss"))
    assert (told["name"], told["next_poll"], told["obstacles"]) == ("Presse", None, ["it is paused"])


@pytest.mark.parametrize(
    ("command", "code", "said"),
    [
        (("add", "nowhere"), 2, "url: 'nowhere' is not an http or https address"),
        (("add", "http://new.example/", "--min-interval", "15"), 2, "min_interval: '15' is not a duration"),
        (("add", "http://new.example/", "--header", "X-A"), 2, "headers: is empty"),
        (("add", "http://first.example/feed"), 1, "http://first.example/feed: feeds.yaml lists it already"),
        (("add", "http://mine.example/"), 1, "it is subscribed to already; to change it, edit it"),
        (("pause", "frist"), 1, "no feed has the address or name 'frist': did you mean 'first'?"),
        (("remove", "first"), 1, "feeds.yaml lists it: take it out there, or pause it"),
        (("edit", "first", "--section", "a"), 1, "feeds.yaml lists it: edit it there"),
        (("edit", "mine.example"), 2, "nothing to change"),
        (("edit", "mine.example", "--unset", "url"), 2, "url: cannot be unset"),
        (("why", "nobody"), 1, "no feed has the address or name 'nobody'"),
        (("import", "feeds.yaml"), 2, "feeds.yaml:1: not XML"),
        (("import", "missing.opml"), 2, "missing.opml:1: cannot be read: No such file"),
        (("list", "--state", "nowhere"), 1, "does not exist: nothing was run there"),
        (("pause",), 2, "Missing argument"),
    ],
)
def test_what_cannot_be_done_is_told(
    feeds: Command, good: Callable[..., str], command: tuple[str, ...], code: int, said: str
) -> None:
    """In a line that names cause and remedy; the status is not zero, and nothing was changed."""
    good("apply", "feeds.yaml")
    good("add", "http://mine.example/")
    before = good("export", "--yaml")

    done = feeds(*command)

    assert done.code == code
    assert said in done.err
    assert "Missing" in said or len(done.err.splitlines()) == 1
    assert good("export", "--yaml") == before


def test_one_unknown_feed_keeps_the_others_as_they_are(feeds: Command, good: Callable[..., str]) -> None:
    """A command does all of it, or nothing."""
    good("add", "http://mine.example/")

    assert feeds("remove", "mine.example", "other.example").code == 1
    assert [feed["name"] for feed in listing(good)] == ["mine.example"]
