"""The HTTP client against a server on the loopback interface: what it sends, what it refuses, what it survives."""

import asyncio
import gzip
import socket
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from ipaddress import ip_network

import brotli
import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult
from backports import zstd

from services.fetcher.model import Hop, Validators
from services.fetcher.web.http import HttpClient, HttpPolicy
from shared.errors import PermanentError, TransientError

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
LOOPBACK = (ip_network("127.0.0.0/8"),)
AGENT = "FilDActu/0.1 (+https://bot.example/)"
PAGE = b"<html><body>Bonjour</body></html>"
NEWS, OTHER = "news.example", "other.test"


class Site:
    """A server that answers by path and remembers what it was asked."""

    def __init__(self):
        self.answers = {}
        self.requests = []
        self.port = 0

    async def handle(self, request):
        self.requests.append(request)
        answer = self.answers.get(request.path)
        if answer is None:
            return web.Response(status=404)
        return await answer(request) if callable(answer) else answer

    def redirect(self, path, location, status=302):
        async def answer(request):
            return web.Response(status=status, headers={"Location": location})

        self.answers[path] = answer

    def page(self, path, body=PAGE, status=200, **headers):
        async def answer(request):
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            return web.Response(body=body, status=status, headers=named)

        self.answers[path] = answer

    def url(self, path, host=NEWS):
        return f"http://{host}{path}"

    @property
    def paths(self):
        return [request.path for request in self.requests]


@pytest.fixture
async def site():
    site = Site()
    runner = web.ServerRunner(web.Server(site.handle), shutdown_timeout=0.1)
    await runner.setup()
    listener = web.TCPSite(runner, "127.0.0.1", 0)
    await listener.start()
    site.port = runner.addresses[0][1]
    yield site
    await runner.cleanup()


def client(site, **policy):
    hosts = dict.fromkeys((NEWS, "www." + NEWS, OTHER), ("127.0.0.1", site.port))
    settings = {"user_agent": AGENT, "allowed_networks": LOOPBACK, "resolve": hosts, **policy}
    return HttpClient(HttpPolicy(**settings), clock=lambda: NOW)


async def get(site, url, *, policy=None, **options):
    async with client(site, **(policy or {})) as http:
        return await http.get(url, accept="text/html", **options)


@asynccontextmanager
async def raw_server(*chunks, pause=0.0):
    """A server that sends exactly these bytes to whoever connects, whatever they ask, then closes."""

    async def serve(reader, writer):
        try:
            await reader.readuntil(b"\r\n\r\n")
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
                await asyncio.sleep(pause)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass  # the client has had enough, as some of the tests want
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    fake = Site()
    fake.port = server.sockets[0].getsockname()[1]
    try:
        yield fake
    finally:
        server.close()


async def test_a_page_comes_with_what_the_server_said(site):
    """Status, lower-case headers, the body, the addresses asked and reached, and the time."""
    site.page("/a", ETag='W/"x"', X_Robots_Tag="noai", Content_Type="text/html; charset=utf-8")
    response = await get(site, site.url("/a#top"))

    assert (response.status, response.body, response.fetched_at, response.truncated) == (200, PAGE, NOW, False)
    assert response.requested_url == response.final_url == site.url("/a")
    assert response.headers["x-robots-tag"] == "noai"
    assert response.validators == Validators(url=site.url("/a"), etag='W/"x"')


async def test_the_address_that_answered_is_known_on_every_connection(site):
    """Also on one that is used again, and that is given back before its answer is looked at."""
    site.page("/a")
    site.page("/b", status=304, body=b"")
    async with client(site) as http:
        answers = [await http.get(site.url(path), accept="*/*") for path in ("/a", "/b", "/none", "/a")]

    assert [answer.address for answer in answers] == ["127.0.0.1"] * 4
    assert [answer.hops for answer in answers] == [()] * 4


async def test_a_request_says_who_asks_and_nothing_more(site):
    """User-Agent, Accept and codings; no Referer, no cookie, no credentials."""
    site.page("/a")
    await get(site, "http://user:secret@news.example/a")
    headers = site.requests[0].headers

    assert {"Host", "Accept", "Accept-Encoding", "User-Agent"} == set(headers)
    assert (headers["User-Agent"], headers["Accept"], headers["Host"]) == (AGENT, "text/html", NEWS)


