"""A message as it travels, whatever it says and whichever broker carries it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One message as it travels. `message_id` is deterministic: a repeat of it is a repeat of the same fact."""

    body: bytes
    message_id: str
    kind: str
    content_type: str
    content_encoding: str | None = None
    correlation_id: str | None = None
    headers: Mapping[str, str | int] = field(default_factory=dict)
