"""The outbox and the quarantine, on both stores."""

import asyncio
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import timedelta
from uuid import uuid4

import pytest
from fakes import Publisher, delivery, event, ids, raw_page
from sqlalchemy import func, select

from services.processor.model import Revised
from services.processor.outbox import Outbox
from services.processor.quarantine import REDRIVEN_HEADER, REDRIVES, Quarantine
from services.processor.store import ProcessorStore
from services.processor.tables import inbox, outbox, quarantine
from shared import statements
from shared.broker.protocols import ATTEMPT_HEADER, DETAIL_HEADER, REASON_HEADER
from shared.database import Connection, Database, clock
from shared.delivery import Ack
from shared.envelope import Message
from shared.events import ArticleEvent
from shared.outcomes import entry_outcomes

OVER = timedelta(seconds=-1)
ALL = 1000


async def publish(database: Database, *events: ArticleEvent) -> None:
    revised = Revised(text_hash="t", headline_hash="h", page_hash="p", extractor="test/1", withdrawn=False)
    for each in events:
        async with ProcessorStore(database).begin() as ledger:
            await ledger.publish(each, raw_page(), revised)


async def test_events_are_taken_oldest_first_with_the_message_they_were_stored_with(database: Database) -> None:
    """Body, headers and id come back byte for byte."""
    events = [event() for _ in range(3)]
    await publish(database, *events)
    _, taken = await Outbox(database).take(2)

    assert [each.message() for each in events[:2]] == [each.message for each in taken]
    assert [each.routing_key for each in events[:2]] == [each.routing_key for each in taken]


async def test_a_confirmed_event_is_not_taken_again(database: Database) -> None:
    """Its body stays for republishing."""
    await publish(database, event(), event())
    works = Outbox(database)
    token, (first, second) = await works.take(ALL)
    await works.confirm(token, [first.event_id, second.event_id])

    assert ([], 0, timedelta(0)) == ((await works.take(ALL))[1], await works.depth(), await works.oldest_age())
    async with database.snapshot() as connection:
        assert await connection.scalar(select(func.count(outbox.c.body))) == 2


async def test_a_released_event_is_due_at_once_under_the_same_id(database: Database) -> None:
    """A publish that was not confirmed is repeated as it was."""
    await publish(database, event())
    works = Outbox(database)
    token, (first,) = await works.take(ALL)
    assert list((await works.take(ALL))[1]) == []
    await works.release(token, [first.event_id])

    assert [first] == list((await works.take(ALL))[1])


async def test_an_event_whose_lease_is_over_is_taken_over(database: Database, other_database: Database) -> None:
    """The relay that held it is dead or late; what it says afterwards changes nothing."""
    await publish(database, event())
    late, works = Outbox(database, lease=OVER), Outbox(other_database)
    old_token, (first,) = await late.take(ALL)
    _, taken = await works.take(ALL)
    await late.release(old_token, [first.event_id])

    assert [first] == list(taken)
    assert list((await works.take(ALL))[1]) == []


async def test_relays_never_share_an_event(database: Database, other_database: Database) -> None:
    """Eight relays on two engines: every event is taken once."""
    events = [event() for _ in range(30)]
    await publish(database, *events)

    async def take(works: Outbox) -> list[str]:
        taken: list[str] = []
        while len(taken) < len(events):
            token, batch = await works.take(4)
            await works.confirm(token, [each.event_id for each in batch])
            taken += [str(each.event_id) for each in batch]
            if not batch and await works.depth() == 0:
                break
        return taken

    taken = await asyncio.gather(*(take(Outbox(each)) for each in [database, other_database] * 4))

    assert sorted(str(each.event_id) for each in events) == sorted(name for each in taken for name in each)


async def test_the_oldest_age_grows_from_the_commit(database: Database) -> None:
    """It is what an alert watches."""
    await publish(database, event())
    first = await Outbox(database).oldest_age()
    second = await Outbox(database).oldest_age()

    assert timedelta(0) <= first <= second < timedelta(minutes=1)


async def test_pruning_drops_what_is_confirmed_and_old(database: Database) -> None:
    """Never an event that still waits."""
    await publish(database, event(), event())
    works = Outbox(database)
    token, (first, _) = await works.take(ALL)
    await works.confirm(token, [first.event_id])
    await works.prune(bodies=timedelta(days=1), inbox_ids=timedelta(days=1))
    async with database.snapshot() as connection:
        assert await connection.scalar(select(func.count()).select_from(outbox)) == 2

    await works.prune(bodies=OVER, inbox_ids=OVER)
    async with database.snapshot() as connection:
        assert await connection.scalar(select(func.count()).select_from(outbox)) == 1
    assert await works.depth() == 1


