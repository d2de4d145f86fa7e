"""What people see of events and of a run."""

import io
import sys
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console

from services.console.accounts import FeedState, Totals
from services.console.display import balance, event_line, feeds_table, progress, summary_table
from services.console.summary import Summary, Tally, summarise

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def event(**changed):
    data = {
        "headline": "Un pont remplace le bac",
        "url": "http://fil-afrique.example/a",
        "language": {"code": "fr", "confidence": 0.99},
        "site": {"host": "fil-afrique.example"},
        "word_count": 210,
        "story": {"role": "original"},
    }
    return {"type": "fildactu.article.published.v1", "time": "2026-01-02T03:04:05Z", "data": data | changed}


def summary(**changed):
    usual: dict[str, Any] = {
        "feeds_polled": 6,
        "polls": 30,
        "entries": 60,
        "observations": 7,
        "events": {"published": 4, "updated": 1},
        "reasons": {"alias": 2},
        "seconds": 12.34,
    }
    return Summary(**usual | changed)


def printed(renderable):
    file = io.StringIO()
    Console(file=file, width=100).print(renderable)
    return file.getvalue()


def test_an_event_is_one_line_with_its_facts():
    """Verb, language, site, headline, words and story stand in one line, in this order."""
    line = event_line(event(), width=120).plain

    facts = ["published", "fr", "fil-afrique.example", "Un pont remplace le bac", "210 words", "original"]
    assert [fact for fact in facts if fact in line] == facts
    assert sorted(facts, key=line.index) == facts


def test_the_time_is_the_readers():
    """The time is shown in the reader's zone, to the second."""
    local = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).astimezone().strftime("%H:%M:%S")

    assert event_line(event(), width=120).plain.startswith(local)


def test_a_copy_names_the_site_that_was_first():
    """A copy says where its text was seen first."""
    story = {"role": "copy", "first_seen": {"site": "fil-afrique.example"}}

    assert event_line(event(story=story), width=120).plain.endswith("copy of fil-afrique.example")


def test_an_event_without_headline_shows_its_address():
    """A withdrawn article may have neither headline nor words."""
    line = event_line(event(headline=None, word_count=0), width=120).plain

    assert "http://fil-afrique.example/a" in line
    assert "words" not in line


@given(st.text(max_size=300))
def test_no_headline_steers_the_terminal_or_breaks_the_line(headline):
    """Whatever a site writes, the line has no control characters and keeps to the width."""
    line = event_line(event(headline=headline or "x"), width=120)

    assert line.plain.isprintable()
    assert line.cell_len <= 120


def test_a_summary_adds_up_or_says_so():
    """The balance line has an equals sign only when each observation is accounted for."""
    assert balance(summary()) == "7 observations = 5 events + 2 reasons, in 12.3 s"
    assert balance(summary(observations=8)) == "8 observations ≠ 5 events + 2 reasons, in 12.3 s"
    assert summary().as_json()["adds_up"] is True


def test_the_table_has_a_row_for_each_count():
    """Feeds, entries, observations, verbs and reasons are all in the table."""
    shown = printed(summary_table(summary()))

    for name in ("feeds polled", "entries", "observations", "events: published", "skipped: alias"):
        assert name in shown


def test_a_run_counts_only_what_it_did_itself():
    """On a state that holds earlier work, the summary has the difference; reasons that did not grow are left out."""
    earlier = Totals(feeds_polled=2, entries=10, events={"published": 9}, reasons={"gone": 1, "alias": 2})
    later = Totals(feeds_polled=2, entries=13, events={"published": 11, "copied": 1}, reasons={"gone": 1, "alias": 3})
    before, after = (earlier, Tally(polls=5, observations=12)), (later, Tally(polls=9, observations=16))

    found = summarise(before, after, 1.0)

    assert found.entries == 3
    assert found.polls == 4
    assert found.events == {"published": 2, "updated": 0, "copied": 1, "withdrawn": 0}
    assert found.reasons == {"alias": 1}
    assert found.adds_up


def test_feeds_are_listed_with_their_polls():
    """A feed's line says when it was and when it will be polled."""
    now = datetime(2026, 1, 2, tzinfo=UTC)
    known: dict[str, Any] = {"source": "feeds.yaml", "due": False}
    feeds = (
        FeedState(name="A", url="http://a.example/", polled_at=None, next_poll_at=now, **known),
        FeedState(
            name="B",
            url="http://b.example/",
            polled_at=now - timedelta(minutes=5),
            next_poll_at=now + timedelta(hours=3),
            **known,
        ),
    )

    first, second = [line for line in printed(feeds_table(feeds, now)).splitlines() if "example" in line]

    assert "never" in first
    assert "now" in first
    assert "5 min ago" in second
    assert "in 3 h" in second


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ({"paused": True}, ["paused", "none"]),
        ({"active": False}, ["resting", "none"]),
        ({"same_as": "http://first.example/"}, ["same as http://first.example/", "none"]),
        ({"polled_at": NOON, "failing_since": NOON - timedelta(days=2)}, ["failing for 2 d", "now"]),
        ({"polled_at": NOON, "outcome": "failed", "reason": "http_500\x1b[1m"}, ["0 s ago: failed, http_500 [1m"]),
        ({}, ["new", "never", "now"]),
    ],
)
def test_a_feeds_line_tells_its_state(more: dict[str, Any], said: list[str]):
    """And what came of the last poll; what a server said does not steer the terminal."""
    feed = FeedState(
        **{"name": "A", "url": "u", "source": "s", "polled_at": None, "next_poll_at": NOON, "due": False, **more}
    )

    table = printed(feeds_table([feed], NOON))

    assert [each for each in said if each not in table] == []


def test_progress_is_shown_on_a_terminal_only():
    """On a terminal the state of the work is drawn; into a file nothing is."""
    terminal, file = io.StringIO(), io.StringIO()

    for console in (Console(file=terminal, force_terminal=True, width=100), Console(file=file, width=100)):
        with progress(console) as status:
            status.show("edition 2 of 4", done=1, total=4)

    assert "edition 2 of 4" in terminal.getvalue()
    assert file.getvalue() == ""


def test_log_lines_stand_unbroken_above_the_progress():
    """What is written to standard error while progress is shown arrives whole, however long the line."""
    terminal = io.StringIO()
    line = "word " * 30 + "end"

    with progress(Console(file=terminal, force_terminal=True, width=40)):
        sys.stderr.write(line + "\n")

    assert line in terminal.getvalue()
