"""What an observation causes in the store, on both stores: the handler with a given extraction, and the real store."""

import asyncio
import shutil
from collections import Counter
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID, uuid4

import pytest
from fakes import NOW, URL, Publisher, article, delivery, raw_page
from sqlalchemy import select

from services.processor.handler import Handler
from services.processor.model import Article, Extracted, NotAnArticle, Source
from services.processor.outbox import Outbox
from services.processor.quarantine import Quarantine
from services.processor.store import ProcessorStore
from services.processor.tables import addresses, articles, inbox, outbox, revisions
from shared.broker.protocols import REASON_HEADER
from shared.database import Database
from shared.delivery import Ack
from shared.messages import RawPage, ResponseFacts
from shared.outcomes import entry_outcomes

OTHER = "https://other.example/b"
A, B = "Le conseil a voté le budget de la ville.", "Le conseil a rejeté le budget de la ville."


def handler(database: Database, text: str | Extracted = A) -> Handler:
    """Every page says `text`, at the address that answered."""

    async def extract(source: Source) -> Extracted:
        return article(text, url=source.url) if isinstance(text, str) else text

    return Handler(ProcessorStore(database), extract, lambda: None)


async def see(database: Database, page: RawPage, text: str | Extracted = A) -> None:
    assert Ack() == await handler(database, text).handle(delivery(page))


async def rows(database: Database, *columns):
    async with database.snapshot() as connection:
        return [tuple(row) for row in await connection.execute(select(*columns))]


async def verdicts(database: Database) -> list[str]:
    found = await rows(database, inbox.c.observation, inbox.c.verdict)
    return [verdict for _, verdict in sorted(found)]


async def verbs(database: Database) -> list[str]:
    return [verb for _, verb in sorted(await rows(database, revisions.c.number, revisions.c.verb))]


def later(number: int) -> dict[str, Any]:
    return {"number": number, "at": NOW + timedelta(minutes=number)}


async def test_a_new_article_is_stored_with_its_event_and_outcome(database: Database) -> None:
    """Article, revision, address, event, inbox and outcome come from one transaction."""
    page = raw_page()
    await see(database, page)

    ((event,),) = await rows(database, outbox.c.event_id)
    assert [(1, "published", event)] == await rows(database, revisions.c.number, revisions.c.verb, revisions.c.event_id)
    settled = await rows(database, inbox.c.raw_id, inbox.c.verdict, inbox.c.event_id)
    assert [(page.raw_id, "published", event)] == settled
    assert [(page.entry_id, 1, "published")] == await rows(
        database, entry_outcomes.c.entry_id, entry_outcomes.c.observation, entry_outcomes.c.outcome
    )
    assert await rows(database, addresses.c.url) == [(URL,)]


async def test_an_exception_inside_leaves_nothing(database: Database) -> None:
    """Whatever was written before it in the transaction is gone."""

    async def broken_off() -> None:
        async with ProcessorStore(database).begin() as ledger:
            await ledger.add_addresses(uuid4(), [URL])
            raise KeyError("in the middle")

    with pytest.raises(KeyError):
        await broken_off()
    await see(database, raw_page())

    assert await verdicts(database) == ["published"]


async def test_a_repeated_observation_changes_nothing(database: Database) -> None:
    """A redelivery finds itself in the inbox, whatever is extracted from it this time."""
    await see(database, raw_page())
    await see(database, raw_page(), B)

    assert (await verdicts(database), await verbs(database)) == (["published"], ["published"])


async def test_deliveries_of_one_observation_at_once_settle_it_once(
    database: Database, other_database: Database
) -> None:
    """A connection may be lost while a page is at work: the second delivery waits and finds it done."""
    works = [handler(each) for each in (database, other_database)] * 4
    results = await asyncio.gather(*(each.handle(delivery(raw_page())) for each in works))

    assert [Ack()] * 8 == results
    assert await verbs(database) == ["published"]


async def test_an_article_is_found_by_any_spelling_of_its_address(database: Database) -> None:
    """Tracking parameters, `www.` and the last slash make no new article."""
    await see(database, raw_page())
    await see(database, raw_page("https://www.news.example/a/?utm_source=x", **later(2)))

    assert len(await rows(database, articles.c.article_id)) == 1
    assert await verdicts(database) == ["published", "alias"]


