"""Earlier documents of a feed."""

from datetime import timedelta

import pytest
from fakes import NOW, parsed

from services.fetcher.errors import HostBusy
from services.fetcher.hosts.politeness import DEFAULT_POLICY, LONGEST_PATIENCE
from services.fetcher.model import FeedLinks, ParsedFeed, Unread
from services.fetcher.polling.walk import MOST_DOCUMENTS, Walked, walk
from shared.errors import PermanentError, StoreUnavailable, TransientError
from shared.workers import WorkerLost

SITE = "https://news.example/page"


def page(number):
    return f"{SITE}/{number}"


def document(number, earlier=None):
    return ParsedFeed(entries=(parsed(str(number)),), links=FeedLinks(earlier=earlier or page(number + 1)))


class Archive:
    """Documents that lead from one to the next without end; those in `instead` are what they are, or are raised."""

    def __init__(self, *, known=(), instead=None):
        self.asked = []
        self.patience = []
        self._known = frozenset(map(str, known))
        self._instead = instead or {}

    async def read(self, url, patience):
        self.asked.append(url)
        self.patience.append(patience)
        number = int(url.rpartition("/")[2])
        answer = self._instead.get(number, document(number))
        if isinstance(answer, Exception):
            raise answer
        return answer

    async def known(self, found):
        return {each.identity: "1" for each in found.entries if each.identity in self._known}

    async def walked(self, start=2, left=MOST_DOCUMENTS):
        return await walk(Unread(url=page(start), left=left), self.read, self.known)


def identities(walked: Walked):
    return [each.identity for each in walked.entries]


async def test_it_goes_back_to_what_is_known():
    """And not one document further."""
    archive = Archive(known=[4])
    walked = await archive.walked()

    assert (identities(walked), walked.closed, walked.unread) == (["2", "3", "4"], True, None)
    assert walked.known == {"4": "1"}
    assert archive.asked == [page(2), page(3), page(4)]


async def test_ten_documents_are_enough():
    """Nobody knows how far back it goes."""
    archive = Archive()
    walked = await archive.walked()

    assert (len(archive.asked), walked.closed, walked.unread) == (10, False, None)


@pytest.mark.parametrize(
    "links",
    [FeedLinks(), FeedLinks(earlier="https://elsewhere.example/page/4"), FeedLinks(earlier=page(2))],
    ids=["no address", "another site", "a circle"],
)
async def test_it_ends_where_no_way_leads_on(links):
    """What was read until then is used."""
    walked = await Archive(instead={3: ParsedFeed(entries=(parsed("3"),), links=links)}).walked()

    assert (identities(walked), walked.unread) == (["2", "3"], None)


@pytest.mark.parametrize(
    "error", [PermanentError("not_a_feed"), WorkerLost("worker_timeout"), PermanentError("robots")]
)
async def test_a_document_that_cannot_be_had_ends_it(error):
    """Another time it would be the same."""
    walked = await Archive(instead={3: error}).walked()

    assert (identities(walked), walked.unread) == (["2"], None)
    assert walked.killed == isinstance(error, WorkerLost)


@pytest.mark.parametrize("error", [TransientError("timeout"), HostBusy(NOW), TimeoutError()])
async def test_an_interruption_is_remembered(error):
    """The rest is read another time: as many documents as were left."""
    walked = await Archive(instead={4: error}).walked()

    assert (identities(walked), walked.documents) == (["2", "3"], 2)
    assert walked.unread == Unread(url=page(4), left=8)


async def test_the_slot_of_the_slowest_site_is_waited_for():
    """The feed's own document has just taken one; what is waited for it is not waited again."""
    archive = Archive(known=[3])
    await archive.walked()

    first, second = archive.patience
    assert DEFAULT_POLICY.longest_delay - timedelta(seconds=1) < first <= LONGEST_PATIENCE
    assert second < first


async def test_an_outage_of_the_store_is_raised():
    """Nothing could be kept of what is read."""
    with pytest.raises(StoreUnavailable):
        await Archive(instead={2: StoreUnavailable("down")}).walked()
