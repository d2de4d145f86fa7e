import asyncio
import gc
from datetime import timedelta

import pytest
from fakes import URL, Client, Hosts, response

from services.fetcher import robots
from services.fetcher.errors import Disallowed, HostBusy
from services.fetcher.hosts import RobotsFile
from services.fetcher.politeness import PolitenessPolicy
from services.fetcher.robots import RobotsGate
from shared.errors import PermanentError, TransientError

ROBOTS = b"User-agent: *\nDisallow: /private\nCrawl-delay: 7\n\nUser-agent: FilDActu\nDisallow: /ours\n"


class Store(Hosts):
    """Keeps files for ever."""

    def __init__(self, busy: Exception | None = None, **kept: RobotsFile) -> None:
        super().__init__(busy)
        self.files: dict[str, RobotsFile] = {f"https://{name}.example": file for name, file in kept.items()}
        self.fresh: list[timedelta] = []

    async def robots(self, origin: str) -> RobotsFile | None:
        return self.files.get(origin)

    async def save_robots(self, origin: str, found: RobotsFile, fresh_for: timedelta) -> None:
        self.files[origin] = found
        self.fresh.append(fresh_for)


def gate(client: Client, store: Store | None = None) -> RobotsGate:
    policy = PolitenessPolicy(delay=timedelta(seconds=2))
    return RobotsGate(store or Store(), client, agent="FilDActu/0.1 (+https://x.example)", policy=policy)


async def test_what_is_allowed_comes_with_its_pace() -> None:
    """The file is asked for once, at the host's own pace."""
    client, store = Client(response(b"User-agent: *\nCrawl-delay: 7\nDisallow: /private\n")), Store()
    works = gate(client, store)
    rules = await works.check(URL)
    with pytest.raises(Disallowed):
        await works.check("https://news.example/private/x")

    assert works.pace(rules, None) == timedelta(seconds=7)
    assert ([url for url, *_ in client.asked], store.reserved) == (
        ["https://news.example/robots.txt"],
        ["news.example"],
    )


async def test_the_rules_for_our_name_go_before_those_for_all() -> None:
    """Only the product token counts, not the words of the comment."""
    works = gate(Client(response(ROBOTS)))
    await works.check("https://news.example/private")
    with pytest.raises(Disallowed):
        await works.check("https://news.example/ours")


async def test_a_kept_file_is_not_asked_for() -> None:
    """Another fetcher has it already."""
    client, store = Client(), Store(news=RobotsFile(status=200, body="User-agent: *\nDisallow: /"))
    with pytest.raises(Disallowed):
        await gate(client, store).check(URL)

    assert client.asked == []


async def test_many_pages_at_once_ask_for_one_file() -> None:
    """The others wait for it."""
    client = Client(response(ROBOTS))
    works = gate(client)
    await asyncio.gather(*(works.check(URL) for _ in range(10)))

    assert len(client.asked) == 1


@pytest.mark.parametrize("answer", [TransientError("timeout"), PermanentError("too_large"), response(b"", 503)])
async def test_an_unreachable_file_keeps_us_out_for_a_while(answer: object) -> None:
    """Not for good: the page is tried again later, and so is the file."""
    store = Store()
    with pytest.raises(TransientError, match="robots_unreachable"):
        await gate(Client(answer), store).check(URL)  # type: ignore[arg-type]

    assert store.fresh[0] < timedelta(hours=24)


@pytest.mark.parametrize("status", [404, 401, 410])
async def test_no_file_allows_everything(status: int) -> None:
    """As RFC 9309 has it."""
    await gate(Client(response(b"Disallow: /", status))).check("https://news.example/private")


async def test_a_busy_host_is_said_and_nothing_is_remembered() -> None:
    """The entry is handed back until the host is free."""
    store = Store(HostBusy(response().fetched_at))
    works = gate(Client(response(ROBOTS)), store)
    with pytest.raises(HostBusy):
        await works.check(URL)
    store.busy = None
    await works.check(URL)

    assert len(store.files) == 1


async def test_bytes_that_no_text_column_holds_are_left_out() -> None:
    """Neither NUL nor broken UTF-8 reaches the store."""
    store = Store()
    await gate(Client(response(b"User-agent: *\0\xff\nAllow: /\n")), store).check(URL)

    assert "\0" not in store.files["https://news.example"].body


async def test_a_private_address_is_not_an_unreachable_file() -> None:
    """It stays private, however often it is tried: the page is not asked for, and nothing is kept."""
    store = Store()
    with pytest.raises(PermanentError, match="address_refused"):
        await gate(Client(PermanentError("address_refused")), store).check(URL)

    assert store.files == {}


async def test_what_is_remembered_does_not_grow_without_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    """The oldest goes; nothing is left of locks that nobody holds."""
    monkeypatch.setattr(robots, "MOST_PARSED", 2)
    works = gate(Client(*(response(b"", 404) for _ in range(3))))
    for name in "abc":
        await works.check(f"https://{name}.example/")
    gc.collect()

    assert list(works._parsed) == ["https://b.example", "https://c.example"]
    assert len(works._locks) == 0


async def test_a_file_is_not_asked_for_on_a_host_that_was_held_meanwhile() -> None:
    """As with pages."""
    client, store = Client(), Store()
    store.wait, store.held_meanwhile = timedelta(milliseconds=1), HostBusy(response().fetched_at)
    with pytest.raises(HostBusy):
        await gate(client, store).check(URL)

    assert (client.asked, store.files) == ([], {})
