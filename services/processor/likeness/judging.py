"""What the likeness of two texts makes of them. Pure: the first rule that fits decides."""

from dataclasses import dataclass
from enum import StrEnum

from services.processor.sketch import Likeness


class Relation(StrEnum):
    """What a new article is to a stored one."""

    SAME = "same"
    """The same site says the same words at another address."""
    REWRITTEN = "rewritten"
    """The same article of the same site at another address, in changed words."""
    COPY = "copy"
    """Another outlet says the same text: whole, cut, or with something added."""
    RELATED = "related"
    """Something in common, and not the same text: a hint, no link."""
    STRANGER = "stranger"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pair:
    """What the rules look at: two articles, the new one first. `site` is empty where the outlet is not known."""

    site: str
    other_site: str
    words: int
    other_words: int
    same_words: bool
    same_headline: bool
    likeness: Likeness


@dataclass(frozen=True, slots=True, kw_only=True)
class Judgement:
    """The relation, and the rule that said so."""

    relation: Relation
    rule: str


def judge(pair: Pair) -> Judgement:
    """What the new article is to the other one."""
    likeness, same_site = pair.likeness, pair.site == pair.other_site
    if pair.same_words and same_site:
        return Judgement(relation=Relation.SAME, rule="same_words")
    if same_site and likeness.containment > 0.5 and likeness.headline > 0.8:
        return Judgement(relation=Relation.REWRITTEN, rule="headlines_agree")
    if pair.same_words or likeness.containment > 0.5:
        return Judgement(relation=Relation.COPY, rule="contained")
    if likeness.containment > 0.1:
        return Judgement(relation=Relation.RELATED, rule="something_in_common")
    return Judgement(relation=Relation.STRANGER, rule="stranger")
