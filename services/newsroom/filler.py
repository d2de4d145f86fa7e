"""Markup that makes a page weigh what real ones weigh, without a sentence that could be mistaken for its text."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

SHARES = (("style", 10), ("state", 15), ("menu", 20), ("icons", 10), ("cards", 45))
"""What the weight consists of, in per cent. Cards have words, as the teasers on real pages do: elements and words are
what extractors spend their time on."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Filler:
    """ASCII markup for three places of a page: its head, above the text and below it."""

    head: str
    top: str
    bottom: str


def filler(seed: str, size: int) -> Filler:
    """Return at least `size` bytes of markup, always the same for one seed."""
    # Noise for a bench, nothing secret.
    random = Random(seed)  # noqa: S311
    sizes = {name: size * share // 100 + 1 for name, share in SHARES}
    return Filler(
        head=f"<style>{_fill(_rule, random, sizes['style'])}</style>"
        f"<script>window.__STATE__=[{_fill(_state, random, sizes['state'])}];</script>",
        top=f'<nav class="mega-menu" aria-hidden="true"><ul>{_fill(_menu_item, random, sizes["menu"])}</ul></nav>',
        bottom=f'<svg width="0" height="0" aria-hidden="true"><defs>{_fill(_icon, random, sizes["icons"])}</defs></svg>'
        f'<aside class="recirculation sidebar" aria-hidden="true">{_fill(_card, random, sizes["cards"])}</aside>',
    )


def _fill(piece: Callable[[Random], str], random: Random, size: int) -> str:
    pieces: list[str] = []
    weight = 0
    while weight < size:
        pieces.append(piece(random))
        weight += len(pieces[-1])
    return "".join(pieces)


def _rule(random: Random) -> str:
    return f".c-{_hex(random)}{{margin:{random.randrange(64)}px auto;color:#{_hex(random)[:6]};display:flex}}"


def _state(random: Random) -> str:
    return json.dumps({"id": _hex(random), "slot": random.randrange(99), "seen": False}) + ","


def _menu_item(random: Random) -> str:
    token = _hex(random)
    return f'<li class="mega-menu__item" data-track="{token}"><a href="/m/{token}" data-pos="3">{token[:4]}</a></li>'


def _icon(random: Random) -> str:
    points = "".join(f"l{random.randrange(24)}.{random.randrange(10)} {random.randrange(24)}" for _ in range(12))
    return f'<symbol id="i-{_hex(random)}" viewBox="0 0 24 24"><path d="M3 3{points}z"/></symbol>'


def _card(random: Random) -> str:
    token = _hex(random)
    words = " ".join(_hex(random)[:length] for length in (5, 3, 7, 2, 6, 4, 8, 3, 5, 6))
    picture = f'<a href="/r/{token}"><img src="/t/{token}.jpg" alt=""></a>'
    text = f"<h4>{words[:20]}</h4><p>{words}</p><span>{token[:2]}</span>"
    return f'<div class="card" data-id="{token}">{picture}{text}</div>'


def _hex(random: Random) -> str:
    return f"{random.getrandbits(32):08x}"
