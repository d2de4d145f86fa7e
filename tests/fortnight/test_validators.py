"""Conditional requests: what is sent back is what was given out, byte for byte, and nothing older."""

from itertools import pairwise

import pytest
from fortnight.recorder import Exchange
from fortnight.recording import Recording
from fortnight.sites import DAY, HOUR
from fortnight.world import VALIDATORS

pytestmark = pytest.mark.timeout(600)
HONEST = tuple(name for name in VALIDATORS if name not in {"far-date", "liar"})
USEFUL = tuple(name for name in HONEST if name != "deflating")


def test_every_validator_that_is_sent_was_given_out_by_that_very_address(fortnight: Recording) -> None:
    """Byte for byte: not made from a clock, not mended, not another address's."""
    for url in fortnight.urls():
        tags, dates = set[str](), set[str]()
        for each in fortnight.of(url):
            assert each.asked.tag is None or each.asked.tag in tags, url
            assert each.asked.date is None or each.asked.date in dates, url
            tags |= {said for name, said in each.answer.headers.items() if name == "ETag"}
            dates |= {said for name, said in each.answer.headers.items() if name == "Last-Modified"}


@pytest.mark.parametrize("name", HONEST)
def test_the_newest_validators_are_sent(fortnight: Recording, name: str) -> None:
    """Each of the two is replaced by itself, after a document and after a 304."""
    for before, after in fortnight.successive(fortnight.scenes[name].url):
        if before.answer.status in {200, 304}:
            assert after.asked.date in {before.answer.headers.get("Last-Modified"), None}
            assert after.asked.tag in {before.answer.headers.get("ETag"), None}


@pytest.mark.parametrize("name", USEFUL)
def test_no_request_after_the_first_is_without_a_condition(fortnight: Recording, name: str) -> None:
    """Restarts included. A request that a kill interrupted has taught us nothing."""
    first, *others = fortnight.at(name)

    assert not first.asked.conditional
    assert others
    assert [each.asked.at for each in others if not each.asked.conditional] == []


@pytest.mark.parametrize("name", USEFUL)
def test_a_document_comes_only_where_there_is_a_new_one(fortnight: Recording, name: str) -> None:
    """What is told twice is what a kill made us forget: the document, or the validators of a 304 since."""
    exchanges = fortnight.at(name)
    documents = [at for at, each in enumerate(exchanges) if each.answer.status == 200]
    told = [(at, again) for at, again in pairwise(documents) if same_news(exchanges[at], exchanges[again])]
    unexplained = [pair for pair in told if not any(map(fortnight.was_interrupted, exchanges[slice(*pair)]))]

    assert [exchanges[again].asked.at for _, again in unexplained] == []


def test_an_etag_that_mod_deflate_spoils_is_given_up_for_the_date(fortnight: Recording) -> None:
    """After a few documents that came in vain, the date is sent alone, and the server answers 304."""
    in_vain = [
        before
        for before, after in fortnight.successive(fortnight.scenes["deflating"].url)
        if after.answer.status == 200 and same_news(before, after)
    ]

    assert len(in_vain) <= 4
    assert 304 in fortnight.statuses("deflating")


def test_a_server_that_lies_is_asked_without_a_condition_once_in_eight_days_until_it_is_caught(
    fortnight: Recording,
) -> None:
    """Then its 304s are not believed any more, and an hour lies between two requests."""
    first, *others = [each for each in fortnight.at("liar") if not each.asked.conditional]
    caught = [before.asked.at for before, after in fortnight.successive(first.asked.url) if after in others]

    assert len(caught) > 3
    assert all(each.answer.status == 200 for each in others)
    assert all(
        after.asked.at - before.asked.at >= HOUR
        for before, after in fortnight.successive(first.asked.url)
        if not after.asked.conditional
    )


def test_a_date_from_the_future_hides_nothing(fortnight: Recording) -> None:
    """By a date in 2041 nothing would ever be newer."""
    assert fortnight.unseen("far-date") == set()


def test_the_strict_server_never_has_to_refuse_us(fortnight: Recording) -> None:
    """Once an hour with a condition, once a day without: by the rules of rachelbythebay.com/w/feed."""
    for name in ("kroll", "hourly"):
        pairs = list(fortnight.successive(fortnight.scenes[name].url))
        assert {after.answer.status for _, after in pairs} == {200, 304}
        assert all(after.asked.at - before.asked.at >= HOUR for before, after in pairs)


def same_news(before: Exchange, after: Exchange) -> bool:
    return before.answer.body == after.answer.body and after.asked.at - before.asked.at < DAY
