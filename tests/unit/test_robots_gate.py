import asyncio
import gc
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from fakes import URL, Client, Hosts, response

from services.fetcher.errors import Disallowed, HostBusy
from services.fetcher.hosts import robots
from services.fetcher.hosts.politeness import PolitenessPolicy
from services.fetcher.hosts.robots import RobotsGate
from services.fetcher.hosts.robotstxt import RobotsFile
from shared.errors import PermanentError, StoreConflict, StoreUnavailable, TransientError

ROBOTS = b"User-agent: *\nDisallow: /private\nCrawl-delay: 7\n\nUser-agent: FilDActu\nDisallow: /ours\n"


class Store(Hosts):
    """Keeps files for ever."""

    def __init__(self, busy: Exception | None = None, **kept: RobotsFile) -> None:
        super().__init__(busy)
        self.files: dict[str, RobotsFile] = {f"https://{name}.example": file for name, file in kept.items()}
        self.fresh: list[timedelta] = []
        self.crawl_seconds: float | None = None
        self.older: RobotsFile | None = None

    async def robots(self, origin: str) -> RobotsFile | None:
        return self.files.get(origin)

    async def save_robots(
        self, origin: str, found: RobotsFile, fresh_for: timedelta, crawl_seconds: float | None
    ) -> RobotsFile:
        self.files[origin] = replace(found, fresh_for=fresh_for)
        self.fresh.append(fresh_for)
        self.crawl_seconds = crawl_seconds
        return self.older or self.files[origin]


def gate(client: Client, store: Store | None = None, **more: Any) -> RobotsGate:
    policy = PolitenessPolicy(delay=timedelta(seconds=2))
    return RobotsGate(store or Store(), client, agent="FilDActu/0.1 (+https://x.example)", policy=policy, **more)


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


async def test_a_large_file_is_obeyed() -> None:
    """It is read, and asked, apart from the loop."""
    works = gate(Client(response(b"User-agent: *\n" + b"Disallow: /private/*x\n" * 5000 + b"Disallow: /ours\n")))
    await works.check("https://news.example/other")
    with pytest.raises(Disallowed):
        await works.check("https://news.example/ours")


async def test_an_address_that_no_server_takes_is_refused() -> None:
    """Each rule costs a little for each of its characters; its robots.txt is not even asked for."""
    client = Client(response(ROBOTS))
    for asked in (gate(client).check, gate(client).check_feed):
        with pytest.raises(PermanentError, match="bad_url"):
            await asked("https://news.example/" + "a" * 9000)

    assert not client.asked


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


@pytest.mark.parametrize(
    "answer",
    [
        TransientError("timeout"),
        PermanentError("too_large"),
        response(b"", 503),
        replace(response(b"User-agent: *\nAllow: /\n"), truncated=True),
    ],
)
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


@pytest.mark.parametrize("error", [HostBusy(response().fetched_at), StoreConflict(), StoreUnavailable("down")])
async def test_what_stops_us_at_a_redirect_says_nothing_of_the_file(error: Exception) -> None:
    """The host that it leads to is busy, or our own store: the file is asked for another time."""
    store = Store()
    with pytest.raises(type(error)):
        await gate(Client(error), store).check_feed(URL)

    assert store.files == {}


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

    assert len(works._parsed) == 2
    assert len(works._locks) == 0


async def test_a_file_is_not_asked_for_on_a_host_that_was_held_meanwhile() -> None:
    """As with pages."""
    client, store = Client(), Store()
    store.wait, store.held_meanwhile = timedelta(milliseconds=1), HostBusy(response().fetched_at)
    with pytest.raises(HostBusy):
        await gate(client, store).check(URL)

    assert (client.asked, store.files) == ([], {})


FEED = "https://news.example/feed.xml"
FOR_US = b"User-agent: *\nDisallow: /\n\nUser-agent: FilDActu\nDisallow: /feed.xml\n"
FOR_ALL = b"User-agent: *\nDisallow: /\n"


async def test_a_feed_is_left_alone_where_its_host_names_us() -> None:
    """Each time that it is asked for."""
    works = gate(Client(response(FOR_US)))
    for _ in range(2):
        with pytest.raises(Disallowed):
            await works.check_feed(FEED)
    await works.check_feed("https://news.example/other.xml")


