"""The whole stack, from `docker compose up` to a subscriber's queue, against the sample newsroom and nothing else."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

import aio_pika
import pytest
from aio_pika.abc import AbstractChannel
from aiormq.exceptions import ChannelAccessRefused
from stack.compose import NO_ENGINE, Service, Stack, engine_answers
from stack.subscriber import (
    Event,
    Seen,
    connected,
    lacking,
    read_expected,
    read_history,
    subscribe,
    until,
)

pytestmark = [pytest.mark.stack, pytest.mark.timeout(1500)]

OURS = ("fetcher", "processor")
ONE_SHOT = ("broker-users", "migrate", "demo-feeds")
LASTING = Counter({"rabbitmq": 1, "postgres": 1, "newsroom": 1, "fetcher": 2, "processor": 2})
ARRIVAL_SECONDS = 240


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """What the newsroom's script foretells, and what came to the queue by the end of its last edition."""

    expected: tuple[Seen, ...]
    received: tuple[Event, ...]
    services: tuple[Service, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is left after fetchers and processors were told to stop."""

    services: tuple[Service, ...]
    history: tuple[Event, ...]


@pytest.fixture(scope="module")
def stack(request: pytest.FixtureRequest) -> Iterator[Stack]:
    if not engine_answers():
        pytest.skip(NO_ENGINE)
    stack = Stack.fresh()
    stack.down()
    failed_before = request.session.testsfailed
    try:
        started = False
        stack.up("fetcher", "processor", "broker-users")
        started = True
        yield stack
    finally:
        if not started or request.session.testsfailed > failed_before:
            _show(request.config, stack.last_words())
        stack.down()


@pytest.fixture(scope="module")
def reading(stack: Stack) -> Reading:
    return asyncio.run(_follow(stack))


@pytest.fixture(scope="module")
def ending(stack: Stack, reading: Reading) -> Ending:
    stack.stop(*OURS)
    history = asyncio.run(read_history(_url(stack), at_least=len(reading.expected), idle_seconds=2))
    return Ending(services=stack.services(), history=tuple(history))


def test_every_event_of_the_script_arrives(reading):
    """A queue bound to `article.#` gets exactly the events that the newsroom's script foretells, whoever fetched."""
    assert list(reading.expected) == sorted(event.seen for event in reading.received)


def test_no_event_has_two_ids(reading):
    """One revision of one article is one event: there are as many ids as there are revisions."""
    revisions = {(event.article_id, event.seen.revision) for event in reading.received}

    assert len(revisions) == len({event.id for event in reading.received})


def test_services_are_healthy(reading):
    """Everything that lasts is running and healthy; everything that is done once has ended well."""
    lasting = [each for each in reading.services if each.name not in ONE_SHOT]
    once = [each for each in reading.services if each.name in ONE_SHOT]

    assert Counter(each.name for each in lasting) == LASTING
    assert {(each.state, each.health) for each in lasting} == {("running", "healthy")}
    assert sorted((each.name, each.state, each.exit_code) for each in once) == sorted(
        (name, "exited", 0) for name in ONE_SHOT
    )


@pytest.mark.parametrize("service", [*OURS, "newsroom"])
def test_containers_are_not_root(stack, reading, service):
    """Our images run as a user that is not root, on a file system that cannot be written to."""
    attempt = "import os; print(os.getuid() != 0, os.access('/app', os.W_OK), os.access('/tmp', os.W_OK))"

    assert stack.inside(service, "python", "-c", attempt).strip() == "True False True"


def test_metrics_are_served(stack, reading):
    """A service shows its own counters beside health."""
    ask = "import urllib.request as r; print(r.urlopen('http://127.0.0.1:8080/metrics', timeout=5).read().decode())"

    for service in OURS:
        assert "fildactu_" in stack.inside(service, "python", "-c", ask), service


def test_a_subscriber_cannot_reach_the_work_queues(stack, reading):
    """The subscribers' account neither reads pages nor publishes, nor redirects pages to a queue of its own."""

    async def take(channel: AbstractChannel) -> None:
        await (await channel.get_queue("raw.work", ensure=False)).get(fail=False)

    async def publish(channel: AbstractChannel) -> None:
        exchange = await channel.get_exchange("article.events", ensure=False)
        await exchange.publish(aio_pika.Message(b"{}"), routing_key="article.published.v1.fr.example")

    async def tap(channel: AbstractChannel) -> None:
        queue = await channel.declare_queue("sub.tap", exclusive=True)
        await queue.bind("raw.in", "page")

    for forbidden in (take, publish, tap):
        assert asyncio.run(_refused(stack, forbidden)), forbidden.__name__


@pytest.mark.parametrize("service", OURS)
def test_logs_are_json_and_warn_of_default_passwords(stack, reading, service):
    """Each line is a JSON object with an event, a level and a time; local passwords are warned of once at start."""
    lines = [json.loads(line) for line in stack.logs(service)]
    warned = [line["setting"] for line in lines if line["event"] == "default_credentials"]

    assert [line for line in lines if not {"event", "level", "timestamp", "service"} <= line.keys()] == []
    assert Counter(warned) == Counter({"broker_url": 2, "store_url": 2})


def test_sigterm_ends_cleanly(ending):
    """Told to stop, every fetcher and processor ends with status 0 within the grace period."""
    stopped = [(each.name, each.state, each.exit_code) for each in ending.services if each.name in OURS]

    assert sorted(stopped) == sorted((name, "exited", 0) for name in OURS * 2)


def test_history_holds_the_same_events(reading, ending):
    """The stream, read from its first event after all work has ended, has the events of the queue and no other."""
    assert list(reading.expected) == sorted({event.seen for event in ending.history})
    assert {event.id for event in reading.received} == {event.id for event in ending.history}


def _show(config: pytest.Config, logs: str) -> None:
    capture = config.pluginmanager.getplugin("capturemanager")
    with capture.global_and_fixture_disabled():
        sys.stderr.write(f"\nThe end of the stack's logs:\n{logs}\n")


async def _follow(stack: Stack) -> Reading:
    """Subscribe, open the newsroom, and turn to its next edition whenever all that is expected so far has come."""
    received: list[Event] = []
    await _ready(stack)
    async with connected(_url(stack)) as channel:
        await subscribe(channel, received)
        await asyncio.to_thread(stack.up)
        while True:
            expected = read_expected(await asyncio.to_thread(stack.newsroom, "/expected.json"))
            await _arrival(expected, received)
            if not (await asyncio.to_thread(stack.newsroom, "/advance", "POST"))["advanced"]:
                return Reading(expected=expected, received=tuple(received), services=stack.services())


async def _ready(stack: Stack) -> None:
    def done() -> bool:
        services = stack.services()
        users = [each for each in services if each.name == "broker-users"]
        ours = [each for each in services if each.name in OURS]
        return all(each.state == "exited" for each in users) and {each.health for each in ours} == {"healthy"}

    await until(done, seconds=ARRIVAL_SECONDS, why=lambda: f"{stack.services()}")


async def _arrival(expected: tuple[Seen, ...], received: list[Event]) -> None:
    await until(
        lambda: not lacking(expected, received),
        seconds=ARRIVAL_SECONDS,
        why=lambda: f"{len(received)} events came, these did not: {lacking(expected, received)}",
    )


async def _refused(stack: Stack, attempt: Callable[[AbstractChannel], Coroutine[Any, Any, None]]) -> bool:
    async with connected(_url(stack)) as channel:
        try:
            await attempt(channel)
        except ChannelAccessRefused:
            return True
    return False


def _url(stack: Stack) -> str:
    return f"amqp://subscriber:fildactu-local@127.0.0.1:{stack.environment['RABBITMQ_PORT']}/"
