"""Logs: one line per outcome, JSON unless on a terminal, always on standard error (standard output is for events)."""

import logging
import sys
from typing import Any

import structlog
from structlog.typing import Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}


def configure(*, service: str, form: str = "auto", level: str = "info") -> None:
    """Set up logging for the process; `form` is `json`, `console` or `auto` (console on a terminal)."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shown: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    structlog.configure(
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True),
            _named(service),
            *shown,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    # Libraries log through the standard module; only what they find alarming is worth an operator's line.
    logging.basicConfig(level=logging.ERROR, stream=sys.stderr, format="%(levelname)s %(name)s %(message)s", force=True)


def _named(service: str) -> Processor:
    def add(_logger: object, _method: str, event: Any) -> Any:  # noqa: ANN401 - structlog's own type
        event.setdefault("service", service)
        return event

    return add
