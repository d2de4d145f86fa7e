"""The fixture that opens stages for a scenario."""

import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from typing import Protocol

import pytest
from chaos.casting import Ground, Way
from chaos.spawning import Spawn, zygote
from chaos.stage import HOSTS, Stage
from postgres_cluster import TEMPLATE

from services.console.config import STORE_FILE
from shared.topology import Topology

TABLE, FIGURES = "chaos table", "chaos figures"
"""Names of the properties under which a test's report carries its tables, and the figures of what held."""


class OpenStage(Protocol):
    def __call__(
        self,
        way: Way = "stack",
        *,
        hosts: Sequence[str] = HOSTS,
        topology: Topology | None = None,
        state: Path | None = None,
    ) -> AbstractAsyncContextManager[Stage]: ...


@pytest.fixture(scope="session")
def spawn(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Spawn]:
    with zygote(tmp_path_factory.mktemp("zygote")) as forking:
        yield forking


@pytest.fixture
def open_stage(request: pytest.FixtureRequest, tmp_path: Path, spawn: Spawn) -> OpenStage:
    """`async with open_stage("stack") as stage:`, and `"embedded"` for both services in one process on SQLite.

    A broker and a store of the scenario's own; where they are not installed, it is skipped. `state` is the folder of
    the embedded way's SQLite file, where a scenario wants it elsewhere.
    """

    def tell(table: str) -> None:
        print(f"\n{table}")  # noqa: T201 - the scenario's result
        request.node.user_properties.append((TABLE, table))

    def count(figures: Mapping[str, int]) -> None:
        request.node.user_properties.append((FIGURES, dict(figures)))

    def store(way: Way, state: Path) -> str:
        if way == "stack":
            url: str = request.getfixturevalue("postgres_cluster").fresh_url(TEMPLATE)
            return url
        state.mkdir(exist_ok=True)
        return f"sqlite:///{shutil.copy(request.getfixturevalue('sqlite_template'), state / STORE_FILE)}"

    def open_(
        way: Way = "stack",
        *,
        hosts: Sequence[str] = HOSTS,
        topology: Topology | None = None,
        state: Path | None = None,
    ) -> AbstractAsyncContextManager[Stage]:
        ground = Ground(
            way=way,
            title=request.node.name,
            folder=tmp_path,
            broker_url=request.getfixturevalue("rabbitmq_url") if way == "stack" else "inprocess:",
            store_url=store(way, state or tmp_path / "state"),
            tell=tell,
            count=count,
            spawn=spawn,
        )
        return Stage.open(ground, hosts=hosts, topology=topology)

    return open_