@pytest.mark.parametrize("status", [204, 226, 304, 400, 403, 404, 410, 429, 500, 503])
async def test_every_status_is_an_answer(site, status):
    """What a status means is for others to decide."""
    site.page("/a", body=b"", status=status, Retry_After="7")
    response = await get(site, site.url("/a"))

    assert (status, "7") == (response.status, response.headers["retry-after"])


@pytest.mark.parametrize(
    ("etag", "modified"),
    [
        ('"abc"', "Mon, 23 Nov 2026 10:00:00 GMT"),
        ('W/"abc-gzip"', None),
        ("unquoted", None),
        ('"é"', None),
        (None, "yesterday"),
        ('"a, b"', "Mon,23 Nov 2026"),
    ],
)
async def test_validators_go_back_byte_for_byte(site, etag, modified):
    """Weak, unquoted or no date at all: what was received is what is sent, and nothing where nothing was received."""
    given = {name: value for name, value in {"ETag": etag, "Last_Modified": modified}.items() if value}
    site.page("/feed", **given)
    async with client(site) as http:
        first = await http.get(site.url("/feed"), accept="*/*")
        await http.get(site.url("/feed"), accept="*/*", validators=first.validators)
    raw = dict(site.requests[1].raw_headers)

    assert raw.get(b"If-None-Match") == (etag.encode() if etag else None)
    assert raw.get(b"If-Modified-Since") == (modified.encode() if modified else None)


async def test_a_validator_that_cannot_be_sent_back_is_none():
    """Bytes that are no text would come back as others."""
    head = b'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nETag: "\xe9"\r\nX-Note: \xe9\r\nConnection: close\r\n\r\n'
    async with raw_server(head) as server:
        response = await get(server, server.url("/"))

    assert (response.validators, response.headers["x-note"]) == (None, "é")


async def test_validators_and_secrets_stay_at_home(site):
    """Validators go to the address they are of, the operator's headers to the site that they are for."""
    site.redirect("/feed", "http://www.news.example/moved")
    site.redirect("/moved", "http://other.test/away")
    site.page("/away")
    response = await get(
        site,
        site.url("/feed"),
        validators=Validators(url="http://www.news.example/moved", etag='"1"', last_modified="x"),
        headers={"Authorization": "Basic c2VjcmV0", "user-agent": "Special/1"},
    )

    assert response.final_url == "http://other.test/away"
    assert [request.headers.get("If-None-Match") for request in site.requests] == [None, '"1"', None]
    assert [request.headers.get("Authorization") for request in site.requests] == [
        "Basic c2VjcmV0",
        "Basic c2VjcmV0",
        None,
    ]
    assert [request.headers["User-Agent"] for request in site.requests] == ["Special/1", "Special/1", AGENT]
    assert not any("Referer" in request.headers for request in site.requests)


async def test_cookies_are_not_sent_back(site):
    """Neither along redirects nor to the next page."""
    site.page("/a", Set_Cookie="id=1; Path=/")
    async with client(site) as http:
        response = await http.get(site.url("/a"), accept="*/*")
        await http.get(site.url("/a"), accept="*/*")

    assert "set-cookie" not in response.headers
    assert ["Cookie" in request.headers for request in site.requests] == [False, False]


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_followed_and_each_hop_is_announced(site, status):
    """Relative or absolute; user, password and fragment of the target are dropped; the first address needs no leave."""
    site.redirect("/a", "b/../c#x", status)
    site.redirect("/c", "http://user:pw@other.test/d", status)
    site.page("/d")
    hops = []

    async def before_hop(url):
        hops.append((url, list(site.paths)))

    response = await get(site, site.url("/a"), before_hop=before_hop)

    assert (response.status, response.final_url) == (200, "http://other.test/d")
    assert response.requested_url == site.url("/a")
    assert hops == [(site.url("/c"), ["/a"]), ("http://other.test/d", ["/a", "/c"])]
    assert response.hops == (Hop(url=site.url("/a"), status=status), Hop(url=site.url("/c"), status=status))
    assert response.address == "127.0.0.1"
    assert "Authorization" not in site.requests[2].headers


