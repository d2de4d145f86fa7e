import hashlib
import hmac
from datetime import timedelta
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.fetcher.websub.websub import (
    LEASE_ASKED,
    LONGEST_CHALLENGE,
    LONGEST_LEASE,
    LONGEST_PAUSE,
    LONGEST_SILENCE,
    SHORTEST_RENEWAL,
    Mode,
    Subscription,
    confirms,
    denies,
    form,
    is_signed,
    may_have_secret,
    pause,
    read_verification,
    renewal,
    silence,
)

TOPIC = "https://news.example/feed.xml"
METHODS = ("sha1", "sha256", "sha384", "sha512")
SPANS = st.timedeltas(min_value=timedelta(0), max_value=LONGEST_LEASE)


def subscription(**more) -> Subscription:
    said = {"token": "t", "feed_id": uuid4(), "hub": "https://hub.example/", "topic": TOPIC, "asked": Mode.SUBSCRIBE}
    return Subscription(**{**said, **more})


def question(mode: str = "subscribe", **more: str):
    said = {"hub.mode": mode, "hub.topic": TOPIC, "hub.challenge": "abc", "hub.lease_seconds": "3600"}
    return read_verification({**said, **{f"hub.{name}": value for name, value in more.items()}})


def signed(body: bytes, secret: str, method: str) -> str:
    return f"{method}={hmac.new(secret.encode(), body, getattr(hashlib, method)).hexdigest()}"


@given(st.binary(), st.text(st.characters(codec="utf-8"), min_size=1, max_size=60), st.sampled_from(METHODS))
def test_what_was_signed_with_our_secret_is_believed(body: bytes, secret: str, method: str) -> None:
    """Any body, under each of the methods; capital letters make no difference."""
    signature = signed(body, secret, method)

    assert is_signed(body, signature, secret)
    assert is_signed(body, signature.upper(), secret)


@given(st.binary(), st.binary(), st.sampled_from(METHODS), st.sampled_from(METHODS))
def test_a_signature_is_good_for_one_body_one_secret_and_one_method(
    body: bytes, other: bytes, method: str, another: str
) -> None:
    """Whatever of the three is another, nothing is believed."""
    hexadecimal = signed(body, "secret", method).partition("=")[2]

    assert is_signed(other, f"{method}={hexadecimal}", "secret") == (other == body)
    assert not is_signed(body, f"{method}={hexadecimal}", "other secret")
    assert is_signed(body, f"{another}={hexadecimal}", "secret") == (another == method)


@given(st.one_of(st.none(), st.text(max_size=100)))
def test_no_other_text_is_a_signature(text: str | None) -> None:
    """Nothing at all, letters that are not ASCII, a method without a sum: false, and no error."""
    assert not is_signed(b"body", text, "secret")


@pytest.mark.parametrize("method", ["md5", "sha224", "sha3_256", "blake2b", ""])
def test_other_methods_are_not_taken(method: str) -> None:
    """Also where the sum is right by them."""
    sum_of = getattr(hashlib, method, hashlib.sha256)

    assert not is_signed(b"body", f"{method}={hmac.new(b'secret', b'body', sum_of).hexdigest()}", "secret")


@pytest.mark.parametrize(
    ("ours", "asked", "good"),
    [
        (subscription(), question(), True),
        (subscription(), question(topic="https://news.example/other.xml"), False),
        (subscription(), question(mode="unsubscribe"), False),
        (subscription(), question(mode=""), False),
        (subscription(), question(challenge=""), False),
        (subscription(), question(challenge="x" * (LONGEST_CHALLENGE + 1)), False),
        (subscription(asked=None), question(), False),
        (subscription(asked=None), question(mode="None"), False),
        (subscription(wanted=False), question(), False),
        (subscription(wanted=False, asked=Mode.UNSUBSCRIBE), question(mode="unsubscribe"), True),
        (subscription(asked=Mode.UNSUBSCRIBE), question(mode="unsubscribe"), False),
        (subscription(asked=Mode.DENIED), question(mode="denied"), False),
    ],
)
def test_only_what_we_asked_for_and_still_want_is_confirmed(ours: Subscription, asked, good: bool) -> None:
    """The same mode, the same topic, and a challenge to say."""
    assert confirms(ours, asked) == good


