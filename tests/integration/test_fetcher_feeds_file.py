"""The fetcher as a service takes over its feeds file while it runs."""

import asyncio
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from broker_traffic import eventually
from pydantic import SecretStr
from structlog.testing import capture_logs

from services.fetcher import __main__ as fetcher
from services.fetcher.config import FetcherSettings
from services.processor.__main__ import MIGRATIONS as PROCESSOR_MIGRATIONS
from shared.broker.inprocess import InProcessBroker
from shared.database import Database
from shared.migrations import migrate

# Nothing is asked for there: a private address is refused.
FEED = "  - {{url: 'http://127.0.0.1:9/{0}', name: {0}}}\n"


async def test_a_change_and_a_hangup_have_the_file_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A faulty file is told between them, and the service goes on."""

    async def ping(_broker: InProcessBroker) -> None:
        return

    monkeypatch.setattr(InProcessBroker, "ping", ping)
    monkeypatch.setattr(fetcher, "LOOK_SECONDS", 0.05)
    file, url = tmp_path / "feeds.yaml", f"sqlite:///{tmp_path / 'store.db'}"
    file.write_text("feeds:\n" + FEED.format("one"))
    database = Database.open(url)
    await migrate(database, fetcher.MIGRATIONS, PROCESSOR_MIGRATIONS)
    with capture_logs() as logs:
        task = asyncio.create_task(fetcher.serve(FetcherSettings(store_url=SecretStr(url), feeds=file)))
        await eventually(lambda: applied(logs) == [1], "it starts")
        file.write_text("feeds:\n" + FEED.format("one") + FEED.format("two"))
        await eventually(lambda: applied(logs) == [1, 2], "it sees the change")
        file.write_text("feeds: nothing")
        await eventually(lambda: "feeds_faulty" in {line["event"] for line in logs}, "it tells the fault")
        file.write_text("feeds:\n" + FEED.format("two"))
        await eventually(lambda: applied(logs) == [1, 2, 1], "it sees that it is right again")
        os.kill(os.getpid(), signal.SIGHUP)
        await eventually(lambda: applied(logs) == [1, 2, 1, 1], "it is told to look")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await task
    await database.close()


def applied(logs: Sequence[Mapping[str, Any]]) -> list[int]:
    return [line["active"] for line in logs if line["event"] == "feeds_applied"]