async def test_a_hop_that_is_not_allowed_is_not_asked(site):
    """What the announcement raises ends the request."""
    site.redirect("/a", "/private")

    async def before_hop(url):
        raise PermanentError("robots", url)

    with pytest.raises(PermanentError, match="robots"):
        await get(site, site.url("/a"), before_hop=before_hop)
    assert site.paths == ["/a"]


async def test_a_redirect_without_a_target_is_an_answer(site):
    """There is nowhere to go."""
    site.page("/a", status=302)

    assert (await get(site, site.url("/a"))).status == 302


@pytest.mark.parametrize(
    ("location", "reason"),
    [
        ("/a", "redirect_loop"),
        ("/a#again", "redirect_loop"),
        ("/1", "too_many_redirects"),
        ("file:///etc/passwd", "bad_url"),
        ("ftp://news.example/", "bad_url"),
        ("http://", "bad_url"),
        ("http://[::1", "bad_url"),
        ("http://127.0.0.2:22/", "address_refused"),
    ],
)
async def test_a_redirect_that_leads_nowhere_is_given_up(site, location, reason):
    """Loops, chains without end, other schemes and other services."""
    site.redirect("/a", location)
    for number in range(1, 30):
        site.redirect(f"/{number}", f"/{number + 1}")
    with pytest.raises(PermanentError) as caught:
        await get(site, site.url("/a"))

    assert caught.value.reason == reason
    assert len(site.requests) <= 11


async def test_ten_redirects_are_followed(site):
    """The limit is on redirects, not on requests."""
    for number in range(10):
        site.redirect(f"/{number}", f"/{number + 1}")
    site.page("/10")

    assert (await get(site, site.url("/0"))).final_url == site.url("/10")


PRIVATE_FORMS = [
    "http://127.0.0.1:{port}/secret",
    "http://[::1]:{port}/secret",
    "http://[::ffff:127.0.0.1]:{port}/secret",
    "http://[::127.0.0.1]:{port}/secret",
    "http://[64:ff9b::7f00:1]:{port}/secret",
    "http://2130706433:{port}/secret",
    "http://0x7f.1:{port}/secret",
    "http://127.1:{port}/secret",
    "http://0:{port}/secret",
    "http://0.0.0.0:{port}/secret",
    "http://0177.0.0.1:{port}/secret",
    "http://017700000001:{port}/secret",
    "http://0x7f000001:{port}/secret",
    "http://127.0.0.1.:{port}/secret",
    "http://%31%32%37.0.0.1:{port}/secret",
    "http://127。0。0。1:{port}/secret",
    "http://[::]:{port}/secret",
    "http://[0:0:0:0:0:ffff:7f00:1]:{port}/secret",
    "http://[64:ff9b:1::7f00:1]:{port}/secret",
    "http://[2002:7f00:1::]:{port}/secret",
    "http://[2001:0:4136:e378:8000:63bf:80ff:fffe]:{port}/secret",
    "http://[fec0::1]:{port}/secret",
    "http://[fe80::1]:{port}/secret",
    "http://[fd00:ec2::254]:{port}/secret",
    "http://[ff02::1]:{port}/secret",
    "http://user@127.0.0.1:{port}/secret",
    "http://news.example@127.0.0.1:{port}/secret",
    "http://①②⑦.0.0.1:{port}/secret",
    "http://localhost:{port}/secret",
    "http://10.0.0.1/",
    "http://169.254.169.254/latest/meta-data/",
    "http://168.63.129.16/machine",
    "http://100.100.100.200/latest/meta-data/",
]


@pytest.mark.parametrize("form", PRIVATE_FORMS)
async def test_no_form_of_a_private_address_is_connected_to(site, form):
    """Literals, other spellings and names: the check is at the socket."""
    site.page("/secret")
    policy = {"allowed_networks": (), "allowed_ports": frozenset({80, site.port}), "resolve": {}}
    with pytest.raises(PermanentError) as caught:
        await get(site, form.format(port=site.port), policy=policy)

    assert caught.value.reason == "address_refused"
    assert site.requests == []


