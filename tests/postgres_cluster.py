"""A private PostgreSQL cluster for the tests: own folder and port, on the loopback only.

It never touches a system service, and can be stopped and started like any process.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Literal

from loopback_ports import free_ports

HOW_TO_GET_IT = "PostgreSQL is not installed; on Debian and Ubuntu: apt-get install postgresql"
BOOT_SECONDS = 60.0
TEMPLATE = "fildactu_template"
_OWNER = "postgres"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "shared_buffers": "32MB",
    "max_connections": "200",
    # What the server has written survives its own death, however it dies: only a power cut would lose it. With it, a
    # start after a crash syncs every file of every database, which takes minutes when tests made hundreds.
    "fsync": "off",
    # A new database is written to the log in whole, and a start after a crash does all of it again.
    "max_wal_size": "128MB",
    "autovacuum": "off",
}
_STOPPED_SECONDS = 30.0
_STOPS = {"immediate": signal.SIGQUIT, "fast": signal.SIGINT}
Stop = Literal["immediate", "fast"]


def find_bin() -> Path | None:
    """The folder of PostgreSQL's own programs: Debian keeps them off the PATH."""
    packaged = sorted(Path("/usr/lib/postgresql").glob("*/bin/postgres"), key=lambda path: int(path.parts[4]))
    if packaged:
        return packaged[-1].parent
    found = shutil.which("postgres")
    return Path(found).resolve().parent if found and shutil.which("initdb") else None


class PostgresCluster:
    def __init__(self, folder: Path, programs: Path, environment: Mapping[str, str]) -> None:
        self._folder = folder
        self._programs = programs
        self._environment = {**os.environ, **environment}
        self._server: subprocess.Popen[bytes] | None = None
        self._made = 0
        (self.port,) = free_ports(1)

    @classmethod
    @contextmanager
    def running(cls, programs: Path, environment: Mapping[str, str] | None = None) -> Iterator["PostgresCluster"]:
        """`environment` is laid over ours for the server, a shifted clock for one."""
        # Not in pytest's own folder: PostgreSQL refuses to run as root, and its user may not enter there.
        folder = Path(tempfile.mkdtemp(prefix="fildactu-postgres-"))
        cluster = cls(folder, programs, environment or {})
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
                env=self._environment,
            )
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or self._server.poll() is not None:
                raise RuntimeError(f"PostgreSQL did not start:\n{self._output()}")
            time.sleep(0.02)

    def stop(self, how: Stop = "immediate") -> None:
        """Connections are cut. After an immediate stop the next start recovers from the log, as after a crash."""
        if self._server is not None:
            self.thaw()
            self._server.send_signal(_STOPS[how])
            self._server.wait(timeout=_STOPPED_SECONDS)
            self._server = None

    def restart(self, how: Stop = "immediate") -> None:
        self.stop(how)
        self.start()

    def kill(self) -> None:
        """SIGKILL to all its processes at once: nothing is written any more, nobody is told."""
        if self._server is None:
            return
        self.freeze()
        family = self._signal(signal.SIGKILL)
        self._server.wait(timeout=_STOPPED_SECONDS)
        self._server = None
        deadline = time.monotonic() + _STOPPED_SECONDS
        while any(_is_alive(pid) for pid in family):
            if time.monotonic() > deadline:
                raise RuntimeError("killed processes of PostgreSQL never ended")
            time.sleep(0.01)

    def freeze(self) -> None:
        """SIGSTOP to all its processes: the connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def drop_connections(self, url: str) -> None:
        """Every session in this database is ended, as an operator does it."""
        sessions = f"FROM pg_stat_activity WHERE datname = '{_name(url)}'"
        self.sql(f"SELECT pg_terminate_backend(pid) {sessions}")

    def backup(self, url: str, file: Path) -> None:
        """Of the database as it is at this moment, while it is used."""
        self._run("pg_dump", _name(url), "--format=custom", f"--file={file}")

    def restore(self, file: Path, url: str | None = None) -> str:
        """Into a database of its own, or in place of the one that `url` names, whose sessions end."""
        if url is None:
            url = self.fresh_url("template0")
        else:
            self.sql(f"DROP DATABASE IF EXISTS {_name(url)} WITH (FORCE)")
            self.sql(f"CREATE DATABASE {_name(url)} TEMPLATE template0")
        self._run("pg_restore", _name(url), "--exit-on-error", file)
        return url

    @contextmanager
    def on_disk(self, folder: Path, template: str = "template1") -> Iterator[str]:
        """The URL of a database whose tables are in this folder; takes 10 MB there. The log stays where it was."""
        tables = folder / "tables"
        tables.mkdir()
        if os.geteuid() == 0:
            shutil.chown(tables, _OWNER, _OWNER)
        self._made += 1
        name = f"test{self._made}"
        self.sql(f"CREATE TABLESPACE {name} LOCATION '{tables}'")
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template} TABLESPACE {name}")
        try:
            yield self.url(name)
        finally:
            # A start after a crash would look for the folder.
            self.sql(f"DROP DATABASE {name} WITH (FORCE)")
            self.sql(f"DROP TABLESPACE {name}")

    def url(self, database: str) -> str:
        return f"postgresql+asyncpg://{_OWNER}@127.0.0.1:{self.port}/{database}"

    def fresh_url(self, template: str = "template1") -> str:
        """The URL of a database that nobody has used, made from `template`."""
        # A test that failed between a stop and a start must not take all that follow with it.
        if self._server is None:
            self.start()
        self._made += 1
        name = f"test{self._made}"
        self.sql(f"CREATE DATABASE {name} TEMPLATE {template}")
        return self.url(name)

    def sql(self, statement: str, database: str = "postgres") -> str:
        """What the server says to one statement."""
        asked = ["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1", "-c", statement]
        return self._run("psql", database, *asked).strip()

    def _run(self, program: str, database: str, *arguments: str | Path) -> str:
        address = ["-h", "127.0.0.1", "-p", str(self.port), "-U", _OWNER, "-d", database]
        done = subprocess.run(
            [self._programs / program, *address, *arguments], capture_output=True, check=True, timeout=60
        )
        return done.stdout.decode()

    def _signal(self, number: signal.Signals) -> tuple[int, ...]:
        """To the server first, which then starts no further process; returns whom it reached."""
        if self._server is None:
            return ()
        family = (self._server.pid, *_children(self._server.pid))
        for pid in family:
            with suppress(ProcessLookupError):
                os.kill(pid, number)
        return family

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


def _name(url: str) -> str:
    return url.rpartition("/")[2]


def _children(parent: int) -> list[int]:
    return [int(folder.name) for folder in Path("/proc").glob("[0-9]*") if _status(folder)[1:2] == [str(parent)]]


def _is_alive(pid: int) -> bool:
    """A process that only waits to be reaped is not."""
    return _status(Path(f"/proc/{pid}"))[:1] not in ([], ["Z"])


def _status(folder: Path) -> list[str]:
    """Its state and its parent come first; empty when there is no such process."""
    with suppress(FileNotFoundError, ProcessLookupError):
        return (folder / "stat").read_text().rpartition(")")[2].split()
    return []


def _as_owner() -> list[str]:
    """`setpriv` becomes the program it starts, so that the pid we hold is the server's own."""
    if os.geteuid() != 0:
        return []
    user = pwd.getpwnam(_OWNER)
    return ["setpriv", f"--reuid={user.pw_uid}", f"--regid={user.pw_gid}", "--clear-groups", "--"]
