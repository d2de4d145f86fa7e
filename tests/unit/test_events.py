import json
import re
from uuid import uuid4

import pytest
from fakes import NOW, event
from hypothesis import given
from hypothesis import strategies as st

from shared.events import MAX_ROUTING_KEY_BYTES, VERBS, routing_key
from shared.topology import ARTICLE_EVENTS, ARTICLE_HISTORY, topology

WORDS = re.compile(r"[a-z0-9-]+(\.[a-z0-9-]+)*")


@pytest.mark.parametrize(
    ("verb", "language", "host", "key"),
    [
        ("published", "fr", "fr.sputniknews.africa", "article.published.v1.fr.africa.sputniknews.fr"),
        ("withdrawn", "und", "news.example", "article.withdrawn.v1.und.example.news"),
        ("updated", "PT-br", "NEWS.Example.", "article.updated.v1.pt-br.example.news"),
        ("copied", "", "xn--nws-9ma.example", "article.copied.v1.und.example.xn--nws-9ma"),
    ],
)
def test_subscribers_bind_to_verb_language_and_reversed_host(verb, language, host, key) -> None:
    """So that `article.*.v1.fr.#` and `article.published.v1.*.africa.#` select what they say."""
    assert routing_key(verb, language, host) == key


@given(st.sampled_from(VERBS), st.text(max_size=35), st.text(max_size=1000))
def test_every_key_is_one_that_the_broker_takes(verb, language, host) -> None:
    """At most 255 bytes of a small alphabet, with verb and language in their places, and routed to the history."""
    key = routing_key(verb, language, host)

    assert len(key.encode()) <= MAX_ROUTING_KEY_BYTES
    assert WORDS.fullmatch(key)
    assert key.split(".")[:3] == ["article", verb, "v1"]
    assert len(key.split(".")) >= 4
    assert ARTICLE_HISTORY in [queue.name for queue in topology().routes(ARTICLE_EVENTS, key)]


@given(st.text(max_size=35), st.lists(st.text("abc", min_size=1, max_size=20), min_size=1, max_size=60))
def test_a_long_host_keeps_its_most_telling_labels(language, labels) -> None:
    """What is cut is cut from the least telling side."""
    key = routing_key("published", language, ".".join(labels))
    kept = key.split(".")[4:]

    assert kept == labels[::-1][: len(kept)]


def test_an_events_id_tells_article_verb_and_revision() -> None:
    """And nothing else: the same fact told again is found to be the same."""
    name = uuid4()
    same = event(name), event(name, time=NOW.replace(year=2030), traceparent="00-1-2-01")
    others = event(name, 2), event(name, verb="updated"), event()

    assert same[0].event_id == same[1].event_id
    assert len({each.event_id for each in (same[0], *others)}) == 4


def test_the_message_is_a_cloudevent_in_body_and_headers() -> None:
    """Structured JSON whose attributes stand in the headers as well, so that nobody needs to parse to sort."""
    told = event(traceparent="00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01")
    message = told.message()
    body = json.loads(message.body)
    data = body.pop("data")

    assert (message.message_id, message.kind, message.correlation_id) == (
        str(told.event_id),
        "fildactu.article.published.v1",
        str(told.data.provenance.raw_id),
    )
    assert (body["id"], body["type"], body["subject"], body["specversion"]) == (
        message.message_id,
        message.kind,
        str(told.data.article_id),
        "1.0",
    )
    assert {name: message.headers[f"ce-{name}"] for name in ("id", "source", "type", "subject", "traceparent")} == {
        name: body[name] for name in ("id", "source", "type", "subject", "traceparent")
    }
    assert data == told.data.model_dump(mode="json")


def test_what_is_not_known_is_said_to_be_unknown() -> None:
    """A subscriber finds every field in every event."""
    data = json.loads(event().message().body)["data"]

    assert data["section"] is None
    assert data.keys() == event().data.__class__.model_fields.keys()