@pytest.mark.parametrize("form", PRIVATE_FORMS)
async def test_a_redirect_to_a_private_address_is_refused(site, form):
    """A public page cannot send us inside."""
    site.redirect("/a", form.format(port=site.port))
    site.page("/secret")
    # Only the one address that stands for the public site here is open, not the forms of its neighbours.
    policy = {"allowed_networks": (ip_network("127.0.0.9/32"),), "resolve": {NEWS: ("127.0.0.9", site.port)}}
    async with relay("127.0.0.9", site.port), client(site, **policy) as http:
        with pytest.raises(PermanentError) as caught:
            await http.get(site.url("/a"), accept="*/*")

    assert caught.value.reason == "address_refused"
    assert site.paths == ["/a"]


@asynccontextmanager
async def relay(address, port):
    """Passes connections on to 127.0.0.1, so that one server has a second address."""

    async def passed_on(reader, writer):
        inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)

        async def pump(source, sink):
            while data := await source.read(65536):
                sink.write(data)
            sink.close()

        async with asyncio.TaskGroup() as group:
            group.create_task(pump(reader, inner_writer))
            group.create_task(pump(inner_reader, writer))

    server = await asyncio.start_server(passed_on, address, port)
    try:
        yield
    finally:
        server.close()


class Rebinding(AbstractResolver):
    """Names an address that may be asked once, and a private one ever after."""

    def __init__(self, port):
        self.addresses = ["127.0.0.9"]
        self.port = port

    async def resolve(self, host, port=0, family=socket.AF_INET):
        address = self.addresses.pop() if self.addresses else "127.0.0.1"
        return [ResolveResult(hostname=host, host=address, port=self.port, family=socket.AF_INET, proto=0, flags=0)]

    async def close(self):
        pass


async def test_a_name_that_changes_its_address_is_refused(site):
    """The address that is checked is the one that is connected to, whatever the name said before."""
    site.page("/a")
    policy = HttpPolicy(
        user_agent=AGENT, allowed_networks=(ip_network("127.0.0.9/32"),), allowed_ports=frozenset({site.port})
    )
    http = HttpClient(policy, dns=lambda: Rebinding(site.port))
    async with relay("127.0.0.9", site.port), http:
        first = await http.get("http://rebinding.example/a", accept="*/*")
        with pytest.raises(PermanentError, match="address_refused"):
            await http.get("http://rebinding.example:8080/a", accept="*/*")

    assert (first.status, site.paths) == (200, ["/a"])


@pytest.mark.parametrize("url", ["ftp://news.example/", "news.example", "", "http://", "http://a b/", "javascript:1"])
async def test_what_is_no_web_address_is_refused(site, url):
    """No other scheme, no half address."""
    with pytest.raises(PermanentError, match="bad_url"):
        await get(site, url)


CODERS = {
    "gzip": gzip.compress,
    "x-gzip": gzip.compress,
    "br": lambda data: brotli.compress(data, quality=4),
    "zstd": zstd.compress,
    "": bytes,
}


@pytest.mark.parametrize("coding", CODERS)
async def test_codings_are_undone(site, coding):
    """Also where the label is an old name or missing."""
    site.page("/a", body=CODERS[coding](PAGE * 1000), Content_Encoding=coding)
    site.page("/b", body=gzip.compress(PAGE))
    site.page("/c", body=PAGE, Content_Encoding="gzip")

    assert (await get(site, site.url("/a"))).body == PAGE * 1000
    assert (await get(site, site.url("/b"))).body == PAGE
    assert (await get(site, site.url("/c"))).body == PAGE


