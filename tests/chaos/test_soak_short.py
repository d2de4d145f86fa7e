"""A minute of the soak, and what its gauges see."""

import pytest
from chaos.fixtures import OpenStage
from chaos.soak import Plan, soak
from chaos.soak_gauges import Sample, gauges
from postgres_cluster import PostgresCluster
from rabbitmq_node import RabbitNode

SEED = 20
SECONDS = 60.0


@pytest.mark.long
@pytest.mark.timeout(600)
async def test_a_minute_of_faults_loses_nothing_and_leaves_nothing_behind(
    open_stage: OpenStage, rabbitmq_node: RabbitNode, postgres_cluster: PostgresCluster
) -> None:
    """Random faults one after the other: the books balance, memory and files are flat, old rows are dropped."""
    async with open_stage("stack") as stage:
        wrong = await soak(stage, rabbitmq_node, postgres_cluster, Plan(seconds=SECONDS, seed=SEED))

    assert not wrong


@pytest.mark.parametrize(("last", "grew"), [(110.0, False), (130.0, True)])
def test_growth_is_seen_from_the_first_to_the_last_quarter(last: float, grew: bool) -> None:
    """A median that is a tenth and a constant above the first one is growth; single peaks are none."""
    values = [100.0, 900.0, 100.0, 100.0, 500.0, 500.0, 500.0, 500.0, last, 900.0, last, last]
    samples = [
        Sample(part=place / len(values), of="fetcher-1", what="MB", value=value) for place, value in enumerate(values)
    ]

    (gauge,) = gauges(samples)

    assert (gauge.first, gauge.last, gauge.grew) == (100.0, last, grew)
