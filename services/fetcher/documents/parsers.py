"""The parse workers, in two lanes: a document that has cost a worker is not met again among the others.

A hostile feed keeps a worker busy until it is killed. The first time this is one of the common workers; from then on
the feed's documents wait for a single worker of their own, and everybody else's go on at their pace. Few may wait for
it: whoever asks waits too, and a handful of hostile feeds would keep every poller waiting.
"""

from collections import OrderedDict
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from services.fetcher.documents.parsing import parse_feed
from services.fetcher.errors import ParsersBusy
from services.fetcher.model import ParsedFeed
from shared.workers import WorkerLimits, WorkerLost, WorkerPool

MOST_ASIDE = 3
"""Documents of suspects, the one that is being read among them."""


class Parsers:
    """Parses feeds in worker processes; `close` ends them.

    Of more than `most_suspects` addresses the oldest is forgotten, and costs a common worker once more.
    """

    def __init__(self, limits: WorkerLimits, *, most_suspects: int = 1000) -> None:
        self._common = WorkerPool("parsing", limits)
        # Its process is started when there is a first suspect.
        self._aside = WorkerPool("parsing_suspects", replace(limits, workers=1))
        self._most_suspects = most_suspects
        self._suspects: OrderedDict[str, None] = OrderedDict()
        self._aside_now = 0

    async def parse(self, body: bytes, content_type: str | None, url: str) -> ParsedFeed:
        """As `parse_feed`; raises WorkerLost for a document that cost its worker, Unavailable without workers.

        Raises ParsersBusy at once where enough documents of suspects wait. A document without an address, as of a
        file, is met once, and casts no suspicion.
        """
        run = self._run_aside if url in self._suspects else self._common.run
        try:
            parsed = await run(parse_feed, body, content_type, url, datetime.now(UTC))
        except WorkerLost:
            if url:
                self._suspect(url)
            raise
        self._suspects.pop(url, None)
        return parsed

    def suspected(self, url: str) -> bool:
        return url in self._suspects

    async def close(self) -> None:
        await self._common.close()
        await self._aside.close()

    async def _run_aside(self, function: Callable[..., ParsedFeed], *args: object) -> ParsedFeed:
        if self._aside_now >= MOST_ASIDE:
            raise ParsersBusy
        self._aside_now += 1
        try:
            return await self._aside.run(function, *args)
        finally:
            self._aside_now -= 1

    def _suspect(self, url: str) -> None:
        self._suspects[url] = None
        self._suspects.move_to_end(url)
        while len(self._suspects) > self._most_suspects:
            self._suspects.popitem(last=False)
