"""A service is stopped at a bad moment, its leases end, others go on, the site changes; then it goes on as well."""

from collections.abc import Mapping
from uuid import UUID

import pytest
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.stage import HOSTS, Stage
from sqlalchemy import select, union_all

from services.fetcher.tables import entries, feeds
from services.processor.tables import outbox
from shared.database import Database, clock
from shared.steps import Step, When

SOON = {
    "FETCHER_LEASE_SECONDS": "2",
    "FETCHER_RECONCILE_SECONDS": "4",
    "PROCESSOR_RELAY_LEASE_SECONDS": "1",
    "CHAOS_WORKERS": "forked",
    # Locks that are held by who is frozen last as long.
    "CHAOS_BROKEN": "impatient-with-the-store",
}
REVISIT_SECONDS = 4.0
LEASES = union_all(*(select(table.c.lease, table.c.lease_until) for table in (feeds, entries, outbox)))
MOMENTS: Mapping[str, tuple[Step, When]] = {
    "a fetcher with a number and no page": (Step.VISIT_REQUEST, "before"),
    "a fetcher with a page that nobody has": (Step.PAGE_PUBLISH, "before"),
    "a fetcher whose page is not marked as queued": (Step.VISIT_COMMIT, "before"),
    "a fetcher that has read a feed": (Step.POLL_COMMIT, "before"),
    "a relay with events": (Step.OUTBOX_TAKE, "after"),
    "a relay in the middle of a batch": (Step.EVENT_PUBLISH, "before"),
    "a relay whose events are not marked": (Step.OUTBOX_CONFIRM, "before"),
    "a processor in its transaction": (Step.PAGE_SETTLE, "before"),
    "a processor with an outcome that is not acked": (Step.PAGE_ACK, "before"),
}


@pytest.mark.long
@pytest.mark.timeout(300)
@pytest.mark.parametrize("moment", MOMENTS)
async def test_frozen_past_its_leases_a_service_does_no_harm(open_stage: OpenStage, moment: str) -> None:
    """At the start, in the middle and at the end of the work; what it still does afterwards is late and ignored."""
    async with open_stage("stack") as stage:
        desk, store = Desk(stage.wire, HOSTS), Database.open(stage.store_url)
        for _ in range(3):
            await frozen_once(stage, desk, store, *MOMENTS[moment])
            await stage.settled(within=60)
        await store.close()
        await stage.account(window=f"frozen: {moment}")

    assert not complaints(stage.services)


async def frozen_once(stage: Stage, desk: Desk, store: Database, step: Step, when: When) -> None:
    """Two of each service run. One is frozen until its leases are over and the others have gone on."""
    told = desk.news()
    stage.arm(step, when, "stop")
    if not stage.services:
        await stage.start(fetchers=2, processors=2, revisit_seconds=REVISIT_SECONDS, environment=SOON)
    frozen = await stage.taken(step, when)
    held, arrived = await leases(store), len({each.event_id for each in stage.subscriber.deliveries})
    for article in told[:2]:
        stage.wire.correct(article)
    desk.news()

    async def over() -> bool:
        return not held & await leases(store)

    await stage.until(over, "the leases of that moment end")
    await stage.arrived(arrived + 2)
    frozen.thaw()


async def leases(store: Database) -> frozenset[UUID]:
    """Those that are held now, in all tables."""
    async with store.snapshot() as connection:
        now = await clock(connection)
        rows = (await connection.execute(LEASES)).all()
    return frozenset(row.lease for row in rows if row.lease is not None and row.lease_until >= now)