def test_a_denial_is_of_our_topic() -> None:
    """It needs no question of ours: a hub may deny later, too."""
    assert denies(subscription(asked=None), question(mode="denied"))
    assert not denies(subscription(), question(mode="denied", topic="https://else.example/"))


@pytest.mark.parametrize(
    ("text", "lease"),
    [
        ("3600", timedelta(hours=1)),
        ("99999999999999999999", LONGEST_LEASE),
        ("31536000", LONGEST_LEASE),
        ("0", LEASE_ASKED),
        ("", LEASE_ASKED),
        ("-5", LEASE_ASKED),
        ("ten", LEASE_ASKED),
        ("٣٦٠٠", LEASE_ASKED),
    ],
)
def test_a_lease_is_what_the_hub_says_within_reason(text: str, lease: timedelta) -> None:
    """No hub of ours for ever: what cannot be read is what we asked for."""
    assert question(lease_seconds=text).lease == lease


@given(SPANS)
def test_a_subscription_is_renewed_before_its_end(lease: timedelta) -> None:
    """With a fifth of it or 23 hours left; of a lease too short for that, not more often than all five minutes."""
    left = lease - renewal(lease)

    assert renewal(lease) >= SHORTEST_RENEWAL
    assert left <= timedelta(hours=23)
    assert lease < SHORTEST_RENEWAL or left >= timedelta(0)
    assert lease < 2 * SHORTEST_RENEWAL or left >= min(lease / 5, timedelta(hours=23)) - timedelta(microseconds=1)


@given(st.integers(min_value=1, max_value=10_000))
def test_pauses_grow_and_end_nowhere(number: int) -> None:
    """A hub that fails or is silent is asked less and less often, but asked."""
    assert timedelta(0) < pause(number) <= pause(number + 1) <= LONGEST_PAUSE
    assert silence(number) <= silence(number + 1) <= LONGEST_SILENCE


def test_the_first_failure_costs_a_minute_and_the_first_silence_nothing() -> None:
    """The hub may have lost us, which asking mends."""
    assert (pause(0), pause(1), pause(2)) == (timedelta(0), timedelta(minutes=1), timedelta(minutes=2))
    assert (silence(1), silence(2), silence(3)) == (timedelta(0), timedelta(days=1), timedelta(days=2))


def test_the_form_has_all_that_a_hub_needs() -> None:
    """The callback is the public address and the token; the secret is said only when subscribing."""
    ours = subscription(secret="s" * 43)
    said = form(ours, Mode.SUBSCRIBE, "https://reader.example/hubs/")

    assert said == {
        "hub.callback": "https://reader.example/hubs/t",
        "hub.mode": "subscribe",
        "hub.topic": TOPIC,
        "hub.verify": "async",
        "hub.lease_seconds": "864000",
        "hub.secret": "s" * 43,
    }
    assert "hub.secret" not in form(ours, Mode.UNSUBSCRIBE, "https://reader.example/hubs")


def test_a_secret_is_never_said_in_the_clear() -> None:
    """A hub without TLS gets none."""
    assert (may_have_secret("https://hub.example/"), may_have_secret("http://hub.example/")) == (True, False)
    assert "hub.secret" not in form(subscription(secret=None), Mode.SUBSCRIBE, "https://reader.example/")


def test_neither_token_nor_secret_is_in_what_is_logged() -> None:
    """Whoever knows them could speak for the hub."""
    shown = repr(subscription(token="hidden-token", secret="hidden-secret"))

    assert "hidden" not in shown
