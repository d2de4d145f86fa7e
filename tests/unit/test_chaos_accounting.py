"""The accounting of the scenarios: a promise that held has no fault, and each way to break it is named."""

from collections.abc import Sequence
from dataclasses import replace

import pytest
from chaos.accounting import Account, Kind
from chaos.records import Delivery, Item, Settled, Stored, StoredEntry, Truth
from chaos.report import Play, table

ONE, TWO, COPY = "http://a.example/1", "http://a.example/2", "http://b.example/3"
TRUTH = Truth(
    hosts=2,
    items=(
        Item(url=ONE, states=("d1 state 1", "d1 state 2")),
        Item(url=TWO, states=("d2 state 1", None)),
        Item(url=COPY, states=("d3 state 1",)),
    ),
)
STORED = Stored(
    entries=(
        StoredEntry(entry_id="e1", url=ONE, taken=3),
        StoredEntry(entry_id="e2", url=TWO, taken=3),
        StoredEntry(entry_id="e3", url=COPY, taken=1),
    ),
    settled=(
        Settled(entry_id="e1", observation=1, verdict="published", reason="published", event_id="1.1"),
        Settled(entry_id="e1", observation=2, verdict="unchanged", reason="unchanged", event_id=None),
        Settled(entry_id="e1", observation=3, verdict="updated", reason="updated", event_id="1.2"),
        Settled(entry_id="e2", observation=1, verdict="published", reason="published", event_id="2.1"),
        Settled(entry_id="e2", observation=3, verdict="withdrawn", reason="withdrawn", event_id="2.2"),
        Settled(entry_id="e3", observation=1, verdict="published", reason="published", event_id="3.1"),
    ),
    events=("1.1", "1.2", "2.1", "2.2", "3.1"),
    outbox=("1.1", "1.2", "2.1", "2.2", "3.1"),
)


def event(url: str, revision: int, marker: str | None, **changes: object) -> Delivery:
    number = url[-1]
    plain = Delivery(
        event_id=f"{number}.{revision}",
        article_id=f"article {number}",
        revision=revision,
        previous_revision=revision - 1 or None,
        verb="published" if revision == 1 else "updated" if marker else "withdrawn",
        url=url,
        marker=marker,
        role="original",
    )
    return replace(plain, **changes)  # type: ignore[arg-type] # of the fields' own types


DELIVERIES = (
    event(ONE, 1, "d1 state 1"),
    event(TWO, 1, "d2 state 1"),
    event(ONE, 2, "d1 state 2"),
    event(TWO, 2, None),
    event(COPY, 1, "d3 state 1"),
)
KEPT = Account(truth=TRUTH, deliveries=DELIVERIES, stored=STORED, retried={"e2": 1})


def kinds(account: Account) -> list[str]:
    return sorted({fault.kind.value for fault in account.faults})


def changed(index: int, **changes: object) -> tuple[Delivery, ...]:
    """The deliveries with one of them changed."""
    return tuple(
        replace(each, **changes) if number == index else each  # type: ignore[arg-type] # of the fields' own types
        for number, each in enumerate(DELIVERIES)
    )


def resettled(index: int, **changes: object) -> Stored:
    rows = list(STORED.settled)
    rows[index] = replace(rows[index], **changes)  # type: ignore[arg-type] # of the fields' own types
    return replace(STORED, settled=tuple(rows))


def test_a_promise_that_held_has_no_fault() -> None:
    """Every entry observed, every state told once, every number settled or rightly tried again."""
    assert KEPT.faults == ()
    assert (KEPT.taken, KEPT.repeats, KEPT.late, KEPT.open_numbers, dict(KEPT.interrupted)) == (7, 0, 0, 1, {})


@pytest.mark.parametrize(
    ("deliveries", "kind"),
    [
        pytest.param(DELIVERIES[:4], Kind.LOST, id="an event that never arrived"),
        pytest.param((*DELIVERIES, event("http://z.example/9", 1, "d9 state 1")), Kind.STRANGE, id="of no article"),
        pytest.param((*DELIVERIES, event(ONE, 3, "d1 state 1")), Kind.WRONG, id="an old state is the last"),
        pytest.param((*DELIVERIES, event(ONE, 3, "d1 state 2")), Kind.TWICE, id="the same text again"),
        pytest.param((*DELIVERIES, event(TWO, 3, None)), Kind.TWICE, id="withdrawn again"),
        pytest.param((*DELIVERIES, event(ONE, 2, "d1 state 2", event_id="x")), Kind.TWICE, id="a revision, two ids"),
        pytest.param(changed(2, article_id="another"), Kind.TWICE, id="two articles at one address"),
        pytest.param((*DELIVERIES, event(ONE, 2, "d1 state 1")), Kind.TWICE, id="an id with two texts"),
        pytest.param((*DELIVERIES, DELIVERIES[0]), Kind.REPEATED, id="an id again, without a window"),
        pytest.param(changed(0, marker="d1 state 2"), Kind.DISORDER, id="later text in an earlier revision"),
        pytest.param(changed(2, revision=3), Kind.DISORDER, id="a revision that is missing"),
    ],
)
def test_what_the_subscriber_got_is_held_against_the_wire(deliveries: Sequence[Delivery], kind: Kind) -> None:
    """Each way in which arrivals can differ from what was made is found, and named for what it is."""
    assert kind in kinds(replace(KEPT, deliveries=tuple(deliveries)))


