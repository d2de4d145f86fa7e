"""How alike two sketches are. Pure."""

from collections.abc import Set as AbstractSet
from difflib import SequenceMatcher

from services.processor.sketch import Likeness, Sketch

RUN = 3
LEAD = 60


def likeness(new: Sketch, old: Sketch) -> Likeness:
    """How alike the new text is to the old one. Bounded by the length of a trace, whatever the texts were."""
    ours, theirs = _codes(new.trace), _codes(old.trace)
    mine, yours = _runs(ours), _runs(theirs)
    lead, shared = _runs(ours[:LEAD]), mine & yours
    blocks = SequenceMatcher(None, ours, theirs, autojunk=False).get_matching_blocks()
    same = sum(block.size for block in blocks)
    return Likeness(
        containment=_share(shared, mine),
        contained=_share(shared, yours),
        resemblance=_share(shared, mine | yours),
        lead=_share(lead & yours, lead),
        run=max((block.size for block in blocks), default=0),
        headline=_share(set(_codes(new.headline)) & set(_codes(old.headline)), set(_codes(new.headline))),
        added=len(ours) - same,
        removed=len(theirs) - same,
    )


def _codes(packed: bytes) -> tuple[int, ...]:
    return tuple(memoryview(packed).cast("H"))


def _runs(codes: tuple[int, ...]) -> set[tuple[int, ...]]:
    return set(zip(*(codes[at:] for at in range(RUN)), strict=False))


def _share(some: AbstractSet[object], of: AbstractSet[object]) -> float:
    return len(some) / len(of) if of else 0.0
