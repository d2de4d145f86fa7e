"""The subscribers that the documents show, run as they are shown."""

import asyncio
import json
import sys
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from shared.broker import apply_topology, connect
from shared.events import ArticleEvent
from shared.topology import ARTICLE_EVENTS, topology

ROOT = Path(__file__).parents[2]
README = (ROOT / "README.md").read_text(encoding="utf-8")
EVENTS = (ROOT / "docs/events.md").read_text(encoding="utf-8")
STREAM_READER = """
import asyncio, json, aio_pika

async def on_message(message):
    print(json.loads(message.body)["data"]["headline"], flush=True)
    await message.ack()

async def main():
    connection = await aio_pika.connect("URL")
    channel = await connection.channel()
{snippet}
    await asyncio.Future()

asyncio.run(main())
"""

pytestmark = pytest.mark.rabbitmq


def documented_event() -> ArticleEvent:
    shown = json.loads(EVENTS.split("```json\n")[1].split("```")[0])
    return ArticleEvent.model_validate({**shown, "verb": shown["type"].split(".")[2]})


@asynccontextmanager
async def running(code: str):
    process = await asyncio.create_subprocess_exec(sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE)
    try:
        yield process
    finally:
        process.kill()
        await process.wait()


async def first_line(process: asyncio.subprocess.Process) -> str:
    async with asyncio.timeout(30):
        assert process.stdout is not None
        return (await process.stdout.readline()).decode().strip()


async def test_the_subscriber_of_the_readme_prints_headlines(rabbitmq_url):
    """The README's ten lines, with another address, print the headline of a French article that is published."""
    code = README.split("```python\n")[1].split("```")[0]
    await apply_topology(rabbitmq_url, topology())
    event = documented_event().model_copy(update={"verb": "published"})
    async with running(code.replace("amqp://subscriber:fildactu-local@localhost/", rabbitmq_url)) as reader:
        async with connect(rabbitmq_url, topology()) as broker:
            line = asyncio.create_task(first_line(reader))
            while not line.done():
                # Until its queue is bound, the subscriber hears nothing: an event more does no harm.
                await broker.publish(ARTICLE_EVENTS, event.routing_key, event.message())
                await asyncio.wait([line], timeout=0.2)

        assert event.data.headline == await line


async def test_the_reader_of_the_events_page_reads_from_the_past(rabbitmq_url):
    """The stream's lines, as shown, read an event that was published before they ran."""
    snippet = EVENTS.split("```python\n")[1].split("```")[0]
    indented = "".join(f"    {line}\n" for line in snippet.splitlines() if not line.startswith("#"))
    await apply_topology(rabbitmq_url, topology())
    event = documented_event()
    async with connect(rabbitmq_url, topology()) as broker:
        await broker.publish(ARTICLE_EVENTS, event.routing_key, event.message())
    async with running(STREAM_READER.format(snippet=indented).replace("URL", rabbitmq_url)) as reader:
        assert event.data.headline == await first_line(reader)


def test_the_documented_event_is_one_that_we_would_send():
    """What the events page shows encodes to itself: no field is missing, none is invented."""
    shown = json.loads(EVENTS.split("```json\n")[1].split("```")[0])
    sent = json.loads(documented_event().message().body)

    assert shown["data"] == sent["data"]
    assert shown.keys() == sent.keys()
