"""Whom the fortnight's fetchers subscribe to: papers, the servers they are at, and what befalls these."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from fortnight.papers import START, Paper, by_day, steady, with_burst
from fortnight.recorder import Site
from fortnight.sites import (
    DAY,
    HOUR,
    ByDate,
    Deflating,
    Forgetful,
    Host,
    Liar,
    Moved,
    Refusing,
    Renewing,
    Served,
    Strict,
    at_hours,
    between,
    expires_in,
    refused,
    says,
    throttled,
)

USUAL = 12 * HOUR
OUTAGE = between(START + 6 * DAY + 10 * HOUR, START + 6 * DAY + 12 * HOUR)
"""Two hours in which no site can be reached from where we are."""
OUTAGE_END = START + 6 * DAY + 12 * HOUR
BURST_AT = START + 5 * DAY + 3 * HOUR
IDLE_SECONDS = 300.0
NIGHT = range(7)
WEEKEND = (5, 6)


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A subscription to `url`, the paper it leads to, and the sites that it meets on the way (host → site)."""

    name: str
    url: str
    paper: Paper
    sites: Mapping[str, Site] = field(default_factory=dict)


def day(number: float) -> datetime:
    """So many days into the fortnight."""
    return START + number * DAY


def scenes() -> tuple[Scene, ...]:
    """Made anew for each fortnight: some servers remember whom they saw."""
    return (
        *_with_validators(),
        *_with_hints(),
        *_that_refuse(),
        *_that_move(),
        *_with_rhythms(),
    )


def paper(name: str, every: timedelta = USUAL, **more: object) -> Paper:
    url = f"http://{name}.example/feed.xml"
    return Paper(**{"url": url, "times": steady(every, seed=sum(name.encode())), **more})  # type: ignore[arg-type]


def scene(name: str, site: Site, read: Paper, **elsewhere: Site) -> Scene:
    """Subscribed at the host of the scene's name; `elsewhere` are the other hosts."""
    others = {f"{host}.example": other for host, other in elsewhere.items()}
    return Scene(
        name=name,
        url=f"http://{name}.example/feed.xml",
        paper=read,
        sites={f"{name}.example": site, **others},
    )


def _with_validators() -> tuple[Scene, ...]:
    read = {name: paper(name) for name in VALIDATORS}
    fixed = "Mon, 05 Oct 2026 10:00:00 GMT"
    far = "Tue, 01 Jan 2041 00:00:00 GMT"
    served: dict[str, Site] = {
        "kroll": Strict(
            site=Served(paper=read["kroll"], headers=says(cache_control="max-age=43200"), leave=6 * HOUR),
        ),
        "hourly": Strict(site=Served(paper=read["hourly"], leave=HOUR)),
        "tag-moves": Served(paper=read["tag-moves"], date=lambda _at: fixed),
        "date-moves": ByDate(paper=read["date-moves"]),
        "date-only": Served(paper=read["date-only"], tag=None),
        "renewing": Renewing(paper=read["renewing"]),
        "deflating": Deflating(paper=read["deflating"]),
        "weak": Served(paper=read["weak"], tag='W/"{}"'.format),
        "bare": Served(paper=read["bare"], tag="{}".format),
        "odd": Served(paper=read["odd"], tag='"a, b;{} -"'.format, date=lambda at: f"{at:%d.%m.%Y}"),
        "far-date": Liar(paper=read["far-date"], tag=None, date=lambda _at: far),
        "liar": Liar(paper=read["liar"]),
    }
    return tuple(scene(name, served[name], read[name]) for name in VALIDATORS)


def _with_hints() -> tuple[Scene, ...]:
    read = {
        name: paper(name, (4 if name in MODEST else 1) * HOUR, head=head, window=25) for name, head in HINTS.items()
    }
    served: dict[str, Site] = {
        "max-age": Served(paper=read["max-age"], headers=says(cache_control="public, max-age=7200"), leave=2 * HOUR),
        "aged": Served(paper=read["aged"], headers=says(cache_control="max-age=14400", age="3600"), leave=3 * HOUR),
        "years": Served(paper=read["years"], headers=says(cache_control="max-age=31536000"), leave=6 * HOUR),
        "no-cache": Served(paper=read["no-cache"], headers=says(cache_control="no-cache, max-age=86400")),
        "expires": Served(paper=read["expires"], headers=expires_in(2 * HOUR, ahead=HOUR), leave=2 * HOUR),
        "ttl": Served(paper=read["ttl"], leave=3 * HOUR),
        "syndication": Served(paper=read["syndication"], leave=12 * HOUR),
        "skips": Served(paper=read["skips"]),
    }
    return tuple(scene(name, served[name], read[name]) for name in HINTS)


