"""Schedules that tell a broken variant from the real one: each is the shortest that broke it, by hand or found."""

from collections.abc import Callable, Mapping

from model.broker import BrokerFault
from model.schedules import PAGE, SECOND_PAGE, Change, Schedule, Then

from shared.errors import TransientError
from shared.steps import Step, When
from shared.workers import WorkerLost

BEFORE: When = "before"
AFTER: When = "after"
DIES = WorkerLost("worker_died")


def ack_before_commit(it: Schedule) -> None:
    it.all_go_until_one_comes_to((Step.PAGE_EXTRACT, BEFORE), Then.IS_KILLED)


def validators_saved_before_entries(it: Schedule) -> None:
    """Killed between the one and the other."""
    it.all_go_until_one_comes_to((Step.POLL_COMMIT, BEFORE), Then.WAITS)
    it.one_goes(0, 1, 0, Then.IS_KILLED)


def publish_without_confirm(it: Schedule) -> None:
    it.all_go_until_one_comes_to((Step.EVENT_PUBLISH, BEFORE), Then.WAITS)
    it.something_fails(BrokerFault.LOST)
    it.all_go()


def marked_before_published(it: Schedule) -> None:
    it.all_go_until_one_comes_to((Step.OUTBOX_TAKE, AFTER), Then.IS_KILLED)


def ids_from_content(it: Schedule) -> None:
    """A, B, A, B."""
    it.all_go()
    for to in (Change.CORRECTED, Change.AS_IT_WAS, Change.AS_IT_WAS):
        it.a_page_changes(PAGE, to, None, Then.WAITS)


def leases_without_fencing(it: Schedule) -> None:
    """One holds an entry for too long, and sees and marks as seen what the other could not see yet."""
    it.all_go()
    it.a_page_changes(SECOND_PAGE, Change.CORRECTED, (Step.ENTRIES_LEASE, AFTER), Then.STANDS_STILL)
    it.all_go()
    it.a_page_changes_unnoticed(SECOND_PAGE, Change.CORRECTED)
    it.those_that_stand_still_go_on()


def no_inbox(it: Schedule) -> None:
    it.all_go()
    it.the_broker_repeats_or_forgets(0)
    it.all_go()


def order_ignored(it: Schedule) -> None:
    """The first look comes to work last."""
    it.something_fails(DIES)
    it.all_go()
    it.a_page_changes(PAGE, Change.CORRECTED, None, Then.WAITS)


def validators_of_the_look_before(it: Schedule) -> None:
    """B is published, that it was is not stored, and the page is A again."""
    it.a_page_changes(SECOND_PAGE, Change.CORRECTED, None, Then.WAITS)
    it.a_page_changes(SECOND_PAGE, Change.CORRECTED, (Step.VISIT_COMMIT, BEFORE), Then.IS_KILLED)
    it.all_go()
    it.a_page_changes_unnoticed(SECOND_PAGE, Change.AS_IT_WAS)


def quarantined_counts_as_understood(it: Schedule) -> None:
    """What came since was set aside unread, and the page is not modified since."""
    it.all_go()
    it.something_fails(DIES)
    it.a_page_changes(PAGE, Change.CORRECTED, None, Then.WAITS)
    it.time_passes("a page is due")
    it.all_go()


def gone_is_not_remembered(it: Schedule) -> None:
    """The page was gone when the first look at it came to work."""
    it.something_fails(DIES)
    it.all_go()
    it.a_page_changes(PAGE, Change.GONE, None, Then.WAITS)
    it.time_passes("a lease ends")
    it.all_go()


def a_late_look(it: Schedule) -> None:
    """Numbered first and looking last: what it sees is newer than what the second one saw."""
    it.all_go_until_one_comes_to((Step.VISIT_REQUEST, BEFORE), Then.STANDS_STILL)
    it.something_fails(TransientError("hiccup"))
    it.all_go()
    it.a_page_changes_unnoticed(PAGE, Change.CORRECTED)
    it.those_that_stand_still_go_on()


PINNED: Mapping[str, Callable[[Schedule], None]] = {
    "ack before commit": ack_before_commit,
    "validators saved before entries": validators_saved_before_entries,
    "publish without confirm": publish_without_confirm,
    "marked before published": marked_before_published,
    "ids from content": ids_from_content,
    "leases without fencing": leases_without_fencing,
    "no inbox": no_inbox,
    "order ignored": order_ignored,
    "validators of the look before": validators_of_the_look_before,
    "quarantined counts as understood": quarantined_counts_as_understood,
    "gone is not remembered": gone_is_not_remembered,
}
