"""A value of metadata and where it was read."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Generic, TypeVar

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True)
class Found(Generic[Value]):
    """`source`: `feed`, `json-ld`, `microdata`, `meta`, `link`, `h1`, `title`, `page` (visible), `trafilatura`."""

    value: Value
    source: str


def first(candidates: Iterable[Found[Value]]) -> Found[Value] | None:
    """The first that is not empty."""
    return next((found for found in candidates if found.value), None)
