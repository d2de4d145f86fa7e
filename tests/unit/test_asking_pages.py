"""What the processor says of a page to people who ask, also where the page costs its worker."""

from pathlib import Path
from typing import Any, cast

import pytest

from services.processor.asking import UNREAD, Asking, Page, read, stated_address
from services.processor.asking import asking as open_asking
from services.processor.config import ProcessorSettings
from shared.errors import Unavailable
from shared.workers import WorkerLost, WorkerPool

SENTENCE = "La pluie est revenue dans la nuit sur le plateau, et les semis ont commencé."


class Pool:
    """Workers that fail."""

    def __init__(self, error: Exception) -> None:
        self._error = error

    async def run(self, *_: object) -> Any:
        raise self._error


def asking(error: Exception) -> Asking:
    return Asking(cast("WorkerPool", Pool(error)))


@pytest.mark.parametrize("reason", ["worker_timeout", "worker_died"])
async def test_a_page_that_costs_its_worker_has_that_as_its_verdict(reason: str) -> None:
    """Nothing is raised: the pages after it are read."""
    found = await asking(WorkerLost(reason, "over 20 s")).describe(Page(body=b"x", url="https://a.example/1"))
    assert found == {"url": "https://a.example/1", "verdict": reason, "detail": "over 20 s"}
    assert found["verdict"] in UNREAD


async def test_a_fault_of_ours_costs_one_page() -> None:
    """An error that nobody foresaw is the page's verdict, with its words."""
    found = await asking(RuntimeError("ValueError: odd")).describe(Page(body=b"x"))
    assert (found["verdict"], "odd" in found["detail"]) == ("failed", True)


async def test_without_workers_nothing_goes_on() -> None:
    """No page could be read: that is no fault of any page."""
    with pytest.raises(Unavailable):
        await asking(Unavailable("workers cannot start")).describe(Page(body=b"x"))


@pytest.mark.parametrize(
    ("head", "address"),
    [
        ('<link rel="canonical" href="https://a.example/1">', "https://a.example/1"),
        ('<meta property="og:url" content="https://a.example/1#top">', "https://a.example/1"),
        (
            '<link rel="canonical" href="https://a.example/"><meta property="og:url" content="https://a.example/1">',
            "https://a.example/1",
        ),
        ('<link rel="canonical" href="https://a.example/">', "https://a.example/"),
        ('<link rel="canonical" href="/1"><meta property="og:url" content="javascript:1">', None),
        ("", None),
    ],
)
def test_a_page_says_where_it_stands(head: str, address: str | None) -> None:
    """An absolute address of its own, rather that of a page than the home page's; anything else says nothing."""
    body = f"<html><head>{head}</head><body><p>Text</p></body></html>".encode()
    assert stated_address(Page(body=body)) == address


def test_a_page_without_an_address_leads_nowhere() -> None:
    """Its relative addresses do not become addresses of ours."""
    body = b'<html><head><meta property="og:image" content="/a.jpg"></head><body><p>Some text of it.</p></body></html>'
    url, traced = read(Page(body=body))
    assert url is None
    assert "file:" not in repr(getattr(traced.extracted, "images", ()))


def page_of(site: str) -> Page:
    body = f"<html><body><h1>Pluie</h1><div class='body'><p>{SENTENCE}</p></div></body></html>"
    return Page(body=body.encode(), url=f"https://{site}/pluie")


async def test_a_page_is_read_by_the_operators_own_profile(tmp_path: Path) -> None:
    """What is tried out is what the service would do: the folder of the settings counts, in the worker too."""
    (tmp_path / "meteo.yaml").write_text("hosts: [meteo.example]\ncontainer: .body\nblocks: [p]\n", encoding="utf-8")
    settings = ProcessorSettings(profiles_dir=tmp_path)

    async with open_asking(settings, workers=1) as asked:
        found = [await asked.describe(page_of(site)) for site in ("meteo.example", "journal.example")]

    assert [each["provenance"]["fields"]["text"] for each in found] == ["profile:meteo", "trafilatura"]
