"""A private RabbitMQ node for the tests: own name, ports, folder and epmd, on the loopback only.

It never touches a system service, and can be killed and frozen like any process.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from loopback_ports import free_ports

HOW_TO_GET_IT = "rabbitmq-server is not installed; on Debian and Ubuntu: apt-get install rabbitmq-server"
BOOT_SECONDS = 60.0
SHUT_DOWN_SECONDS = 60.0
CONSUMER_TIMEOUT_SECONDS = 1800.0
"""RabbitMQ's own."""

_VHOSTS_AT_ONCE = 10

# The command that raises each alarm, and what each takes to be raised and to be clear.
_ALARMS = {
    "memory": ("set_vm_memory_high_watermark", ("absolute", "1MB"), ("0.4",)),
    "disk": ("set_disk_free_limit", ("900000GB",), ("50MB",)),
}
Alarm = Literal["memory", "disk"]

# Asked of the queues themselves: what the management commands tell of quorum queues is up to five seconds old.
_DEPTHS = """[begin
  {ok, {_, {Ready, Unacked}}, _} = ra:leader_query(amqqueue:get_pid(Queue), fun(State) ->
    {rabbit_fifo:query_messages_ready(State), rabbit_fifo:query_messages_checked_out(State)} end),
  {resource, _, queue, Name} = amqqueue:get_name(Queue),
  {Name, Ready, Unacked}
end || Queue <- rabbit_amqqueue:list(<<"%s">>), amqqueue:get_type(Queue) =:= rabbit_quorum_queue]."""
_DEPTH = re.compile(r'\{<<"(.+?)">>,\s*(\d+),\s*(\d+)\}')


@dataclass(frozen=True, slots=True, kw_only=True)
class Depth:
    """Messages in a queue: those that wait, and those that a consumer has and has not settled."""

    ready: int
    unacked: int


def find_sbin() -> Path | None:
    """The folder of RabbitMQ's own scripts. Debian's /usr/sbin wrappers change the user, or refuse to run."""
    packaged = sorted(Path("/usr/lib/rabbitmq/lib").glob("rabbitmq_server-*/sbin"))
    if packaged:
        return packaged[-1]
    found = shutil.which("rabbitmq-server")
    return Path(found).resolve().parent if found else None


class RabbitNode:
    def __init__(self, folder: Path, sbin: Path) -> None:
        self.port, distribution_port, epmd_port = free_ports(3)
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
        with suppress(ProcessLookupError, FileNotFoundError):
            self._signal(signal.SIGKILL)
        if self._server is not None:
            self._server.kill()
        self._ended()

    def remember_queues(self) -> None:
        """Before a kill soon after queues were declared.

        A node writes down which quorum queues it has half a second later, and does not start the others again.
        """
        self.ctl("eval", "[dets:sync(Table) || Table <- dets:all()].")

    def restart(self) -> None:
        self.kill()
        self.start()

    def shut_down(self) -> None:
        """Stop in good order, as an operator does: clients are told, and all is written."""
        self._signal(signal.SIGTERM)
        self._ended()

    def destroy(self) -> None:
        """Lose all data, and start as a new broker: virtual hosts and what was in them are gone."""
        self.kill()
        shutil.rmtree(self._folder / "data")
        self._vhosts.clear()
        self.start()

    def freeze(self) -> None:
        """SIGSTOP: the connections stay open and nothing answers."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    stop, cont = freeze, thaw

    def ctl(self, *arguments: str) -> str:
        done = subprocess.run(
            [self._sbin / "rabbitmqctl", "-n", self._name, "-q", *arguments],
            env=self._environment,
            capture_output=True,
            check=False,
            timeout=60,
        )
        if done.returncode != 0:
            raise RuntimeError(f"rabbitmqctl {arguments[0]}: {done.stdout.decode()}{done.stderr.decode()}")
        return done.stdout.decode()

    def raise_alarm(self, alarm: Alarm) -> None:
        """All publishers on this node are blocked until it is cleared."""
        command, raised, _ = _ALARMS[alarm]
        self.ctl(command, *raised)

    def clear_alarm(self, alarm: Alarm) -> None:
        command, _, clear = _ALARMS[alarm]
        self.ctl(command, *clear)

    def consumer_timeout(self, seconds: float = CONSUMER_TIMEOUT_SECONDS) -> None:
        """How long a delivery may stay unsettled, for channels opened from now on; until the node is started again."""
        milliseconds, look = round(seconds * 1000), round(min(60.0, seconds / 4) * 1000)
        self.ctl(
            "eval",
            f"application:set_env(rabbit, consumer_timeout, {milliseconds}), "
            f"application:set_env(rabbit, channel_tick_interval, {look}).",
        )

    def limit(self, url: str, queue: str, **limits: int | str) -> None:
        """Lay a policy over a queue while it is used; `max_length=0` lets nothing in. The lower limit counts."""
        definition = json.dumps({name.replace("_", "-"): value for name, value in limits.items()})
        pattern = f"^{re.escape(queue)}$"
        self.ctl("set_policy", "-p", _vhost(url), queue, pattern, definition, "--apply-to", "queues")

    def unlimit(self, url: str, queue: str) -> None:
        self.ctl("clear_policy", "-p", _vhost(url), queue)

    def depths(self, url: str) -> dict[str, Depth]:
        """Of the quorum queues; exact at this moment."""
        told = self.ctl("eval", _DEPTHS % _vhost(url))
        return {name: Depth(ready=int(ready), unacked=int(unacked)) for name, ready, unacked in _DEPTH.findall(told)}

    def drop_connections(self, url: str) -> None:
        """Every client of the virtual host is told that its connection is closed."""
        self.ctl("close_all_connections", "--vhost", _vhost(url), "dropped")

    def fresh_url(self) -> str:
        """The URL of a virtual host that nobody has used."""
        # A test that failed between a kill and a start must not take all that follow with it.
        if not self._answers():
            self.restart()
        if not self._vhosts:
            self._make_vhosts()
        return f"amqp://guest:guest@127.0.0.1:{self.port}/{self._vhosts.pop()}"

    def give_back(self, url: str) -> None:
        """The virtual host of a destroyed broker, empty."""
        self._add_vhosts(_vhost(url))

    def _make_vhosts(self) -> None:
        # One call for many: each start of rabbitmqctl takes half a second.
        first = self._vhosts_made + 1
        self._vhosts_made += _VHOSTS_AT_ONCE
        self._vhosts = [f"test{number}" for number in range(first, self._vhosts_made + 1)]
        self._add_vhosts(*self._vhosts)

    def _add_vhosts(self, *names: str) -> None:
        binaries = ", ".join(f'<<"{name}">>' for name in names)
        self.ctl(
            "eval",
            '[begin rabbit_vhost:add(Name, <<"tests">>), rabbit_auth_backend_internal:set_permissions('
            '<<"guest">>, Name, <<".*">>, <<".*">>, <<".*">>, <<"tests">>) end '
            f"|| Name <- [{binaries}]].",
        )

    def _signal(self, number: signal.Signals) -> None:
        os.kill(int((self._folder / "pid").read_text()), number)

    def _ended(self) -> None:
        (self._folder / "pid").unlink(missing_ok=True)
        if self._server is not None:
            self._server.wait(timeout=SHUT_DOWN_SECONDS)
            self._server = None

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


def _vhost(url: str) -> str:
    return url.rpartition("/")[2]
