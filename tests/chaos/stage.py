"""The stage on which a scenario is played: broker, store, wire, subscriber and services, set up alike each time.

async with open_stage("stack") as stage:
    await stage.start()
    article = stage.wire.publish()
    stage.arm(Step.PAGE_SETTLE, "after", "kill")
    await stage.taken(Step.PAGE_SETTLE, "after")
    await stage.settled()
    await stage.account(window="killed between commit and ack")
"""

import asyncio
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from itertools import islice
from time import monotonic

from chaos import haste
from chaos.accounting import Account, listed, missing
from chaos.books import Books
from chaos.casting import Ground, Part, cast
from chaos.closing import retried, wind_down
from chaos.report import Play, table
from chaos.service_process import ServiceProcess
from chaos.subscriber import QUEUE, FileSubscriber, QueueSubscriber, Subscriber
from chaos.totals import figures
from chaos.under_test import INVALID
from chaos.wire import Wire, served
from quick_topology import quick_topology, subscriber_queue

from shared.broker import apply_topology
from shared.database import Database
from shared.steps import Step, When
from shared.topology import ARTICLE_EVENTS, Binding, Topology

DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.05
MOST_NAMED = 5
HOSTS = ("alpha.example", "bravo.example", "coast.example")
ENDS = frozenset({0, -signal.SIGKILL, -signal.SIGTERM})
"""How a service may end: as it was asked to."""
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.05
MOST_NAMED = 5
DRAIN_SECONDS = 20.0
STILL_SECONDS = 2.0
"""Longer than the processor ever needs for one page on a busy machine."""
HOSTS = ("alpha.example", "bravo.example", "coast.example")
ENDS = frozenset({0, -signal.SIGKILL, -signal.SIGTERM})
"""How a service may end: as it was asked to."""
RETRIED = frozenset({"retry", "waiting", "lease_lost"})


