"""The keys of a feeds file as options of a command."""

from collections.abc import Callable, Mapping, Sequence
from inspect import Parameter, Signature, signature
from typing import Annotated, Any

import typer

OPTIONS: Mapping[str, Any] = {
    "name": Annotated[str | None, typer.Option(help="shown in logs and events; of a new feed, its host without it")],
    "language": Annotated[str | None, typer.Option(help="a hint for short texts: fr")],
    "section": Annotated[str | None, typer.Option(help="a hint: economy")],
    "min_interval": Annotated[str | None, typer.Option(help="never polled more often: 15m")],
    "max_interval": Annotated[str | None, typer.Option(help="never polled less often: 24h")],
    "headers": Annotated[
        list[str] | None, typer.Option("--header", help="'Name: value', sent with each request; ${NAME} is filled in")
    ],
    "username": Annotated[str | None, typer.Option(help="for HTTP basic authentication")],
    "password": Annotated[str | None, typer.Option(help="'${NAME}', from the fetcher's environment")],
    "include": Annotated[list[str] | None, typer.Option(help="only entries whose address or title matches")],
    "exclude": Annotated[list[str] | None, typer.Option(help="no entries whose address or title matches")],
    "backlog": Annotated[str | None, typer.Option(help="what to take at the first poll: all, none or 'newest 20'")],
    "revisit_after": Annotated[list[str] | None, typer.Option(help="an age at which a page is looked at again: 6h")],
    "page_delay": Annotated[str | None, typer.Option(help="least time between two requests to its site: 2s")],
}


def takes_keys(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each key; it is called with the keys that were given as `keys`."""

    def invoked(**given: Any) -> None:  # noqa: ANN401 - as many types as there are options
        keys = {name: value for name in OPTIONS if (value := given.pop(name)) is not None}
        if "headers" in keys:
            keys["headers"] = _headers(keys["headers"])
        command(**given, keys=keys)

    own = [each for each in signature(command).parameters.values() if each.name != "keys"]
    more = [Parameter(name, Parameter.KEYWORD_ONLY, default=None, annotation=kind) for name, kind in OPTIONS.items()]
    invoked.__signature__ = Signature([*own, *more])  # type: ignore[attr-defined] # where `inspect` looks for it
    invoked.__doc__ = command.__doc__
    return invoked


def _headers(written: Sequence[str]) -> dict[str, str]:
    """`Name: value` of each; one without a colon has an empty value, which is refused like any other."""
    parts = (each.partition(":") for each in written)
    return {name.strip(): value.strip() for name, _, value in parts}
