"""Free ports on the loopback for servers that are stopped and started again."""

import socket
from contextlib import ExitStack, suppress
from random import SystemRandom

# Below the ports that the system gives to outgoing connections: a client that keeps trying a stopped server there is
# at times given the very port it calls, talks to itself, and keeps the server out.
_PORTS = range(10_000, 32_000)


def free_ports(count: int) -> list[int]:
    """Different ports that nobody listens on now."""
    with ExitStack() as held:
        ports: list[int] = []
        while len(ports) < count:
            port = SystemRandom().choice(_PORTS)
            with suppress(OSError):
                held.enter_context(socket.create_server(("127.0.0.1", port)))
                ports.append(port)
        return ports
