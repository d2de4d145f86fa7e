"""What the newsroom does all day in the soak: news at a steady rate, and changes to what is young."""

import random
from collections import deque
from collections.abc import Container
from itertools import islice

from chaos.wire import Dispatch, Wire

AT_A_TIME = 4
YOUNG = 12
"""So many of the latest articles, that nobody touched yet, may still be corrected, copied or withdrawn."""
LISTED = 120


class Newsday:
    """Each article is touched at most once, so that the accounting knows what its copies should be."""

    def __init__(self, wire: Wire, chance: random.Random) -> None:
        self._wire = wire
        self._chance = chance
        self._untouched: deque[Dispatch] = deque(maxlen=YOUNG)
        self._listed: deque[Dispatch] = deque()

    def news(self) -> None:
        """4 new articles; of the young ones, one is corrected, and at times one copied and one withdrawn."""
        if len(self._untouched) == YOUNG:
            self._wire.correct(self._young())
            if self._chance.random() < 0.5:
                self._listed.append(self._wire.copy(self._young()))
            if self._chance.random() < 0.5:
                self._wire.withdraw(self._young())
        made = [self._wire.publish() for _ in range(AT_A_TIME)]
        self._untouched.extend(made)
        self._listed.extend(made)

    def _young(self) -> Dispatch:
        chosen = self._chance.choice(self._untouched)
        self._untouched.remove(chosen)
        return chosen

    def drop_from_feeds(self, open_urls: Container[str]) -> None:
        """Of the old ones, those whose last state was told: a feed is short, and no newsroom waits for ever."""
        old = set(map(id, islice(self._listed, max(0, len(self._listed) - LISTED))))
        dropped = [each for each in self._listed if id(each) in old and each.url not in open_urls]
        for each in dropped:
            each.listed = False
            self._listed.remove(each)