@pytest.mark.parametrize(
    ("stored", "kind"),
    [
        pytest.param(replace(STORED, entries=STORED.entries[:2]), Kind.LOST, id="an entry that was never stored"),
        pytest.param(replace(STORED, settled=STORED.settled[:5]), Kind.LOST, id="an entry that was never observed"),
        pytest.param(resettled(5, verdict="quarantined", event_id=None), Kind.LOST, id="an entry set aside for good"),
        pytest.param(replace(STORED, events=(*STORED.events, "x")), Kind.LOST, id="a stored event nobody got"),
        pytest.param(replace(STORED, events=STORED.events[1:]), Kind.STRANGE, id="an event that nobody stored"),
        pytest.param(replace(STORED, outbox=(*STORED.outbox, "x")), Kind.BOOKS, id="an event of no revision"),
        pytest.param(resettled(2, event_id="1.1"), Kind.BOOKS, id="two observations, one event"),
        pytest.param(resettled(1, event_id="1.3"), Kind.BOOKS, id="an event for nothing new"),
        pytest.param(resettled(1, reason=""), Kind.BOOKS, id="no event and no reason"),
        pytest.param(resettled(1, observation=9), Kind.BOOKS, id="a number that was never taken"),
        pytest.param(replace(STORED, unsent=("1.2",)), Kind.BOOKS, id="an event still to be sent"),
        pytest.param(
            replace(STORED, settled=(STORED.settled[0], *STORED.settled[2:])), Kind.GIVEN_UP, id="a number unsettled"
        ),
    ],
)
def test_the_stores_books_balance_or_it_is_told(stored: Stored, kind: Kind) -> None:
    """Whatever the store lacks or has too much of is found, and named for what it is."""
    assert kind in kinds(replace(KEPT, stored=stored))


def test_a_window_explains_repeats_and_given_up_numbers_and_nothing_else() -> None:
    """With it they are reported and no fault; another text under an old id stays one."""
    stored = replace(STORED, settled=(STORED.settled[0], *STORED.settled[2:]))
    repeated = replace(KEPT, deliveries=(*DELIVERIES, DELIVERIES[0]), stored=stored, window="killed")
    forged = replace(repeated, deliveries=(*DELIVERIES, replace(DELIVERIES[0], marker="d1 state 2")))

    assert (repeated.faults, repeated.repeats, dict(repeated.interrupted)) == ((), 1, {"e1": 1})
    assert kinds(forged) == [Kind.TWICE]


def test_events_may_overtake_each_other() -> None:
    """An older revision that arrives later is counted, and is no fault: its number says that it is old."""
    account = replace(KEPT, deliveries=(DELIVERIES[2], DELIVERIES[0], DELIVERIES[1], *DELIVERIES[3:]))

    assert (account.faults, account.late) == ((), 1)


def test_states_that_nobody_saw_need_not_be_told() -> None:
    """A text that goes A, B, A, B may be told as A, B; never as B, A."""
    truth = replace(TRUTH, items=(replace(TRUTH.items[0], states=("A", "B", "A", "B")), *TRUTH.items[1:]))

    def told(*markers: str) -> Account:
        return replace(
            KEPT,
            truth=truth,
            deliveries=(*(event(ONE, n, m) for n, m in enumerate(markers, 1)), *DELIVERIES[1::2], DELIVERIES[4]),
        )

    assert told("A", "B").faults == ()
    assert kinds(told("B", "A")) == [Kind.WRONG]


def test_an_article_that_came_and_went_unseen_is_not_lost() -> None:
    """Nobody asked while it was there: no entry, no event, and that is the wire's last state."""
    gone = Item(url="http://a.example/7", states=("d7 state 1", None))

    assert replace(KEPT, truth=replace(TRUTH, items=(*TRUTH.items, gone))).faults == ()


def test_a_copy_that_is_not_told_as_one_is_wrong() -> None:
    """Of two articles with the same words from the first, one is the original and one the copy, whichever is which."""
    items = (Item(url=ONE, states=("same",)), TRUTH.items[1], Item(url=COPY, states=("same",), copy_of=ONE))

    def told(role: str) -> Account:
        copied = event(COPY, 1, "same", role=role)
        stored = replace(
            STORED, settled=(STORED.settled[0], *STORED.settled[3:]), events=STORED.events[:1] + STORED.events[2:]
        )
        stored = replace(
            stored, outbox=stored.events, entries=(replace(STORED.entries[0], taken=1), *STORED.entries[1:])
        )
        return replace(
            KEPT,
            truth=replace(TRUTH, items=items),
            stored=stored,
            deliveries=(event(ONE, 1, "same"), DELIVERIES[1], DELIVERIES[3], copied),
        )

    assert told("copy").faults == ()
    assert kinds(told("original")) == [Kind.WRONG]


def test_a_torn_line_of_the_output_is_a_loss() -> None:
    """What cannot be read did not arrive."""
    assert kinds(replace(KEPT, torn=1)) == [Kind.LOST]


def test_the_table_says_what_was_made_what_became_of_it_and_what_must_be_zero() -> None:
    """One line for each part of the promise."""
    said = table(KEPT, Play(title="a day", seconds=1.0, faults=("kill",), starts=3, exits=(-9, 0, 0), requests=9))

    assert "3 entries on 2 hosts, 2 changes, 0 copies, 1 gone at last" in said
    assert "7 taken = 6 settled + 1 tried again + 0 given up" in said
    assert "6 = 3 published + 1 updated + 1 withdrawn + 1 unchanged" in said
    assert all(zero in said for zero in ("lost 0", "wrong 0", "said twice 0", "off 0"))
    assert "3 started, 1 killed" in said
