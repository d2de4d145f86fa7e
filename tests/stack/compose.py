"""The compose stack under test: a project of its own, with its own ports, network and volumes."""

import json
import os
import shutil
import socket
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
PROJECT = "fildactu-test"
NO_ENGINE = "no Docker engine with Compose answers here: the stack was NOT tested; start one, then: make test-stack"
# Asked from inside the newsroom, which is on no network of this machine.
ASK = """
import sys, urllib.request as web
print(web.urlopen(web.Request(sys.argv[1], method=sys.argv[2]), timeout=10).read().decode())
"""


def engine_answers() -> bool:
    if shutil.which("docker") is None:
        return False
    asked = (["docker", "info"], ["docker", "compose", "version"])
    return all(subprocess.run(each, capture_output=True, check=False).returncode == 0 for each in asked)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True, slots=True, kw_only=True)
class Service:
    """One container: `health` is empty where there is no check."""

    name: str
    state: str
    health: str
    exit_code: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stack:
    """`docker compose` on the project under test."""

    environment: Mapping[str, str]

    @classmethod
    def fresh(cls) -> "Stack":
        return cls(
            environment={
                "RABBITMQ_PORT": str(free_port()),
                "RABBITMQ_MANAGEMENT_PORT": str(free_port()),
                "NEWSROOM_NETWORK": "198.18.38",
                "NEWSROOM_EVERY": "86400",  # its editions are turned by hand, when what they should cause has come
                "FEEDS_FILE": "./tests/stack/feeds.yaml",
                "PROCESSOR_WORKERS": "1",
                "COMPOSE_ENV_FILES": os.devnull,  # whatever is in .env is not under test
            }
        )

    def up(self, *services: str) -> None:
        """Build and start; one-shot services may end meanwhile, so this does not wait for health."""
        scale = ("--scale", "fetcher=2", "--scale", "processor=2")
        self._compose("--profile", "demo", "up", "--detach", "--build", "--quiet-pull", *scale, *services)

    def down(self) -> None:
        leave_nothing = ("--volumes", "--remove-orphans", "--rmi", "local", "--timeout", "5")
        self._compose("--profile", "demo", "down", *leave_nothing, check=False)

    def stop(self, *services: str) -> None:
        """SIGTERM, then SIGKILL when the stop_grace_period of the compose file is over."""
        self._compose("stop", *services)

    def services(self) -> tuple[Service, ...]:
        listed = self._compose("--profile", "demo", "ps", "--all", "--format", "json")
        found = [json.loads(line) for line in listed.splitlines() if line.strip()]
        return tuple(
            Service(name=each["Service"], state=each["State"], health=each["Health"], exit_code=each["ExitCode"])
            for each in found
        )

    def logs(self, service: str) -> tuple[str, ...]:
        """What the containers of a service wrote, line by line."""
        written = self._compose("--profile", "demo", "logs", "--no-log-prefix", service)
        # Some releases of Compose clear the line before each, on a terminal or not, and now and then twice.
        return tuple(written.replace("\x1b[2K", "").splitlines())

    def last_words(self) -> str:
        """The end of every container's log, for a reader."""
        return self._compose("--profile", "demo", "logs", "--tail", "40", check=False)

    def inside(self, service: str, *command: str) -> str:
        return self._compose("--profile", "demo", "exec", "--no-TTY", service, *command)

    def newsroom(self, path: str, method: str = "GET") -> Any:
        return json.loads(self.inside("newsroom", "python", "-c", ASK, f"http://127.0.0.1{path}", method))

    def _compose(self, *arguments: str, check: bool = True) -> str:
        command = ["docker", "compose", "--project-name", PROJECT, *arguments]
        done = subprocess.run(
            command,
            cwd=ROOT,
            env={**os.environ, **self.environment},
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            timeout=900,
            check=False,
        )
        if check and done.returncode:
            raise AssertionError(f"{' '.join(command)} ended with {done.returncode}:\n{done.stderr[-4000:]}")
        return done.stdout
