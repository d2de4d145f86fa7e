"""The sums of a whole run, over all scenarios whose promise held: the figures that the documentation quotes."""

from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields

from chaos.accounting import Account, Kind
from chaos.report import Play

LEAP = 1_000_000
"""After a restore the numbers begin anew far above all others; what lies between was given to nobody."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """Of one scenario, or of many added up."""

    scenarios: int = 0
    faults: int = 0
    kills: int = 0
    entries: int = 0
    changes: int = 0
    observations: int = 0
    given_up: int = 0
    events: int = 0
    deliveries: int = 0
    repeats: int = 0
    late: int = 0
    lost: int = 0
    wrong: int = 0
    twice: int = 0


def figures(account: Account, play: Play) -> dict[str, int]:
    """Plain numbers: they travel from one process of the test run to another."""
    items = account.truth.items
    found = Figures(
        scenarios=1,
        faults=len(play.faults),
        kills=sum(code == -9 for code in play.exits),
        entries=len(items),
        changes=sum(len(each.states) - 1 for each in items),
        observations=len(account.finished),
        given_up=sum(count for count in account.interrupted.values() if count < LEAP),
        events=len(account.events),
        deliveries=len(account.deliveries),
        repeats=account.repeats,
        late=account.late,
        lost=account.count(Kind.LOST),
        wrong=account.count(Kind.WRONG),
        twice=account.count(Kind.TWICE),
    )
    return asdict(found)


def total(parts: Iterable[dict[str, int]]) -> Figures:
    summed = dict.fromkeys((each.name for each in fields(Figures)), 0)
    for part in parts:
        for name, count in part.items():
            summed[name] += count
    return Figures(**summed)


def summary(all_in_all: Figures) -> str:
    """One line a figure, as they stand in the documentation."""
    lines = {
        "scenarios": all_in_all.scenarios,
        "faults injected": all_in_all.faults,
        "processes killed": all_in_all.kills,
        "entries made": all_in_all.entries,
        "changes made to them": all_in_all.changes,
        "observations settled": all_in_all.observations,
        "observations given up and made again": all_in_all.given_up,
        "events": all_in_all.events,
        "deliveries to subscribers": all_in_all.deliveries,
        "repeats of a known id among them": all_in_all.repeats,
        "that came after a later revision": all_in_all.late,
        "lost": all_in_all.lost,
        "articles whose last event is not the site's last state": all_in_all.wrong,
        "said twice under two ids": all_in_all.twice,
    }
    width = max(map(len, lines))
    return "\n".join(f"{name:<{width}}  {count:>9,}" for name, count in lines.items())
