"""Starts services by forking a process that has imported them already: `python -m chaos.zygote <socket>`.

Half of a scenario's time would else go into importing. Each connection asks for one process, with a line of JSON, and
gets two lines back: its pid, and its exit code when it ends. The process is the service's own main function, in a
session, folder and environment of its own.
"""

import gc
import importlib
import json
import os
import selectors
import socket
import sys
import traceback
from pathlib import Path
from typing import NoReturn

from chaos.under_test import end_with_parent, play

PRELOADED = (
    "services.fetcher.__main__",
    "services.processor.__main__",
    "services.console.__main__",
    "services.console.commands",
    "shared.broker.rabbitmq",
    "sqlalchemy.dialects.postgresql.asyncpg",
    "asyncpg",
)
LONGEST_REQUEST = 2**18


def serve(path: Path) -> NoReturn:
    for name in PRELOADED:
        importlib.import_module(name)
    # For workers that are forked later; see `chaos.forked_workers`.
    importlib.import_module("services.processor.extraction").warm_up()
    gc.freeze()
    with socket.socket(socket.AF_UNIX) as server, selectors.DefaultSelector() as selector:
        server.bind(str(path))
        server.listen(16)
        selector.register(server, selectors.EVENT_READ)
        while True:
            for key, _ in selector.select():
                if key.fileobj is server:
                    _start(selector, server.accept()[0])
                else:
                    _report(selector, key.fd, *key.data)


def _start(selector: selectors.BaseSelector, asker: socket.socket) -> None:
    with asker.makefile("rb") as lines:
        request = json.loads(lines.readline(LONGEST_REQUEST))
    pid = os.fork()
    if pid == 0:
        _become(request)
    asker.sendall(b"%d\n" % pid)
    selector.register(os.pidfd_open(pid), selectors.EVENT_READ, (pid, asker))


def _report(selector: selectors.BaseSelector, descriptor: int, pid: int, asker: socket.socket) -> None:
    selector.unregister(descriptor)
    os.close(descriptor)
    code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    # Who asked may be gone.
    try:
        asker.sendall(b"%d\n" % code)
    except OSError:
        pass
    finally:
        asker.close()


def _become(request: dict[str, object]) -> NoReturn:
    """From here on the child: nothing of its parent's but what was imported."""
    code = 1
    try:
        os.setsid()
        os.chdir(str(request["folder"]))
        _redirect(str(request["log"]))
        environment, arguments = request["environment"], request["arguments"]
        if isinstance(environment, dict) and isinstance(arguments, list):
            os.environ.clear()
            os.environ.update(environment)
            play(arguments)
        code = 0
    except SystemExit as end:
        code = end.code if isinstance(end.code, int) else int(end.code is not None)
    except BaseException:  # noqa: BLE001 -- as the interpreter does at its end
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


def _redirect(log: str) -> None:
    os.closerange(3, 1024)
    for path, flags, into in (
        (os.devnull, os.O_RDONLY, (0,)),
        (log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, (1, 2)),
    ):
        opened = os.open(path, flags, 0o644)
        for descriptor in into:
            os.dup2(opened, descriptor)
        os.close(opened)


if __name__ == "__main__":
    end_with_parent()
    serve(Path(sys.argv[1]))
