"""A fetcher that takes what hubs bring and reads none of it: it is killed before it could."""

import asyncio
import os
import sys

from fakes import Publisher

from services.fetcher.__main__ import build
from services.fetcher.config import FetcherSettings
from shared.config import load
from shared.database import Database

READY = "ready"


async def take() -> None:
    settings = load(FetcherSettings, os.environ)
    database = Database.open(settings.store_url.get_secret_value())
    async with build(settings, database=database, broker=Publisher()):
        sys.stdout.write(f"{READY}\n")
        sys.stdout.flush()
        await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(take())
