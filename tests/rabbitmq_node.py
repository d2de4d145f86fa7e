"""A private RabbitMQ node for the tests: own name, ports, folder and epmd, on the loopback only.

It never touches a system service, and can be killed and frozen like any process.
"""

import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

HOW_TO_GET_IT = "rabbitmq-server is not installed; on Debian and Ubuntu: apt-get install rabbitmq-server"
BOOT_SECONDS = 60.0
_VHOSTS_AT_ONCE = 10


def find_sbin() -> Path | None:
    """The folder of RabbitMQ's own scripts. Debian's /usr/sbin wrappers change the user, or refuse to run."""
    packaged = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if packaged:
        return packaged[-1]
    found = shutil.which("rabbitmq-server")
    return Path(found).resolve().parent if found else None


class RabbitNode:
    def __init__(self, folder: Path, sbin: Path) -> None:
        self.port, distribution_port, epmd_port = _free_ports(3)
        self._folder = folder
        self._sbin = sbin
        self._name = f"fildactu{self.port}@localhost"
        self._epmd_port = epmd_port
        self._vhosts: list[str] = []
        self._vhosts_made = 0
        self._server: subprocess.Popen[bytes] | None = None
        (folder / "plugins").write_text("[].\n")
        (folder / "rabbitmq.conf").write_text(f"listeners.tcp.1 = 127.0.0.1:{self.port}\nlog.file.level = warning\n")
        self._environment = {
            "PATH": os.environ["PATH"],
            "LANG": "C.UTF-8",
            "HOME": str(folder),
            "ERL_EPMD_PORT": str(epmd_port),
            "ERL_EPMD_ADDRESS": "127.0.0.1",
            "RABBITMQ_NODENAME": self._name,
            "RABBITMQ_DIST_PORT": str(distribution_port),
            "RABBITMQ_MNESIA_BASE": str(folder / "data"),
            "RABBITMQ_LOG_BASE": str(folder / "log"),
            "RABBITMQ_PID_FILE": str(folder / "pid"),
            "RABBITMQ_ENABLED_PLUGINS_FILE": str(folder / "plugins"),
            "RABBITMQ_CONFIG_FILE": str(folder / "rabbitmq.conf"),
            "RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS": "-kernel inet_dist_use_interface {127,0,0,1}",
        }

    @contextmanager
    def running(self) -> Iterator["RabbitNode"]:
        # Started here and in the foreground: the one a node starts by itself outlives it.
        epmd = subprocess.Popen(
            ["epmd", "-address", "127.0.0.1", "-port", str(self._epmd_port)],
            env=self._environment,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        try:
            self.start()
            yield self
        finally:
            self.kill()
            epmd.kill()
            epmd.wait()

    def start(self) -> None:
        """Start the node and wait until it answers AMQP."""
        self.launch()
        deadline = time.monotonic() + BOOT_SECONDS
        while not self._answers():
            if time.monotonic() > deadline or (self._server and self._server.poll() is not None):
                raise RuntimeError(f"RabbitMQ did not start, see {self._folder}:\n{self._output()}")
            time.sleep(0.05)

    def launch(self) -> None:
        """Start the node and return at once."""
        with (self._folder / "output").open("ab") as output:
            self._server = subprocess.Popen(
                [self._sbin / "rabbitmq-server"], env=self._environment, stdout=output, stderr=output
            )

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, nobody is told."""
        pid_file = self._folder / "pid"
        if pid_file.exists():
            with suppress(ProcessLookupError):
                os.kill(int(pid_file.read_text()), signal.SIGKILL)
            pid_file.unlink()
        if self._server is not None:
            self._server.kill()
            self._server.wait()
            self._server = None

    def restart(self) -> None:
        self.kill()
        self.start()

    def stop(self) -> None:
        """SIGSTOP: the connections stay open and nothing answers."""
        os.kill(int((self._folder / "pid").read_text()), signal.SIGSTOP)

    def cont(self) -> None:
        os.kill(int((self._folder / "pid").read_text()), signal.SIGCONT)

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._sbin / "rabbitmqctl", "-n", self._name, *arguments],
            env=self._environment,
            capture_output=True,
            check=True,
            timeout=60,
        )
        return done.stdout.decode()

    def fresh_url(self) -> str:
        """The URL of a virtual host that nobody has used."""
        if not self._vhosts:
            self._make_vhosts()
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{self._vhosts.pop()}"

    def _make_vhosts(self) -> None:
        # One call for many: each start of rabbitmqctl takes half a second.
        first = self._vhosts_made + 1
        self._vhosts_made += _VHOSTS_AT_ONCE
        self.ctl(
            "eval",
            '[begin Name = list_to_binary(io_lib:format("test~b", [N])), '
            'rabbit_vhost:add(Name, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
            '<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"tests">>) end '
            f"|| N <- lists:seq({first}, {self._vhosts_made})].",
        )
        self._vhosts = [f"test{number}" for number in range(first, self._vhosts_made + 1)]

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=1) as connection:
                connection.settimeout(5)
                # The broker speaks first only after our header; a listening socket alone is not yet a broker.
                connection.sendall(b"AMQP\x00\x00\x09\x01")
                return connection.recv(1) == b"\x01"
        except OSError:
            return False

    def _output(self) -> str:
        return (self._folder / "output").read_text(errors="replace")[-2000:]


def _free_ports(count: int) -> list[int]:
    held = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [server.getsockname()[1] for server in held]
    for server in held:
        server.close()
    return ports
