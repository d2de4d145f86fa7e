"""`fildactu demo` as a user runs it."""

import asyncio
import json
import signal

import pytest
from cloudevents.core.formats.json import JSONFormat
from cloudevents.core.v1.event import CloudEvent
from console_command import fildactu, finished, output_of, started, stop_reading

from services.newsroom.script import EDITIONS, expected


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("demo")


@pytest.fixture(scope="module")
def demo(folder):
    """One demo for all tests that only look at what it left behind."""
    return asyncio.run(fildactu("demo", "--json", "--summary", "summary.json", cwd=folder))


def test_the_demo_proves_itself(demo):
    """It exits with 0 and says that the events are the script's."""
    assert demo.code == 0, demo.err
    assert "exactly those of the newsroom's script" in demo.err


def test_standard_output_is_cloudevents_alone(demo):
    """Each line of standard output is a CloudEvent 1.0 with the attributes that it requires; no id comes twice."""
    events = [JSONFormat().read(CloudEvent, line) for line in demo.out.splitlines()]

    assert len(events) == len(expected(len(EDITIONS)).events)
    assert len({event.get_id() for event in events}) == len(events)
    assert {event.get_type().split(".")[2] for event in events} == {"published", "updated", "copied", "withdrawn"}


def test_the_summary_adds_up(demo, folder):
    """The summary counts the same events as were shown, and each observation is an event or has a reason."""
    summary = json.loads((folder / "summary.json").read_text())

    verbs = [event["type"].split(".")[2] for event in demo.events]
    assert summary["events"] == {verb: verbs.count(verb) for verb in summary["events"]}
    assert summary["observations"] == sum(summary["events"].values()) + sum(summary["reasons"].values())
    assert summary["feeds_polled"] == 6
    assert {"alias", "consent_wall", "gone"} <= set(summary["reasons"])


async def test_a_reader_that_leaves_ends_it_cleanly(tmp_path):
    """`| head -1` gets its line, and the demo ends with 0 and without a complaint."""
    process = await started("demo", "--json", cwd=tmp_path)
    line = await output_of(process).readline()
    stop_reading(process)

    left = await finished(process)

    assert json.loads(line)["specversion"] == "1.0"
    assert left.code == 0
    assert "Traceback" not in left.err
    assert "BrokenPipe" not in left.err


async def test_an_interrupt_ends_it_cleanly(tmp_path):
    """Ctrl-C ends the demo with the usual code and a summary of what was done so far."""
    process = await started("demo", "--json", cwd=tmp_path)
    await output_of(process).readline()
    process.send_signal(signal.SIGINT)

    left = await finished(process)

    assert left.code == 130
    assert "Interrupted" in left.err
    assert "Traceback" not in left.err
