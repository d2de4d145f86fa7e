"""What a look at a page came to, as the page that is published and as what is stored of the visit. Pure."""

from dataclasses import dataclass

from services.fetcher.model import Entry, Response, Validators
from services.fetcher.pages.frontier import Visit, VisitResult
from services.fetcher.pages.observation import Again, Finding, Observe, VisitPolicy, next_look
from services.fetcher.tables import PENDING, QUEUED
from services.fetcher.web.responses import body_hash
from shared.messages import RawPage, ResponseFacts, raw_id


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What a look came to; `response`, `visit` and what the page reserves where it came so far."""

    finding: Finding
    response: Response | None = None
    visit: Visit | None = None
    rights: tuple[str, ...] = ()


def raw_page(entry: Entry, finding: Observe, seen: Seen, visit: Visit) -> RawPage:
    response = seen.response
    return RawPage(
        raw_id=raw_id(entry.entry_id, visit.number),
        entry_id=entry.entry_id,
        observation=visit.number,
        kind=finding.kind,
        # By the store's clock: fetchers on several machines have one each.
        observed_at=visit.start,
        feed=entry.feed.facts,
        entry=entry.facts,
        response=_response_facts(response) if response else None,
        no_page_reason=finding.reason,
        rights=seen.rights,
        body=response.body if response and finding.kind == "fetched" else b"",
    )


def _response_facts(response: Response) -> ResponseFacts:
    return ResponseFacts(
        requested_url=response.requested_url,
        final_url=response.final_url,
        status=response.status,
        content_type=response.headers.get("content-type"),
        last_modified=response.headers.get("last-modified"),
        seconds=response.seconds,
    )


def visit_result(entry: Entry, finding: Finding, response: Response | None, policy: VisitPolicy) -> VisitResult:
    timing = response.timing if response else None
    if isinstance(finding, Again):
        return VisitResult(
            entry=entry,
            state=PENDING,
            next_in=finding.pause,
            attempts=entry.attempts + (1 if finding.counts else 0),
            postponed=finding.postponed,
            visits=entry.visits,
            validators=entry.validators,
            body_hash=entry.body_hash,
            reason=finding.reason,
            timing=timing,
        )
    validators, hashed = _remembered(entry, finding, response)
    return VisitResult(
        entry=entry,
        state=QUEUED,
        next_in=None if finding.kind == "gone" else next_look(entry.visits, policy),
        visits=entry.visits + 1,
        validators=validators,
        body_hash=hashed,
        reason=finding.reason,
        timing=timing,
    )


def _remembered(entry: Entry, finding: Observe, response: Response | None) -> tuple[Validators | None, str | None]:
    """Validators and body hash for the next look; a page that is gone has none, so that its return is seen."""
    if response is None or finding.kind in {"gone", "feed_only"}:
        return None, None
    if response.status == 304:
        return response.validators or entry.validators, entry.body_hash
    if response.truncated:
        return None, None
    return response.validators, body_hash(response.body)
