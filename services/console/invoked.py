"""What the commands have in common: where the state is, how the work is run, how a failure is told."""

import os
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, NoReturn, TypeVar

import typer

if TYPE_CHECKING:
    from services.console.config import ConsoleSettings

# The commands import what they need when they run: worker processes import this module too, and need none of it.
# ruff: noqa: PLC0415

T = TypeVar("T")

State = Annotated[
    Path | None, typer.Option(help="folder with the state; FILDACTU_STORE_URL or ./fildactu-data without it")
]


def settings() -> "ConsoleSettings":
    from services.console.config import ConsoleSettings
    from shared.config import load

    return load(ConsoleSettings, os.environ)


def finished(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns."""
    import uvloop

    return uvloop.run(work)


def failed(message: str, code: int) -> NoReturn:
    typer.echo(message, err=True)
    sys.exit(code)