async def test_an_article_is_found_where_an_older_rule_made_its_key(database: Database) -> None:
    """An address rule may get better without publishing a whole site again."""
    await see(database, raw_page())
    async with database.transaction() as connection:
        await connection.execute(addresses.update().values(key_id=uuid4(), key_version=0))
    await see(database, raw_page(**later(2)))

    assert await verdicts(database) == ["published", "unchanged"]


async def test_an_article_is_found_by_the_canonical_address_that_two_pages_name(database: Database) -> None:
    """An AMP page names the page that it is a form of."""
    named = "https://news.example/a"
    await see(database, raw_page(), article(A, canonical_url=named))
    await see(database, raw_page("https://amp.news.example/a", **later(2)), article(A, canonical_url=named))

    assert await verdicts(database) == ["published", "alias"]


async def test_an_address_keeps_leading_to_its_first_article(database: Database) -> None:
    """A later article that names it as canonical too takes nothing over."""
    shared = "https://news.example/all"
    await see(database, raw_page(), article(A, canonical_url=shared))
    second = article(B, url=OTHER, headline="Autre", canonical_url=shared)
    await see(database, raw_page(OTHER, **later(2)), second)

    owners = dict(await rows(database, addresses.c.url, addresses.c.article_id))
    assert await verdicts(database) == ["published", "published"]
    assert (owners[shared] == owners[URL], owners[shared] == owners[OTHER]) == (True, False)


async def test_a_text_of_another_site_is_a_copy_of_the_first_seen(database: Database) -> None:
    """All copies belong to the story of the article that had the text first."""
    for number, host in enumerate(("first", "second", "third"), 1):
        await see(database, raw_page(f"https://{host}.example/a", **later(number)))

    found = await rows(database, articles.c.url, articles.c.role, articles.c.story_id)
    assert {url.split("/")[2].split(".")[0]: role for url, role, _ in found} == {
        "first": "original",
        "second": "copy",
        "third": "copy",
    }
    assert len({story for *_, story in found}) == 1


async def test_the_first_seen_stays_first_when_it_has_moved_on(database: Database) -> None:
    """A copy of the text it once had is a copy all the same."""
    await see(database, raw_page())
    await see(database, raw_page(**later(2)), B)
    await see(database, raw_page(OTHER, **later(3)))

    assert await verdicts(database) == ["published", "updated", "copied"]


@pytest.mark.parametrize("same_text", [True, False])
async def test_writers_at_once_make_one_story_and_no_second_event(
    database: Database, other_database: Database, same_text: bool
) -> None:
    """Eight writers on two engines: eight outlets of one text are one story, eight looks at one page one article."""
    works = [handler(each) for each in (database, other_database)] * 4
    if same_text:
        pages = [raw_page(f"https://s{number}.example/a") for number in range(8)]
    else:
        pages = [raw_page(URL, number=number, entry_id=UUID(int=number)) for number in range(1, 9)]
    results = await asyncio.gather(*(each.handle(delivery(page)) for each, page in zip(works, pages, strict=True)))

    told = Counter(await verdicts(database))
    assert [Ack()] * 8 == results
    assert len(set(await rows(database, articles.c.story_id))) == 1
    assert ({"published": 1, "copied": 7} if same_text else {"published": 1, "unchanged": 7}) == told
    assert told["published"] + told["copied"] == len(await rows(database, outbox.c.event_id))


async def test_two_addresses_of_one_article_are_updated_one_after_the_other(
    database: Database, other_database: Database
) -> None:
    """Looks at both at once make two revisions in a row, never one number twice."""
    alias, rounds = "https://news.example/alias", range(3, 9)
    await see(database, raw_page())
    await see(other_database, raw_page(alias, **later(2)))
    for number in rounds:
        works = [handler(database, f"{A} {number}"), handler(other_database, f"{B} {number}")]
        pages = [raw_page(URL, **later(number)), raw_page(alias, **later(number))]
        results = await asyncio.gather(*(each.handle(delivery(page)) for each, page in zip(works, pages, strict=True)))
        assert [Ack(), Ack()] == results

    assert await verbs(database) == ["published", *["updated"] * 2 * len(rounds)]


