"""What only the fetcher can meet; the tree is in shared.errors."""

from datetime import datetime

from shared.errors import PermanentError, TransientError


class LeaseLost(TransientError):
    """Someone else took the work while we were away: nothing of ours may be written."""

    def __init__(self) -> None:
        super().__init__("lease_lost")


class HostBusy(TransientError):
    """The host may not be asked again before `until`."""

    def __init__(self, until: datetime) -> None:
        super().__init__("host_busy")
        self.until = until


class ParsersBusy(TransientError):
    """Too many documents wait for the parse worker of those that have cost one."""

    def __init__(self) -> None:
        super().__init__("worker_busy")


class Disallowed(PermanentError):
    """robots.txt does not let us ask for this address."""

    def __init__(self, url: str) -> None:
        super().__init__("robots", url)
