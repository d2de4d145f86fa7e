"""The accounting finds what it is there to find: each deliberately broken variant of a service is caught.

For each, the smallest scenario in which it does harm, and the kinds of faults that must be told.
"""

import pytest
from chaos.accounting import Account, Kind
from chaos.days import purged
from chaos.fixtures import OpenStage
from chaos.raw_pages import RawPages, tapped
from chaos.stage import Stage

from shared.steps import Step

HOST = "alpha.example"
SELDOM = 3600.0


async def start(stage: Stage, variant: str, *, fetchers: int = 1, processors: int = 1, lease: float = 4.0) -> None:
    """Nothing is observed anew by itself: what is lost stays lost."""
    environment = {
        "CHAOS_BROKEN": variant,
        "CHAOS_WORKERS": "forked",
        "FETCHER_RECONCILE_SECONDS": str(SELDOM),
        "FETCHER_LEASE_SECONDS": str(lease),
    }
    await stage.start(fetchers=fetchers, processors=processors, revisit_seconds=SELDOM, environment=environment)


def kinds(account: Account) -> set[Kind]:
    return {fault.kind for fault in account.faults}


def events(stage: Stage, name: str) -> int:
    """How often a line was logged, by any service."""
    return sum(line.get("event") == name for service in stage.services for line in service.logs())


async def test_an_event_that_counts_as_sent_before_the_broker_has_it_is_missed(open_stage: OpenStage) -> None:
    """`mark-before-confirm`, killed between the two."""
    async with open_stage("embedded", hosts=[HOST]) as stage:
        stage.wire.publish()
        stage.arm(Step.EVENT_PUBLISH, "before")
        await start(stage, "mark-before-confirm")
        await stage.taken(Step.EVENT_PUBLISH, "before")
        account = await stage.audit(window="killed before a publish")

    assert {Kind.LOST, Kind.WRONG} <= kinds(account)


@pytest.mark.long
async def test_a_page_acked_before_its_commit_is_missed(open_stage: OpenStage) -> None:
    """`ack-before-commit`, killed before the commit."""
    async with open_stage("stack", hosts=[HOST]) as stage:
        lost = stage.wire.publish()
        stage.arm(Step.PAGE_SETTLE, "before")
        await start(stage, "ack-before-commit")
        await stage.taken(Step.PAGE_SETTLE, "before")
        stage.wire.publish()
        await stage.arrived(1)
        account = await stage.audit(window="killed before a commit")

    assert [fault.kind for fault in account.faults if lost.url in fault.line] == [Kind.LOST, Kind.WRONG]


@pytest.mark.long
async def test_entries_behind_a_304_are_missed(open_stage: OpenStage) -> None:
    """`validators-before-entries`, killed between the two."""
    async with open_stage("embedded", hosts=[HOST]) as stage:
        lost = stage.wire.publish()
        stage.arm(Step.POLL_COMMIT, "after")
        await start(stage, "validators-before-entries")
        await stage.taken(Step.POLL_COMMIT, "after")
        await stage.until(lambda: any(each.status == 304 for each in stage.wire.requests), "the feed is asked again")
        account = await stage.audit(window="killed between validators and entries")

    assert f"lost: {lost.url} never became an entry" in map(str, account.faults)


@pytest.mark.long
@pytest.mark.parametrize("variant", ["event-ids-from-content", "observation-ids-from-content"])
async def test_a_text_that_comes_back_is_missed(open_stage: OpenStage, variant: str) -> None:
    """A, B, A: with an id made from the content, the second A is taken for the first."""
    async with open_stage("embedded", hosts=[HOST]) as stage:
        article = stage.wire.publish()
        stage.wire.set_text(article, "A", told=True)
        await start(stage, variant)
        await stage.arrived(1)
        stage.wire.set_text(article, "B", told=True)
        await stage.arrived(2)
        stage.wire.set_text(article, "A", told=True)
        await stage.until(
            lambda: bool(events(stage, "observation_repeated") + events(stage, "observation_failed")),
            "the third text comes to nothing",
        )
        account = await stage.audit()

    assert Kind.WRONG in kinds(account)


