"""Where events go to."""

import io
import json
import os

import pytest
from rich.console import Console

from services.console.sinks import JsonLines, OutputClosed, OutputFailed, ReadableLines

EVENT = json.dumps(
    {
        "type": "fildactu.article.published.v1",
        "time": "2026-01-02T03:04:05Z",
        "data": {
            "headline": "Le bac [bold]remplacé[/bold]",
            "url": "http://a.example/",
            "language": {"code": "fr"},
            "site": {"host": "a.example"},
            "word_count": 2,
            "story": {"role": "original"},
        },
    },
    indent=1,
).encode()


async def test_json_lines_are_one_line_each():
    """An event that was written over several lines becomes one, and says the same."""
    stream = io.BytesIO()

    await JsonLines(stream).write(EVENT)
    await JsonLines(stream).write(EVENT)

    first, second = stream.getvalue().splitlines()
    assert json.loads(first) == json.loads(second) == json.loads(EVENT)


async def test_a_reader_that_went_away_closes_the_output():
    """Writing to a pipe that nobody reads any more says so, and closing the stream afterwards raises nothing."""
    reading, writing = os.pipe()
    os.close(reading)

    with os.fdopen(writing, "wb") as stream, pytest.raises(OutputClosed):
        await JsonLines(stream).write(EVENT)


async def test_an_output_that_cannot_be_written_fails():
    """A full disk is told as such, once."""
    full = os.open("/dev/full", os.O_WRONLY)

    with os.fdopen(full, "wb") as stream, pytest.raises(OutputFailed, match="No space left"):
        await JsonLines(stream).write(EVENT)


async def test_readable_lines_show_texts_as_they_are():
    """Brackets in a headline are the headline's, not markup."""
    shown = io.StringIO()

    await ReadableLines(Console(file=shown, width=120)).write(EVENT)

    (line,) = shown.getvalue().splitlines()
    assert "Le bac [bold]remplacé[/bold]" in line