async def test_a_compressed_body_that_was_cut_off_is_marked(site):
    """Whoever reads it must not take what is missing for gone."""
    whole = gzip.compress(bytes((number * 7919) % 251 for number in range(50_000)))
    site.page("/a", body=whole[: len(whole) // 2], Content_Encoding="gzip")

    assert (await get(site, site.url("/a"))).truncated


@pytest.mark.parametrize("coding", ["gzip", "br", "zstd"])
async def test_a_bomb_is_refused(site, coding):
    """A few kilobytes that would fill the memory."""
    site.page("/a", body=CODERS[coding](bytes(100 * 2**20)), Content_Encoding=coding)
    with pytest.raises(PermanentError) as caught:
        await get(site, site.url("/a"))

    assert caught.value.reason in {"decompression_ratio", "too_large"}


async def test_a_body_over_the_limit_is_refused_before_and_while_it_is_read(site):
    """By its announced length, and by its bytes where it announces none."""

    async def endless(request):
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(bytes(65536))
        except ConnectionError:
            return response  # the client has had enough, as it should

    site.page("/announced", body=bytes(2000))
    site.answers["/endless"] = endless
    for path, said in (("/announced", "2000 bytes announced"), ("/endless", "over 1000 bytes")):
        with pytest.raises(PermanentError, match=f"too_large: {said}"):
            await get(site, site.url(path), max_body_bytes=1000)
    assert len((await get(site, site.url("/announced"), max_body_bytes=2000)).body) == 2000


async def test_a_drip_is_given_up_for_its_rate(site):
    """A server that sends a byte now and then holds us no longer than the slow start."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"
    async with raw_server(head, *[b"x"] * 10_000, pause=0.02) as server:
        with pytest.raises(TransientError, match="too_slow"):
            await get(server, server.url("/"), policy={"slow_start_seconds": 0.1})


async def test_a_slow_body_that_keeps_its_pace_is_read_to_its_end():
    """Each byte buys the time for those that follow."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    async with raw_server(head, *[b"x" * 1000] * 10, pause=0.02) as server:
        response = await get(
            server, server.url("/"), policy={"slow_start_seconds": 0.1, "least_bytes_per_second": 10.0}
        )

    assert response.body == b"x" * 10_000


async def test_a_body_that_keeps_its_pace_ends_with_the_time_for_all():
    """However much time its bytes have bought."""
    head = b"HTTP/1.1 200 OK\r\nContent-Length: 10000\r\n\r\n"
    policy = {"slow_start_seconds": 0.1, "least_bytes_per_second": 1.0}
    async with raw_server(head, *[b"x"] * 10_000, pause=0.02) as server:
        with pytest.raises(TransientError, match="timeout"):
            await get(server, server.url("/"), policy=policy, total_seconds=0.5)


@pytest.mark.parametrize(
    ("chunks", "reason"),
    [
        ([], "reset"),
        ([b"SSH-2.0-OpenSSH_9\r\n"], "payload"),
        ([b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n"], "payload"),
        ([b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n"], "payload"),
        ([b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000 + b"\r\n\r\n"], "payload"),
        ([b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 1000 + b"\r\n"], "payload"),
    ],
    ids=["closed", "no http", "cut short", "bad chunk", "giant header", "many headers"],
)
async def test_a_broken_answer_is_worth_another_try(chunks, reason):
    """Whatever goes wrong on the way has one of our names."""
    async with raw_server(*chunks) as server:
        with pytest.raises(TransientError) as caught:
            await get(server, server.url("/"))

    assert caught.value.reason == reason


async def test_large_headers_are_read(site):
    """Long policies and many headers are usual, and no reason to lose a page."""
    site.page("/a", Content_Security_Policy="a" * 30_000, **{f"X_{number}": "1" for number in range(300)})

    assert (await get(site, site.url("/a"))).body == PAGE


async def test_no_answer_in_time_is_a_timeout(site):
    """Within the seconds given, all hops together."""

    async def never(request):
        await asyncio.sleep(30)

    site.redirect("/a", "/b")
    site.answers["/b"] = never
    with pytest.raises(TransientError, match="timeout"):
        await get(site, site.url("/a"), total_seconds=0.2)


async def test_the_hops_share_their_time(site):
    """A chain of slow redirects takes no longer than one slow answer may."""
    for number in range(8):

        async def slow(request, number=number):
            await asyncio.sleep(0.2)
            return web.Response(status=302, headers={"Location": f"/{number + 1}"})

        site.answers[f"/{number}"] = slow
    with pytest.raises(TransientError, match="timeout"):
        await get(site, site.url("/0"), total_seconds=0.5)
    assert len(site.requests) < 8


async def test_a_closed_port_and_a_plain_server_have_their_names(site):
    """A refused connection, and a server that does not speak TLS."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        closed = unused.getsockname()[1]
        with pytest.raises(TransientError, match="connect"):
            await get(site, site.url("/"), policy={"resolve": {NEWS: ("127.0.0.1", closed)}})
    with pytest.raises(TransientError, match="tls"):
        await get(site, "https://news.example/")


async def test_an_unknown_name_is_a_dns_failure(site):
    """Names under .invalid exist nowhere."""
    with pytest.raises(TransientError, match=r"dns|timeout"):
        await get(site, "http://nowhere.invalid/", total_seconds=5)
