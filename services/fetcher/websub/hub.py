"""Asking hubs to tell us of news, or to stop it (WebSub). What they answer to that comes to the callback."""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

import structlog

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.hosts import turn
from services.fetcher.model import Response
from services.fetcher.web.hints import read_hints
from services.fetcher.web.responses import THROTTLING_STATUSES
from services.fetcher.websub.subscriptions import Request
from services.fetcher.websub.websub import VERIFIED_WITHIN, form, pause
from shared.errors import PipelineError, StoreConflict, Unavailable
from shared.lifecycle import hand_back
from shared.urls import site_of

log = structlog.get_logger()


class Client(Protocol):
    async def post_form(
        self, url: str, fields: Mapping[str, str], *, before_hop: Callable[[str], Awaitable[None]] | None = None
    ) -> Response: ...


class Subscriptions(Protocol):
    async def settle(self, request: Request, wait: timedelta, reason: str | None) -> None: ...
    async def postpone(self, request: Request, until: datetime) -> None: ...
    async def release(self, request: Request) -> None: ...


class Hosts(Protocol):
    async def reserve(self, site: str, delay: timedelta) -> timedelta: ...
    async def check(self, site: str) -> None: ...
    async def hold(self, site: str, retry_after: timedelta | None) -> datetime: ...


class Subscriber:
    """Sends one request at a time; `callback` is the public address under which our tokens are."""

    def __init__(
        self, client: Client, subscriptions: Subscriptions, hosts: Hosts, *, callback: str, delay: timedelta
    ) -> None:
        self._client = client
        self._subscriptions = subscriptions
        self._hosts = hosts
        self._callback = callback
        self._delay = delay

    async def ask(self, request: Request) -> None:
        """Ask the hub; every failure becomes a later try. Raises Unavailable; cancelled, it hands the request back."""
        try:
            wait, reason = await self._asked(request)
        except HostBusy as busy:
            await self._subscriptions.postpone(request, busy.until)
        except asyncio.CancelledError:
            await hand_back(self._subscriptions.release(request))
            raise
        else:
            await self._subscriptions.settle(request, wait, reason)
            _report(request, wait, reason)

    async def _asked(self, request: Request) -> tuple[timedelta, str | None]:
        """How long to wait for the hub's confirmation, or after its failure, and the reason of that."""
        again = pause(request.subscription.failures + 1)
        try:
            answer = await self._post(request)
        except (Unavailable, StoreConflict, HostBusy):
            raise
        except PipelineError as error:
            return again, str(error)
        if 200 <= answer.status < 300:
            return max(again, VERIFIED_WITHIN), None
        return again, f"http_{answer.status}"

    async def _post(self, request: Request) -> Response:
        async def slot(url: str) -> None:
            await turn(self._hosts, site_of(url), await self._hosts.reserve(site_of(url), self._delay))

        subscription = request.subscription
        await slot(subscription.hub)
        fields = form(subscription, request.mode, self._callback)
        answer = await self._client.post_form(subscription.hub, fields, before_hop=slot)
        if answer.status in THROTTLING_STATUSES:
            hints = read_hints(answer.headers, answer.status, answer.fetched_at)
            await self._hosts.hold(site_of(answer.final_url), hints.retry_after)
        return answer


def _report(request: Request, wait: timedelta, reason: str | None) -> None:
    subscription = request.subscription
    said = {} if reason is None else {"reason": reason[:300]}
    log.info(
        "hub_asked",
        mode=request.mode.value,
        outcome="accepted" if reason is None else "failed",
        hub=subscription.hub,
        topic=subscription.topic,
        next_in=round(wait.total_seconds(), 1),
        **said,
    )
