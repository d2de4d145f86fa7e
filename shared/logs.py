"""Logs: one line per outcome, JSON unless on a terminal, always on standard error (standard output is for events)."""

import logging
import sys
from collections.abc import Sequence
from typing import Any

import structlog
from structlog.typing import Processor

LEVELS = {"debug": logging.DEBUG, "info": logging.INFO, "warning": logging.WARNING, "error": logging.ERROR}
# A lost connection is an error to these libraries; to us it is a warning, which the broker's link says itself.
SPOKEN_FOR = ("aiormq", "aio_pika")


def configure(*, service: str, form: str = "auto", level: str = "info") -> None:
    """Set up logging for the process; `form` is `json`, `console` or `auto` (console on a terminal)."""
    console = form == "console" or (form == "auto" and sys.stderr.isatty())
    shown: list[Processor] = (
        [structlog.dev.ConsoleRenderer()]
        if console
        else [structlog.processors.format_exc_info, structlog.processors.JSONRenderer(ensure_ascii=False)]
    )
    facts: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        _named(service),
    ]
    structlog.configure(
        processors=[*facts, *shown],
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    _configure_libraries(facts, shown)


def _configure_libraries(facts: Sequence[Processor], shown: Sequence[Processor]) -> None:
    """Libraries log through the standard module; only what they find alarming is worth an operator's line."""
    lines = logging.StreamHandler(sys.stderr)
    lines.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*facts, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *shown],
        )
    )
    logging.basicConfig(level=logging.ERROR, handlers=[lines], force=True)
    # Python itself would print a warning of a library beside the log, and not in its form.
    logging.captureWarnings(True)
    for library in SPOKEN_FOR:
        logging.getLogger(library).setLevel(logging.CRITICAL)


def _named(service: str) -> Processor:
    def add(_logger: object, _method: str, event: Any) -> Any:  # noqa: ANN401 - structlog's own type
        event.setdefault("service", service)
        return event

    return add