class Stage:
    """Made by `Stage.open`."""

    def __init__(self, ground: Ground, wire: Wire, subscriber: Subscriber, database: Database) -> None:
        self.ground = ground
        self.way = ground.way
        self.broker_url = ground.broker_url
        self.store_url = ground.store_url
        self.wire = wire
        self.subscriber = subscriber
        self.books = Books(database)
        self.services: list[ServiceProcess] = []
        self.faults: list[str] = []
        self._began = monotonic()
        self._orders = ground.folder / "orders"
        (self._orders / "taken").mkdir(parents=True)

    @classmethod
    @asynccontextmanager
    async def open(
        cls, ground: Ground, *, hosts: Sequence[str] = HOSTS, topology: Topology | None = None
    ) -> AsyncIterator["Stage"]:
        """`topology` instead of the usual one with quick retries; `subscribed` adds the subscriber's queue to it."""
        async with AsyncExitStack() as stack:
            database = Database.open(ground.store_url)
            stack.push_async_callback(database.close)
            wire = await stack.enter_async_context(served(Wire(hosts)))
            subscriber = await _subscriber(stack, ground, topology or subscribed())
            stage = cls(ground, wire, subscriber, database)
            stack.push_async_callback(stage._close)
            yield stage

    @property
    def fetchers(self) -> list[ServiceProcess]:
        return self._of("fetcher")

    @property
    def processors(self) -> list[ServiceProcess]:
        return self._of("processor")

    async def start(
        self,
        *,
        fetchers: int = 1,
        processors: int = 1,
        broker: str | None = None,
        store: str | None = None,
        wire_port: int | None = None,
        revisit_seconds: float = haste.REVISIT_SECONDS,
        environment: Mapping[str, str] | None = None,
    ) -> list[ServiceProcess]:
        """Start so many more services and return them at once; embedded, both are one process, whatever the numbers.

        `broker`, `store` and `wire_port` stand in for the stage's own, so that a proxy can stand between;
        `environment` is laid over everything.
        """
        part = Part(
            ground=self.ground,
            hosts=self.wire.hosts,
            feed_urls=self.wire.feed_urls,
            broker=broker or self.broker_url,
            store=store or self.store_url,
            wire_port=wire_port or self.wire.port,
            revisit_seconds=revisit_seconds,
            environment={"CHAOS_ORDERS": str(self._orders), **(environment or {})},
        )
        kinds = ["run"] if self.way == "embedded" else ["fetcher"] * fetchers + ["processor"] * processors
        made = [self._cast(part, kind) for kind in kinds]
        await asyncio.gather(*(service.start() for service in made))
        return made

    def arm(self, step: Step, when: When, action: str = "kill") -> None:
        """Give an order: the first process that comes to the step obeys it, once. See `chaos.under_test`."""
        for old in self._orders.glob(f"taken/{step}.{when}.*"):
            old.unlink()
        # Renamed into place, so that nobody reads half an order.
        draft = self._orders / "draft"
        draft.write_text(action)
        draft.rename(self._orders / f"{step}.{when}")

    async def taken(self, step: Step, when: When, *, within: float = DEADLINE_SECONDS) -> ServiceProcess:
        """Wait until the order was taken; who took it. One that was to kill the process has done so."""
        await self.until(lambda: self._taker(step, when) is not None, f"a process comes {when} {step}", within)
        taker = self._taker(step, when)
        assert taker is not None
        service, pid, action = taker
        self.faults.append(f"{action.partition(':')[0]} {when} {step}")
        if action == "kill":
            await self.until(lambda: len(service.exits) > service.pids.index(pid), f"{service.name} is dead", within)
        return service

    def _taker(self, step: Step, when: When) -> tuple[ServiceProcess, int, str] | None:
        for path in self._orders.glob(f"taken/{step}.{when}.*"):
            pid = int(path.name.rpartition(".")[2])
            for service in self.services:
                if pid in service.pids:
                    return service, pid, path.read_text()
        return None

    async def arrived(self, count: int, *, within: float = DEADLINE_SECONDS) -> None:
        """Wait until so many different events are at the subscriber."""
        said = f"{count} events arrive"
        await self.until(lambda: self._ids() >= count, said, within, lacking=lambda: [f"there are {self._ids()}"])

    async def ready(self, *, within: float = DEADLINE_SECONDS) -> None:
        """Wait until each service says that it is ready (the stack alone has that to ask)."""
        for service in self.services:
            if service.health_port and service.restarts:

                async def is_ready(service: ServiceProcess = service) -> bool:
                    return (await service.readyz())[0] == 200

                await self.until(is_ready, f"{service.name} is ready", within)

    async def settled(self, *, within: float = DEADLINE_SECONDS) -> None:
        """Wait until the last state of each article is at the subscriber, and until what is on its way now is done."""
        deadline = monotonic() + within
        said = "the last state of every article arrives"
        await self.until(lambda: not self._missing(), said, within, lacking=self._missing)
        left = set(await self.books.left())

        async def done() -> bool:
            left.intersection_update(await self.books.left())
            return not left

        await self.until(done, "what is on its way is done", max(deadline - monotonic(), 10.0), lacking=lambda: left)

    async def audit(self, *, window: str | None = None) -> Account:
        """End the work in order, and hold everything against each other. Prints the table, asserts nothing."""
        self._all_could_start()
        await wind_down(self.services, self.subscriber, self.books)
        account = Account(
            truth=self.wire.truth(),
            deliveries=tuple(self.subscriber.deliveries),
            stored=await self.books.read(),
            window=window,
            retried=retried(self.services),
            torn=self.subscriber.torn,
        )
        self.ground.tell(table(account, self._play()))
        return account

    async def account(self, *, window: str | None = None, may_fail: bool = False) -> Account:
        """The same, and no fault may be found. `window` names why an id may repeat and a number may be given up.

        A service that ended by itself and not well is one too, unless it `may_fail`.
        """
        account = await self.audit(window=window)
        assert not account.faults, listed(account.faults)
        failed = [f"{each.name} ended with {code}" for each in self.services for code in each.exits if code not in ENDS]
        assert may_fail or not failed, f"{', '.join(failed)}:\n{self.tails()}"
        self.ground.count(figures(account, self._play()))
        return account

    async def until(
        self,
        condition: Callable[[], bool | Awaitable[bool]],
        what: str,
        within: float = DEADLINE_SECONDS,
        *,
        lacking: Callable[[], Iterable[str]] = tuple,
    ) -> None:
        """Wait for the condition; fail with `what` when it does not come about, or when a service cannot start.

        `lacking` says in the end what it lacked.
        """
        deadline = monotonic() + within
        while not await self._holds(condition):
            self._all_could_start()
            named = "; ".join(islice(lacking(), MOST_NAMED))
            assert monotonic() < deadline, f"never happened within {within:g} s: {what}: {named}\n{self.tails()}"
            await asyncio.sleep(LOOK_SECONDS)

    def _all_could_start(self) -> None:
        refused = [each.name for each in self.services if INVALID in each.exits]
        assert not refused, f"{', '.join(refused)} cannot start:\n{self.tails()}"

    async def _holds(self, condition: Callable[[], bool | Awaitable[bool]]) -> bool:
        await self.subscriber.catch_up()
        found = condition()
        return found if isinstance(found, bool) else await found

    def tails(self) -> str:
        """The last lines of each log, for whoever looks into a failure."""
        return "\n".join(each.tail() for each in self.services)

    def _ids(self) -> int:
        return len({each.event_id for each in self.subscriber.deliveries})

    def _missing(self) -> list[str]:
        return missing(self.wire.truth(), self.subscriber.deliveries)

    def _play(self) -> Play:
        return Play(
            title=self.ground.title,
            seconds=monotonic() - self._began,
            faults=tuple(self.faults),
            starts=sum(len(each.pids) for each in self.services),
            exits=tuple(code for each in self.services for code in each.exits),
            requests=len(self.wire.requests),
        )

    def _of(self, kind: str) -> list[ServiceProcess]:
        return [each for each in self.services if each.name.startswith(kind)]

    def _cast(self, part: Part, kind: str) -> ServiceProcess:
        service = cast(part, kind, number=len(self._of(kind)) + 1)
        self.services.append(service)
        return service

    async def _close(self) -> None:
        await asyncio.gather(*(each.close() for each in self.services))


def subscribed(**arguments: dict[str, str | int]) -> Topology:
    """The pipeline's topology with quick retries and the subscriber's queue; `arguments` as in `quick_topology`."""
    everything = Binding(exchange=ARTICLE_EVENTS, key="article.#")
    return quick_topology(subscriber_queue(QUEUE, everything), **arguments)


async def _subscriber(stack: AsyncExitStack, ground: Ground, topology: Topology) -> Subscriber:
    if ground.way == "embedded":
        return FileSubscriber(ground.output)
    await apply_topology(ground.broker_url, topology)
    return await stack.enter_async_context(QueueSubscriber(ground.broker_url).running())
