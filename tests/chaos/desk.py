"""What the wire does on a day of a scenario: a few new articles at a time, and changes to those of the last time."""

from collections import deque
from collections.abc import Sequence

from chaos.wire import Dispatch, Wire

AT_A_TIME = 4


class Desk:
    """`news` may be called at any time; each article is corrected, copied or withdrawn at most once."""

    def __init__(self, wire: Wire, hosts: Sequence[str], *, around: bool = False) -> None:
        """Of the wire's hosts it writes for these; `around` puts each new article behind a redirect."""
        self.wire = wire
        self.hosts = tuple(hosts)
        self._around = around
        self._untouched: deque[Dispatch] = deque()

    def news(self) -> list[Dispatch]:
        """4 new articles; of older ones, one is corrected, one copied and one withdrawn."""
        if len(self._untouched) >= AT_A_TIME:
            self.wire.correct(self._untouched.popleft())
            copied = self._untouched.popleft()
            self.wire.copy(copied, next(each for each in self.hosts if each != copied.host))
            self.wire.withdraw(self._untouched.popleft())
        made = [self._publish() for _ in range(AT_A_TIME)]
        self._untouched.extend(made)
        return made

    def _publish(self) -> Dispatch:
        made = self.wire.publish(self.hosts[len(self.wire.dispatches) % len(self.hosts)])
        if self._around:
            self.wire.send_around(made)
        return made
