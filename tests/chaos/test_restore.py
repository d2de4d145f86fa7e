"""A backup that was made at work is restored: what was said since, and what lies in the queues, is newer than it."""

import asyncio
import json
import sqlite3
from collections.abc import Iterable
from contextlib import closing
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import pytest
from chaos.by_hand import ByHand, Event, by_hand
from chaos.casting import Way
from chaos.fixtures import OpenStage
from chaos.small_site import SmallSite, served
from chaos.stage import Stage
from chaos.test_upgrade import as_shown, final, said_twice, told
from console_command import fildactu
from postgres_cluster import PostgresCluster

from shared.broker import apply_topology, connect
from shared.envelope import Message
from shared.events import CONTENT_TYPE, routing_key
from shared.lifecycle import Stop, answered
from shared.topology import ARTICLE_EVENTS, topology


@dataclass(frozen=True, slots=True, kw_only=True)
class Store:
    """A store that can be backed up while it is used, and brought back to its backup."""

    url: str
    backup: Path
    cluster: PostgresCluster | None

    def back_up(self) -> None:
        if self.cluster is not None:
            self.cluster.backup(self.url, self.backup)
            return
        with closing(sqlite3.connect(self.file)) as connection:
            connection.execute("VACUUM INTO ?", (str(self.backup),))

    def restore(self) -> None:
        if self.cluster is not None:
            self.cluster.restore(self.backup, self.url)
            return
        # Into the file that is there: whoever reads along has it open.
        with closing(sqlite3.connect(self.backup)) as kept, closing(sqlite3.connect(self.file)) as lost:
            kept.backup(lost)

    @property
    def file(self) -> str:
        return self.url.removeprefix("sqlite:///")


@pytest.fixture
def store(store_url: str, tmp_path: Path, request: pytest.FixtureRequest) -> Store:
    cluster = None if store_url.startswith("sqlite") else request.getfixturevalue("postgres_cluster")
    return Store(url=store_url, backup=tmp_path / "backup", cluster=cluster)


async def until_lost(hand: ByHand, store: Store, site: SmallSite) -> None:
    """A backup is made, the pipeline goes on, and the store is lost."""
    site.publish("quiet", "corrected", "corrected-twice", "there-and-back", "withdrawn", "returned", "overtaken")
    await hand.round()
    store.back_up()
    for name in ("corrected", "corrected-twice", "there-and-back", "returned"):
        site.correct(name, "second")
    site.publish("new", "new-and-corrected")
    await hand.round()
    site.correct("corrected-twice", "third")
    site.correct("new-and-corrected", "second")
    site.withdraw("withdrawn")
    site.withdraw("returned")
    await hand.round()
    await hand.round()
    site.correct("overtaken", "second")
    site.publish("queued", "queued-and-corrected")
    await hand.poll()
    await hand.visit()


def meanwhile(site: SmallSite) -> None:
    """What the site does before the services are back."""
    site.correct("corrected", "third")
    site.correct("corrected-twice", "fourth")
    site.correct("there-and-back", "as first printed")
    site.publish("returned")
    site.correct("returned", "third")
    site.correct("new-and-corrected", "third")
    site.correct("overtaken", "third")
    site.correct("queued-and-corrected", "second")
    site.publish("since")


async def go_on(hand: ByHand, site: SmallSite) -> None:
    for _ in range(3):
        await hand.round()
    site.correct("corrected", "last")
    site.correct("new", "last")
    for _ in range(2):
        await hand.round()


async def test_nothing_is_lost_and_nothing_said_anew_after_a_restore(store: Store, tmp_path: Path) -> None:
    """With what was said since the backup learned, every article's newest revision is what the site shows.

    No id is given to two contents, and no content that was said gets another id.
    """
    site = SmallSite()
    async with served(site) as port:
        async with by_hand(store.url, port) as before:
            await until_lost(before, store, site)
        store.restore()
        meanwhile(site)
        done = await learn(store, before.queues.said, tmp_path)
        async with by_hand(store.url, port, before.queues) as after:
            await go_on(after, site)

    assert done == "17 events read, 10 learned, 1 lines that are no events\n"
    said = after.queues.said
    assert final(said) == as_shown(site) | {"withdrawn": None}
    assert (said_twice(said), two_contents(said), said_anew(said)) == ([], [], [])
    assert len({event["id"] for event in said}) == len(said)


@pytest.mark.long
async def test_without_what_was_said_since_corrections_are_lost(store: Store) -> None:
    """The fault that the command is for: ids and numbers of the lost store are given out once more."""
    site = SmallSite()
    async with served(site) as port:
        async with by_hand(store.url, port) as before:
            await until_lost(before, store, site)
        store.restore()
        meanwhile(site)
        async with by_hand(store.url, port, before.queues) as after:
            await go_on(after, site)

    assert two_contents(after.queues.said) != []
    assert final(after.queues.said) != as_shown(site) | {"withdrawn": None}


