"""What becomes of a dead letter, on both stores."""

from dataclasses import replace

import pytest
from fakes import Publisher, delivery, ids, raw_page
from sqlalchemy import select

from services.processor.quarantine import DELIVERY_LIMIT, Quarantine
from services.processor.tables import quarantine
from shared.broker.protocols import REASON_HEADER, Delivery
from shared.database import Database
from shared.delivery import Ack
from shared.errors import BrokerUnavailable, PermanentError


def dead(reason: str) -> Delivery:
    message = raw_page().message()
    return delivery(replace(message, headers={**message.headers, REASON_HEADER: reason}))


async def kept(database: Database) -> list[tuple[str, bytes]]:
    async with database.snapshot() as connection:
        found = await connection.execute(select(quarantine.c.reason, quarantine.c.body))
        return [(reason, body) for reason, body in found]


async def test_what_the_broker_gave_up_goes_back_to_work(database: Database) -> None:
    """Nothing was wrong with it, so nothing is kept."""
    publisher, letter = Publisher(), dead(DELIVERY_LIMIT)

    assert await Quarantine(database, publisher).handle(letter) == Ack()
    assert (ids(publisher.published), await kept(database)) == ([letter.message.message_id], [])


async def test_what_no_broker_takes_again_is_kept(database: Database) -> None:
    """A message too large to go back to work must not block the quarantine."""
    letter = dead(DELIVERY_LIMIT)
    works = Quarantine(database, Publisher(PermanentError("too_large_to_publish")))

    assert await works.handle(letter) == Ack()
    assert await kept(database) == [(DELIVERY_LIMIT, letter.message.body)]


async def test_a_broker_that_is_away_decides_nothing(database: Database) -> None:
    """A message that may yet go back to work is not kept instead."""
    works = Quarantine(database, Publisher(BrokerUnavailable("broker_unreachable")))

    with pytest.raises(BrokerUnavailable):
        await works.handle(dead(DELIVERY_LIMIT))
    assert await kept(database) == []


async def test_the_reason_of_a_rejection_is_kept(database: Database) -> None:
    """What was rejected because it could not be copied is not sent back to fail in the same way."""
    publisher, letter = Publisher(), dead("rejected")

    assert await Quarantine(database, publisher).handle(letter) == Ack()
    assert (publisher.attempts, await kept(database)) == ([], [("rejected", letter.message.body)])
