"""What must hold: at every moment, and when everything has come to rest. The accounting of a schedule."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from itertools import pairwise
from uuid import UUID

from model.database import Database
from model.pipeline import World
from model.site import GONE, State, told

from services.processor.model import article_id
from shared.urls import address_key


class Broken(AssertionError):
    """A promise that was not kept."""


def check_always(world: World) -> None:
    """Validators are never ahead of entries, and no observation is settled twice."""
    _entries_before_validators(world)
    _settled_once(world.database)


def check_at_rest(world: World) -> None:
    """Nothing is lost, nothing is said twice, and each article is as its page was last."""
    check_always(world)
    _entries_observed(world)
    _observations_settled(world)
    _events_heard(world)
    articles = _articles(world)
    _said_once(world)
    for url, page in world.site.pages.items():
        if url in _listed(world):
            _follows(url, articles.get(str(article_id(address_key(url))), []), page.states)


def _entries_before_validators(world: World) -> None:
    for feed, row in world.database.feeds.items():
        tag = row.validators.etag if row.validators else None
        for url, announced in world.site.documents.get(tag or "", {}).items():
            known = world.database.feed_entries.get((feed, url))
            if known is None or int(known) < announced:
                raise Broken(f"the validators of {row.settings.url} hide {url}")


def _settled_once(database: Database) -> None:
    for raw_id, times in database.settled.items():
        if times > 1:
            raise Broken(f"observation {raw_id} came to {times} outcomes")


def _entries_observed(world: World) -> None:
    observed = {row.entry_id for row in world.database.inbox.values()}
    entries = {row.url: row.entry_id for row in world.database.entries.values()}
    for url in _listed(world):
        if url not in entries:
            raise Broken(f"{url} is not known")
        if entries[url] not in observed:
            raise Broken(f"{url} was never observed")


def _observations_settled(world: World) -> None:
    """Of what a queue had taken only what was destroyed with it may be without an outcome."""
    lost = set(world.broker.taken) - world.broker.destroyed - set(world.database.inbox)
    if lost:
        raise Broken(f"observations without an outcome: {lost}")


def _events_heard(world: World) -> None:
    heard = {UUID(message.message_id) for message in world.broker.heard}
    if heard != set(world.database.outbox):
        raise Broken(f"events that nobody heard: {set(world.database.outbox) - heard}")
    said = {(article, number) for article, revisions in _articles(world).items() for number, _ in revisions}
    unsaid = {(str(article), number) for article, number in world.database.revisions} - said
    if unsaid:
        raise Broken(f"revisions without an event: {unsaid}")


def _said_once(world: World) -> None:
    ids, bodies = defaultdict(set), defaultdict(set)
    for message in world.broker.heard:
        article, revision, _ = told(message.body)
        ids[article, revision].add(message.message_id)
        bodies[message.message_id].add(message.body)
    for (article, revision), names in ids.items():
        if len(names) > 1:
            raise Broken(f"revision {revision} of {article} was said under {len(names)} ids")
    for name, said in bodies.items():
        if len(said) > 1:
            raise Broken(f"event {name} said {len(said)} different things")


def _follows(url: str, revisions: Sequence[tuple[int, State]], states: Sequence[State]) -> None:
    """Revisions by number: none missing, each a change, in the order of what the page was, to its last state."""
    if [number for number, _ in revisions] != list(range(1, len(revisions) + 1)):
        raise Broken(f"the revisions of {url} are {revisions}")
    said = [state for _, state in revisions]
    if any(one == other for one, other in pairwise(said)):
        raise Broken(f"an event of {url} without a change: {said}")
    left = iter(states)
    if not all(state in left for state in said):
        raise Broken(f"{url} was {list(states)}, and the events say {said}")
    if (said[-1] if said else GONE) != states[-1]:
        raise Broken(f"{url} is {states[-1]!r} at last, and the events say {said}")


def _articles(world: World) -> dict[str, list[tuple[int, State]]]:
    """What a subscriber knows that keeps every revision, by number."""
    known: dict[str, dict[int, State]] = defaultdict(dict)
    for message in world.broker.heard:
        article, revision, state = told(message.body)
        known[article][revision] = state
    return {article: sorted(revisions.items(), key=lambda each: each[0]) for article, revisions in known.items()}


def _listed(world: World) -> frozenset[str]:
    def urls() -> Iterator[str]:
        for each in world.site.listed.values():
            yield from each

    return frozenset(urls())
