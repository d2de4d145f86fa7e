"""A server that means harm gets no more of us than a little time: no memory, no word that is not true."""

import asyncio
import tracemalloc
from ipaddress import ip_network

import pytest
from hostile_server import ATTACKS, PAGE, answer, hostile_server

from services.fetcher.web import connections
from services.fetcher.web.http import HttpClient, HttpPolicy
from shared.errors import PipelineError

HOST, NEIGHBOUR = "hostile.example", "neighbour.example"
CAP = 4 * 2**20
UNTIL_STUCK = 60.0
"""Seconds; nothing here should take a tenth of it, but a test that hangs says less than one that fails."""


@pytest.fixture(scope="module")
def port():
    with hostile_server() as found:
        yield found


def client(port, **limits):
    policy = {
        "user_agent": "FilDActu/0.1",
        "allowed_networks": (ip_network("127.0.0.0/8"),),
        "resolve": dict.fromkeys((HOST, NEIGHBOUR), ("127.0.0.1", port)),
        "max_body_bytes": CAP,
        **limits,
    }
    return HttpClient(HttpPolicy(**policy))


async def came_to(http, name, host=HOST):
    """The reason that the attack is given up for, or the status and the body that it yields."""
    try:
        async with asyncio.timeout(UNTIL_STUCK):
            response = await http.get(f"http://{host}/{name}", accept="*/*")
    except PipelineError as error:
        return getattr(error, "reason", str(error))
    return response.status, response.body, response.truncated


BOMBS = [name for name in ATTACKS if name.startswith("bomb")]
QUICK = {"head_seconds": 0.3, "slow_start_seconds": 0.3, "total_seconds": 10 * UNTIL_STUCK}
REFUSED = {
    "flood-of-pieces": "too_large",
    "endless-body": "too_large",
    "endless-chunks": "too_large",
    "endless-tiny-chunks": "too_large",
    "endless-chunk-extension": "too_large",
    "endless-chunk-extensions": "too_large",
    "endless-nothing": "too_large",
    "endless-continue": "too_large",
    "endless-hints": "too_large",
    "endless-headers": "payload",
    "endless-header": "payload",
    "endless-header-name": "payload",
    "endless-status-line": "payload",
    "endless-trailers": "payload",
    "endless-junk": "payload",
    "full-headers": "too_large",
    "length-absurd": "payload",
    "length-huge": "too_large",
    "length-negative": "payload",
    "length-twice": "payload",
    "length-and-chunks": "payload",
    "chunk-size-absurd": "payload",
    "chunk-size-negative": "payload",
    "no-headers": "payload",
    "no-http": "payload",
    "tls-for-plain": "payload",
    "nul-in-head": "payload",
    "bad-version": "payload",
    "bad-status": "payload",
    "nothing": "reset",
    "redirect-to-file": "bad_url",
    "redirect-split": "payload",
    "redirect-loop": "redirect_loop",
    "redirect-chain": "too_many_redirects",
}
DRIPS = {
    "drip-head": "timeout",
    "drip-continue": "too_large",
    "drip-body": "too_slow",
    "drip-chunks": "too_slow",
    "drip-chunk-extension": "too_slow",
    "drip-trailers": "too_slow",
    "drip-compressed": "too_slow",
    "silence": "timeout",
    "silence-in-body": "too_slow",
}


@pytest.mark.parametrize("name", BOMBS)
async def test_a_bomb_is_given_up(port, name):
    """In every coding, in pieces, within another bomb, and without a label."""
    async with client(port) as http:
        assert await came_to(http, name) in {"decompression_ratio", "too_large"}


@pytest.mark.parametrize("name", REFUSED)
async def test_a_flood_or_a_lie_is_given_up_for_its_reason(port, name):
    """Without end or against the protocol: there is an end, and a reason that tells what it was."""
    async with client(port) as http:
        assert await came_to(http, name) == REFUSED[name]


@pytest.mark.parametrize("name", DRIPS)
async def test_a_drip_is_given_up(port, name):
    """In the head by its time, in the body by its rate, and silence like either."""
    patience = {"head_seconds": UNTIL_STUCK} if name == "drip-continue" else {}
    async with client(port, **{**QUICK, **patience}) as http:
        assert await came_to(http, name) == DRIPS[name]


@pytest.mark.parametrize(
    "name", ["gzip-in-name-only", "br-in-name-only", "deflate-in-name-only", "unknown-coding", "two-answers", "page"]
)
async def test_a_wrong_label_costs_no_page(port, name):
    """The body is what it is, whatever is said of it."""
    async with client(port) as http:
        assert await came_to(http, name) == (200, PAGE, False)


