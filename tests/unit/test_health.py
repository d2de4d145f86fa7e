import asyncio
import json

import aiohttp
import pytest
from structlog.testing import capture_logs

from shared import health
from shared.errors import BrokerUnavailable, StoreUnavailable
from shared.waiting import waiting


@pytest.fixture(autouse=True)
def nothing_is_waited_for():
    """What other tests of this process met is not ours."""
    waiting.reset()
    yield
    waiting.reset()


async def passes() -> None:
    return


async def fails() -> None:
    raise StoreUnavailable("store does not answer: refused")


async def hangs() -> None:
    await asyncio.Event().wait()


async def asked(checks, *paths: str):
    async with health.served(checks, host="127.0.0.1", port=0) as port, aiohttp.ClientSession() as client:
        found = []
        for path in paths:
            async with client.get(f"http://127.0.0.1:{port}{path}") as answer:
                found.append((answer.status, await answer.text()))
    return found


async def test_a_service_is_ready_when_every_check_passes() -> None:
    """And says which there are."""
    ((status, body),) = await asked({"store": passes, "broker": passes}, "/readyz")

    assert (status, '"ready": true' in body) == (200, True)


async def test_a_service_that_waits_is_alive_and_says_what_for() -> None:
    """It must not be restarted for it, and gets no traffic."""
    ready, alive = await asked({"store": fails, "broker": passes}, "/readyz", "/livez")

    assert (ready[0], "refused" in ready[1], '"broker": "ok"' in ready[1]) == (503, True, True)
    assert alive[0] == 200


async def test_a_service_whose_work_waits_is_not_ready_and_says_why() -> None:
    """Though each dependency answers its check: a full queue, for one, lets everybody else in."""
    waiting.lasts("raw.in", "broker", "queue_full")
    ((status, body),) = await asked({"store": passes, "broker": passes}, "/readyz")
    (wait,) = json.loads(body)["waiting"]

    assert (status, json.loads(body)["ready"]) == (503, False)
    assert (wait["dependency"], wait["what"], wait["reason"]) == ("broker", "raw.in", "queue_full")


async def test_a_check_that_hangs_is_answered_for(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever asks does not hang with it."""
    monkeypatch.setattr(health, "CHECK_SECONDS", 0.05)
    ((status, body),) = await asked({"store": hangs}, "/readyz")

    assert (status, "no answer" in body) == (503, True)


async def test_a_broker_that_comes_back_is_noticed() -> None:
    """Each answer is of now."""
    down = True

    async def check() -> None:
        if down:
            raise BrokerUnavailable("down")

    async with health.served({"broker": check}, host="127.0.0.1", port=0) as port, aiohttp.ClientSession() as client:
        statuses = []
        for down in (True, False):  # noqa: B007 - the check reads it
            async with client.get(f"http://127.0.0.1:{port}/readyz") as answer:
                statuses.append(answer.status)

    assert statuses == [503, 200]


async def test_metrics_are_in_prometheus_text_format() -> None:
    """By the names that dashboards use."""
    ((status, body),) = await asked({}, "/metrics")

    assert (status, "# TYPE fildactu_outbox_oldest_age_seconds gauge" in body) == (200, True)


async def test_a_port_that_is_taken_ends_the_service_with_one_line() -> None:
    """A traceback would say no more."""
    async with health.served({}, host="127.0.0.1", port=0) as port:
        with capture_logs() as logs, pytest.raises(SystemExit) as ended:
            async with health.served({}, host="127.0.0.1", port=port):
                pass

    assert (ended.value.code, [(line["event"], line["port"]) for line in logs]) == (1, [("health_not_served", port)])
