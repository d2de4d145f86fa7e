"""Which of the feeds that are due are polled now, so that no host keeps the others waiting. Pure."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from uuid import UUID

from services.fetcher.hosts.politeness import (
    DEFAULT_POLICY,
    PATIENCE,
    HostSlot,
    PolitenessPolicy,
    paced,
    reserve,
    reserve_address,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class DueFeed:
    """A feed that is due; `page_delay` is the operator's word on its site's pace."""

    feed_id: UUID
    site: str
    page_delay: timedelta | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Paces:
    """The slots of sites, and until when IP addresses are taken."""

    slots: Mapping[str, HostSlot] = field(default_factory=dict)
    addresses: Mapping[str, datetime] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Shares:
    """When each feed that is taken is polled, until when others are put off, and what changes in the paces."""

    starts: Mapping[UUID, datetime]
    put_off: Mapping[UUID, datetime]
    paces: Paces


def share_out(
    due: Sequence[DueFeed],
    paces: Paces,
    *,
    limit: int,
    room: Callable[[str], int],
    now: datetime,
    policy: PolitenessPolicy = DEFAULT_POLICY,
) -> Shares:
    """Take at most `limit` feeds in their order, of each site no more than it has `room` and none beyond our patience.

    Those that cannot be polled within our patience are put off, each until its turn at the site's pace: the next look
    does not meet them, however many they are. `paces` has a slot for each site.
    """
    starts, put_off, taken, waiting = dict[UUID, datetime](), dict[UUID, datetime](), Counter[str](), Counter[str]()
    slots, addresses = dict[str, HostSlot](), dict[str, datetime]()
    for each in due:
        if len(starts) == limit:
            break
        slot = paced(slots.get(each.site) or paces.slots[each.site], each.page_delay, policy)
        address = slot.address or ""
        free_at = addresses.get(address) or paces.addresses.get(address)
        start, after = reserve(slot, now, free_at)
        if start - now <= PATIENCE and taken[each.site] < room(each.site):
            starts[each.feed_id], slots[each.site] = start, after
            taken[each.site] += 1
            if address:
                addresses[address] = reserve_address(free_at, now, policy)
        elif (turn := start + slot.delay * waiting[each.site]) - now > PATIENCE:
            put_off[each.feed_id] = turn
        waiting[each.site] += each.feed_id not in starts
    return Shares(starts=starts, put_off=put_off, paces=Paces(slots=slots, addresses=addresses))
