"""Examples → weights: logistic regression on some of the pages, scores on others."""

import hashlib
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from sklearn.feature_extraction import DictVectorizer
from sklearn.linear_model import LogisticRegression

from bench.reviewer.examples import Example
from bench.text.scoring import Agreement, agreement, mean
from services.processor.text.editing import edited
from services.processor.text.lines import kept
from services.processor.text.reviewer import Weights, probabilities

REGULARISATION = 0.2
"""scikit-learn's C. From .03 to 5 the score moves by less than .001."""
GROUP_WEIGHTS = {"publishers": 5.0}
"""The pages that the product will meet are fewer than the others, and count more."""
ROUNDED = 4


@dataclass(frozen=True, slots=True)
class Table:
    """All examples as one matrix, made once: `rows` by example, with `labels` and `importance` of their blocks."""

    names: tuple[str, ...]
    examples: tuple[Example, ...]
    rows: tuple[Any, ...]

    @classmethod
    def of(cls, examples: Sequence[Example]) -> "Table":
        vectorizer = DictVectorizer(dtype=np.float32, sparse=False)
        vectorizer.fit({name: 1.0 for named in example.features for name in named} for example in examples)
        rows = tuple(vectorizer.transform(example.features or [{}]) for example in examples)
        return cls(tuple(map(str, vectorizer.get_feature_names_out())), tuple(examples), rows)

    def trained(self, wanted: Callable[[Example], bool]) -> Weights:
        """The model that the `wanted` examples teach, without thresholds."""
        chosen = [at for at, example in enumerate(self.examples) if example.readings and wanted(example)]
        examples = [self.examples[at] for at in chosen]
        model = LogisticRegression(C=REGULARISATION, max_iter=400)
        labels = [share >= 0.5 for example in examples for share in example.true]
        model.fit(np.vstack([self.rows[at] for at in chosen]), labels, _importance(examples))
        pairs = zip(self.names, model.coef_[0], strict=True)
        of = {name: round(float(weight), ROUNDED) for name, weight in pairs}
        return with_version(Weights(version="", drop=0, add=1, bias=round(float(model.intercept_[0]), ROUNDED), of=of))


def with_version(weights: Weights) -> Weights:
    """The version is a hash of everything else."""
    said = repr((weights.drop, weights.add, weights.bias, sorted(weights.of.items())))
    return replace(weights, version=hashlib.sha256(said.encode()).hexdigest()[:8])


def _importance(examples: Iterable[Example]) -> list[float]:
    found = [each * GROUP_WEIGHTS.get(example.page.group, 1.0) for example in examples for each in example.importance]
    average = sum(found) / len(found)
    return [each / average for each in found]


Likely = dict[str, tuple[float, ...]]
"""The probabilities of each page's blocks, by the page's name."""


def likely_in(examples: Iterable[Example], weights: Callable[[Example], Weights]) -> Likely:
    return {each.page.name: probabilities(each.readings, each.stated, weights(each)) for each in examples}


def score(
    examples: Sequence[Example], weights: Callable[[Example], Weights], likely: Likely | None = None
) -> dict[str, Agreement]:
    """The edited texts against the truth, by set; `likely` replaces what `weights` find, but for the thresholds."""
    likely = likely or likely_in(examples, weights)
    found: dict[str, list[Agreement]] = {}
    for example in examples:
        page = example.page
        text = "\n".join(kept(edited(example.lines, example.readings, likely[page.name], weights(example))))
        found.setdefault(page.group, []).append(agreement(text, page.text, page.title))
    return {group: mean(every) for group, every in found.items()}
