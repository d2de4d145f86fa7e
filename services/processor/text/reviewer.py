"""How likely each block of a page is text of its article: a logistic model whose weights lie beside this module.

`make train-reviewer` renews them; docs/decisions/block-reviewer.md tells what was measured.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from math import exp

from services.processor.text.blocks import Place
from services.processor.text.features import Reading, Stated, features_of, place_names


@dataclass(frozen=True, slots=True, kw_only=True)
class Weights:
    """A model: `version` changes with the others. Lines under `drop` go, blocks from `add` on are put in."""

    version: str
    drop: float
    add: float
    bias: float
    of: Mapping[str, float]

    @classmethod
    def read(cls, text: str) -> "Weights":
        """From JSON as `weights.json` has it; raises ValueError, KeyError or TypeError for anything else."""
        said = json.loads(text)
        return cls(
            version=str(said["version"]),
            drop=float(said["drop"]),
            add=float(said["add"]),
            bias=float(said["bias"]),
            of={str(name): float(weight) for name, weight in said["weights"].items()},
        )


@cache
def shipped_weights() -> Weights:
    """The weights that the service uses."""
    return Weights.read((files(__package__) / "weights.json").read_text(encoding="utf-8"))


def probabilities(readings: Sequence[Reading], stated: Stated, weights: Weights) -> tuple[float, ...]:
    """From 0 to 1 for each block, in order."""
    of = weights.of
    known: dict[Place, float] = {}
    found = []
    for reading, features in zip(readings, features_of(readings, stated), strict=True):
        place = reading.block.place
        if (base := known.get(place)) is None:
            base = known[place] = weights.bias + sum(of.get(name, 0.0) for name in place_names(place))
        found.append(_logistic(base + sum(of.get(name, 0.0) * value for name, value in features.items() if value)))
    return tuple(found)


def _logistic(score: float) -> float:
    return 1 / (1 + exp(-max(-50.0, min(50.0, score))))