async def test_an_observation_older_than_the_revision_changes_nothing(database: Database) -> None:
    """Retries reorder: what was seen before is recorded as superseded."""
    await see(database, raw_page(**later(2)), B)
    await see(database, raw_page(**later(1)), A)

    assert {"published", "superseded"} == set(await verdicts(database))
    assert await verbs(database) == ["published"]


async def test_an_observation_older_than_a_confirmation_changes_nothing(database: Database) -> None:
    """Seeing the same again counts: an older other text between the two is superseded."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(kind="unchanged", body=b"", **later(3)))
    await see(database, raw_page(**later(2)), B)

    assert await verdicts(database) == ["published", "superseded", "unchanged"]


async def test_a_clock_that_was_set_back_hides_no_correction(database: Database) -> None:
    """Of one entry the later number counts, whatever the clocks of its observers said; so does its confirmation."""
    await see(database, raw_page(number=1, at=NOW))
    await see(database, raw_page(number=2, at=NOW - timedelta(hours=1)), B)
    await see(database, raw_page(number=3, at=NOW - timedelta(hours=2), kind="unchanged", body=b""))
    await see(database, raw_page(number=4, at=NOW - timedelta(hours=3)), A)

    assert await verbs(database) == ["published", "updated", "updated"]


async def test_a_clock_that_was_set_forward_brings_no_old_text_back(database: Database) -> None:
    """A page that was held up says a later time, and has the lower number."""
    await see(database, raw_page(number=1, at=NOW))
    await see(database, raw_page(number=3, at=NOW + timedelta(minutes=1)), B)
    await see(database, raw_page(number=4, at=NOW + timedelta(minutes=2), kind="unchanged", body=b""))
    await see(database, raw_page(number=2, at=NOW + timedelta(hours=1)), A)

    assert await verbs(database) == ["published", "updated"]
    assert "superseded" in await verdicts(database)


async def test_a_text_that_returns_to_an_earlier_state_is_a_new_revision(database: Database) -> None:
    """A, B, A, B are four revisions with four event ids."""
    for number, text in enumerate((A, B, A, B), 1):
        await see(database, raw_page(**later(number)), text)

    numbers = sorted(number for (number,) in await rows(database, revisions.c.number))
    assert numbers == [1, 2, 3, 4]
    assert await verbs(database) == ["published", "updated", "updated", "updated"]
    assert len(set(await rows(database, outbox.c.event_id))) == 4


async def test_a_withdrawn_article_may_return(database: Database) -> None:
    """With the same text as before: it is told as a new revision of the same article."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(kind="gone", body=b"", **later(2)))
    await see(database, raw_page(kind="gone", body=b"", **later(3)))
    await see(database, raw_page(**later(4)))

    assert await verdicts(database) == ["published", "withdrawn", "gone", "updated"]
    assert await verbs(database) == ["published", "withdrawn", "updated"]
    assert await rows(database, articles.c.withdrawn, articles.c.revision) == [(False, 3)]


async def test_a_page_that_comes_after_its_withdrawal_is_not_told(database: Database) -> None:
    """The first page was held up; the next look, settled before it, found nothing there any more."""
    await see(database, raw_page(kind="gone", body=b"", **later(2)))
    await see(database, raw_page(**later(1)))
    assert await verbs(database) == []
    await see(database, raw_page(**later(3)))

    assert await verbs(database) == ["published"]


MOVED = "https://news.example/moved"


async def told(database: Database) -> list[str]:
    """The rule that settled each observation, by number; each test numbers its own."""
    return [rule for _, rule in sorted(await rows(database, inbox.c.observation, inbox.c.rule))]


