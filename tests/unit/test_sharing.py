"""Which feeds are polled now, and which are put off."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from itertools import pairwise
from uuid import UUID

from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.hosts.politeness import DEFAULT_POLICY, PATIENCE, HostSlot
from services.fetcher.hosts.sharing import DueFeed, Paces, share_out

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
SECOND = timedelta(seconds=1)
DELAY = DEFAULT_POLICY.delay
MANY = 1000
SHARED = "93.184.215.14"


def due(*sites, page_delay=None):
    return [DueFeed(feed_id=UUID(int=number), site=site, page_delay=page_delay) for number, site in enumerate(sites)]


def slot(ahead=0.0, **more):
    return HostSlot(next_allowed=NOW + timedelta(seconds=ahead), delay=timedelta(0), **more)


def share(feeds, *, limit=MANY, room=MANY, addresses=None, **slots):
    paces = Paces(slots={each.site: slots.get(each.site, slot()) for each in feeds}, addresses=addresses or {})
    return share_out(feeds, paces, limit=limit, room=lambda _site: room, now=NOW)


def offsets(times):
    return [(at - NOW) / SECOND for at in times.values()]


def test_feeds_of_different_sites_are_polled_at_once():
    """Nobody waits for another's host."""
    assert offsets(share(due("a", "b", "c")).starts) == [0, 0, 0]


def test_feeds_of_one_site_keep_its_pace_and_the_rest_waits_in_the_store():
    """Within our patience they are taken, each in a slot of its own; those behind are put off until their turn."""
    found = share(due(*"aaaaaaaa"))

    assert offsets(found.starts) == [0, 2, 4, 6, 8, 10]
    assert offsets(found.put_off) == [12, 14]


def test_a_site_without_room_keeps_its_places_and_no_more():
    """Those that may come soon stay due; those that cannot come within our patience are put off."""
    found = share(due(*"aaaaaaaaab"), room=2)

    assert offsets(found.starts) == [0, 2, 0]
    assert offsets(found.put_off) == [12, 14, 16]


def test_a_blocked_site_takes_no_place():
    """All its feeds are put off until the pause is over, and then one after the other."""
    found = share(due(*"aaab"), limit=1, a=slot(blocked_until=NOW + 60 * SECOND))

    assert list(found.starts) == [UUID(int=3)]
    assert offsets(found.put_off) == [60, 62, 64]


def test_the_pace_is_what_operator_robots_and_answers_ask_for():
    """The slowest of them."""
    assert offsets(share(due("a", "a", page_delay=SECOND)).starts) == [0, 1]
    assert offsets(share(due("a", "a", page_delay=SECOND), a=slot(crawl_seconds=5.0)).starts) == [0, 5]
    assert offsets(share(due("a", "a", page_delay=SECOND), a=slot(answer_seconds=16.0)).starts) == [0, 4]


def test_sites_at_one_address_are_not_asked_at_once():
    """A shared host keeps a pace, too, though a quicker one."""
    found = share(due("a", "b", "c"), a=slot(address=SHARED), b=slot(address=SHARED))

    assert offsets(found.starts) == [0, 0.2, 0]
    assert found.paces.addresses == {SHARED: NOW + 0.4 * SECOND}


def test_a_site_that_is_slow_does_not_slow_its_neighbours_at_the_address():
    """Its later slots are its own affair; one request is counted for each."""
    found = share(due("a", "a", "a", "b"), a=slot(address=SHARED), b=slot(address=SHARED))

    assert offsets(found.starts) == [0, 2, 4, 0.6]


def test_an_address_that_is_taken_for_long_puts_its_sites_off():
    """As a site that is."""
    found = share(due("a"), a=slot(address=SHARED), addresses={SHARED: NOW + 2 * PATIENCE})

    assert offsets(found.put_off) == [20]


SITES = st.lists(st.sampled_from("abcd"), max_size=60)


@given(SITES, st.integers(1, 40), st.integers(1, 5), st.integers(-5, 30), st.integers(0, 40), st.booleans())
def test_no_host_gets_more_than_its_pace_and_its_share(sites, limit, room, ahead, answer, shared):
    """Starts of a site keep its delay, those at an address come no faster than its pace; none is beyond patience."""
    slots = {
        "a": slot(ahead),
        "b": slot(answer_seconds=float(answer), address=SHARED),
        "c": slot(address=SHARED if shared else None),
    }
    feeds = due(*sites)
    found = share(feeds, limit=limit, room=room, **slots)
    site = {each.feed_id: each.site for each in feeds}

    assert len(found.starts) <= limit
    assert not found.starts.keys() & found.put_off.keys()
    assert all(count <= room for count in Counter(site[each] for each in found.starts).values())
    assert all(NOW <= start <= NOW + PATIENCE for start in found.starts.values())
    assert all(until > NOW + PATIENCE for until in found.put_off.values())
    for name in "abcd":
        starts = [start for each, start in found.starts.items() if site[each] == name]
        least = max(DELAY, timedelta(seconds=answer / 4)) if name == "b" else DELAY
        assert all(later - earlier >= least for earlier, later in pairwise(starts))
    together = [start for each, start in found.starts.items() if site[each] in ("bc" if shared else "b")]
    assert all(start >= NOW + number * DEFAULT_POLICY.address_delay for number, start in enumerate(together))


@given(SITES, st.integers(1, 5))
def test_whoever_is_due_is_taken_put_off_or_left_for_want_of_room(sites, room):
    """With places for all, a site is refused only when it has no room left or no slot within our patience."""
    found = share(due(*sites), room=room)
    taken = Counter(each.site for each in due(*sites) if each.feed_id in found.starts)

    for name, count in Counter(sites).items():
        assert taken[name] == min(count, room, PATIENCE // DELAY + 1)