@pytest.mark.long
async def test_learning_again_changes_nothing(store: Store, tmp_path: Path) -> None:
    """A command that was interrupted is run again."""
    site = SmallSite()
    async with served(site) as port, by_hand(store.url, port) as before:
        await until_lost(before, store, site)
    store.restore()

    outputs = [await learn(store, before.queues.said, tmp_path) for _ in range(2)]

    assert [output.split(", ")[1] for output in outputs] == ["10 learned", "0 learned"]


@pytest.mark.long
@pytest.mark.rabbitmq
async def test_what_was_said_is_read_from_the_stream(store: Store, rabbitmq_url: str, tmp_path: Path) -> None:
    """With a broker no file is needed: its history has every event since the backup, and more."""
    site = SmallSite()
    async with served(site) as port, by_hand(store.url, port) as before:
        await until_lost(before, store, site)
    store.restore()
    await apply_topology(rabbitmq_url, topology())
    async with connect(rabbitmq_url, topology()) as broker:
        await answered("broker", broker.ping, Stop())
        for said in before.queues.said:
            await broker.publish(ARTICLE_EVENTS, key_of(said), as_message(said))

    urls = {"FILDACTU_STORE_URL": store.url, "FILDACTU_BROKER_URL": rabbitmq_url}
    done = await fildactu("restored", cwd=tmp_path, env=urls)

    assert (done.code, done.out) == (0, "17 events read, 10 learned, 0 lines that are no events\n"), done.err


@pytest.mark.long
@pytest.mark.parametrize("way", ["stack", "embedded"])
async def test_services_go_on_from_a_backup(
    open_stage: OpenStage, way: Way, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """Backed up at work, killed at work, restored, told what was said: the accounting finds nothing amiss."""
    async with open_stage(way) as stage:
        store = kept(stage, tmp_path, request)
        await stage.start()
        dispatches = [stage.wire.publish() for _ in range(12)]
        await stage.arrived(6)
        await asyncio.to_thread(store.back_up)
        await stage.arrived(12)
        for dispatch in dispatches[:6]:
            stage.wire.correct(dispatch)
        stage.wire.withdraw(dispatches[11])
        dispatches += [stage.wire.publish() for _ in range(4)]
        await stage.settled()
        for dispatch in dispatches[3:9]:
            stage.wire.correct(dispatch)
        dispatches += [stage.wire.publish() for _ in range(4)]
        await stage.arrived(25)
        await asyncio.gather(*(service.kill_for_good() for service in stage.services))
        await asyncio.to_thread(store.restore)
        stage.faults.append("store restored from a backup")
        for dispatch in dispatches[6:10]:
            stage.wire.correct(dispatch)
        await learn_all(stage, tmp_path)
        await stage.start()
        await stage.settled()
        for dispatch in (dispatches[0], *dispatches[-2:]):
            stage.wire.correct(dispatch)
        await stage.settled()
        await stage.account(window="killed and restored from a backup")


def kept(stage: Stage, folder: Path, request: pytest.FixtureRequest) -> Store:
    cluster = request.getfixturevalue("postgres_cluster") if stage.way == "stack" else None
    return Store(url=stage.store_url, backup=folder / "backup", cluster=cluster)


async def learn_all(stage: Stage, folder: Path) -> None:
    urls = {"FILDACTU_STORE_URL": stage.store_url, "FILDACTU_BROKER_URL": stage.broker_url}
    events = ("--events", str(stage.ground.output)) if stage.way == "embedded" else ()
    done = await fildactu("restored", *events, cwd=folder, env=urls)
    assert done.code == 0, done.err


async def learn(store: Store, said: Iterable[Event], folder: Path) -> str:
    """What the command says; the last line of its file is that of a process that was killed."""
    lines = [json.dumps(event) for event in said]
    (folder / "said.jsonl").write_text("\n".join([*lines, lines[-1][:100]]))
    done = await fildactu("restored", "--events", "said.jsonl", cwd=folder, env={"FILDACTU_STORE_URL": store.url})
    assert done.code == 0, done.err
    return done.out


def as_message(event: Event) -> Message:
    return Message(
        body=json.dumps(event).encode(), message_id=event["id"], kind=event["type"], content_type=CONTENT_TYPE
    )


def key_of(event: Event) -> str:
    data = event["data"]
    return routing_key(told(event)[0], data["language"]["code"], data["site"]["host"])


def two_contents(said: Iterable[Event]) -> list[str]:
    """Ids that were given to more than one content."""
    contents: dict[str, set[str | None]] = {}
    for event in said:
        contents.setdefault(event["id"], set()).add(event["data"]["text"])
    return [event_id for event_id, texts in contents.items() if len(texts) > 1]


def said_anew(said: Iterable[Event]) -> list[tuple[str, str]]:
    """Events under an id of their own that say what the revision before them said."""
    revisions = {(event["data"]["article_id"], event["data"]["revision"]): event for event in said}
    in_order = [revisions[each] for each in sorted(revisions)]
    return [
        told(event)
        for before, event in pairwise(in_order)
        if before["data"]["article_id"] == event["data"]["article_id"]
        and before["data"]["text"] == event["data"]["text"]
    ]
