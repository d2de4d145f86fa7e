import pytest
from hypothesis import given
from hypothesis import strategies as st

from shared.topology import (
    ARTICLE_EVENTS,
    ARTICLE_HISTORY,
    RAW_DEAD,
    RAW_DLX,
    RAW_IN,
    RAW_KEY,
    RAW_RETRY,
    RAW_WORK,
    RETRY_TIERS,
    Binding,
    Exchange,
    Limits,
    Queue,
    Topology,
    topology,
)

WORDS = st.lists(st.sampled_from(["article", "published", "v1", "fr", "africa"]), min_size=1, max_size=6)


def bound(pattern: str) -> Topology:
    queue = Queue(name="q", bindings=(Binding(exchange="e", key=pattern),))
    return Topology(exchanges=(Exchange(name="e", kind="topic"),), queues=(queue,))


def names(queues: tuple[Queue, ...]) -> list[str]:
    return [queue.name for queue in queues]


@pytest.mark.parametrize(
    ("pattern", "key", "taken"),
    [
        ("article.#", "article.published.v1.fr.africa.sputniknews", True),
        ("article.#", "article", True),
        ("article.#", "articles.published", False),
        ("article.*.v1.fr.#", "article.updated.v1.fr.com.example", True),
        ("article.*.v1.fr.#", "article.updated.v1.en.com.example", False),
        ("article.published.v1.*.africa.#", "article.published.v1.und.africa.news.fr", True),
        ("article.published.v1.*.africa.#", "article.published.v1.africa.news", False),
        ("#.sport.#", "a.b.sport.c", True),
        ("#.sport.#", "a.b.c", False),
        ("*", "one", True),
        ("*", "one.two", False),
    ],
)
def test_topic_bindings_match_words_as_rabbitmq_does(pattern: str, key: str, taken: bool) -> None:
    """`*` takes exactly one word and `#` any number of them, also none."""
    assert (["q"] if taken else []) == names(bound(pattern).routes("e", key))


@given(words=WORDS, at=st.data())
def test_hash_matches_whatever_it_replaces(words: list[str], at: st.DataObject) -> None:
    """Replacing any stretch of a key by `#` gives a pattern that takes the key."""
    start = at.draw(st.integers(0, len(words)))
    end = at.draw(st.integers(start, len(words)))
    pattern = ".".join([*words[:start], "#", *words[end:]])

    assert names(bound(pattern).routes("e", ".".join(words))) == ["q"]


@given(words=WORDS, at=st.data())
def test_a_star_never_bridges_two_words(words: list[str], at: st.DataObject) -> None:
    """A pattern of stars takes a key exactly when both have the same number of words."""
    stars = at.draw(st.integers(1, 6))

    assert (["q"] if stars == len(words) else []) == names(bound(".".join("*" * stars)).routes("e", ".".join(words)))


def test_direct_exchanges_take_only_their_own_keys() -> None:
    """Pages go to the work queue, dead letters to the quarantine, each retry to the tier it names."""
    full = topology()

    assert names(full.routes(RAW_IN, RAW_KEY)) == [RAW_WORK]
    assert names(full.routes(RAW_DLX, RAW_KEY)) == [RAW_DEAD]
    assert [[tier.queue] for tier in RETRY_TIERS] == [names(full.routes(RAW_RETRY, tier.name)) for tier in RETRY_TIERS]
    assert names(full.routes(RAW_IN, "pages")) == []


def test_every_article_event_reaches_the_history_and_a_misspelt_key_nothing() -> None:
    """The history takes `article.#`; a key outside it is unroutable, so that it raises instead of vanishing."""
    full = topology()

    assert names(full.routes(ARTICLE_EVENTS, "article.published.v1.fr.africa.sputniknews.fr")) == [ARTICLE_HISTORY]
    assert names(full.routes(ARTICLE_EVENTS, "artcle.published.v1.fr.africa")) == []


def test_an_unknown_exchange_routes_nowhere() -> None:
    """An exchange that is not declared has no routes, even if a binding names it."""
    assert names(Topology(exchanges=(), queues=bound("#").queues).routes("e", "k")) == []


def test_nothing_has_an_alternate_exchange_and_every_binding_has_its_exchange() -> None:
    """Bindings and dead-letter targets name declared exchanges only."""
    full = topology()
    declared = {exchange.name for exchange in full.exchanges}
    named = {binding.exchange for queue in full.queues for binding in queue.bindings}
    targets = {
        str(q.arguments["x-dead-letter-exchange"]) for q in full.queues if "x-dead-letter-exchange" in q.arguments
    }

    assert set() == (named | targets) - declared


def test_each_tier_waits_as_long_as_it_says() -> None:
    """The time-to-live of a retry queue is its tier's delay, and it ends in the work queue again."""
    queues = {queue.name: queue for queue in topology().queues}

    for tier in RETRY_TIERS:
        arguments = queues[tier.queue].arguments
        assert tier.delay_seconds * 1000 == arguments["x-message-ttl"]
        target, key = arguments["x-dead-letter-exchange"], arguments["x-dead-letter-routing-key"]
        assert names(topology().routes(str(target), str(key))) == [RAW_WORK]


def test_limits_set_the_disk_budgets() -> None:
    """Operators' limits arrive in the arguments of the queues they are for."""
    limits = Limits(raw_work_bytes=1, raw_dead_bytes=2, history_bytes=3, history_age="7D")
    arguments = {queue.name: queue.arguments for queue in topology(limits).queues}

    assert arguments[RAW_WORK]["x-max-length-bytes"] == 1
    assert arguments[RAW_DEAD]["x-max-length-bytes"] == 2
    assert (arguments[ARTICLE_HISTORY]["x-max-length-bytes"], arguments[ARTICLE_HISTORY]["x-max-age"]) == (3, "7D")
