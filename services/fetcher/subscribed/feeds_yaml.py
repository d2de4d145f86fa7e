"""From the text of a feeds file to settings, with every fault at its line. Pure."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from difflib import get_close_matches
from typing import Any
from uuid import UUID

import yaml
from yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from services.fetcher.model import Backlog, Bounds, FeedSettings, feed_id
from services.fetcher.subscribed import feed_values

NULL_TAG = "tag:yaml.org,2002:null"
# libyaml reads ten thousand feeds in a second or two, the pure parser in twenty.
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


@dataclass(frozen=True, slots=True, order=True)
class Fault:
    """What is wrong, and the line it stands on, counted from 1."""

    line: int
    message: str


@dataclass(frozen=True, slots=True)
class Value:
    """What a key was read to, and where."""

    read: Any
    line: int


class Faults:
    """Collects; the same fault of the defaults would else be told once for each feed."""

    def __init__(self) -> None:
        self.found: set[Fault] = set()

    def add(self, line: int, message: str) -> None:
        self.found.add(Fault(line, message))


Values = dict[str, Value]
Read = Callable[[Node, str, Faults], Any]
Environ = Mapping[str, str] | None


def read_feeds(text: str, environ: Environ) -> tuple[tuple[FeedSettings, ...], tuple[Fault, ...]]:
    """The feeds that are not paused, and the faults in the order of their lines; with faults, the feeds are partial.

    Without an environment, a variable that it does not set is no fault.
    """
    faults = Faults()
    settings = tuple(_feeds(text, environ, faults))
    return settings, tuple(sorted(faults.found))


def _feeds(text: str, environ: Environ, faults: Faults) -> Iterator[FeedSettings]:
    top = _document(text, faults)
    if top is None:
        return
    parts = _members(top, ("defaults", "feeds"), faults)
    allowed = tuple(key for key in KEYS if key not in {"url", "name"})
    defaults = _values(parts["defaults"], allowed, environ, faults) if "defaults" in parts else {}
    seen: dict[UUID, int] = {}
    for node in _listed(parts.get("feeds"), _line(top), faults):
        own = _values(node, tuple(KEYS), environ, faults)
        _check_identity(own, node, seen, faults)
        values = defaults | own
        _check_together(values, faults)
        if "url" in own and "name" in own and not _read(values, "paused", default=False):
            yield _settings(values)


def _document(text: str, faults: Faults) -> Node | None:
    try:
        top = yaml.compose(text, Loader=LOADER)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        faults.add(mark.line + 1 if mark else 1, f"not YAML: {error.problem or error.context}")
        return None
    except yaml.YAMLError as error:
        position = getattr(error, "position", 0)
        faults.add(text.count("\n", 0, position) + 1, f"not YAML: {getattr(error, 'reason', error)}")
        return None
    if top is None:
        faults.add(1, "holds no feeds: write `feeds:` and a list of them")
    return top


def _listed(node: Node | None, line: int, faults: Faults) -> list[Node]:
    if node is None:
        faults.add(line, "`feeds` is missing: a list of feeds")
    elif not isinstance(node, SequenceNode) or not node.value:
        faults.add(_line(node), "feeds: must be a list of feeds, each with url and name")
    else:
        return list(node.value)
    return []


def _members(node: Node, allowed: tuple[str, ...], faults: Faults) -> dict[str, Node]:
    """The key nodes of a mapping by name; unknown, doubled and empty ones are left out."""
    if not isinstance(node, MappingNode):
        faults.add(_line(node), f"must be a mapping of {', '.join(allowed)}")
        return {}
    found: dict[str, Node] = {}
    for key, value in node.value:
        name = str(key.value)
        if name not in allowed:
            near = get_close_matches(name, allowed, n=1)
            faults.add(_line(key), f"unknown key {name!r}" + (f": did you mean {near[0]!r}?" if near else ""))
        elif name in found:
            faults.add(_line(key), f"{name} is given twice")
        elif value.tag != NULL_TAG:
            found[name] = value
    return found


def _values(node: Node, allowed: tuple[str, ...], environ: Environ, faults: Faults) -> Values:
    found: Values = {}
    for name, value in _members(node, allowed, faults).items():
        read = KEYS[name](value, name, faults)
        if read is not None:
            found[name] = Value(read, _line(value))
        if name in SECRETS and environ is not None:
            _check_environment(value, name, environ, faults)
    return found


def _check_environment(node: Node, name: str, environ: Mapping[str, str], faults: Faults) -> None:
    for scalar in _scalars(node):
        for variable in feed_values.variables(scalar.value):
            if not environ.get(variable):
                faults.add(_line(scalar), f"{name}: the environment does not set {variable}")


def _check_identity(own: Values, node: Node, seen: dict[UUID, int], faults: Faults) -> None:
    if isinstance(node, MappingNode):
        given = {str(key.value) for key, value in node.value if value.tag != NULL_TAG}
        for name in sorted({"url", "name"} - given):
            faults.add(_line(node), f"{name} is missing")
    if "url" not in own:
        return
    known, line = feed_id(own["url"].read), own["url"].line
    if known in seen:
        faults.add(line, f"url: the same address as in line {seen[known]}")
    seen.setdefault(known, line)


def _check_together(values: Values, faults: Faults) -> None:
    bounds = _bounds(values)
    if bounds.shortest > bounds.longest:
        line = max(values[name].line for name in ("min_interval", "max_interval") if name in values)
        faults.add(line, f"min_interval ({bounds.shortest}) is longer than max_interval ({bounds.longest})")
    for name, other in (("username", "password"), ("password", "username")):
        if name in values and other not in values:
            faults.add(values[name].line, f"{name} without {other}")


def _settings(values: Values) -> FeedSettings:
    backlog, newest = _read(values, "backlog", default=(Backlog.ALL, 0))
    same = ("url", "name", "language", "section", "headers", "username", "password", "include", "exclude")
    given: dict[str, Any] = {name: values[name].read for name in same if name in values}
    return FeedSettings(
        **given,
        bounds=_bounds(values),
        backlog=backlog,
        backlog_newest=newest,
        revisit_after=_read(values, "revisit_after", default=None),
        page_delay=_read(values, "page_delay", default=None),
    )


def _bounds(values: Values) -> Bounds:
    usual = Bounds()
    shortest: timedelta = _read(values, "min_interval", default=usual.shortest)
    longest: timedelta = _read(values, "max_interval", default=usual.longest)
    return Bounds(shortest=shortest, longest=longest)


def _read(values: Values, name: str, *, default: Any) -> Any:  # noqa: ANN401 - as many types as there are keys
    return values[name].read if name in values else default


def _single(convert: Callable[[str], Any]) -> Read:
    # The text as written, whatever YAML makes of it: `language: no` is Norwegian, not False.
    def read(node: Node, name: str, faults: Faults) -> Any:  # noqa: ANN401
        if not isinstance(node, ScalarNode):
            faults.add(_line(node), f"{name}: must be a single value")
            return None
        try:
            return convert(node.value)
        except ValueError as error:
            faults.add(_line(node), f"{name}: {error}")
            return None

    return read


def _several(convert: Callable[[str], Any]) -> Read:
    def read(node: Node, name: str, faults: Faults) -> tuple[Any, ...]:
        each = node.value if isinstance(node, SequenceNode) else [node]
        return tuple(_single(convert)(item, name, faults) for item in each)

    return read


def _ages(node: Node, name: str, faults: Faults) -> tuple[timedelta, ...]:
    ages: tuple[timedelta, ...] = _several(feed_values.interval)(node, name, faults)
    if None not in ages and list(ages) != sorted(set(ages)):
        faults.add(_line(node), f"{name}: each age must be greater than the one before")
    return ages


def _headers(node: Node, name: str, faults: Faults) -> dict[str, str] | None:
    if not isinstance(node, MappingNode):
        faults.add(_line(node), f"{name}: must be a mapping of names to values")
        return None
    to_name, to_value = _single(feed_values.header_name), _single(feed_values.header_value)
    return {to_name(key, name, faults): to_value(value, name, faults) for key, value in node.value}


def _scalars(node: Node) -> Iterator[ScalarNode]:
    if isinstance(node, ScalarNode):
        yield node
    elif isinstance(node, MappingNode):
        yield from (value for _, value in node.value if isinstance(value, ScalarNode))


def _line(node: Node) -> int:
    return int(node.start_mark.line) + 1


SECRETS = frozenset({"headers", "username", "password"})
KEYS: Mapping[str, Read] = {
    "url": _single(feed_values.address),
    "name": _single(feed_values.words),
    "language": _single(feed_values.language),
    "section": _single(feed_values.words),
    "min_interval": _single(feed_values.interval),
    "max_interval": _single(feed_values.interval),
    "headers": _headers,
    "username": _single(feed_values.secret),
    "password": _single(feed_values.password),
    "include": _several(feed_values.pattern),
    "exclude": _several(feed_values.pattern),
    "backlog": _single(feed_values.backlog),
    "revisit_after": _ages,
    "page_delay": _single(feed_values.delay),
    "paused": _single(feed_values.flag),
}
