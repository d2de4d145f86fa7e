"""Work for worker processes, which import it by name."""

import os
import signal
import time
from pathlib import Path

from shared.errors import PermanentError, TransientError


def warm_up_unless(trouble: str) -> None:
    if Path(trouble).exists():
        os._exit(1)


def double(number: int) -> int:
    return 2 * number


def own_pid() -> int:
    return os.getpid()


def overrun() -> None:
    time.sleep(60)


def eat_memory(count: int) -> int:
    return len(bytearray(count))


def be_killed() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def leave() -> None:
    os._exit(3)


def refuse() -> None:
    raise PermanentError("not_html", "an image")


def fail_for_now() -> None:
    raise TransientError("busy", retry_after=5.0)


def exhaust_the_stack(depth: int = 0) -> int:
    return exhaust_the_stack(depth + 1) + 1


def recover(number: int) -> int:
    time.sleep(0.2)
    return number
