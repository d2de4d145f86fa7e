"""The fetcher as a service: how it starts when things are not ready yet, and that it does not when it is to stop."""

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

from services.fetcher.__main__ import MIGRATIONS, serve
from services.fetcher.config import FetcherSettings
from services.processor.__main__ import MIGRATIONS as PROCESSOR_MIGRATIONS
from shared import lifecycle
from shared.broker.inprocess import InProcessBroker
from shared.database import Database
from shared.migrations import migrate


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FetcherSettings:
    """On a store without any table."""
    monkeypatch.setattr(lifecycle, "LONGEST_DELAY", 0.05)
    feeds = tmp_path / "feeds.yaml"
    feeds.write_text("feeds:\n  - url: http://127.0.0.1:9/feed.xml\n    name: News\n")
    return FetcherSettings(store_url=SecretStr(f"sqlite:///{tmp_path / 'store.db'}"), feeds=feeds)


@pytest.fixture
def broker_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    """The one in memory does so only while a processor consumes from it."""

    async def ping(_broker: InProcessBroker) -> None:
        return

    monkeypatch.setattr(InProcessBroker, "ping", ping)


@pytest.mark.usefixtures("broker_answers")
async def test_tables_that_are_not_made_yet_are_waited_for(settings: FetcherSettings) -> None:
    """The store answers, and knows none of them; the service starts as soon as they are there."""
    with capture_logs() as logs:
        task = asyncio.create_task(serve(settings))
        await eventually(lambda: awaited(logs, "store"), "it waits for the tables")
        database = Database.open(settings.store_url.get_secret_value())
        await migrate(database, MIGRATIONS, PROCESSOR_MIGRATIONS)
        await database.close()
        await eventually(lambda: "fetcher_started" in said(logs), "it starts")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await task

    assert said(logs)[-1] == "fetcher_stopped"


@pytest.mark.parametrize("missing", ["broker", "store"])
async def test_a_service_that_is_told_to_stop_while_it_waits_does_not_start(
    settings: FetcherSettings, missing: str, request: pytest.FixtureRequest
) -> None:
    """It ends at once, and cleanly."""
    if missing == "store":
        request.getfixturevalue("broker_answers")
    with capture_logs() as logs:
        task = asyncio.create_task(serve(settings))
        await eventually(lambda: awaited(logs, missing), "it waits")
        os.kill(os.getpid(), signal.SIGTERM)
        async with asyncio.timeout(20):
            await task

    assert ("fetcher_started" in said(logs), said(logs)[-1]) == (False, "fetcher_stopped")


def said(logs: Sequence[Mapping[str, Any]]) -> list[str]:
    return [line["event"] for line in logs]


def awaited(logs: Sequence[Mapping[str, Any]], what: str) -> bool:
    return any(line["event"] == "waiting_for_dependency" and line["dependency"] == what for line in logs)
