"""The subscriber's side of WebSub: what a hub is asked, what is confirmed to it, and whose content is believed. Pure.

https://www.w3.org/TR/websub/
"""

import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from enum import StrEnum
from urllib.parse import urlsplit
from uuid import UUID

LEASE_ASKED = timedelta(days=10)
LONGEST_LEASE = timedelta(days=30)
SHORTEST_RENEWAL = timedelta(minutes=5)
"""Between a verification and the next request, however short the lease is that the hub gives."""
RENEWED_BEFORE_END = timedelta(hours=23)
VERIFIED_WITHIN = timedelta(minutes=15)
"""A hub that accepted our request and did not verify it for so long is asked again."""
DENIED_FOR = timedelta(days=1)
FIRST_PAUSE = timedelta(minutes=1)
LONGEST_PAUSE = timedelta(days=1)
LONGEST_SILENCE = timedelta(days=30)
LONGEST_CHALLENGE = 4096

# By name, because `hmac.digest` would take any that OpenSSL knows.
_DIGESTS = frozenset({"sha1", "sha256", "sha384", "sha512"})


class Mode(StrEnum):
    """What a hub is asked for, and what it asks or tells us of it."""

    SUBSCRIBE = "subscribe"
    UNSUBSCRIBE = "unsubscribe"
    DENIED = "denied"


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """What a hub tells us of one feed, or is to tell us.

    `wanted` is whether the feed is polled and names this hub; `asked` is what the hub was asked for last.
    """

    token: str = field(repr=False)
    feed_id: UUID
    hub: str
    topic: str
    secret: str | None = field(default=None, repr=False)
    wanted: bool = True
    asked: Mode | None = None
    failures: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Delivery:
    """A hub's request as it came; `body` is as it was sent, empty for a ping."""

    subscription: Subscription
    body: bytes = field(repr=False)
    content_type: str | None = None
    encoding: str | None = None
    signature: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Verification:
    """A hub's question whether we asked for this, or its word that we get nothing (`denied`)."""

    mode: str
    topic: str
    challenge: str = ""
    lease: timedelta = LEASE_ASKED
    reason: str = ""


def form(subscription: Subscription, mode: Mode, callback: str) -> dict[str, str]:
    """The fields that the hub is posted; `callback` is the public address under which our tokens are."""
    said = {
        "hub.callback": f"{callback.rstrip('/')}/{subscription.token}",
        "hub.mode": mode.value,
        "hub.topic": subscription.topic,
        # Hubs of the time before WebSub insist on it, the others do not mind.
        "hub.verify": "async",
    }
    if mode is Mode.SUBSCRIBE:
        said["hub.lease_seconds"] = str(int(LEASE_ASKED.total_seconds()))
        if subscription.secret is not None:
            said["hub.secret"] = subscription.secret
    return said


def may_have_secret(hub: str) -> bool:
    """A secret that is sent in the clear is none, and content that it would sign is not believed."""
    return urlsplit(hub).scheme == "https"


def read_verification(query: Mapping[str, str]) -> Verification:
    """From the parameters of the hub's request; what is missing is empty and confirms nothing."""
    return Verification(
        mode=query.get("hub.mode", ""),
        topic=query.get("hub.topic", ""),
        challenge=query.get("hub.challenge", ""),
        lease=_lease(query.get("hub.lease_seconds", "")),
        reason=query.get("hub.reason", ""),
    )


def confirms(subscription: Subscription, verification: Verification) -> bool:
    """Whether this is what we asked the hub for, and still want."""
    wished = Mode.SUBSCRIBE if subscription.wanted else Mode.UNSUBSCRIBE
    asked = verification.mode == subscription.asked == wished
    return asked and verification.topic == subscription.topic and 0 < len(verification.challenge) <= LONGEST_CHALLENGE


def denies(subscription: Subscription, verification: Verification) -> bool:
    return verification.mode == Mode.DENIED and verification.topic == subscription.topic


def is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    """Whether `signature` (`method=hex`) is that of the raw body under our secret; compared in constant time."""
    method, _, given = (signature or "").strip().partition("=")
    if method.lower() not in _DIGESTS:
        return False
    expected = hmac.new(secret.encode(), body, method.lower()).hexdigest()
    # As bytes: text that is not ASCII cannot be compared.
    return hmac.compare_digest(expected.encode(), given.strip().lower().encode("utf-8", "surrogateescape"))


def renewal(lease: timedelta) -> timedelta:
    """How long after a verification the subscription is renewed: 23 hours before its end, or a fifth of it."""
    return max(lease - min(lease / 5, RENEWED_BEFORE_END), SHORTEST_RENEWAL)


def pause(failures: int) -> timedelta:
    """Until a hub that failed so often in a row is asked again; it is never given up."""
    return min(FIRST_PAUSE * 2 ** min(failures - 1, 20), LONGEST_PAUSE) if failures else timedelta(0)


def silence(silences: int) -> timedelta:
    """Until a hub is asked again that told us nothing while there was news; at once only the first time in a row."""
    return min(LONGEST_PAUSE * 2 ** min(silences - 2, 20), LONGEST_SILENCE) if silences > 1 else timedelta(0)


def _lease(text: str) -> timedelta:
    """What we asked for where the hub says nothing that can be read: leases without an end are none."""
    if not (text.isascii() and text.isdecimal()) or not text.strip("0"):
        return LEASE_ASKED
    return LONGEST_LEASE if len(text) > 8 else min(timedelta(seconds=int(text)), LONGEST_LEASE)
