"""Two fetchers and two processors, of which one each is killed for good: the others finish the work."""

import pytest
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.loudness import complaints
from chaos.stage import HOSTS

SOON = {"FETCHER_LEASE_SECONDS": "2", "PROCESSOR_RELAY_LEASE_SECONDS": "1", "CHAOS_WORKERS": "forked"}
ROUNDS = 5


@pytest.mark.long
@pytest.mark.parametrize("moment", [0, ROUNDS // 2, ROUNDS - 1], ids=["start", "middle", "end"])
async def test_the_others_finish_the_work(open_stage: OpenStage, moment: int) -> None:
    """A few dozen articles and changes; the killed ones held leases and pages."""
    async with open_stage("stack") as stage:
        desk = Desk(stage.wire, HOSTS)
        await stage.start(fetchers=2, processors=2, revisit_seconds=4.0, environment=SOON)
        for number in range(ROUNDS):
            desk.news()
            desk.news()
            before = len(stage.subscriber.deliveries)
            await stage.arrived(before + 1)
            if number == moment:
                await stage.fetchers[0].kill_for_good()
                await stage.processors[0].kill_for_good()
                stage.faults += ["fetcher killed for good", "processor killed for good"]
        await stage.settled()
        await stage.account(window="one of two killed for good")

    assert not complaints(stage.services)
    assert [len(each.pids) for each in stage.services] == [1, 1, 1, 1]
