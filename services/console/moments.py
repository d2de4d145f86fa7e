"""Points in time as people write them on a command line. Pure."""

from datetime import datetime

from services.fetcher.subscribed.feed_values import delay
from shared.errors import PermanentError

FORMS = "a duration such as 30m, 2h or 7d, or a time with its zone such as 2026-11-23T08:00Z"


def moment(text: str, now: datetime) -> datetime:
    """`7d` is seven days before `now`; anything else must be ISO 8601. Raises PermanentError `since`."""
    try:
        return now - delay(text)
    except (ValueError, OverflowError):
        pass
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is None:
        raise PermanentError("since", f"{text!r} is not {FORMS}")
    return found
