"""A private PostgreSQL cluster for the tests: own folder and port, on the loopback only.

It never touches a system service, and can be stopped and started like any process.
"""

import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

HOW_TO_GET_IT = "PostgreSQL is not installed; on Debian and Ubuntu: apt-get install postgresql"
BOOT_SECONDS = 60.0
TEMPLATE = "fildactu_template"
_OWNER = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "60",
    "fsync": "on",
    "autovacuum": "off",
}


def find_bin() -> Path | None:
    """The folder of PostgreSQL's own programs: Debian keeps them off the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if packaged:
        return packaged[-1].parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found and shutil.which("initdb") else None


class PostgresCluster:
    def __init__(self, folder: Path, programs: Path) -> None:
        self._folder = folder
        self._programs = programs
        self._server: subprocess.Popen[bytes] | None = None
        self._made = 0
        with socket.create_server(("127.0.0.1", 0)) as held:
            self.port: int = held.getsockname()[1]

    @classmethod
    @contextmanager
    def running(cls, programs: Path) -> Iterator["PostgresCluster"]:
        # Not in pytest's own folder: PostgreSQL refuses to run as root, and its user may not enter there.
        folder = Path(tempfile.mkdtemp(prefix="fildactu-postgres-"))
        cluster = cls(folder, programs)
        try:
            cluster._create()
            cluster.start()
            yield cluster
        finally:
            cluster.stop()
            shutil.rmtree(folder, ignore_errors=True)

    def start(self) -> None:
        """Start the server and wait until it answers."""
        settings = [part for name, value in _SETTINGS.items() for part in ("-c", f"{name}={value}")]
        with (self._folder / "output").open("ab") as output:
            self._server = subprocess.Popen(
                [*_as_owner(), self._programs / "postgres", "-D", self._data, "-p", str(self.port), *settings],
                stdout=output,
                stderr=output,
                cwd=self._folder,
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._output()}")
            time.sleep(0.02)

    def stop(self) -> None:
        """An immediate shutdown: connections are cut, and the next start recovers from the log."""
        if self._server is not None:
            self._server.send_signal(signal.SIGQUIT)
            self._server.wait(timeout=30)
            self._server = None

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://{_OWNER}@127.0.0.1:{self.port}/{database}"

    def fresh_url(self, template: str = "template1") -> str:
        """The URL of a database that nobody has used, made from `template`."""
        self._made += 1
        name = f"test{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What the server says to one statement."""
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", _OWNER, "-d", database]
        done = subprocess.run(
            [self._programs / "psql", *address, "-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement],
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode().strip()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    def _create(self) -> None:
        if os.geteuid() == 0:
            shutil.chown(self._folder, _OWNER, _OWNER)
        options = ["-U", _OWNER, "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync", "--no-instructions"]
        done = subprocess.run(
            [*_as_owner(), self._programs / "initdb", "-D", self._data, *options],
            capture_output=True,
            check=False,
            timeout=BOOT_SECONDS,
            cwd=self._folder,
        )
        if done.returncode != 0:
            raise RuntimeError(f"initdb failed:\n{done.stdout.decode()}{done.stderr.decode()}")

    def _answers(self) -> bool:
        try:
            self.sql("SELECT 1")
        except subprocess.CalledProcessError:
            return False
        return True

    def _output(self) -> str:
        return (self._folder / "output").read_text(errors="replace")[-2000:]


def _as_owner() -> list[str]:
    """`setpriv` becomes the program it starts, so that the pid we hold is the server's own."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(_OWNER)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
