"""What can go wrong, in one tree.

PipelineError                every class carries its facts; str() is built from them
├── TransientError           worth another try: time-outs, refused connections, 429, 5xx
│   ├── StoreConflict        another transaction was in the way
│   └── Unavailable          a dependency of ours (store, broker) does not answer
│       ├── StoreUnavailable
│       └── BrokerUnavailable
└── PermanentError           another try gives the same: undecodable, too large, not HTML
    └── UndecodableMessage
"""


class PipelineError(Exception):
    """Base of every failure the pipeline knows; anything else is a bug."""


class TransientError(PipelineError):
    """Worth another try, at the earliest after `retry_after` seconds where the other side said so."""

    def __init__(self, reason: str, *, retry_after: float | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.retry_after = retry_after


class PermanentError(PipelineError):
    """Another try gives the same result; `reason` is a short snake_case code, `detail` is for people."""

    def __init__(self, reason: str, detail: str = "") -> None:
        super().__init__(f"{reason}: {detail}" if detail else reason)
        self.reason = reason
        self.detail = detail


class StoreConflict(TransientError):
    """Another transaction was in the way (a deadlock, a serialisation failure): nobody outside is to blame."""

    def __init__(self) -> None:
        super().__init__("store_conflict")


class Unavailable(TransientError):
    """One of our own dependencies does not answer: stop taking work until it does."""


class StoreUnavailable(Unavailable):
    """The database does not answer, or refuses writes (full disk, read-only)."""


class BrokerUnavailable(Unavailable):
    """The broker does not answer."""


class UndecodableMessage(PermanentError):
    """A message on a queue is not what the contract says."""

    def __init__(self, detail: str) -> None:
        super().__init__("undecodable", detail)