def _that_refuse() -> tuple[Scene, ...]:
    read = {name: paper(name, 8 * HOUR, window=25) for name in REFUSALS}
    plain = {name: Served(paper=read[name]) for name in REFUSALS}
    # It also says that nothing will be new for two days: asked for less, it would be believed for six hours.
    ways = {
        "throttles": (at_hours((8, 20)), throttled(429, 7 * HOUR, cache_control="max-age=172800")),
        "throttles-till": (at_hours((8, 20)), throttled(429, 2 * HOUR, dated=True)),
        "overloaded": (between(day(3), day(3.5)), throttled(503, 3 * HOUR, dated=True)),
        "blocks": (between(day(2), day(2.1)), throttled(429, 3 * DAY)),
        "gone": (between(day(3), day(99)), refused(410)),
        "gone-once": (between(day(3), day(3.5)), refused(410)),
        "lost": (between(day(3), day(6)), refused(404)),
        "ill": (between(day(2), day(7)), refused(500)),
    }
    sites = {name: Refusing(site=plain[name], when=when, refusal=refusal) for name, (when, refusal) in ways.items()}
    return tuple(scene(name, sites[name], read[name]) for name in REFUSALS)


def _that_move() -> tuple[Scene, ...]:
    moved, lent, mixed, loops = paper("moved-to"), paper("lent-to"), paper("mixed-end"), paper("loops")
    away = Refusing(
        site=Served(paper=loops), when=between(day(4), day(7)), refusal=Moved(status=302, target=BACK).answer
    )
    original = paper("original")
    mixed_sites: dict[str, Site] = {
        "mixed-step": Moved(status=302, target=mixed.url),
        "mixed-end": Served(paper=mixed),
    }
    return (
        scene("moved", Moved(status=301, target=moved.url), moved, **{"moved-to": Served(paper=moved)}),
        scene("lent", Moved(status=302, target=lent.url), lent, **{"lent-to": Served(paper=lent)}),
        scene(
            "mixed",
            Moved(status=308, target=STEP),
            mixed,
            **mixed_sites,
        ),
        scene("loops", away, loops, **{"loops-back": Moved(status=302, target=loops.url)}),
        scene("original", Served(paper=original), original),
        scene("alias", Moved(status=302, target=original.url), original),
    )


STEP = "http://mixed-step.example/feed.xml"
BACK = "http://loops-back.example/feed.xml"


def _with_rhythms() -> tuple[Scene, ...]:
    fast = paper("fast", times=by_day(steady(timedelta(minutes=30), seed=5)))
    slow = paper("slow", 5 * DAY)
    whole = paper("whole", 4 * HOUR, restless=True)
    times = with_burst(steady(USUAL, seed=7), BURST_AT, 45)
    bursts = paper("bursts", times=times, window=10, archived=True)
    cookies = says(set_cookie="sid=1; Path=/", cache_control="max-age=3600")
    baked = paper("cookies", 6 * HOUR)
    many = {f"/{number}.xml": paper_at("many", number) for number in range(4)}
    newsstand = Host(paths={path: Served(paper=each) for path, each in many.items()})
    return (
        scene("fast", Served(paper=fast), fast),
        scene("slow", Served(paper=slow), slow),
        scene("whole", Forgetful(paper=whole), whole),
        scene("bursts", Served(paper=bursts), bursts),
        scene("cookies", Served(paper=baked, headers=cookies, leave=HOUR), baked),
        *(
            Scene(name=f"many{path[1]}", url=each.url, paper=each, sites={"many.example": newsstand})
            for path, each in many.items()
        ),
    )


def paper_at(host: str, number: int) -> Paper:
    return Paper(url=f"http://{host}.example/{number}.xml", times=steady(USUAL, seed=number))


VALIDATORS = (
    "kroll", "hourly", "tag-moves", "date-moves", "date-only", "renewing", "deflating", "weak", "bare", "odd",
    "far-date", "liar",
)  # fmt: skip
HINTS = {
    "max-age": "",
    "aged": "",
    "years": "",
    "no-cache": "",
    "expires": "",
    "ttl": "<ttl>180</ttl>",
    "syndication": "<sy:updatePeriod>daily</sy:updatePeriod><sy:updateFrequency>2</sy:updateFrequency>",
    "skips": "<skipHours>" + "".join(f"<hour>{hour}</hour>" for hour in NIGHT) + "</skipHours>"
    "<skipDays><day>Saturday</day><day>Sunday</day></skipDays>",
}
MODEST = ("no-cache", "skips")
"""Whose own rhythm decides, and need not be asked all the time."""
REFUSALS = ("throttles", "throttles-till", "overloaded", "blocks", "gone", "gone-once", "lost", "ill")
