"""The newsroom's script against what the pipeline published. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from services.newsroom.script import Expected


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What an event says, as far as the script says it too; `story_of` is the address of the text it copies."""

    verb: str
    url: str
    revision: int
    story_of: str | None

    def __str__(self) -> str:
        copied = f", copy of {self.story_of}" if self.story_of else ""
        return f"{self.verb} {self.url} (revision {self.revision}{copied})"


def claim_of(event: Mapping[str, Any]) -> Claim:
    """What a CloudEvent of ours claims."""
    data = event["data"]
    first = data["story"].get("first_seen") if data["story"]["role"] == "copy" else None
    return Claim(
        verb=event["type"].split(".")[2],
        url=data["url"],
        revision=data["revision"],
        story_of=first["url"] if first else None,
    )


def differences(script: Expected, events: Iterable[Mapping[str, Any]], reasons: Mapping[str, int]) -> list[str]:
    """A line for each event that is missing, not in the script or told twice, and for each reason that is missing.

    A reason may be recorded more often than the script says: pages are looked at again.
    """
    wanted = Counter(
        Claim(verb=each.verb, url=each.url, revision=each.revision, story_of=each.story_of) for each in script.events
    )
    found = Counter(claim_of(event) for event in events)
    lines = [f"missing: {claim}" for claim in (wanted - found)]
    lines += [f"{'twice' if claim in wanted else 'not expected'}: {claim}" for claim in (found - wanted)]
    expected_reasons = Counter(each.reason for each in script.reasons)
    for reason, count in expected_reasons.items():
        if reasons.get(reason, 0) < count:
            urls = ", ".join(each.url for each in script.reasons if each.reason == reason)
            lines.append(f"missing: {count} x {reason}, recorded {reasons.get(reason, 0)} ({urls})")
    return lines
