import json
from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args
from uuid import UUID

import pytest
import zstandard
from fakes import raw_page
from hypothesis import given
from hypothesis import strategies as st

from shared.errors import UndecodableMessage
from shared.messages import (
    MAX_DECODED_BYTES,
    MAX_OBSERVATION,
    EntryFacts,
    FeedFacts,
    ObservationKind,
    RawPage,
    ResponseFacts,
    decode_raw_page,
    raw_id,
)

times = st.datetimes(datetime(1900, 1, 1), datetime(2200, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001 - bounds
maybe = st.none() | st.text()
several = st.lists(st.text(), max_size=3).map(tuple)
feeds = st.builds(FeedFacts, url=st.text(), name=st.text(), language=maybe, section=maybe)
entries = st.builds(
    EntryFacts,
    identity=st.text(),
    url=maybe,
    title=maybe,
    authors=several,
    published=st.none() | times,
    updated=st.none() | times,
    summary=maybe,
    content=maybe,
    tags=several,
)
responses = st.builds(
    ResponseFacts,
    requested_url=st.text(),
    final_url=st.text(),
    status=st.integers(100, 599),
    content_type=maybe,
    last_modified=maybe,
    seconds=st.floats(0, 1000),
)
pages = st.builds(
    RawPage,
    raw_id=st.uuids(),
    entry_id=st.uuids(),
    observation=st.integers(1, MAX_OBSERVATION),
    kind=st.sampled_from(get_args(ObservationKind)),
    observed_at=times,
    feed=feeds,
    entry=entries,
    response=st.none() | responses,
    no_page_reason=maybe,
    rights=several,
    traceparent=maybe,
    body=st.binary(),
)


@given(pages)
def test_a_page_arrives_as_it_was_sent(page: RawPage) -> None:
    """Whatever is left out, and whatever bytes the body has."""
    assert decode_raw_page(page.message()) == page


@given(st.binary())
def test_any_other_bytes_are_undecodable(data: bytes) -> None:
    """And nothing else: no other exception may come of what a stranger sent."""
    for body in (data, zstandard.compress(data), zstandard.compress(data + b"\n" + data)):
        with pytest.raises(UndecodableMessage):
            RawPage.decode(body)


@given(pages, st.data())
def test_a_damaged_page_is_undecodable_or_still_a_page(page: RawPage, data: st.DataObject) -> None:
    """Cut, or with a byte changed."""
    sent = bytearray(page.encode())
    place = data.draw(st.integers(0, len(sent) - 1))
    sent[place] = data.draw(st.integers(0, 255))
    for body in (bytes(sent), bytes(sent[:place])):
        try:
            found = RawPage.decode(body)
        except UndecodableMessage:
            continue
        assert isinstance(found, RawPage)


@pytest.mark.parametrize("number", [0, -1, MAX_OBSERVATION + 1])
def test_a_number_that_no_store_holds_is_undecodable(number: int) -> None:
    """It would be a failure of the store, again and again."""
    with pytest.raises(UndecodableMessage, match="observation"):
        RawPage.decode(_with(observation=number))


def test_a_newer_minor_version_is_read() -> None:
    """Fields that we do not know are ignored."""
    assert RawPage.decode(_with(colour="blue")) == raw_page(body=b"")


def test_another_kind_of_message_is_undecodable() -> None:
    """A major version is a kind of its own."""
    message = replace(raw_page().message(), kind="fildactu.raw-page.v2")
    with pytest.raises(UndecodableMessage, match="v2"):
        decode_raw_page(message)


def test_a_frame_that_claims_too_much_is_refused_unread() -> None:
    """A few hundred bytes may inflate to gigabytes."""
    bomb = zstandard.compress(b"\0" * (MAX_DECODED_BYTES + 1))
    assert len(bomb) < 10_000
    with pytest.raises(UndecodableMessage, match="outside"):
        RawPage.decode(bomb)


def test_a_frame_that_does_not_say_its_size_is_refused() -> None:
    """There is no bound to hold it to."""
    stream = zstandard.ZstdCompressor().compressobj()
    with pytest.raises(UndecodableMessage):
        RawPage.decode(stream.compress(raw_page().encode()) + stream.flush())


def test_the_id_of_an_observation_is_a_function_of_its_number() -> None:
    """A page that goes A, B, A is three observations; a repeat of one is found to be one."""
    entry = UUID(int=1)

    assert raw_id(entry, 1) == raw_id(entry, 1)
    assert len({raw_id(entry, 1), raw_id(entry, 2), raw_id(UUID(int=2), 1)}) == 3


def _with(**more: object) -> bytes:

    said = json.loads(raw_page().model_dump_json(exclude_none=True))
    return zstandard.compress(json.dumps({**said, **more}).encode() + b"\n")