async def test_an_article_that_stands_at_another_address_is_not_withdrawn(database: Database) -> None:
    """It moved: that its old page is gone says nothing. When the last of its pages is gone, it is."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(MOVED, **later(2)))
    await see(database, raw_page(kind="gone", body=b"", **later(3)))
    await see(database, raw_page(MOVED, kind="unchanged", body=b"", **later(4)))
    assert await verbs(database) == ["published"]
    await see(database, raw_page(MOVED, kind="gone", body=b"", **later(5)))

    rules = ["new", "text_on_site", "gone_here_live_elsewhere", "unchanged", "gone_known"]
    assert rules == await told(database)
    assert await verbs(database) == ["published", "withdrawn"]


async def test_a_page_that_is_gone_elsewhere_holds_up_no_update(database: Database) -> None:
    """The other address may have been looked at before, and is settled after: it counts."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(MOVED, **later(2)))
    await see(database, raw_page(kind="gone", body=b"", **later(4)))
    await see(database, raw_page(MOVED, **later(3)), B)

    assert await verbs(database) == ["published", "updated"]


async def test_two_addresses_that_go_at_once_withdraw_the_article_once(
    database: Database, other_database: Database
) -> None:
    """Neither sees the other as standing, and neither tells it twice."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(MOVED, **later(2)))
    gone = [raw_page(url, kind="gone", body=b"", **later(3)) for url in (URL, MOVED)]
    works = [handler(database), handler(other_database)]
    await asyncio.gather(*(each.handle(delivery(page)) for each, page in zip(works, gone, strict=True)))

    assert await verbs(database) == ["published", "withdrawn"]


async def test_a_withdrawn_article_may_return_at_another_address(database: Database) -> None:
    """It is the same article, a new revision, told with the address where it stands now; then all is as usual."""
    await see(database, raw_page(**later(1)))
    await see(database, raw_page(kind="gone", body=b"", **later(2)))
    await see(database, raw_page(MOVED, **later(3)))
    await see(database, raw_page(MOVED, **later(4)))

    assert await verdicts(database) == ["published", "withdrawn", "updated", "unchanged"]
    assert await rows(database, articles.c.url, articles.c.withdrawn, articles.c.revision) == [(MOVED, False, 3)]
    assert {URL, MOVED} == {url for (url,) in await rows(database, addresses.c.url)}


async def test_a_new_extractor_is_no_news(database: Database) -> None:
    """Its text is what is compared from then on, and what copies are found by."""
    await see(database, raw_page(**later(1)), article(A))
    newer: Article = article(B, extractor="test/2")
    await see(database, raw_page(**later(2)), newer)
    await see(database, raw_page(**later(3)), newer)
    await see(database, raw_page(OTHER, **later(4)), article(B, url=OTHER, extractor="test/2"))

    assert await verdicts(database) == ["published", "rebaselined", "unchanged", "copied"]


async def test_a_reason_that_no_column_holds_is_cut(database: Database) -> None:
    """A message may carry any text as its reason; none of them may block the queue."""
    page = raw_page(kind="feed_only", no_page_reason="x" * 500, body=b"")
    await see(database, page, NotAnArticle(reason="empty"))

    assert await ProcessorStore(database).summary() == {"x" * 60: 1}


async def test_a_quarantined_observation_is_settled_when_it_is_replayed(database: Database) -> None:
    """Being set aside is not being settled, and a late dead letter undoes nothing."""
    page = raw_page()
    message = page.message()
    dead = delivery(replace(message, headers={**message.headers, REASON_HEADER: "worker_died"}))
    works = Quarantine(database, Publisher())
    await works.handle(dead)
    assert await verdicts(database) == ["quarantined"]
    await see(database, page)
    await works.handle(dead)

    assert await verdicts(database) == ["published"]
    assert await rows(database, entry_outcomes.c.outcome) == [("published",)]


async def test_forgetting_removes_every_trace_of_the_article(database: Database) -> None:
    """All its addresses are returned, however many; other articles stay."""
    many = [f"https://news.example/{number}" for number in range(25)]
    await see(database, raw_page())
    for number, url in enumerate(many, 2):
        await see(database, raw_page(url, **later(number)))
    await see(database, raw_page(OTHER, **later(40)), article(B, url=OTHER))
    store = ProcessorStore(database)

    assert {URL, *many} == set(await store.forget("https://www.news.example/a?utm_source=x"))
    assert await store.forget(URL) == []
    assert await rows(database, articles.c.url) == [(OTHER,)]
    assert await rows(database, inbox.c.verdict) == [("published",)]
    assert await Outbox(database).depth() == 1


@pytest.mark.parametrize(
    ("asked", "answered", "canonical"),
    [
        (f"{URL}?utm_source=x", f"{URL}?utm_source=x", None),
        ("https://short.example/1", "https://news.example/final", None),
        ("https://amp.news.example/a", "https://amp.news.example/a", "http://www.news.example/a/"),
    ],
    ids=["a spelling of its address", "the address that answered", "the canonical address"],
)
async def test_what_was_forgotten_does_not_come_back(
    database: Database, asked: str, answered: str, canonical: str | None
) -> None:
    """By no address that it had, though an entry brings it that was never heard of; all that stays is the reason."""
    first = ResponseFacts(requested_url=URL, final_url="https://news.example/final", status=200)
    await see(database, raw_page(response=first))
    store = ProcessorStore(database)
    await store.forget(URL)
    again = raw_page(asked, response=ResponseFacts(requested_url=asked, final_url=answered, status=200), **later(2))
    await see(database, again, article(A, url=answered, canonical_url=canonical))

    assert await store.summary() == {"forgotten": 1}
    assert [await rows(database, table) for table in (articles, addresses, revisions, outbox)] == [[], [], [], []]
    assert await rows(database, inbox.c.article_id) == [(None,)]


async def test_a_page_that_is_still_on_its_way_is_forgotten_too(database: Database) -> None:
    """Of an address that no article is known by yet, and only of that."""
    store = ProcessorStore(database)
    assert await store.forget(URL) == []
    await see(database, raw_page())
    await see(database, raw_page("https://news.example/ab", **later(2)), B)

    assert await store.summary() == {"forgotten": 1, "published": 1}


async def test_what_is_forgotten_is_not_in_the_file(tmp_path: Path, sqlite_template: Path) -> None:
    """Deleted rows would stay readable in the file's free pages."""
    path = shutil.copy(sqlite_template, tmp_path / "store.db")
    words = "The council voted on the budget."

    def in_the_files() -> bool:
        return any(words.encode() in each.read_bytes() for each in tmp_path.glob("store.db*"))

    database = Database.open(f"sqlite:///{path}")
    await see(database, raw_page(), words)
    seen = in_the_files()
    await ProcessorStore(database).forget(URL)
    await database.close()

    assert (seen, in_the_files()) == (True, False)


