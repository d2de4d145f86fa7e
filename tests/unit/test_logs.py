"""What a process writes on standard error, read as whoever collects its lines reads it."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
START = """
import logging
import structlog
from shared import logs
logs.configure(service="fetcher", form="json")
"""


def written(script: str) -> list[dict[str, Any]]:
    """The lines of a process of its own: logging belongs to a whole process, this one's to the test run."""
    ran = subprocess.run(
        [sys.executable, "-c", START + script], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30
    )
    return [json.loads(line) for line in ran.stderr.splitlines()]


def test_a_line_of_a_library_is_json_like_ours() -> None:
    """It has the same fields, and says which library it is from."""
    library, ours = written(
        'logging.getLogger("asyncio").error("slow: %s", "née")\nstructlog.get_logger().error("feed_polled")'
    )

    assert {**library, "timestamp": ""} == {
        "event": "slow: née",
        "level": "error",
        "logger": "asyncio",
        "service": "fetcher",
        "timestamp": "",
    }
    assert set(library) - {"logger"} == set(ours)


def test_a_traceback_of_a_library_stays_on_its_line() -> None:
    """An error with many lines is one line to whoever collects them."""
    (line,) = written(
        "try:\n    1 / 0\nexcept ZeroDivisionError:\n    logging.getLogger('aiohttp').exception('failed')"
    )

    assert (line["event"], "ZeroDivisionError: division by zero" in line["exception"]) == ("failed", True)


def test_a_warning_of_a_library_is_no_line() -> None:
    """Python would print it between the lines, in no form that a collector reads."""
    assert written("import warnings\nwarnings.warn('never awaited', RuntimeWarning, stacklevel=1)") == []


def test_the_broker_s_libraries_do_not_report_a_loss_beside_us() -> None:
    """Their errors are what the link reports already; other libraries' errors are shown, their warnings are not."""
    lines = written(
        "for name in ('aiormq.connection', 'aio_pika.channel', 'sqlalchemy'):\n"
        "    logging.getLogger(name).warning('lost')\n"
        "    logging.getLogger(name).error('lost')"
    )

    assert [line["logger"] for line in lines] == ["sqlalchemy"]
