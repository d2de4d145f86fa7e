"""Certificates for servers on the loopback interface, made by openssl: nothing secret is kept anywhere."""

import ssl
import subprocess
from pathlib import Path

AUTHORITY, KEY = "authority.pem", "key.pem"
_KIND = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def make_authority(folder: Path) -> None:
    """Whoever trusts `AUTHORITY` trusts the certificates made in this folder."""
    _openssl(folder, "req", "-x509", *_KIND, "-keyout", KEY, "-out", AUTHORITY, "-subj", "/CN=Test authority")


def certified(folder: Path, host: str, *, days: int = 2, trusted: bool = True) -> ssl.SSLContext:
    """A server's side of TLS for the host; expired after negative `days`, signed by itself unless `trusted`."""
    name = f"{host}{days}{trusted}"
    signer = ("-CA", AUTHORITY, "-CAkey", KEY) if trusted else ("-signkey", f"{name}.key")
    _openssl(
        folder, "req", *_KIND, "-keyout", f"{name}.key", "-out", f"{name}.csr", "-subj", "/CN=Test server",
        "-addext", f"subjectAltName=DNS:{host}",
    )  # fmt: skip
    _openssl(
        folder, "x509", "-req", "-in", f"{name}.csr", *signer, "-copy_extensions", "copy", "-days", str(days),
        "-out", f"{name}.pem",
    )  # fmt: skip
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    return context


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(("openssl", *arguments), cwd=folder, check=True, capture_output=True)
