"""The soak: `python -m chaos.soak --minutes 30`. Steady news, one fault after the other, and the same count at the end.

Beside the accounting of each scenario, it looks at what only time shows: memory, file descriptors, and tables that
must not grow. Exit code 1 on any fault. A run is repeated by its seed: the same faults in the same order.
"""

import argparse
import asyncio
import logging
import random
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from time import monotonic

from chaos.accounting import missing
from chaos.casting import Ground
from chaos.loudness import complaints
from chaos.proxy import Proxy
from chaos.soak_books import RememberingBooks
from chaos.soak_faults import Arena, drawn
from chaos.soak_gauges import Sample, gauges, grown, of_process, of_tables, table
from chaos.soak_load import AT_A_TIME, Newsday
from chaos.spawning import zygote
from chaos.stage import ENDS, Stage
from database_fixtures import SCRIPTS
from postgres_cluster import HOW_TO_GET_IT as HOW_TO_GET_POSTGRES
from postgres_cluster import PostgresCluster, find_bin
from rabbitmq_node import HOW_TO_GET_IT as HOW_TO_GET_RABBIT
from rabbitmq_node import RabbitNode, find_sbin
from sqlalchemy import func, select

from services.fetcher.tables import entries, feeds
from services.processor.tables import inbox, outbox
from shared.database import Database, clock
from shared.errors import TransientError
from shared.migrations import migrate

SHORTEST_KEPT_SECONDS = 60.0
ANSWER_SECONDS = 10.0
SAMPLES = 120
PAUSE_SECONDS = (1.0, 5.0)
QUIET_SECONDS = 240.0
VACUUM_SECONDS = 60.0
WARM_SECONDS = 300.0
REVISIT_AFTER = "[4, 10, 25, 50]"
WINDOW = "one fault after the other"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """`rate` in new articles a second; corrections, copies and withdrawals are half as many again."""

    seconds: float
    seed: int
    rate: float = 1.0

    @property
    def keep_seconds(self) -> float:
        """How long ids, bodies and lines are kept: as many rows are there for most of the time."""
        return max(SHORTEST_KEPT_SECONDS, self.seconds / 10)

    @property
    def environment(self) -> Mapping[str, str]:
        keep = str(timedelta(seconds=self.keep_seconds) / timedelta(days=1))
        return {
            "PROCESSOR_KEEP_BODIES_DAYS": keep,
            "PROCESSOR_KEEP_INBOX_DAYS": keep,
            "PROCESSOR_KEEP_LINES_DAYS": keep,
            "FETCHER_REVISIT_AFTER_SECONDS": REVISIT_AFTER,
            "FETCHER_RECONCILE_SECONDS": "20",
        }


class Soak:
    def __init__(self, arena: Arena, plan: Plan, database: Database) -> None:
        self._arena = arena
        self._stage = arena.stage
        self._plan = plan
        self._database = database
        self._books = RememberingBooks(database, keep_seconds=plan.keep_seconds)
        self._stage.books = self._books
        self._samples: list[Sample] = []
        self._since = monotonic()

    async def run(self) -> list[str]:
        """What was wrong in the end."""
        await self._start()
        self._since = monotonic()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._publish())
            group.create_task(self._break())
            group.create_task(self._measure())
            group.create_task(self._read())
            group.create_task(self._vacuum())
        late = await self._calm_down()
        account = await self._stage.audit(window=WINDOW)
        found = gauges(self._samples)
        self._stage.ground.tell(table(found, seconds=self._plan.seconds, keep_seconds=self._plan.keep_seconds))
        quiet = [*late, *self._ended_badly(), *complaints(self._stage.services), *(await self._still_leased())]
        return [*map(str, account.faults), *quiet, *grown(found, warm=self._plan.seconds >= WARM_SECONDS)]

    async def _calm_down(self) -> list[str]:
        """Without faults and news: what did not come to its end in time."""
        try:
            await self._stage.settled(within=QUIET_SECONDS)
            await self._stage.until(self._is_pruned, "what is past its time is dropped", QUIET_SECONDS)
        except AssertionError as error:
            return [str(error)]
        return []

    async def _start(self) -> None:
        stage, proxies = self._stage, self._arena.proxies
        await stage.start(
            fetchers=2,
            processors=2,
            broker=proxies["broker"].url(stage.broker_url),
            store=proxies["store"].url(stage.store_url),
            wire_port=proxies["newsroom"].port,
            environment=self._plan.environment,
        )
        Newsday(stage.wire, self._arena.chance).news()
        # Each site's robots.txt is read: one that is out of reach is not asked again for minutes.
        await stage.arrived(AT_A_TIME)

    @property
    def _part(self) -> float:
        return (monotonic() - self._since) / self._plan.seconds

    async def _publish(self) -> None:
        day = Newsday(self._stage.wire, self._arena.chance)
        while self._part < 1:
            day.news()
            lines = missing(self._stage.wire.truth(), self._stage.subscriber.deliveries)
            day.drop_from_feeds({line.partition(" ")[0] for line in lines})
            await asyncio.sleep(AT_A_TIME / self._plan.rate)

    async def _break(self) -> None:
        faults = drawn(self._arena.chance)
        while self._part < 1:
            name, fault = next(faults)
            self._stage.faults.append(name)
            await fault(self._arena)
            await self._arena.a_while(PAUSE_SECONDS)

    async def _measure(self) -> None:
        old = [self._stage.fetchers[0], self._stage.processors[0]]
        while (part := self._part) < 1:
            self._samples += [sample for each in old for sample in of_process(each, part)]
            with suppress(TransientError):
                self._samples += await of_tables(self._database, part)
            await asyncio.sleep(self._plan.seconds / SAMPLES)

    async def _read(self) -> None:
        while self._part < 1:
            await self._books.read()
            await asyncio.sleep(self._plan.keep_seconds / 6)

    async def _vacuum(self) -> None:
        """As every server does by itself; the tests' one has it turned off."""
        name = self._stage.store_url.rpartition("/")[2]
        while self._part < 1:
            with suppress(subprocess.SubprocessError):
                await asyncio.to_thread(self._arena.cluster.sql, "VACUUM ANALYZE", name)
            await asyncio.sleep(min(VACUUM_SECONDS, self._plan.seconds / 4))

    async def _is_pruned(self) -> bool:
        await self._books.read()
        # It is looked for every quarter of that time.
        age = timedelta(seconds=self._plan.keep_seconds * 1.5)
        async with self._database.snapshot() as connection:
            before = await clock(connection) - age
            old = [
                await connection.scalar(select(func.count()).where(column < before))
                for column in (inbox.c.received_at, outbox.c.confirmed_at)
            ]
        return not any(old)

    async def _still_leased(self) -> list[str]:
        """By nobody: all services have ended."""
        async with self._database.snapshot() as connection:
            now = await clock(connection)
            counts = {
                each.name: await connection.scalar(select(func.count()).where(each.c.lease_until > now))
                for each in (feeds, entries, outbox)
            }
        return [
            f"{count} rows of {name} are leased when all services have ended" for name, count in counts.items() if count
        ]

    def _ended_badly(self) -> list[str]:
        return [
            f"{each.name} ended with {code}" for each in self._stage.services for code in each.exits if code not in ENDS
        ]


