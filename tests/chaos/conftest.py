"""What all scenarios share, their tables, and the sums of them at the end of a run, also where several run at once."""

import pytest
from chaos.fixtures import FIGURES, TABLE, open_stage, spawn
from chaos.totals import summary, total

__all__ = ["open_stage", "spawn"]


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if config.get_verbosity() < 1:
        return
    reports = [report for found in terminalreporter.stats.values() for report in found]
    calls = [report for report in reports if getattr(report, "when", None) == "call"]
    said = [each for report in calls for each in report.user_properties]
    if tables := [table for name, table in said if name == TABLE]:
        terminalreporter.section("what became of it")
        for each in tables:
            terminalreporter.write_line(f"{each}\n")
    if counted := [figures for name, figures in said if name == FIGURES]:
        terminalreporter.section("all in all")
        terminalreporter.write_line(summary(total(counted)))