@pytest.mark.parametrize(("obey_all", "allowed"), [(False, True), (True, False)])
async def test_rules_for_all_robots_count_for_feeds_by_setting(obey_all: bool, allowed: bool) -> None:
    """Feeds are there for robots; an operator may be stricter."""
    works = gate(Client(response(FOR_ALL)), feeds_obey_all=obey_all)
    try:
        await works.check_feed(FEED)
    except Disallowed:
        assert not allowed
    else:
        assert allowed


@pytest.mark.parametrize("answer", [TransientError("timeout"), PermanentError("too_large"), response(b"", 503)])
async def test_an_unreachable_file_stops_no_feed(answer: object) -> None:
    """It is not asked for again before each poll, either."""
    client = Client(answer)  # type: ignore[arg-type]
    works = gate(client)

    assert await works.check_feed(FEED)
    assert not await works.check_feed(FEED)
    assert len(client.asked) == 1


async def test_a_feeds_file_is_asked_for_in_the_feeds_slot() -> None:
    """A slot of its own might never come within our patience on a slow site; the feed takes the next one then."""
    store = Store()
    works = gate(Client(response(FOR_ALL)), store)

    assert await works.check_feed(FEED)
    assert store.reserved == []
    assert not await works.check_feed("https://news.example/other.xml")


async def test_what_is_not_about_feeds_is_remembered_without_the_store() -> None:
    """No poll asks the store for it, until the file is out of date."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    store = Store(news=RobotsFile(status=200, body=FOR_ALL.decode(), fresh_for=timedelta(hours=3)))
    works = gate(Client(), store, clock=lambda: now)
    await works.check_feed(FEED)
    store.files = {"https://news.example": RobotsFile(status=200, body=FOR_US.decode(), fresh_for=timedelta(hours=3))}
    now += timedelta(hours=2, minutes=59)
    await works.check_feed(FEED)

    now += timedelta(minutes=2)
    with pytest.raises(Disallowed):
        await works.check_feed(FEED)


async def test_rules_about_feeds_are_asked_of_the_store_again_soon() -> None:
    """Another fetcher may have seen a change."""
    now = datetime(2026, 11, 23, tzinfo=UTC)
    store = Store(news=RobotsFile(status=200, body=FOR_US.decode(), fresh_for=timedelta(hours=3)))
    works = gate(Client(), store, clock=lambda: now)
    with pytest.raises(Disallowed):
        await works.check_feed(FEED)
    store.files = {"https://news.example": RobotsFile(status=404, body="", fresh_for=timedelta(hours=3))}
    now += robots.REMEMBERED + timedelta(seconds=1)

    await works.check_feed(FEED)


async def test_the_pace_that_a_file_asks_for_is_stored_for_all() -> None:
    """Leases go by it without reading the file."""
    store = Store()
    await gate(Client(response(ROBOTS.replace(b"Crawl-delay: 7", b"") + b"Crawl-delay: 9\n")), store).check(URL)

    assert store.crawl_seconds == 9


async def test_an_older_file_counts_while_the_host_is_away() -> None:
    """The store says which."""
    store = Store()
    store.older = RobotsFile(status=200, body=ROBOTS.decode())
    works = gate(Client(TransientError("timeout")), store)
    await works.check(URL)


@pytest.mark.parametrize(("hops", "counts"), [(5, True), (6, False)])
async def test_five_redirects_are_followed(hops: int, counts: bool) -> None:
    """The answer at the end of five counts; behind more there is no file."""
    client = Client(response(FOR_ALL))
    client.hops = tuple(f"https://news.example/{number}" for number in range(hops))
    disallowed = False
    try:
        await gate(client).check(URL)
    except Disallowed:
        disallowed = True

    assert disallowed == counts


async def test_redirects_of_the_file_keep_the_pace_of_the_hosts_they_lead_to() -> None:
    """Its own site's and others'."""
    client, store = Client(response(b"", 404)), Store()
    client.hops = ("https://www.news.example/robots.txt", "https://else.example/robots.txt")
    await gate(client, store).check(URL)

    assert store.reserved == ["news.example", "news.example", "else.example"]


@pytest.mark.parametrize(("status", "held"), [(429, True), (503, True), (404, False)])
async def test_a_host_that_is_asked_too_much_is_left_alone(status: int, held: bool) -> None:
    """Its answer for robots.txt says so as well as any other."""
    store = Store()
    with suppress(TransientError):
        await gate(Client(response(b"", status, retry_after="120")), store).check(URL)

    assert store.held == ([("news.example", timedelta(minutes=2))] if held else [])