async def soak(stage: Stage, node: RabbitNode, cluster: PostgresCluster, plan: Plan) -> list[str]:
    """Prints the tables; returns what was wrong."""
    async with (
        Proxy.to(stage.broker_url) as broker,
        Proxy.to(stage.store_url) as store,
        Proxy.to(f"http://127.0.0.1:{stage.wire.port}") as newsroom,
        opened(stage.store_url) as database,
    ):
        proxies = {"broker": broker, "store": store, "newsroom": newsroom}
        chance = random.Random(plan.seed)
        arena = Arena(stage=stage, node=node, cluster=cluster, proxies=proxies, chance=chance)
        return await Soak(arena, plan, database).run()


@asynccontextmanager
async def opened(url: str) -> AsyncIterator[Database]:
    database = Database.open(url, answer_seconds=ANSWER_SECONDS)
    try:
        yield database
    finally:
        await database.close()


async def alone(node: RabbitNode, cluster: PostgresCluster, plan: Plan, folder: Path) -> list[str]:
    """On a stage that is opened for it."""
    url = cluster.fresh_url()
    async with opened(url) as database:
        await migrate(database, *SCRIPTS)
    title = f"soak, seed {plan.seed}"
    with zygote(folder) as spawn:
        ground = Ground(
            way="stack",
            title=title,
            folder=folder,
            broker_url=node.fresh_url(),
            store_url=url,
            tell=say,
            spawn=spawn,
        )
        async with Stage.open(ground) as stage:
            return await soak(stage, node, cluster, plan)


def say(text: str) -> None:
    print(f"\n{text}", flush=True)  # noqa: T201 -- the program's result


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m chaos.soak", description=__doc__.partition("\n")[0])
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--seed", type=int, default=random.SystemRandom().randrange(10_000))
    parser.add_argument("--rate", type=float, default=1.0, help="new articles a second")
    options = parser.parse_args()
    # The subscriber's libraries tell of each fault as well.
    logging.disable(logging.CRITICAL)
    plan = Plan(seconds=options.minutes * 60, seed=options.seed, rate=options.rate)
    sbin, programs = find_sbin(), find_bin()
    if sbin is None or programs is None:
        sys.exit(HOW_TO_GET_RABBIT if sbin is None else HOW_TO_GET_POSTGRES)
    say(f"{options.minutes:g} minutes; the same faults in the same order: --seed {plan.seed} --rate {plan.rate:g}")
    with tempfile.TemporaryDirectory(prefix="fildactu-soak-") as place:
        folder, broker = Path(place) / "stage", Path(place) / "broker"
        folder.mkdir()
        broker.mkdir()
        with RabbitNode(broker, sbin).running() as node, PostgresCluster.running(programs) as cluster:
            wrong = asyncio.run(alone(node, cluster, plan, folder))
    say("\n".join(wrong) if wrong else "nothing wrong")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
