"""A WebSub hub on the loopback, with TLS: it verifies, delivers and signs, or misbehaves as it is told."""

import asyncio
import hashlib
import hmac
import ssl
import subprocess
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Literal

import aiohttp
from aiohttp import web

HOST = "hub.example"
Manner = Literal["verify", "silent", "error", "redirect", "drip", "moved"]


class LoopbackHub:
    """`forms` holds what it was asked, `answers` what we said to its questions and deliveries."""

    def __init__(self) -> None:
        self.manner: Manner = "verify"
        self.lease_seconds = 864_000
        self.forms: list[Mapping[str, str]] = []
        self.answers: list[tuple[int, str]] = []
        self.redirect_to = ""
        self.port = 0
        self._questions: set[asyncio.Task[tuple[int, str]]] = set()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.forms.append({"path": request.path, **form})
        match self.manner:
            case "error":
                return web.Response(status=500)
            case "redirect":
                return web.Response(status=307, headers={"Location": self.redirect_to})
            case "moved" if request.path == "/":
                return web.Response(status=308, headers={"Location": "/moved"})
            case "drip":
                return await _drip(request)
            case "verify" | "moved":
                question = asyncio.create_task(self.ask(form))
                self._questions.add(question)
                question.add_done_callback(self._questions.discard)
        return web.Response(status=202)

    async def ask(self, form: Mapping[str, str], **other: str) -> tuple[int, str]:
        """Whether this was meant; `other` are parameters that are not what was asked for."""
        said = {
            "hub.mode": form["hub.mode"],
            "hub.topic": form["hub.topic"],
            "hub.challenge": "a-challenge",
            "hub.lease_seconds": str(self.lease_seconds),
            **{f"hub.{name}": value for name, value in other.items()},
        }
        async with aiohttp.ClientSession() as client, client.get(form["hub.callback"], params=said) as answer:
            self.answers.append((answer.status, await answer.text()))
        return self.answers[-1]

    async def deliver(
        self,
        body: bytes = b"",
        *,
        method: str = "sha256",
        secret: str | None = None,
        to: str | None = None,
        **headers: str,
    ) -> int:
        """The last subscriber's callback gets this, or the address `to`; the status that it answers."""
        form = self.forms[-1]
        key = form.get("hub.secret", "") if secret is None else secret
        signature = hmac.new(key.encode(), body, getattr(hashlib, method)).hexdigest()
        said = {"Content-Type": "application/rss+xml", "X-Hub-Signature": f"{method}={signature}", **headers}
        async with (
            aiohttp.ClientSession() as client,
            client.post(to or form["hub.callback"], data=body, headers=said) as answer,
        ):
            return answer.status


@asynccontextmanager
async def serving(hub: LoopbackHub, folder: Path) -> AsyncIterator[Path]:
    """Serve until the block ends; yields the certificate to trust."""
    certificate, key = _certificate(folder)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    runner = web.ServerRunner(web.Server(hub.handle), shutdown_timeout=0.1)
    await runner.setup()
    site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
    await site.start()
    hub.port = runner.addresses[0][1]
    try:
        yield certificate
    finally:
        await runner.cleanup()


async def _drip(request: web.BaseRequest) -> web.StreamResponse:
    """An answer that never ends."""
    response = web.StreamResponse(status=202)
    await response.prepare(request)
    while True:
        await response.write(b".")
        await asyncio.sleep(0.1)


def _certificate(folder: Path) -> tuple[Path, Path]:
    certificate, key = folder / "hub.pem", folder / "hub.key"
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-days", "2", "-subj", f"/CN={HOST}", "-addext", f"subjectAltName=DNS:{HOST}"]
    subprocess.run([*command, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    return certificate, key
