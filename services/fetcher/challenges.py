"""Whether an answer is a wall in place of what was asked for, by what the transport says of it. Pure."""

from services.fetcher.model import Response


def challenge(response: Response) -> str | None:
    """A reason such as `challenge` when a bot check or a block answered; None when it is the site itself."""
    return "challenge" if response.headers.get("cf-mitigated", "").strip().lower() == "challenge" else None
