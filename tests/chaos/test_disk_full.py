"""The disk under SQLite is full: nothing is lost or said twice, and the service says what is wrong."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from chaos.desk import Desk
from chaos.fixtures import OpenStage
from chaos.full_disk import FullDisk
from chaos.loudness import complaints
from chaos.outages import LONG_SECONDS, REVISIT_SECONDS, UNHURRIED, pages_asked_for, recovery_seconds
from chaos.service_process import ServiceProcess
from chaos.stage import HOSTS, Stage

from shared.database import Database
from shared.errors import StoreUnavailable

FULL = "disk is full"
MEGABYTES = 16
WINDOW = "events written and not marked when the disk was full, and visits that it ended"


@pytest.fixture
def disk() -> Iterator[FullDisk]:
    with FullDisk.mounted(MEGABYTES) as mounted:
        yield mounted


@pytest.mark.parametrize("left", [0, 32 * 1024], ids=["nothing", "a-little"])
async def test_a_store_without_room_says_so(disk: FullDisk, sqlite_template: Path, left: int) -> None:
    """Also where SQLite itself speaks of an I/O error, for want of room to share its memory in."""
    database = Database.open(f"sqlite:///{shutil.copy(sqlite_template, disk.folder)}")
    disk.fill(leave_bytes=left)
    try:
        with pytest.raises(StoreUnavailable, match=FULL):
            await database.writable()
    finally:
        await database.close()


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_a_full_disk_loses_nothing(open_stage: OpenStage, disk: FullDisk) -> None:
    """Full before the start, in the middle of the work and when all is done; with room again, all goes on."""
    async with open_stage("embedded", state=disk.folder) as stage:
        desk = Desk(stage.wire, HOSTS)
        await started_on_a_full_disk(stage, desk, disk)
        await stage.arrived(4, within=LONG_SECONDS)
        await pages_asked_for(stage, desk)
        await full(stage, desk, disk)
        await stage.settled(within=LONG_SECONDS)
        await full(stage, desk, disk)
        await stage.settled(within=LONG_SECONDS)
        # It says why it does not start, and ends.
        await stage.account(window=WINDOW, may_fail=True)

    assert not complaints(stage.services)


@pytest.mark.long
@pytest.mark.timeout(300)
async def test_killed_on_a_full_disk_it_loses_nothing(open_stage: OpenStage, disk: FullDisk) -> None:
    """Killed and started again while there is no room: what was committed is there when there is."""
    async with open_stage("embedded", state=disk.folder) as stage:
        desk = Desk(stage.wire, HOSTS)
        desk.news()
        await start(stage)
        for _ in range(3):
            await pages_asked_for(stage, desk)
            await full(stage, desk, disk, killed=True)
        await stage.settled(within=LONG_SECONDS)
        await full(stage, desk, disk, killed=True)
        await stage.settled(within=LONG_SECONDS)
        await stage.account(window=f"killed, and {WINDOW}", may_fail=True)

    assert not complaints(stage.services)


async def started_on_a_full_disk(stage: Stage, desk: Desk, disk: FullDisk) -> None:
    disk.fill()
    stage.faults.append("disk full")
    desk.news()
    service = await start(stage)
    await says_that_it_is_full(stage, service, since=0)
    await writes_again(stage, desk, disk)


async def full(stage: Stage, desk: Desk, disk: FullDisk, *, killed: bool = False) -> None:
    """Until it was told, and with news while it lasts; then there is room again."""
    (service,) = stage.services
    since = len(log_of(service))
    disk.fill()
    stage.faults.append("disk full")
    desk.news()
    await says_that_it_is_full(stage, service, since=since)
    if killed:
        since = len(log_of(service))
        service.kill()
        stage.faults.append("killed on it")
        # By the process that follows.
        await says_that_it_is_full(stage, service, since=since)
    await writes_again(stage, desk, disk)


async def start(stage: Stage) -> ServiceProcess:
    (service,) = await stage.start(revisit_seconds=REVISIT_SECONDS, environment=UNHURRIED)
    return service


async def says_that_it_is_full(stage: Stage, service: ServiceProcess, *, since: int) -> None:
    """On a page of the log, or as the last words of a service that does not start."""

    def said() -> bool:
        return FULL in "".join(log_of(service)[since:])

    await stage.until(said, f"{service.name} says that its disk is full", LONG_SECONDS)


def log_of(service: ServiceProcess) -> list[str]:
    return service.log.read_text().splitlines() if service.log.exists() else []


async def writes_again(stage: Stage, desk: Desk, disk: FullDisk) -> None:
    """With news of its own: what came before may have found room."""
    before = len(stage.subscriber.deliveries)
    disk.empty()
    desk.news()

    def arrived() -> bool:
        return len(stage.subscriber.deliveries) > before

    await stage.until(arrived, "with room again, an event arrives", recovery_seconds())
