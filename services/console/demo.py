"""`fildactu demo`: the pipeline against the sample newsroom, edition by edition, and proof of what came out.

    edition appears → every feed is polled again → every page that is due is settled → next edition
    after the last one every page is looked at once more → the events must be the script's, no more and no less

It waits for conditions, never for time; the newsroom's own record says what was asked for, the store what was done.
"""

import asyncio
import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from urllib.parse import urlsplit

from services.console.accounts import PageState
from services.console.display import Status
from services.console.embedded import Pipeline, Settings, embedded
from services.console.expectation import Seen, differences, seen
from services.console.sinks import Sink
from services.console.summary import Summary, summarise, tally
from services.fetcher.config import FetcherSettings
from services.fetcher.model import Bounds, FeedSettings
from services.newsroom.script import Expected, expected
from services.newsroom.server import Newsroom, serve
from services.processor.config import ProcessorSettings
from shared.errors import TransientError
from shared.lifecycle import Stop

SOURCE = "demo"
DEADLINE_SECONDS = 60.0
LOOK_SECONDS = 0.05
POLL_EVERY = timedelta(seconds=1)
REVISIT_SECONDS = 2.0
REVISITS = 100
"""More than the deadline has room for: pages are watched until the demo ends."""