async def test_a_feeds_text_in_place_of_a_wall_is_known_by_its_own_address_alone(database: Database):
    """Where the wall answered, every article of the site would lead."""
    walled = article(A, page_verdict="login")
    wall = ResponseFacts(requested_url=URL, final_url="https://news.example/login", status=200)

    await see(database, raw_page(response=wall), walled)

    assert await rows(database, addresses.c.url) == [(URL,)]
    assert await rows(database, articles.c.observed_as) == [("feed_only",)]


async def test_a_wall_changes_nothing_of_what_was_seen_as_a_page(database: Database):
    """The feed's shorter words are no correction; a wall after a wall may be one."""
    await see(database, raw_page(), A)
    await see(database, raw_page(**later(2)), article(B, page_verdict="login"))

    assert await verdicts(database) == ["published", "feed_only_after_page"]
    assert await verbs(database) == ["published"]


async def test_a_page_that_is_seen_at_last_updates_its_feeds_text(database: Database):
    """What the wall's feed said until then was all there was."""
    await see(database, raw_page(), article(A, page_verdict="bot_challenge"))
    await see(database, raw_page(**later(2)), article(B, page_verdict="bot_challenge"))
    await see(database, raw_page(**later(3)), article("Tout le texte de la page, enfin.", url=URL))

    assert await verbs(database) == ["published", "updated", "updated"]
    assert await rows(database, articles.c.observed_as) == [("fetched",)]


async def test_a_wall_brings_no_withdrawn_article_back(database: Database):
    """A page that says with status 200 that there is none, beside a feed that still has the text."""
    await see(database, raw_page(), A)
    await see(database, raw_page(kind="gone", **later(2)))
    await see(database, raw_page(**later(3)), article(A, page_verdict="not_found_page"))

    assert await verdicts(database) == ["published", "withdrawn", "feed_only_after_page"]