@pytest.mark.parametrize("name", ["gzip-cut-off", "gzip-damaged", "nothing-from-much"])
async def test_a_body_that_ends_early_is_marked(port, name):
    """What is missing may not be taken for gone."""
    async with client(port) as http:
        status, _, truncated = await came_to(http, name)

    assert (status, truncated) == (200, True)


@pytest.mark.parametrize(
    ("name", "body"), [("length-too-long", PAGE), ("chunks-cut-off", b"abc"), ("chunks-then-junk", PAGE)]
)
async def test_a_body_that_is_shorter_than_announced_is_used_as_far_as_it_came(port, name, body):
    """Or a site that always counts wrong would never be read; it is marked as what it is."""
    async with client(port) as http:
        assert await came_to(http, name) == (200, body, True)


@pytest.mark.parametrize(
    ("name", "expected"),
    [("longer-than-announced", (200, PAGE, False)), ("not-modified-with-a-body", (304, b"", False))],
)
async def test_what_comes_beyond_the_answer_is_dropped(port, name, expected):
    """And its connection with it: some servers send a page along with each 304, or count characters for bytes."""
    async with client(port) as http:
        assert [await came_to(http, name) for _ in range(2)] == [expected] * 2


@pytest.mark.parametrize("name", ["tiny-chunks", "padded-chunks"])
async def test_a_body_may_come_in_tiny_pieces(port, name):
    """Lawful, if wasteful: what frames the pieces may be several times as much as they are."""
    async with client(port) as http:
        assert await came_to(http, name) == (200, PAGE * 100, False)


async def test_bytes_that_are_no_text_are_passed_on(port):
    """A NUL byte is the parser's to judge."""
    async with client(port) as http:
        assert await came_to(http, "nul-in-body") == (200, b"<p>a\0b</p>", False)


async def test_an_answer_that_nobody_asked_for_is_nobodys(monkeypatch):
    """It comes when its connection waits for the next request, and would be taken for the answer to that."""
    monkeypatch.setattr(connections, "KEEP_ALIVE_SECONDS", 2 * UNTIL_STUCK)
    given_up = asyncio.Event()

    async def smuggle(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer(PAGE))
        if not given_up.is_set():
            await writer.drain()
            await answered.wait()
            writer.write(answer(b"smuggled"))
            await asyncio.gather(reader.read(), return_exceptions=True)
            given_up.set()
        writer.close()

    answered = asyncio.Event()
    server = await asyncio.start_server(smuggle, "127.0.0.1", 0)
    async with client(server.sockets[0].getsockname()[1]) as http:
        first = await came_to(http, "a")
        answered.set()
        async with asyncio.timeout(UNTIL_STUCK):
            await given_up.wait()
        second = await came_to(http, "b")
    server.close()

    assert (first, second) == ((200, PAGE, False), (200, PAGE, False))


async def test_an_answer_to_no_protocol_of_ours_is_no_page(port):
    """We did not ask to switch."""
    async with client(port) as http:
        assert (await came_to(http, "switching"))[0] == 101


async def test_the_body_of_a_redirect_is_not_read(port):
    """Where it leads is all that counts, and the connection with the flood is closed."""
    async with client(port) as http:
        assert await came_to(http, "redirect-with-endless-body") == (200, PAGE, False)


async def test_a_flood_of_cookies_leaves_nothing(port):
    """Their names only: by them walls are known."""
    async with client(port) as http:
        response = await http.get(f"http://{HOST}/cookies", accept="*/*")

    assert (response.status, len(response.cookies), "set-cookie" in response.headers) == (200, 400, False)


HEAVY = [*BOMBS, "flood-of-pieces", "endless-body", "endless-tiny-chunks", "endless-continue", "full-headers"]


@pytest.mark.parametrize("name", HEAVY)
async def test_an_attack_takes_little_memory(port, name):
    """A few times what a body may have, however much is sent and whatever it decodes to."""
    async with client(port) as http:
        await came_to(http, "page")
        tracemalloc.start()
        try:
            await came_to(http, name)
            peak = tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert peak < 4 * CAP


async def test_neighbours_are_served_meanwhile(port):
    """While many attacks go on at once, pages of other sites come; the attacks end, each for a reason."""
    names = [name for name in (*REFUSED, *DRIPS) if DRIPS.get(name) != "timeout"]
    async with client(port, slow_start_seconds=0.3) as http:
        attacks = [asyncio.create_task(came_to(http, name)) for name in names]
        pages = [await came_to(http, "page", NEIGHBOUR) for _ in range(20)]
        reasons = await asyncio.gather(*attacks)

    assert pages == [(200, PAGE, False)] * 20
    assert all(isinstance(reason, str) for reason in reasons)
