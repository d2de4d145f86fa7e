"""The pipeline's topology with delays that a test can wait for, and a way to add queues to it."""

from dataclasses import replace

from shared.topology import Binding, Queue, Topology, topology

QUICK_TTL_MILLISECONDS = 50


def quick_topology(*more: Queue, **arguments: dict[str, str | int]) -> Topology:
    """`more` are further queues; `arguments` are laid over those of a queue, with `_` for `.` in its name."""
    full = topology()
    return replace(full, queues=(*(_quick(queue, arguments) for queue in full.queues), *more))


def _quick(queue: Queue, changes: dict[str, dict[str, str | int]]) -> Queue:
    arguments = dict(queue.arguments)
    if "x-message-ttl" in arguments:
        arguments["x-message-ttl"] = QUICK_TTL_MILLISECONDS
    return replace(queue, arguments=arguments | changes.get(queue.name.replace(".", "_"), {}))


def subscriber_queue(name: str, *bindings: Binding) -> Queue:
    return Queue(name=name, bindings=bindings, arguments={"x-queue-type": "quorum"})