@pytest.mark.long
async def test_a_fetcher_that_writes_without_its_lease_is_noticed(open_stage: OpenStage) -> None:
    """`leases-without-fencing`, frozen with a lease while another fetcher goes on: numbers are taken twice."""
    async with open_stage("stack", hosts=[HOST]) as stage:
        stage.arm(Step.VISIT_BEGIN, "before", "stop")
        article = stage.wire.publish()
        await start(stage, "leases-without-fencing", lease=1.0)
        frozen = await stage.taken(Step.VISIT_BEGIN, "before")
        await start(stage, "leases-without-fencing", processors=0, lease=1.0)
        await stage.arrived(1)
        stage.wire.correct(article)
        await stage.arrived(2)
        frozen.thaw()
        await stage.until(lambda: any(_visited(line) for line in frozen.logs()), "the fetcher ends its visit")
        account = await stage.audit(window="frozen past a lease")

    assert Kind.BOOKS in kinds(account)


def _visited(line: dict[str, object]) -> bool:
    return line.get("event") == "page_visited"


@pytest.mark.long
@pytest.mark.parametrize("variant", ["no-inbox", "no-inbox,no-order"])
async def test_without_its_inbox_the_order_alone_keeps_a_repeated_page_from_being_told(
    open_stage: OpenStage, variant: str
) -> None:
    """An old page comes again: its number says that it is old; without that either, the article goes back."""
    async with open_stage("stack", hosts=[HOST], topology=tapped()) as stage, RawPages.on(stage.broker_url) as pages:
        article = stage.wire.publish()
        await start(stage, variant)
        await stage.arrived(1)
        stage.wire.correct(article)
        await stage.arrived(2)
        await pages.send(pages.passed[0])
        if variant == "no-inbox":
            await stage.until(lambda: events(stage, "observation_settled") > 0, "the old page is settled once more")
        else:
            await stage.arrived(3)
        account = await stage.audit(window="an old page came again")

    assert kinds(account) == (set() if variant == "no-inbox" else {Kind.WRONG, Kind.DISORDER, Kind.BOOKS})


@pytest.mark.long
async def test_a_page_that_is_overtaken_and_told_all_the_same_is_noticed(open_stage: OpenStage) -> None:
    """`no-order`: the first page of an article comes to the processor after the second one."""
    async with open_stage("stack", hosts=[HOST], topology=tapped()) as stage, RawPages.on(stage.broker_url) as pages:
        article = stage.wire.publish()
        await start(stage, "no-order", processors=0)
        await stage.until(lambda: len(pages.passed) == 1, "the first page is queued")
        stage.wire.correct(article)
        await stage.until(lambda: len(pages.passed) == 2, "the second page is queued")
        await purged(stage, pages=2)
        for count, page in enumerate(reversed(pages.passed), start=1):
            await pages.send(page)
            if not stage.processors:
                await start(stage, "no-order", fetchers=0)
            await stage.arrived(count)
        account = await stage.audit()

    assert {Kind.WRONG, Kind.DISORDER} <= kinds(account)


@pytest.mark.long
@pytest.mark.parametrize(
    ("variant", "told"),
    [
        ("no-twins", {Kind.WRONG}),
        ("two-numbers", {Kind.GIVEN_UP}),
        ("sends-twice", {Kind.REPEATED}),
        ("never-marks", {Kind.REPEATED, Kind.BOOKS}),
        ("names-at-sending", {Kind.STRANGE}),
        ("half-lines", {Kind.LOST}),
    ],
)
async def test_what_goes_wrong_without_any_fault_is_noticed(
    open_stage: OpenStage, variant: str, told: set[Kind]
) -> None:
    """On a quiet day."""
    async with open_stage("embedded") as stage:
        first = stage.wire.publish()
        await start(stage, variant)
        await stage.arrived(1)
        stage.wire.copy(first)
        await stage.arrived(2)
        if variant == "never-marks":
            await stage.until(lambda: len(stage.subscriber.deliveries) > 4, "events are sent again")
        account = await stage.audit()

    assert told <= kinds(account)


@pytest.mark.long
async def test_an_event_under_two_ids_is_noticed(open_stage: OpenStage) -> None:
    """`names-at-sending`, killed before what was sent is marked."""
    async with open_stage("embedded", hosts=[HOST]) as stage:
        stage.wire.publish()
        stage.arm(Step.OUTBOX_CONFIRM, "before")
        await start(stage, "names-at-sending")
        await stage.taken(Step.OUTBOX_CONFIRM, "before")
        await stage.arrived(2)
        account = await stage.audit(window="killed before the mark")

    assert account.count(Kind.TWICE) == 1
