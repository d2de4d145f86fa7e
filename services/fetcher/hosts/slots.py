"""The pace of hosts in the database: slots are taken one after the other, for each site and for each IP address.

Rows are locked in one order everywhere, or transactions would wait for each other for ever: feeds that are leased
(nobody waits for those), sites, addresses, entries; of several sites or addresses in the order of their names.
"""

from collections.abc import Callable, Collection
from dataclasses import replace
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sqlalchemy import Row, Select, bindparam, select

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.politeness import (
    DEFAULT_POLICY,
    LONGEST_PATIENCE,
    PATIENCE,
    HostSlot,
    PolitenessPolicy,
    averaged,
    follow,
    paced,
    paced_address,
    reserve,
    reserve_address,
)
from services.fetcher.hosts.sharing import Paces
from services.fetcher.model import Timing
from services.fetcher.tables import host_addresses, hosts
from shared.database import Connection
from shared.statements import change, change_all, insert_new

Choose = Callable[[HostSlot, datetime, datetime | None], tuple[datetime, HostSlot]]

TOLERANCE = timedelta(minutes=1)
"""A row may be later than our `now` and no clock was set back: another transaction wrote it since we asked the time."""
TOLD_APART = 0.25
"""Seconds; an average that moves by less is not written down: most answers change no pace."""


def _locked(table: Any, key: Any) -> Select[*tuple[Any, ...]]:  # noqa: ANN401
    which = key.in_(bindparam("which", expanding=True))
    return select(table).where(which).order_by(key).with_for_update()


SITES = _locked(hosts, hosts.c.site)
ADDRESSES = _locked(host_addresses, host_addresses.c.address)
ANSWERS = select(hosts.c.answer_seconds, hosts.c.address).where(hosts.c.site == bindparam("which"))


async def reserve_slot(
    connection: Connection,
    site: str,
    delay: timedelta,
    now: datetime,
    policy: PolitenessPolicy = DEFAULT_POLICY,
    patience: timedelta = PATIENCE,
) -> datetime:
    """Take the site's next slot in the caller's transaction; returns its start. Raises HostBusy beyond `patience`."""
    return await _take(connection, site, delay, now, policy, reserve, min(patience, LONGEST_PATIENCE))


async def follow_slot(
    connection: Connection, site: str, delay: timedelta, now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY
) -> datetime:
    """Take a slot for a redirect within a site that is being asked; returns its start. Raises HostBusy."""
    return await _take(connection, site, delay, now, policy, partial(follow, policy=policy), PATIENCE)


async def _take(
    connection: Connection,
    site: str,
    delay: timedelta,
    now: datetime,
    policy: PolitenessPolicy,
    choose: Choose,
    patience: timedelta,
) -> datetime:
    paces = await locked_paces(connection, (site,), now, policy)
    slot = paces.slots[site]
    free_at = paces.addresses.get(slot.address or "")
    start, after = choose(paced(slot, delay, policy), now, free_at)
    if start - now > patience:
        raise HostBusy(start)
    if after.next_allowed == slot.next_allowed:
        # Nothing was put off: by its delay it is told whether it lies too far ahead.
        after = replace(after, delay=max(after.delay, slot.delay))
    addresses = {slot.address: reserve_address(free_at, now, policy)} if slot.address else {}
    await save_paces(connection, Paces(slots={site: after}, addresses=addresses))
    return start


async def locked_paces(
    connection: Connection, sites: Collection[str], now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY
) -> Paces:
    """The slots of these sites and of the addresses where they are, their rows locked until the transaction ends."""
    found = await _locked_rows(connection, SITES, sites)
    if missing := sorted({*sites} - {row.site for row in found}):
        fresh = [{"site": each, "next_allowed_at": now, "delay_seconds": 0.0} for each in missing]
        await insert_new(connection, hosts, *fresh)
        found += await _locked_rows(connection, SITES, missing)
    places = {row.address for row in found if row.address}
    taken = await _locked_rows(connection, ADDRESSES, places)
    if missing := sorted(places - {row.address for row in taken}):
        await insert_new(connection, host_addresses, *({"address": each, "next_allowed_at": now} for each in missing))
        taken += await _locked_rows(connection, ADDRESSES, missing)
    return Paces(
        slots={row.site: _read(row, now) for row in found},
        addresses={row.address: row.next_allowed_at for row in taken if not is_address_rewound(row, now, policy)},
    )


async def _locked_rows(
    connection: Connection, query: Select[*tuple[Any, ...]], which: Collection[str]
) -> list[Row[Any]]:
    return list((await connection.execute(query, {"which": list(which)})).all()) if which else []


def _read(row: Row[Any], now: datetime) -> HostSlot:
    # Whoever waited for a slot from a clock that is not any more would write down that time for itself, too.
    return HostSlot(
        next_allowed=now if is_rewound(row, now) else row.next_allowed_at,
        delay=timedelta(seconds=row.delay_seconds),
        blocked_until=row.blocked_until,
        crawl_seconds=row.crawl_seconds,
        answer_seconds=row.answer_seconds,
        address=row.address,
    )


async def save_paces(connection: Connection, paces: Paces) -> None:
    """Write down what was taken; the rows are locked."""
    sites = [
        {"site": site, "next_allowed_at": slot.next_allowed, "delay_seconds": slot.delay.total_seconds()}
        for site, slot in paces.slots.items()
    ]
    if sites:
        await change_all(connection, hosts, sites, key=["site"])
    addresses = [{"address": address, "next_allowed_at": at} for address, at in paces.addresses.items()]
    if addresses:
        await change_all(connection, host_addresses, addresses, key=["address"])


async def settle_timing(connection: Connection, timing: Timing | None) -> None:
    """Learn from an answer how long its site takes, and at which address it is."""
    if timing is None:
        return
    known = (await connection.execute(ANSWERS, {"which": timing.site})).one_or_none()
    if known is None:
        return
    average = averaged(known.answer_seconds, timing)
    address = paced_address(timing.address) or known.address
    if address != known.address or abs(average - (known.answer_seconds or 0.0)) > TOLD_APART:
        await change(connection, hosts, {"site": timing.site}, {"answer_seconds": average, "address": address})


def is_rewound(host: Row[Any], now: datetime) -> bool:
    """Whether the clock was set back since the host's last slot was taken.

    A slot is never reserved further ahead than our longest patience, and the next one begins a delay after it.
    """
    return bool(host.next_allowed_at > now + TOLERANCE + LONGEST_PATIENCE + timedelta(seconds=host.delay_seconds))


def is_address_rewound(address: Row[Any], now: datetime, policy: PolitenessPolicy = DEFAULT_POLICY) -> bool:
    return bool(address.next_allowed_at > now + TOLERANCE + PATIENCE + policy.address_delay)
