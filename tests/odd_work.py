"""Work for worker processes whose results and errors are hard to hand back; they import it by name."""

import threading
import time

from shared.errors import PermanentError


class Unpicklable:
    """As a lock, a socket or a generator in a result."""

    def __init__(self) -> None:
        self.lock = threading.Lock()


class NeedsTwo(Exception):
    """Pickles, but does not come back: its arguments are not those of its making."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} {two}")


class SlowToPack:
    def __reduce__(self) -> tuple[type, tuple[()]]:
        time.sleep(60)
        return SlowToPack, ()


class ComesApart:
    """Packs, and fails where it is unpacked."""

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return int, ("no number",)


def unpicklable_result() -> object:
    return Unpicklable()


def unpicklable_error() -> None:
    error = PermanentError("odd", "with a lock")
    error.lock = threading.Lock()  # type: ignore[attr-defined]
    raise error


def error_that_does_not_come_back() -> None:
    raise NeedsTwo("a", "b")


def result_that_does_not_come_back() -> object:
    return ComesApart()


def slow_to_pack() -> object:
    return SlowToPack()


def giant(size: int) -> bytes:
    return b"x" * size


def deep(depth: int) -> object:
    found: list[object] = []
    for _ in range(depth):
        found = [found]
    return found


def echo(value: object) -> object:
    return value
