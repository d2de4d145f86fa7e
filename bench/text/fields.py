"""Whether headline, authors and day of publication are the true ones. Pure.

Exact, after what no reader sees or minds is taken away: case, punctuation, spaces, soft hyphens, the form of accents.
"""

import unicodedata
from collections.abc import Iterable
from datetime import datetime


def title_exact(found: str | None, truth: str) -> bool:
    return bare(found or "") == bare(truth)


def authors_exact(found: Iterable[str], truth: Iterable[str]) -> bool:
    """The same set of names; their order is not looked at."""
    return {bare(name) for name in found} == {bare(name) for name in truth}


def authors_any(found: Iterable[str], truth: Iterable[str]) -> bool:
    """At least one name is true."""
    return bool({bare(name) for name in found} & {bare(name) for name in truth})


def day_exact(found: datetime | None, truth: str) -> bool:
    """The same day on the calendar of the truth, or on that of the page where the truth has no offset.

    `truth` is ISO 8601; raises ValueError where it is not.
    """
    true = datetime.fromisoformat(truth)
    if found is None:
        return False
    return (found.astimezone(true.tzinfo) if true.tzinfo and found.tzinfo else found).date() == true.date()


def bare(text: str) -> str:
    """Letters and digits alone, in one case and in composed form."""
    return "".join(filter(str.isalnum, unicodedata.normalize("NFC", text).casefold()))
