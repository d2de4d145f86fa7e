"""Fixtures that need a broker. What is missing is skipped with one loud line, and fails in continuous integration."""

import os
from collections.abc import Iterator

import pytest
from rabbitmq_node import HOW_TO_GET_IT, RabbitNode, find_sbin

pytest_plugins = ["database_fixtures"]


@pytest.fixture(scope="session")
def rabbitmq_node(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitNode]:
    """One private node for the whole run; a test that kills it leaves it running."""
    sbin = find_sbin()
    if sbin is None:
        if os.environ.get("CI") == "true":
            pytest.fail(HOW_TO_GET_IT)
        pytest.skip(HOW_TO_GET_IT)
    with RabbitNode(tmp_path_factory.mktemp("rabbitmq"), sbin).running() as node:
        yield node


@pytest.fixture
def rabbitmq_url(rabbitmq_node: RabbitNode) -> str:
    """A virtual host of its own for each test."""
    return rabbitmq_node.fresh_url()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    skipped = [report for report in terminalreporter.stats.get("skipped", []) if HOW_TO_GET_IT in str(report.longrepr)]
    if skipped:
        terminalreporter.write_line(f"SKIPPED {len(skipped)} BROKER TESTS: {HOW_TO_GET_IT}", red=True, bold=True)
