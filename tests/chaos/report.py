"""The account as a table: what a scenario prints at its end."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from chaos.accounting import EVENT_VERDICTS, QUARANTINED, Account, Kind

Row = tuple[str, str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Play:
    """What was done to the pipeline: the faults by name, how often processes were started and how they ended."""

    title: str
    seconds: float
    faults: Sequence[str] = ()
    starts: int = 0
    exits: Sequence[int] = ()
    requests: int = 0


def table(account: Account, play: Play) -> str:
    """Three columns: what is counted, the counts, and what must be zero."""
    rows = [_made(account, play), *_work(account), *_told(account), _processes(play)]
    first = max(len(row[0]) for row in rows)
    middle = max(len(row[1]) for row in rows)
    lines = [f"  {name:<{first}}  {said:<{middle}}  {verdict}".rstrip() for name, said, verdict in rows]
    faults = ", ".join(f"{name} x {count}" for name, count in Counter(play.faults).items()) or "none"
    return "\n".join([f"{play.title} ({play.seconds:.1f} s; faults: {faults})", *lines])


def _made(account: Account, play: Play) -> Row:
    items = account.truth.items
    changes = sum(len(each.states) - 1 for each in items)
    copies = sum(each.copy_of is not None for each in items)
    gone = sum(each.states[-1] is None for each in items)
    said = (
        f"{len(items)} entries on {account.truth.hosts} hosts, {changes} changes, {copies} copies, {gone} gone at last"
    )
    return "made", f"{said}; {play.requests} requests answered", ""


def _work(account: Account) -> list[Row]:
    settled = account.finished
    aside = len(account.stored.settled) - len(settled)
    retried = account.open_numbers - sum(account.interrupted.values())
    given_up = f"{retried} tried again + {sum(account.interrupted.values())} given up"
    said = f"{account.taken} taken = {len(settled)} settled + {given_up}" + (f" + {aside} {QUARANTINED}" * bool(aside))
    verdicts = Counter(each.verdict for each in settled)
    events = [f"{verdicts.pop(verb)} {verb}" for verb in EVENT_VERDICTS if verb in verdicts]
    reasons = [f"{count} {verdict}" for verdict, count in sorted(verdicts.items())]
    return [
        ("observations", said, f"lost {account.count(Kind.LOST)}"),
        ("books", f"{len(settled)} = {' + '.join([*events, *reasons]) or '0'}", _off("off", account, Kind.BOOKS)),
    ]


def _told(account: Account) -> list[Row]:
    wrong = account.count(Kind.WRONG)
    right = f"{len(account.truth.items) - wrong} of {len(account.truth.items)} articles stand as the wire's last state"
    effects = f"{len(account.events)} ids = {len({(e.article_id, e.revision) for e in account.events})} revisions told"
    redelivered = sum(each.redelivered for each in account.deliveries)
    repeats = f"{account.repeats} of {len(account.deliveries)} deliveries, {redelivered} marked as redelivered"
    strange = account.count(Kind.STRANGE) + account.count(Kind.DISORDER)
    return [
        ("final states", right, f"wrong {wrong}"),
        ("effects", effects, f"said twice {account.count(Kind.TWICE)}"),
        ("repeats of an id", repeats, account.window or ("unexplained" if account.repeats else "none expected")),
        ("order", f"{account.late} late, ignorable by their revision", f"out of order or unknown {strange}"),
    ]


def _processes(play: Play) -> Row:
    killed = sum(code == -9 for code in play.exits)
    failed = [code for code in play.exits if code not in {0, -9, -15}]
    others = f", {len(failed)} failed ({', '.join(map(str, failed))})" if failed else ""
    return "processes", f"{play.starts} started, {killed} killed{others}", ""


def _off(word: str, account: Account, kind: Kind) -> str:
    return f"{word} {account.count(kind)}"
