"""Whoever cannot show who it is, is not believed, and whoever takes his time over it is given up."""

import asyncio
from contextlib import asynccontextmanager
from ipaddress import ip_network

import pytest
from certificates import AUTHORITY, certified, make_authority
from hostile_server import PAGE, serve

from services.fetcher.web.http import HttpClient, HttpPolicy
from shared.errors import TransientError

HOST = "news.example"
PLAIN = "plain.example"
"""Where the same server is asked without TLS."""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    made = tmp_path_factory.mktemp("certificates")
    make_authority(made)
    return made


@pytest.fixture(autouse=True)
def trusting(folder, monkeypatch):
    """Our own authority is trusted like those of the system."""
    monkeypatch.setenv("SSL_CERT_FILE", str(folder / AUTHORITY))


def client(port, plain=0, **limits):
    return HttpClient(
        HttpPolicy(
            user_agent="FilDActu/0.1",
            allowed_networks=(ip_network("127.0.0.0/8"),),
            resolve={HOST: ("127.0.0.1", port), PLAIN: ("127.0.0.1", plain)},
            **limits,
        )
    )


@asynccontextmanager
async def listening(handle, tls=None):
    server = await asyncio.start_server(handle, "127.0.0.1", 0, ssl=tls)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def test_a_server_that_shows_who_it_is_is_believed(folder):
    """By an authority of the system or of SSL_CERT_FILE."""
    async with listening(serve, certified(folder, HOST)) as port, client(port) as http:
        response = await http.get(f"https://{HOST}/page", accept="*/*")

    assert (response.status, response.body, response.address) == (200, PAGE, "127.0.0.1")


@pytest.mark.parametrize(
    "faulty", [{"host": "other.example"}, {"days": -1}, {"trusted": False}], ids=["other host", "expired", "own word"]
)
async def test_a_server_that_does_not_show_who_it_is_is_not_asked(folder, faulty):
    """There is no setting to believe it all the same."""
    tls = certified(folder, **{"host": HOST, **faulty})
    async with listening(serve, tls) as port, client(port) as http:
        with pytest.raises(TransientError, match="tls"):
            await http.get(f"https://{HOST}/page", accept="*/*")


async def test_nor_is_one_to_which_a_redirect_leads(folder):
    """Every hop is a connection like the first."""

    async def leading(reader, writer):
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 301 Moved\r\nLocation: https://news.example/page\r\nContent-Length: 0\r\n\r\n")
        writer.close()

    tls = certified(folder, HOST, trusted=False)
    async with listening(serve, tls) as port, listening(leading) as plain, client(port, plain) as http:
        with pytest.raises(TransientError, match="tls"):
            await http.get(f"http://{PLAIN}/", accept="*/*")


async def test_a_greeting_that_never_ends_is_given_up():
    """A server that takes the connection and says nothing, or drips, holds us no longer than one that is away."""
    left = asyncio.Event()

    async def silent(reader, writer):
        while await reader.read(65536):
            pass
        writer.close()
        left.set()

    async with listening(silent) as port, client(port, connect_seconds=0.2) as http, asyncio.timeout(60):
        with pytest.raises(TransientError, match="timeout"):
            await http.get(f"https://{HOST}/page", accept="*/*")
        await left.wait()
