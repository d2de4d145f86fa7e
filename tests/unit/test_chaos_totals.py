"""The sums of a run of scenarios."""

from dataclasses import asdict

from chaos.totals import Figures, summary, total


def test_figures_of_all_scenarios_are_added_up() -> None:
    """Each by its name; none of them gets lost on the way to the table."""
    one, other = Figures(scenarios=1, faults=3, events=1_200, lost=1), Figures(scenarios=1, events=34, late=2)

    found = total([asdict(one), asdict(other)])

    assert found == Figures(scenarios=2, faults=3, events=1_234, late=2, lost=1)
    assert "events                                                      1,234" in summary(found)
    assert len(summary(found).splitlines()) == len(asdict(found))
