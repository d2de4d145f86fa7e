"""Troubles that the services themselves must bear, put into them by name like the broken variants.

A text can kill its extraction, or be extracted only at the second try; the broker in the process can be away at times.
"""

from collections.abc import Callable, Mapping
from typing import Any

from services.processor.extraction import extract
from services.processor.model import Extracted, Source
from shared.broker.inprocess import InProcessBroker
from shared.envelope import Message
from shared.errors import BrokerUnavailable, PermanentError, TransientError
from shared.topology import ARTICLE_EVENTS

POISON = "poison"
STUMBLE = "stumble"
AWAY_EVERY = 3
_stumbled: set[bytes] = set()


def refuse(source: Source) -> Extracted:
    """In a worker: nothing can be made of a page in the state `poison`; one in `stumble` needs another try."""
    if f"state {POISON}".encode() in source.body:
        raise PermanentError("poisonous", "nothing can be made of it")
    if f"state {STUMBLE}".encode() in source.body and source.body not in _stumbled:
        _stumbled.add(source.body)
        raise TransientError("stumbled")
    return extract(source)


class MoodyBroker(InProcessBroker):
    """Away for the first of each few events."""

    sent = 0

    async def publish(self, exchange: str, routing_key: str, message: Message) -> None:
        if exchange == ARTICLE_EVENTS:
            self.sent += 1
            if self.sent % AWAY_EVERY == 1:
                raise BrokerUnavailable("away")
        await super().publish(exchange, routing_key, message)


def _pages() -> None:
    from services.processor import __main__ as root  # noqa: PLC0415 -- workers import this module too

    patched: Any = root
    patched.extract = refuse


def _broker() -> None:
    from services.console import embedded  # noqa: PLC0415

    patched: Any = embedded
    patched.InProcessBroker = MoodyBroker


def _store() -> None:
    from shared import service  # noqa: PLC0415

    service.ANSWER_SECONDS = 5.0


TROUBLES: Mapping[str, Callable[[], None]] = {
    "refused-pages": _pages,
    "moody-broker": _broker,
    "impatient-with-the-store": _store,
}
