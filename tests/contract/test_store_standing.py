"""Which lines stand on a host, learned from what the handler settles, on both stores."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from fakes import NOW, article, delivery, raw_page
from sqlalchemy import func, select, update

from services.processor.fingerprint import text_hash
from services.processor.handler import Handler
from services.processor.model import Article, Extracted, NotAnArticle, Places, Source
from services.processor.outbox import Outbox
from services.processor.store import ProcessorStore
from services.processor.tables import articles, host_lines, inbox
from services.processor.text.lines import Line, kept
from services.processor.text.standing import SEEN_ON, WINDOW, line_keys, without_standing
from shared.broker.protocols import Delivery
from shared.database import Database
from shared.delivery import Ack
from shared.messages import RawPage

CALL = "Abonnez-vous à notre lettre."
STANDING = frozenset(line_keys([CALL]))
HOST = "news.example"
MONTH = timedelta(days=30)


def address(number: int, host: str = HOST) -> str:
    return f"https://{host}/{number}"


def words(number: int) -> str:
    return f"Le conseil a voté le budget numéro {number} de la ville, après un long débat."


def extracted(source: Source) -> Article:
    """A page of a headline, the words of its number, and the call that stands on every page."""
    full = (Line(text=words(int(source.url.rpartition("/")[2]))), Line(text=CALL))
    return made(source.url, full, source.standing)


def made(url: str, full: tuple[Line, ...], standing: frozenset[str]) -> Article:
    lines = without_standing(full, standing)
    return article(
        "\n".join(kept(lines)),
        url=url,
        headline=f"Budget {url}",
        text_hash=text_hash(kept(lines)),
        full_hash=text_hash(kept(full)) if lines != full else None,
        line_keys=line_keys(kept(full)),
    )


def handler(database: Database, found: Extracted | None = None) -> Handler:
    async def extract(source: Source) -> Extracted:
        return found or extracted(source)

    return Handler(ProcessorStore(database), extract, lambda: None)


async def see(database: Database, *pages: RawPage, found: Extracted | None = None) -> None:
    for page in pages:
        assert await handler(database, found).handle(delivery(page)) == Ack()


def pages(count: int, host: str = HOST) -> list[RawPage]:
    return [raw_page(address(number, host)) for number in range(count)]


async def standing(database: Database, url: str = address(99)) -> frozenset[str]:
    return await ProcessorStore(database).standing(Places(own=(url,)))


async def verdicts(database: Database) -> list[str]:
    async with database.snapshot() as connection:
        rows = await connection.execute(select(inbox.c.verdict).order_by(inbox.c.observation, inbox.c.received_at))
        return list(rows.scalars())


async def kept_rows(database: Database) -> int:
    async with database.snapshot() as connection:
        return int(await connection.scalar(select(func.count()).select_from(host_lines)))


async def test_a_line_stands_once_enough_other_articles_of_the_host_had_it(database: Database) -> None:
    """On another host it does not."""
    await see(database, *pages(SEEN_ON - 1))
    before = await standing(database)
    await see(database, *pages(SEEN_ON)[-1:])

    assert (before, await standing(database)) == (frozenset(), STANDING)
    assert await standing(database, address(99, "other.example")) == frozenset()


async def test_an_article_that_is_seen_again_counts_once_and_never_for_itself(database: Database) -> None:
    """Neither a redelivery nor another look at a page makes its lines stand, not even with the last address it has."""
    await see(database, *pages(SEEN_ON - 1), *pages(SEEN_ON - 1))
    again = [raw_page(address(0), number=number, at=NOW + timedelta(minutes=number)) for number in range(2, 5)]
    await see(database, *again)
    assert await standing(database) == frozenset()
    await see(database, *pages(SEEN_ON)[-1:])

    assert await standing(database) == STANDING
    assert await standing(database, f"{address(0)}?utm_source=x") == frozenset()


async def test_a_learned_line_leaves_later_texts_and_rebaselines_earlier_ones(database: Database) -> None:
    """No event tells of it; a correction that comes at the same time is told."""
    await see(database, *pages(SEEN_ON + 1))
    later: dict[str, Any] = {"number": 2, "at": NOW + timedelta(hours=1)}
    await see(database, raw_page(address(0), **later))
    corrected = (Line(text=words(999)), Line(text=CALL))
    await see(database, raw_page(address(1), **later), found=made(address(1), corrected, STANDING))

    assert sorted(await verdicts(database)) == ["published"] * 4 + ["rebaselined", "updated"]
    async with database.snapshot() as connection:
        found = {row.url: (row.text_hash, row.full_hash) for row in await connection.execute(select(articles))}
    whole, alone = text_hash([words(0), CALL]), text_hash([words(0)])
    assert found[address(0)] == (alone, whole)
    assert found[address(2)] == (text_hash([words(2), CALL]), None)


async def test_a_line_that_is_forgotten_again_is_no_correction(database: Database) -> None:
    """The text with it is what was seen before."""
    await see(database, *pages(SEEN_ON + 1))
    async with database.transaction() as connection:
        await connection.execute(host_lines.delete())
    again = raw_page(address(SEEN_ON), number=2, at=NOW + timedelta(days=40))
    await see(database, again)

    assert (await verdicts(database))[-1] == "rebaselined"
    assert await Outbox(database).depth() == SEEN_ON + 1


async def test_one_article_at_two_addresses_is_found_although_a_line_was_learned_in_between(
    database: Database,
) -> None:
    """Its first text was stored with the line; by the second look the line stands."""
    await see(database, *pages(SEEN_ON + 1))
    other = made(f"{address(0)}/amp", (Line(text=words(0)), Line(text=CALL)), STANDING)
    await see(database, raw_page(other.url, number=2), found=replace(other, headline_hash="other"))

    assert (await verdicts(database))[-1] == "alias"


async def test_a_host_keeps_its_last_articles_and_no_more(database: Database) -> None:
    """What is judged by is what was seen last: a line that left the template stands no longer."""
    await see(database, *pages(WINDOW + 10))
    assert await kept_rows(database) == WINDOW + 1
    for number in range(100, 100 + WINDOW):
        bare = made(address(number), (Line(text=words(number)),), frozenset())
        await see(database, raw_page(bare.url), found=bare)

    assert await standing(database) == frozenset()
    assert await kept_rows(database) == WINDOW + 1


@pytest.mark.parametrize("at", [-2 * MONTH, timedelta(hours=1)], ids=["old", "before the clock was set back"])
async def test_what_was_not_seen_for_long_is_forgotten(database: Database, at: timedelta) -> None:
    """So is what stands in the future: nothing newer would ever take its place."""
    store = ProcessorStore(database)
    await see(database, *pages(SEEN_ON))
    await store.prune(lines=MONTH)
    recent = await standing(database)
    async with database.transaction() as connection:
        for row in (await connection.execute(select(host_lines))).all():
            moved = update(host_lines).where(host_lines.c.article_id == row.article_id)
            await connection.execute(moved.values(seen_at=row.seen_at + at))
    await store.prune(lines=MONTH)

    assert (recent, await standing(database), await kept_rows(database)) == (STANDING, frozenset(), 0)


async def test_what_is_no_article_or_is_overtaken_teaches_nothing(database: Database) -> None:
    """An older look at a page would put back lines that it has no more."""
    bare = made(address(0), (Line(text=words(0)),), frozenset())
    await see(database, raw_page(address(0), number=2, at=NOW + timedelta(hours=1)), found=bare)
    await see(database, raw_page(address(0)))
    await see(database, *pages(SEEN_ON)[1:])
    await see(database, raw_page(address(50)), found=NotAnArticle(reason="empty"))

    assert "superseded" in await verdicts(database)
    assert await standing(database) == frozenset()
    assert await kept_rows(database) == SEEN_ON


async def test_a_forgotten_article_teaches_nothing_any_more(database: Database) -> None:
    """Hashes of its lines are removed with it."""
    await see(database, *pages(SEEN_ON))
    await ProcessorStore(database).forget(address(0))

    assert (await standing(database), await kept_rows(database)) == (frozenset(), SEEN_ON - 1)


async def test_an_entry_without_an_address_has_no_host_to_learn_for(database: Database) -> None:
    """Texts of feeds without links are of many hosts, or of none."""
    found = made("urn:fildactu:entry:1", (Line(text=words(1)), Line(text=CALL)), frozenset())
    await see(database, raw_page(None, kind="feed_only", entry_id=UUID(int=1)), found=found)

    assert await kept_rows(database) == 0


async def test_processors_that_learn_of_one_host_at_once_lose_nothing(
    database: Database, other_database: Database
) -> None:
    """None waits for another for ever, every article counts, and the host keeps no more than it may."""
    works = [handler(each) for each in (database, other_database)] * 20
    deliveries: list[Delivery] = [delivery(page) for page in pages(40)]
    results = await asyncio.gather(*(each.handle(one) for each, one in zip(works, deliveries, strict=True)))
    await see(database, raw_page(address(41)))

    assert [Ack()] * 40 == results
    assert await standing(database) == STANDING
    assert await kept_rows(database) == WINDOW + 1
