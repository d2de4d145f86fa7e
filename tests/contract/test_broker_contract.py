"""What both brokers promise, on each of them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from broker_traffic import (
    Inbox,
    consuming,
    eventually,
    not_consumed,
    page,
    send,
    sending,
    until_consuming,
    until_not_consuming,
)
from quick_topology import quick_topology, subscriber_queue

from shared.broker import apply_topology, connect
from shared.broker.protocols import Broker, Delivery, Unroutable
from shared.delivery import Ack, DeadLetter, Pause, Retry, Verdict
from shared.errors import PermanentError, StoreUnavailable, TransientError
from shared.topology import (
    ARTICLE_EVENTS,
    RAW_DEAD,
    RAW_IN,
    RAW_KEY,
    RAW_WORK,
    RETRY_TIERS,
    Binding,
    Topology,
)

pytestmark = pytest.mark.timeout(60)


@pytest.fixture(params=["inprocess", pytest.param("rabbitmq", marks=pytest.mark.rabbitmq)])
def broker_url(request: pytest.FixtureRequest) -> str:
    return "inprocess:" if request.param == "inprocess" else str(request.getfixturevalue("rabbitmq_url"))


@asynccontextmanager
async def broker_at(url: str, topology: Topology | None = None, *, grace_seconds: float = 5) -> AsyncIterator[Broker]:
    declared = topology or quick_topology()
    await apply_topology(url, declared)
    async with connect(url, declared, grace_seconds=grace_seconds) as broker:
        yield broker


async def test_a_confirmed_publish_is_handled_as_it_was_sent(broker_url: str) -> None:
    """Body, identity, type, encoding, correlation and headers arrive unchanged, at the first attempt."""
    sent = replace(
        page(body=b"\x28\xb5\x2f\xfd\x00"),
        content_encoding="zstd",
        correlation_id="entry-7",
        headers={"traceparent": "00-1-2-01", "x-observation": 3},
    )
    inbox = Inbox()
    async with broker_at(broker_url) as broker, consuming(broker, RAW_WORK, inbox):
        await send(broker, sent)
        await inbox.holds(1)

    assert [Delivery(message=sent, routing_key=RAW_KEY, attempt=1, redelivered=False)] == inbox.deliveries


async def test_a_key_that_no_queue_takes_is_unroutable(broker_url: str) -> None:
    """A wrong key raises; it is never confirmed and dropped."""
    async with broker_at(broker_url) as broker:
        with pytest.raises(Unroutable):
            await broker.publish(RAW_IN, "pages", page())


async def test_a_missing_exchange_is_unroutable_and_disturbs_nobody(broker_url: str) -> None:
    """Publishes to other exchanges go on beside ones to an exchange that does not exist."""
    inbox = Inbox()
    async with broker_at(broker_url) as broker, consuming(broker, RAW_WORK, inbox, concurrency=4):
        results = await asyncio.gather(
            *(broker.publish("no.such.exchange", RAW_KEY, page(f"lost-{n}")) for n in range(5)),
            *(send(broker, page(n)) for n in range(20)),
            return_exceptions=True,
        )
        await inbox.holds(20)

    assert [Unroutable] * 5 + [type(None)] * 20 == [type(result) for result in results]
    assert {f"page-{n}" for n in range(20)} == set(inbox.ids)


async def test_a_dead_letter_arrives_in_the_quarantine_with_its_reason(broker_url: str) -> None:
    """The quarantined copy is the message itself with reason, detail, stage, attempt and time."""
    before = datetime.now(UTC)
    sent = replace(page(), headers={"traceparent": "00-1-2-01"})
    dead = Inbox()
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, Inbox(DeadLetter("not_html", "image/png"))),
    ):
        await send(broker, sent)
        await dead.holds(1)

    headers = dict(dead.deliveries[0].message.headers)
    failed_at = datetime.fromisoformat(str(headers.pop("x-failed-at")))
    assert before <= failed_at <= datetime.now(UTC)
    assert headers == {
        "traceparent": "00-1-2-01",
        "x-attempt": 1,
        "x-reason": "not_html",
        "x-detail": "image/png",
        "x-stage": RAW_WORK,
    }
    assert replace(sent, headers={}) == replace(dead.deliveries[0].message, headers={})


async def test_a_long_detail_is_clipped(broker_url: str) -> None:
    """A detail of any length fits into a header: at most one kilobyte, cut between characters."""
    dead = Inbox()
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, Inbox(PermanentError("not_html", "é" * 200_000))),
    ):
        await send(broker, page())
        await dead.holds(1)

    assert dead.deliveries[0].message.headers["x-detail"] == "é" * 512


async def test_a_retry_comes_again_one_attempt_later(broker_url: str) -> None:
    """The same message is handled again with the next attempt number, through each tier."""
    tiers = [Retry(tier, "busy") for tier in RETRY_TIERS]
    inbox = Inbox(*tiers)
    async with broker_at(broker_url) as broker, consuming(broker, RAW_WORK, inbox), sending(broker, page()):
        await inbox.holds(4)

    assert inbox.attempts == [1, 2, 3, 4]
    assert {"page-1"} == set(inbox.ids)
    assert {b"<p>page</p>"} == {delivery.message.body for delivery in inbox.deliveries}


async def test_an_unexpected_error_is_retried_boundedly_and_then_quarantined(broker_url: str) -> None:
    """A bug in a handler costs one message a fixed number of attempts, and its consumer nothing."""
    inbox, dead = Inbox(*(KeyError("title") for _ in range(4))), Inbox()
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, inbox),
        sending(broker, page()),
    ):
        await dead.holds(1)
        await send(broker, page("next"))
        await inbox.holds(5)

    assert inbox.attempts == [1, 2, 3, 4, 1]
    headers = dead.deliveries[0].message.headers
    assert (
        headers["x-reason"],
        headers["x-detail"],
        dead.deliveries[0].attempt,
    ) == ("unexpected_error", "KeyError('title')", 4)


async def test_a_transient_error_is_retried_and_a_permanent_one_quarantined(broker_url: str) -> None:
    """Errors raised by a handler become the verdicts that the delivery rules give them."""
    inbox, dead = Inbox(TransientError("timeout"), PermanentError("not_html")), Inbox()
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, inbox),
        sending(broker, page()),
    ):
        await dead.holds(1)

    assert inbox.attempts == [1, 2]
    assert [delivery.message.headers["x-reason"] for delivery in dead.deliveries] == ["not_html"]


async def test_a_pause_takes_nothing_more_until_ready_and_loses_nothing(broker_url: str) -> None:
    """While the store is away no message is handled; when it answers, every one is, at its first attempt."""
    store_is_up = True
    asked, done, handled_while_down, refused = 0, set[str](), 0, False

    async def ready() -> None:
        nonlocal asked, store_is_up
        asked += 1
        store_is_up = asked > 2
        if not store_is_up:
            raise StoreUnavailable("refused")

    async def handler(delivery: Delivery) -> Verdict:
        nonlocal store_is_up, handled_while_down, refused
        if len(done) == 3 and not refused:
            refused, store_is_up = True, False
            raise StoreUnavailable("refused")
        handled_while_down += not store_is_up
        done.add(delivery.message.message_id)
        assert delivery.attempt == 1
        return Ack()

    everything = {f"page-{n}" for n in range(10)}
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_WORK, handler, ready=ready),
        sending(broker, *(page(n) for n in range(10))),
    ):
        await eventually(lambda: done == everything, f"all handled: {done}")

    assert (asked, handled_while_down) == (3, 0)


async def test_article_events_reach_the_queues_whose_patterns_take_their_keys(broker_url: str) -> None:
    """Subscribers by language and by domain get exactly the events they asked for."""
    french = subscriber_queue("french", Binding(exchange=ARTICLE_EVENTS, key="article.*.v1.fr.#"))
    african = subscriber_queue("african", Binding(exchange=ARTICLE_EVENTS, key="article.published.v1.*.africa.#"))
    keys = [
        "article.published.v1.fr.africa.example",
        "article.updated.v1.fr.com.example",
        "article.published.v1.en.africa.example",
        "article.published.v1.en.com.example",
    ]
    of_french, of_african = Inbox(), Inbox()
    async with (
        broker_at(broker_url, quick_topology(french, african)) as broker,
        consuming(broker, "french", of_french),
        consuming(broker, "african", of_african),
    ):
        await eventually(lambda: broker.state == "connected" or broker_url == "inprocess:", "connected")
        for key in keys:
            await broker.publish(ARTICLE_EVENTS, key, page(key))
        with pytest.raises(Unroutable):
            await broker.publish(ARTICLE_EVENTS, "artikel.published.v1.fr.africa.example", page())
        await of_french.holds(2)
        await of_african.holds(2)

    assert keys[:2] == [delivery.routing_key for delivery in of_french.deliveries]
    assert [keys[0], keys[2]] == [delivery.routing_key for delivery in of_african.deliveries]


async def test_no_more_than_the_agreed_number_is_in_flight(broker_url: str) -> None:
    """Handlers run side by side up to the concurrency, and never beyond it."""
    active, most, done = 0, 0, 0
    release = asyncio.Event()

    async def handler(delivery: Delivery) -> Verdict:
        nonlocal active, most, done
        active += 1
        most = max(most, active)
        await release.wait()
        active -= 1
        done += 1
        return Ack()

    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_WORK, handler, concurrency=3),
        sending(broker, *(page(n) for n in range(12))),
    ):
        await eventually(lambda: active == 3, "three in flight")
        release.set()
        await eventually(lambda: done == 12, "all handled")

    assert most == 3


async def test_cancellation_lets_what_is_in_flight_finish(broker_url: str) -> None:
    """A handler at work when consuming is cancelled ends normally, and its message does not come again."""
    started, release = asyncio.Event(), asyncio.Event()
    finished: list[str] = []

    async def slow(delivery: Delivery) -> Verdict:
        started.set()
        await release.wait()
        finished.append(delivery.message.message_id)
        return Ack()

    later = Inbox()
    async with broker_at(broker_url) as broker:
        async with consuming(broker, RAW_WORK, slow) as task, sending(broker, page("slow")):
            await started.wait()
            task.cancel()
            ended, _ = await asyncio.wait([task], timeout=0.2)
            assert set() == ended
            release.set()
            await asyncio.wait([task])
        async with consuming(broker, RAW_WORK, later):
            await send(broker, page("later"))
            await later.holds(1)

    assert (finished, later.ids) == (["page-slow"], ["page-later"])


async def test_what_is_not_finished_within_the_grace_period_is_handed_back(broker_url: str) -> None:
    """A handler that does not end is cancelled, and another consumer gets its message."""
    started = asyncio.Event()
    torn: list[str] = []

    async def stuck(delivery: Delivery) -> Verdict:
        started.set()
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            torn.append(delivery.message.message_id)
            raise
        return Ack()

    later = Inbox()
    async with broker_at(broker_url, grace_seconds=0.1) as broker, sending(broker, page("stuck")):
        async with consuming(broker, RAW_WORK, stuck):
            await started.wait()
        async with consuming(broker, RAW_WORK, later):
            await later.holds(1)

    assert (torn, later.ids) == (["page-stuck"], ["page-stuck"])


async def test_a_repeat_keeps_its_id(broker_url: str) -> None:
    """A message published twice at once is confirmed twice and handled under one id."""
    inbox = Inbox()
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_WORK, inbox, concurrency=2),
        sending(broker, page(), page()),
    ):
        await inbox.holds(2)

    assert inbox.ids == ["page-1", "page-1"]


async def test_the_quarantine_keeps_what_its_consumer_cannot_take(broker_url: str) -> None:
    """A failing drain of the quarantine tries the same message again; it never moves on or gets lost."""
    dead = Inbox(KeyError("bug"), DeadLetter("no"), Pause("refused"))
    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_DEAD, dead),
        consuming(broker, RAW_WORK, Inbox(*(DeadLetter("not_html") for _ in range(9)))),
        sending(broker, page()),
    ):
        await dead.holds(4)

    assert dead.ids == ["page-1"] * 4
    assert {"not_html"} == {delivery.message.headers["x-reason"] for delivery in dead.deliveries}


async def test_a_broker_with_its_consumer_is_ready(broker_url: str) -> None:
    """Once messages can be published and consumed, the broker says so."""
    async with broker_at(broker_url) as broker, consuming(broker, RAW_WORK, Inbox()):
        await eventually(lambda: broker.state == "connected", "connected")
        await broker.ping()


async def test_whether_a_queue_is_consumed_can_be_asked(broker_url: str) -> None:
    """Not before a consumer has it, not while that one waits for its store, and not after it has gone."""
    up = asyncio.Event()

    async def ready() -> None:
        if not up.is_set():
            raise StoreUnavailable("refused")

    async with broker_at(broker_url) as broker:
        assert await not_consumed(broker, RAW_WORK) == f"not_consuming {RAW_WORK}"
        async with consuming(broker, RAW_WORK, Inbox(Pause("refused")), ready=ready):
            await until_consuming(broker, RAW_WORK)
            assert await not_consumed(broker, RAW_WORK, RAW_DEAD) == f"not_consuming {RAW_DEAD}"
            async with sending(broker, page()):
                await until_not_consuming(broker, RAW_WORK)
                up.set()
                await until_consuming(broker, RAW_WORK)
        assert await not_consumed(broker, RAW_WORK) == f"not_consuming {RAW_WORK}"


async def test_a_consumer_that_takes_no_more_is_not_consuming(broker_url: str) -> None:
    """Even while it still finishes what it has in hand."""
    started, release, up = asyncio.Event(), asyncio.Event(), asyncio.Event()
    handled: list[str] = []

    async def handler(delivery: Delivery) -> Verdict:
        if delivery.message.message_id == "page-refused" and not up.is_set():
            return Pause("refused")
        started.set()
        await release.wait()
        handled.append(delivery.message.message_id)
        return Ack()

    async def ready() -> None:
        if not up.is_set():
            raise StoreUnavailable("refused")

    async with (
        broker_at(broker_url) as broker,
        consuming(broker, RAW_WORK, handler, concurrency=2, ready=ready),
        sending(broker, page("slow")),
    ):
        await started.wait()
        async with sending(broker, page("refused")):
            await until_not_consuming(broker, RAW_WORK)
            assert handled == []
            up.set()
            release.set()
            await eventually(lambda: set(handled) == {"page-slow", "page-refused"}, "both handled")


async def test_other_schemes_are_refused_without_telling_the_password() -> None:
    """A URL that names no known broker is an error that does not repeat the credentials in it."""
    with pytest.raises(ValueError, match="unknown broker scheme 'redis'") as caught:
        await apply_topology("redis://user:secret@host", quick_topology())

    assert "secret" not in str(caught.value)