async def test_pruning_takes_many_rows_a_few_at_a_time(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """However many are old, each transaction is short; in the end none is left."""
    monkeypatch.setattr(statements, "PRUNED_AT_ONCE", 2)
    await publish(database, *(event() for _ in range(5)))
    counted = Counted(database)
    works = Outbox(counted)  # type: ignore[arg-type]
    token, events = await works.take(ALL)
    await works.confirm(token, [each.event_id for each in events])
    counted.transactions = 0
    await works.prune(bodies=OVER, inbox_ids=OVER)

    async with database.snapshot() as connection:
        assert await connection.scalar(select(func.count()).select_from(outbox)) == 0
    # Two rows, two rows, one; and the inbox, which is empty or has no more than those.
    assert counted.transactions >= 4


class Counted:
    """A database that counts its transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.transactions = 0

    def transaction(self) -> AbstractAsyncContextManager[Connection]:
        self.transactions += 1
        return self._database.transaction()


def dead(message: Message, **headers: str | int) -> Message:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return replace(message, headers={**message.headers, **named})


async def kept(database: Database):
    async with database.snapshot() as connection:
        return (await connection.execute(select(quarantine))).all()


async def test_a_dead_letter_is_kept_once_with_its_reason(database: Database) -> None:
    """However often it arrives; its entry has its outcome, and its body can be replayed."""
    page = raw_page()
    message = dead(page.message(), x_reason="worker_died", x_detail="signal 9")
    for _ in range(2):
        assert Ack() == await Quarantine(database, Publisher()).handle(delivery(message, attempt=2))

    (row,) = await kept(database)
    assert ("worker_died", "signal 9", 2, page.raw_id, message.body) == (
        row.reason,
        row.detail,
        row.attempt,
        row.raw_id,
        row.body,
    )
    async with database.snapshot() as connection:
        assert tuple(
            (await connection.execute(select(entry_outcomes.c.outcome, entry_outcomes.c.observation))).one()
        ) == ("quarantined", 1)
        assert await connection.scalar(select(inbox.c.verdict)) == "quarantined"


async def test_messages_that_nothing_can_read_are_kept_apart(database: Database) -> None:
    """Without an id their bytes name them, to the last one."""
    same = b"\0" * 5000
    works = Quarantine(database, Publisher())
    for body in (b"", same + b"1", same + b"2"):
        junk = Message(
            body=body, message_id="", kind="junk", content_type="x/y", headers={REASON_HEADER: "undecodable"}
        )
        await works.handle(delivery(junk))

    assert {b"", same + b"1", same + b"2"} == {row.body for row in await kept(database)}


async def test_no_header_keeps_a_dead_letter_out_of_the_quarantine(database: Database) -> None:
    """Whatever a stranger wrote into it: it would block the queue."""
    hostile: dict[str, str | int] = {
        REASON_HEADER: "r\0" + "x" * 500,
        DETAIL_HEADER: "d\0" * 5000,
        ATTEMPT_HEADER: 2**62,
        REDRIVEN_HEADER: "many",
        "x-\0": "\0é",
    }
    message = Message(body=b"junk", message_id="m\0", kind="k\0", content_type="x/y", headers=hostile)

    assert Ack() == await Quarantine(database, Publisher()).handle(delivery(message, attempt=2**62))
    (row,) = await kept(database)
    assert (row.reason, row.kind, row.attempt) == ("r" + "x" * 59, "k", 2**31 - 1)


async def test_what_only_lost_its_connection_too_often_goes_back_to_work(database: Database) -> None:
    """A few times, without the broker's reason; then it is kept, for something is wrong after all."""
    message, publisher = dead(raw_page().message(), x_reason="delivery_limit", x_stage="raw.work"), Publisher()
    works = Quarantine(database, publisher)
    for _ in range(REDRIVES):
        await works.handle(delivery(message))
        sent = publisher.published[-1][2]
        assert REASON_HEADER not in sent.headers
        message = dead(sent, x_reason="delivery_limit")
    assert [message.message_id] * REDRIVES == ids(publisher.published)
    assert await kept(database) == []

    await works.handle(delivery(message))
    assert [row.reason for row in await kept(database)] == ["delivery_limit"]


async def test_an_event_of_a_hostile_article_is_stored(database: Database) -> None:
    """Long and many-scripted values fit: no column of an event is bounded by its content."""
    long = event(uuid4())
    said = {"headline": "é" * 10_000, "text": "数" * 100_000, "url": "https://x.example/" + "a" * 9000}
    long = long.model_copy(update={"data": long.data.model_copy(update=said)})
    await publish(database, long)
    _, (taken,) = await Outbox(database).take(1)

    assert long.message() == taken.message


async def test_events_are_due_again_from_a_time_on(database: Database) -> None:
    """Those made since, confirmed or not; what was made before stays with those who have it."""
    works = Outbox(database)
    await publish(database, event(), event())
    token, taken = await works.take(2)
    await works.confirm(token, [each.event_id for each in taken])
    async with database.snapshot() as connection:
        now = await clock(connection)

    assert await works.republish(now) == 0
    assert await works.republish(now - timedelta(hours=1)) == 2
    _, again = await works.take(5)
    assert [each.message for each in taken] == [each.message for each in again]
