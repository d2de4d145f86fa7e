"""Which entries are taken."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Backlog, FeedSettings, ParsedEntry, ParsedFeed
from services.fetcher.polling.selection import Selection, Skipped, select
from shared.messages import EntryFacts

NOON = datetime(2026, 11, 23, 12, tzinfo=UTC)


def entry(identity, *, fingerprint="f1", url=None, title=None, hours=None, updated=None):
    published = NOON + timedelta(hours=hours) if hours is not None else None
    facts = EntryFacts(identity=identity, url=url, title=title, published=published, updated=updated)
    return ParsedEntry(identity=identity, fingerprint=fingerprint, facts=facts)


def take(*entries, known=None, first_poll=False, **settings):
    feed = FeedSettings(url="https://courrier.example/rss", name="Courrier", **settings)
    return select(ParsedFeed(entries=entries), known or {}, feed, first_poll=first_poll)


def test_entries_are_new_changed_or_already_known():
    """An unknown identity is new, another fingerprint a change, and what is known and the same is left alone."""
    new, changed, same = entry("new"), entry("changed", fingerprint="f2"), entry("same")
    selection = take(new, changed, same, known={"changed": "f1", "same": "f1"})

    assert selection == Selection(new=(new,), changed=(changed,))


@pytest.mark.parametrize(
    ("include", "exclude", "expected"),
    [
        ((), (), ["a", "b", "c"]),
        ((r"/sport/",), (), ["a"]),
        ((r"/sport/", "(?i)météo"), (), ["a", "b"]),
        ((), (r"/sport/",), ["b", "c"]),
        ((r"courrier",), (r"/sport/",), ["b"]),
        ((), (r"^Météo", "^$", "c"), []),
    ],
)
def test_patterns_look_at_address_and_title(include, exclude, expected):
    """Included is what matches any include pattern, or all without one; an exclude pattern wins."""
    entries = (
        entry("a", url="https://courrier.example/sport/1", title="Finale"),
        entry("b", url="https://courrier.example/1", title="Météo du jour"),
        entry("c", title="c without an address"),
    )
    selection = take(*entries, include=include, exclude=exclude)

    assert expected == [each.identity for each in selection.new]
    assert {"a", "b", "c"} - set(expected) == {skip.entry.identity for skip in selection.skipped}
    assert {skip.reason for skip in selection.skipped} <= {"excluded"}


def test_a_changed_entry_is_excluded_too_and_known_entries_are_not_skipped_again():
    """What is excluded is reported when it says something new, and only then."""
    changed, same = entry("changed", title="sport", fingerprint="f2"), entry("same", title="sport")
    selection = take(changed, same, known={"changed": "f1", "same": "f1"}, exclude=("sport",))

    assert selection == Selection(skipped=(Skipped(entry=changed, reason="excluded"),))


def test_a_first_poll_takes_the_newest_by_their_dates():
    """The newest N by published or updated, in document order; the rest is skipped as backlog."""
    old, new, mid = entry("old", hours=-9), entry("new", hours=-1), entry("mid", updated=NOON - timedelta(hours=2))
    selection = take(old, new, mid, first_poll=True, backlog=Backlog.NEWEST, backlog_newest=2)

    assert selection == Selection(new=(new, mid), skipped=(Skipped(entry=old, reason="backlog"),))


def test_without_dates_the_document_order_decides():
    """Feeds list the newest first; an entry with a date goes before those without."""
    first, second, dated = entry("first"), entry("second"), entry("dated", hours=-900)
    selection = take(first, second, dated, first_poll=True, backlog=Backlog.NEWEST, backlog_newest=2)

    assert [each.identity for each in selection.new] == ["first", "dated"]


def test_excluded_entries_take_no_place_in_the_backlog():
    """The newest N are the newest of those that are wanted."""
    unwanted, wanted = entry("u", title="sport", hours=0), entry("w", title="ville", hours=-1)
    selection = take(unwanted, wanted, first_poll=True, exclude=("sport",), backlog=Backlog.NEWEST, backlog_newest=1)

    assert selection == Selection(new=(wanted,), skipped=(Skipped(entry=unwanted, reason="excluded"),))


def test_no_backlog_skips_all_on_the_first_poll_and_nothing_later():
    """The rule is for what a feed lists when it is met, not for what it publishes afterwards."""
    one = entry("one", hours=0)

    assert take(one, first_poll=True, backlog=Backlog.NONE) == Selection(
        skipped=(Skipped(entry=one, reason="backlog"),)
    )
    assert take(one, first_poll=False, backlog=Backlog.NONE) == Selection(new=(one,))


entries = st.lists(
    st.builds(
        entry,
        st.text("abcdef", min_size=1, max_size=2),
        fingerprint=st.sampled_from(["f1", "f2"]),
        title=st.sampled_from([None, "sport", "ville"]),
        hours=st.none() | st.integers(-50, 0),
    ),
    unique_by=lambda each: each.identity,
)


@given(
    entries,
    st.dictionaries(st.text("abcdef", min_size=1, max_size=2), st.sampled_from(["f1", "f2"])),
    st.sampled_from(Backlog),
    st.booleans(),
)
def test_every_entry_that_tells_something_comes_out_once(found, known, backlog, first_poll):
    """New, changed and skipped together are exactly the entries that were not known as they are; then all is known."""
    rules = {"first_poll": first_poll, "backlog": backlog, "backlog_newest": 2, "exclude": ("sport",)}
    selection = take(*found, known=known, **rules)
    told = [*selection.new, *selection.changed, *(skip.entry for skip in selection.skipped)]
    after = {**known, **{each.identity: each.fingerprint for each in told}}

    assert sorted(each.identity for each in found if known.get(each.identity) != each.fingerprint) == sorted(
        each.identity for each in told
    )
    assert take(*found, known=after, **rules) == Selection()
