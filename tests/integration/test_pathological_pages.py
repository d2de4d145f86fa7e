"""Pages that are made to take a reader's time and memory end within a worker's limits, as an article or a reason."""

import asyncio
from collections.abc import AsyncIterator, Callable
from dataclasses import replace

import pytest

from services.processor.config import ProcessorSettings
from services.processor.extraction import extract, warm_up
from services.processor.model import Article, Source
from shared.messages import EntryFacts
from shared.workers import WorkerPool

URL = "https://journal.example/2026/pluie"
SENTENCE = "La pluie est revenue dans la nuit sur le plateau, et les premiers semis ont commencé dès l'aube. "
TEXT = f"<p>{SENTENCE * 5}</p>"
LIST = '<script type="application/ld+json">[{}]</script>'
MEBIBYTE = 2**20

READ = "article"

PAGES: dict[str, tuple[str, Callable[[], str]]] = {
    "100,000 paragraphs": ("too_complex", lambda: "".join(f"<p>{SENTENCE[:60]}{at}</p>" for at in range(100_000))),
    "one million breaks": ("too_complex", lambda: TEXT + "<br>" * 1_000_000),
    "200,000 links": ("too_complex", lambda: "".join(f'<a href="/{at}">Titre {at}</a> ' for at in range(200_000))),
    "a table of 400,000 cells": ("too_complex", lambda: "<table>" + ("<tr>" + "<td>case" * 20) * 20_000),
    "a line of nine megabytes": ("too_complex", lambda: f"<p>{SENTENCE * 95_000}</p>"),
    "more than ten megabytes": ("too_large", lambda: TEXT + "x" * 11 * MEBIBYTE),
    "300,000 attributes": (READ, lambda: f"<p {' '.join(f'a{at}={at}' for at in range(300_000))}>{SENTENCE * 5}</p>"),
    "an attribute of eight megabytes": (READ, lambda: f'<p class="{"a b " * 2_000_000}">{SENTENCE * 5}</p>'),
    "1,500 tags in each other": (READ, lambda: "<font><div>" * 750 + TEXT),
    "50,000 tags in each other": ("empty", lambda: "<div>" * 50_000 + TEXT),
    "a word of a megabyte": (READ, lambda: f"<p>{'a' * 900_000}</p>"),
    "a script of five megabytes": (READ, lambda: TEXT + "<script>" + "a='<p>x</p>';" * 400_000 + "</script>"),
    "structured data of nine megabytes": (READ, lambda: TEXT + LIST.format('{"@type":"NewsArticle"},' * 350_000)),
    "structured data, deep": (READ, lambda: TEXT + LIST.format("[" * 2_000_000)),
    "a comment without an end": (READ, lambda: f"{TEXT}<!--{'x-' * 3_000_000}"),
    "an attribute without an end": (READ, lambda: f'{TEXT}<a href="{"x" * 3_000_000}'),
    "250,000 countries to choose from": (READ, lambda: f"{TEXT}<select>{'<option>Niger</option>' * 250_000}</select>"),
    "nine megabytes of blanks": (READ, lambda: f"{TEXT}{' ' * 9 * MEBIBYTE}"),
    "as many paragraphs as may be": (READ, lambda: "".join(f"<p>{SENTENCE[:45]}{at}</p>" for at in range(19_900))),
    "as many wrappings as may be": (READ, lambda: f"<div><div><div><span>{SENTENCE}</span></div></div></div>" * 4_900),
    "as deep and wide as may be": (READ, lambda: f"{'<div>' * 190}<p>{SENTENCE}</p>{'</div>' * 190}" * 100),
}


def source(body: str) -> Source:
    markup = f"<!doctype html><html><head><title>Pluie</title></head><body>{body}</body></html>"
    return Source(
        kind="fetched",
        url=URL,
        body=markup.encode(),
        content_type="text/html; charset=utf-8",
        entry=EntryFacts(identity="1", url=URL),
        feed_language=None,
        section=None,
    )


@pytest.fixture
async def pool() -> AsyncIterator[WorkerPool]:
    """As the service makes it, with its limits of time and memory."""
    made = WorkerPool("extraction", ProcessorSettings(workers=2).extraction, warm_up)
    yield made
    await made.close()


async def test_no_page_costs_a_worker(pool: WorkerPool) -> None:
    """Each of them has its article or its reason, and the workers that read them read on."""

    async def outcome(page: Callable[[], str]) -> str:
        found = await pool.run(extract, source(page()))
        return READ if isinstance(found, Article) else found.reason

    found = await asyncio.gather(*(outcome(page) for _, page in PAGES.values()))

    assert dict(zip(PAGES, found, strict=True)) == {name: expected for name, (expected, _) in PAGES.items()}


async def test_a_page_that_is_too_complex_may_have_its_feeds_text(pool: WorkerPool) -> None:
    """What the page is too large for, the feed may bring in a few lines."""
    entry = EntryFacts(identity="1", url=URL, content=TEXT)

    found = await pool.run(extract, replace(source("<br>" * 50_000), entry=entry))

    assert isinstance(found, Article)
    assert found.page_verdict == "too_complex"
