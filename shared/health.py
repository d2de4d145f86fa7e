"""`/livez`, `/readyz` and `/metrics` of a service. None of them causes any work upstream."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import asdict

import structlog
from aiohttp import web
from prometheus_client import CONTENT_TYPE_LATEST

from shared import metrics
from shared.errors import PipelineError
from shared.waiting import waiting

log = structlog.get_logger()
Check = Callable[[], Awaitable[None]]
CHECK_SECONDS = 3.0


def application(checks: Mapping[str, Check]) -> web.Application:
    """`/readyz` runs the checks: 200 when all pass and nothing is waited for, 503 naming each that does not."""

    async def livez(_request: web.Request) -> web.Response:
        return web.json_response({"status": "alive"})

    async def readyz(_request: web.Request) -> web.Response:
        found = await asyncio.gather(*(_state(check) for check in checks.values()))
        states, waits = dict(zip(checks, found, strict=True)), waiting.current()
        ready = all(state == "ok" for state in found) and not waits
        said = {"ready": ready, "checks": states, "waiting": [asdict(wait) for wait in waits]}
        return web.json_response(said, status=200 if ready else 503)

    async def expose(_request: web.Request) -> web.Response:
        return web.Response(body=metrics.exposition(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    app = web.Application()
    app.router.add_get("/livez", livez)
    app.router.add_get("/readyz", readyz)
    app.router.add_get("/metrics", expose)
    return app


@asynccontextmanager
async def served(checks: Mapping[str, Check], *, host: str, port: int) -> AsyncIterator[int]:
    """Serve until the block ends; yields the port that was bound. Ends the process where the port cannot be had."""
    runner = web.AppRunner(application(checks), access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, host, port)
        try:
            await site.start()
        except OSError as error:
            log.error("health_not_served", host=host, port=port, reason=error.strerror)  # noqa: TRY400 - all is said
            raise SystemExit(1) from error
        yield runner.addresses[0][1]
    finally:
        await runner.cleanup()


async def _state(check: Check) -> str:
    try:
        async with asyncio.timeout(CHECK_SECONDS):
            await check()
    except TimeoutError:
        return f"no answer within {CHECK_SECONDS:g} s"
    except PipelineError as error:
        return str(error)
    return "ok"
