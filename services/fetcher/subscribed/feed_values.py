"""The values of a feeds file, from the text the operator wrote. Pure; each raises ValueError saying what to write."""

import re
from datetime import timedelta

from services.fetcher.model import Backlog
from shared.urls import normalise

DURATION = re.compile(r"(\d+(?:\.\d+)?) ?([smhd])")
UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
LONGEST = timedelta(days=366)
LANGUAGE = re.compile(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{1,8})*")
HEADER_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")
PLACEHOLDER = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


def words(text: str) -> str:
    if not text.strip():
        raise ValueError("is empty")
    return text.strip()


def address(text: str) -> str:
    """The address as it is stored and asked for."""
    if "${" in text:
        raise ValueError("${NAME} works in headers, username and password only")
    found = normalise(text)
    if found is None:
        raise ValueError(f"{text!r} is not an http or https address")
    if "@" in text.partition("://")[2].partition("/")[0]:
        raise ValueError("credentials belong in username and password, not in the address")
    return found


def language(text: str) -> str:
    if not LANGUAGE.fullmatch(text):
        raise ValueError(f"{text!r} is not a language tag such as fr, en or ar")
    return text


def delay(text: str) -> timedelta:
    """A duration such as 30s, 15m, 6h or 2d; zero is one."""
    found = DURATION.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} is not a duration such as 30s, 15m, 6h or 2d")
    try:
        span = timedelta(**{UNITS[found[2]]: float(found[1])})
    except OverflowError:
        span = timedelta.max
    if span > LONGEST:
        raise ValueError(f"{text!r} is longer than {LONGEST.days}d")
    return span


def interval(text: str) -> timedelta:
    span = delay(text)
    if span <= timedelta(0):
        raise ValueError("must be longer than zero")
    return span


def pattern(text: str) -> str:
    try:
        re.compile(text)
    except re.error as error:
        raise ValueError(f"{text!r} is not a regular expression: {error}") from error
    return text


def backlog(text: str) -> tuple[Backlog, int]:
    """What to do with a new feed's backlog, and how many entries `newest` keeps (0 for the others)."""
    kind, _, count = text.partition(" ")
    if kind == Backlog.NEWEST and count.strip().isdecimal() and int(count) > 0:
        return Backlog.NEWEST, int(count)
    if text in {Backlog.ALL, Backlog.NONE}:
        return Backlog(text), 0
    raise ValueError(f"{text!r} is none of: all, none, newest 20")


def flag(text: str) -> bool:
    try:
        return {"true": True, "false": False, "yes": True, "no": False, "on": True, "off": False}[text.lower()]
    except KeyError:
        raise ValueError(f"{text!r} is neither true nor false") from None


def header_name(text: str) -> str:
    if not HEADER_NAME.fullmatch(text):
        raise ValueError(f"{text!r} is not the name of a header")
    return text


def header_value(text: str) -> str:
    if any(character in text for character in "\r\n\0"):
        raise ValueError("the value of a header is one line")
    return secret(text)


def password(text: str) -> str:
    """From the environment only: what stands here is stored, and no store of ours holds secrets."""
    if not PLACEHOLDER.search(text):
        raise ValueError("must come from the environment: write ${NAME} and set NAME")
    return secret(text)


def secret(text: str) -> str:
    """Text in which each `${NAME}` will be replaced; returned as written."""
    if "${" in PLACEHOLDER.sub("", text):
        raise ValueError("holds a ${NAME} that is not written as such")
    return words(text)


def variables(text: str) -> tuple[str, ...]:
    """The names in the `${NAME}` placeholders of `text`."""
    return tuple(PLACEHOLDER.findall(text))
