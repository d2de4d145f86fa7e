"""The newsroom's script against what was published."""

import pytest

from services.console.expectation import differences
from services.newsroom.script import Expected, ExpectedEvent, ExpectedReason


def scripted(verb, url, *, revision=1, story_of=None):
    return ExpectedEvent(
        verb=verb, url=url, headline="H", language="fr", site="a.example", revision=revision, story_of=story_of
    )


SCRIPT = Expected(
    events=(
        scripted("published", "http://a.example/1"),
        scripted("copied", "http://b.example/1", story_of="http://a.example/1"),
        scripted("updated", "http://a.example/1", revision=2),
    ),
    reasons=(
        ExpectedReason(reason="alias", url="http://a.example/1?utm_source=x"),
        ExpectedReason(reason="alias", url="http://a.example/amp/1"),
    ),
)


def event(verb, url, revision=1, story_of=None):
    story = {"role": "copy", "first_seen": {"url": story_of}} if story_of else {"role": "original", "first_seen": None}
    return {"type": f"fildactu.article.{verb}.v1", "data": {"url": url, "revision": revision, "story": story}}


PUBLISHED = event("published", "http://a.example/1")
COPIED = event("copied", "http://b.example/1", story_of="http://a.example/1")
UPDATED = event("updated", "http://a.example/1", 2)
REASONS = {"alias": 2, "unchanged": 40}


def test_exactly_the_script_differs_in_nothing():
    """The script's events in any order, with its reasons and more, are right."""
    assert differences(SCRIPT, [UPDATED, PUBLISHED, COPIED], REASONS) == []


@pytest.mark.parametrize(
    ("events", "line"),
    [
        ([PUBLISHED, COPIED], "missing: updated http://a.example/1 (revision 2)"),
        ([PUBLISHED, COPIED, UPDATED, UPDATED], "twice: updated http://a.example/1 (revision 2)"),
        (
            [PUBLISHED, COPIED, UPDATED, event("withdrawn", "http://c.example/", 2)],
            "not expected: withdrawn http://c.example/ (revision 2)",
        ),
    ],
)
def test_a_difference_is_named(events, line):
    """An event too few, too many or told twice is one line that names it."""
    assert differences(SCRIPT, events, REASONS) == [line]


@pytest.mark.parametrize(
    "wrong",
    [
        event("published", "http://b.example/1"),
        event("copied", "http://b.example/1", story_of="http://c.example/1"),
        event("copied", "http://b.example/1", 2, story_of="http://a.example/1"),
    ],
)
def test_an_event_must_agree_in_everything(wrong):
    """Another verb, another original or another revision is one event missing and one not expected."""
    found = differences(SCRIPT, [PUBLISHED, wrong, UPDATED], REASONS)

    assert [line.partition(":")[0] for line in found] == ["missing", "not expected"]


def test_a_reason_that_is_not_recorded_is_named():
    """Fewer reasons than the script has are told with the addresses they should have been recorded for."""
    found = differences(SCRIPT, [PUBLISHED, COPIED, UPDATED], {"alias": 1})

    assert found == ["missing: 2 x alias, recorded 1 (http://a.example/1?utm_source=x, http://a.example/amp/1)"]
