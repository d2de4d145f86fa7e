"""Whether it is our own network that is away."""

from datetime import timedelta

from fakes import NOW, feed, settings
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.model import Feed
from services.fetcher.polling.outage import LEAST_SITES, TRY_EVERY, WINDOW, Network

SECOND = timedelta(seconds=1)


def a_feed(number):
    said = settings(f"https://site{number}.example/feed.xml")
    return feed(settings=said, feed_id=said.feed_id)


def failing(network, numbers, at=NOW):
    """The last that was forgiven of these sites' failures."""
    forgiven: tuple[Feed, ...] = ()
    for number in numbers:
        forgiven = network.unreached(f"site{number}.example", a_feed(number), at)
    return [each.settings.url for each in forgiven]


def test_twenty_sites_that_fail_at_once_are_our_own_network():
    """Those that failed before it was known are told, so that nothing is held against them."""
    network = Network()
    failing(network, range(LEAST_SITES - 1))
    assert not network.away

    forgiven = failing(network, [LEAST_SITES])
    assert network.away
    assert forgiven == [a_feed(number).settings.url for number in range(LEAST_SITES - 1)]


def test_one_site_that_fails_often_is_one_site():
    """However many of its feeds fail; all of them are forgiven when it was the network after all."""
    network = Network()
    for number in range(50):
        said = settings(f"https://news.example/{number}")
        network.unreached("news.example", feed(settings=said, feed_id=said.feed_id), NOW)
    assert not network.away

    assert len(failing(network, range(LEAST_SITES - 1))) == 50 + LEAST_SITES - 2


def test_as_many_sites_that_answer_are_a_network():
    """Half of them is not most."""
    network = Network()
    for number in range(20):
        network.reached(f"up{number}.example", NOW)
    failing(network, range(20))
    assert not network.away

    failing(network, [20])
    assert network.away


def test_failures_of_long_ago_say_nothing():
    """Sites fail on their own every day."""
    network = Network()
    failing(network, range(19))
    failing(network, [19], NOW + WINDOW + SECOND)

    assert not network.away


def test_a_site_that_answered_since_does_not_count_as_failing():
    """The last that was seen of it counts."""
    network = Network()
    failing(network, range(19))
    for number in range(11):
        network.reached(f"site{number}.example", NOW)
    failing(network, range(19, 21))

    assert not network.away


def test_while_the_network_is_away_one_feed_is_tried_now_and_then():
    """Enough to see when it is back; the others wait."""
    network = Network()
    assert network.admits(16, NOW) == 16
    failing(network, range(LEAST_SITES))

    admitted = [network.admits(16, NOW + wait) for wait in (SECOND, TRY_EVERY, TRY_EVERY + SECOND, 2 * TRY_EVERY)]
    assert admitted == [0, 1, 0, 1]


def test_the_first_answer_ends_it():
    """What failed meanwhile is no reason to think that it begins anew."""
    network = Network()
    failing(network, range(LEAST_SITES))
    assert (network.reached("up.example", NOW), network.away) == (True, False)
    assert network.reached("up.example", NOW) is False

    failing(network, range(LEAST_SITES - 2))
    assert not network.away


@given(st.lists(st.tuples(st.booleans(), st.integers(0, 60), st.integers(0, 30)), max_size=200))
def test_it_is_never_away_while_most_sites_answer(seen):
    """Whatever the order: most of at least twenty sites must have failed last, within two minutes."""
    network, now, last = Network(), NOW, {}
    for answers, number, seconds in seen:
        now += seconds * SECOND
        site = f"site{number}.example"
        if answers:
            network.reached(site, now)
        else:
            network.unreached(site, a_feed(number), now)
        last[site] = (now, answers)
        recent = [answered for at, answered in last.values() if now - at <= WINDOW]
        if network.away:
            assert not answers
            return
        assert len(recent) < LEAST_SITES or 2 * recent.count(False) <= len(recent)
