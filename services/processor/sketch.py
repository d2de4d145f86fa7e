"""What is kept of a text's words to find it again and to compare it, and how alike two texts are: values only."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Sketch:
    """The words of a text, each as a small code, in their order.

    `trace` holds two bytes a word (little endian) of at most `likeness.sketching.MOST_WORDS` words, `words` counts all
    of them; `headline` is the same of the headline. `keys` are those by which the index finds the text, signed 64-bit
    numbers; they are stored in the index alone, and empty on a sketch that was read from the store.
    """

    trace: bytes
    words: int
    headline: bytes = b""
    keys: tuple[int, ...] = ()

    def packed(self) -> bytes:
        """As it is stored."""
        head = len(self.headline).to_bytes(2, "little")
        return self.words.to_bytes(4, "little") + head + self.headline + self.trace

    @classmethod
    def unpacked(cls, stored: bytes) -> "Sketch":
        """Raises ValueError for what `packed` did not make."""
        if len(stored) < _HEAD or len(stored) < (after := _HEAD + int.from_bytes(stored[4:_HEAD], "little")):
            raise ValueError(f"{len(stored)} bytes are no sketch")
        words = int.from_bytes(stored[:4], "little")
        return cls(trace=stored[after:], words=words, headline=stored[_HEAD:after])


_HEAD = 6


@dataclass(frozen=True, slots=True, kw_only=True)
class Likeness:
    """How alike a new text is to an old one, by the runs of words that both have; shares from 0 to 1.

    `containment` is the share of the new text that the old one has, `contained` the share of the old one that the new
    one has, `resemblance` what both have of what either has. `lead` is the containment of the new text's beginning,
    `run` the longest run of the same words, `headline` how alike the headlines are. `added` and `removed` count words.
    """

    containment: float
    contained: float
    resemblance: float
    lead: float
    run: int
    headline: float
    added: int
    removed: int
