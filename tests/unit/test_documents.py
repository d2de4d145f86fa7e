"""What the documents say is held against the code."""

import json
import re
from pathlib import Path

import jsonschema
import pytest

from services.fetcher.config import FetcherSettings
from services.processor.config import ProcessorSettings
from services.processor.model import EVENT_VERDICTS, Verdict
from shared.config import ServiceSettings
from shared.schema import FILE, event_schema
from shared.topology import topology

ROOT = Path(__file__).parents[2]
OPERATIONS = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
EVENTS = (ROOT / "docs/events.md").read_text(encoding="utf-8")
CODE = ("shared", "services/fetcher", "services/processor")
SERVICES = [path for folder in CODE for path in (ROOT / folder).rglob("*.py")]
GUARANTEES = (ROOT / "docs/guarantees.md").read_text(encoding="utf-8")
SCENARIOS = {path.name for path in (ROOT / "tests/chaos").glob("test_*.py")}
FORTNIGHT = {path.name for path in (ROOT / "tests" / "fortnight").glob("test_*.py")}
# They prove that the tools and the stage work, and promise nothing.
OF_THE_STAGE = {name for name in SCENARIOS if name.startswith(("test_tools_", "test_stage_"))}
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "SECURITY.md", "CHANGELOG.md")),
    *(ROOT / "docs").rglob("*.md"),
]


def test_every_promise_names_its_scenarios_and_every_scenario_is_named():
    """What the page of guarantees lists is what the two folders hold."""
    named = set(re.findall(r"`(?:tests/[a-z/]+/)?(test_\w+\.py)`", GUARANTEES)) - {"test_recovery.py"}

    assert named == (SCENARIOS | FORTNIGHT) - OF_THE_STAGE


@pytest.mark.parametrize("kind", [ServiceSettings, FetcherSettings, ProcessorSettings])
def test_every_setting_is_explained(kind: type[ServiceSettings]):
    """Each setting has its row in the operations page."""
    missing = [name for name in kind.model_fields if f"| `{name.upper()}` |" not in OPERATIONS]

    assert missing == []


def test_no_setting_is_explained_that_does_not_exist():
    """A row of a settings table names a setting of one of the services."""
    rows = re.findall(r"^\| `([A-Z_]+)` \|", OPERATIONS, re.MULTILINE)
    names = {name.upper() for kind in (FetcherSettings, ProcessorSettings) for name in kind.model_fields}

    assert set(rows) <= names


def test_every_log_event_is_explained():
    """Each line that a service may log at information level or above has its row in the operations page."""
    calls = re.compile(r'(?:log\.(?:info|warning|error|exception)|level)\(\s*"([a-z_]+)"')
    said = {name for path in SERVICES for name in calls.findall(path.read_text(encoding="utf-8"))}

    assert sorted(name for name in said if f"`{name}`" not in OPERATIONS) == []


def test_every_verdict_without_an_event_is_explained():
    """Each reason that a decision may record has its row."""
    reasons = (
        {verdict.value for verdict in Verdict} - {verdict.value for verdict in EVENT_VERDICTS} - {"not_an_article"}
    )

    assert sorted(reason for reason in reasons if f"`{reason}`" not in OPERATIONS) == []


def test_the_schema_is_the_models():
    """What is checked in is what `make schema` writes."""
    assert event_schema() == (ROOT / "docs/schema" / FILE).read_text(encoding="utf-8")


def test_the_example_keeps_the_contract():
    """The event on the events page is valid by the schema."""
    example = json.loads(EVENTS.split("```json\n")[1].split("```")[0])

    jsonschema.Draft202012Validator(json.loads(event_schema())).validate(example)


def test_the_queues_on_the_architecture_page_exist():
    """Exchanges and queues that the page names are those of the topology."""
    page = (ROOT / "docs/architecture.md").read_text(encoding="utf-8")
    found = topology()
    names = {exchange.name for exchange in found.exchanges} | {queue.name for queue in found.queues}

    assert set(re.findall(r"`((?:raw|article)\.[a-z]+)`", page)) <= names | {"raw.retry"}


@pytest.mark.parametrize("page", PAGES, ids=[page.name for page in PAGES])
def test_links_between_documents_lead_somewhere(page: Path):
    """Every relative link names a file of the repository."""
    links = re.findall(r"\]\((?!https?:|#)([^)#]+)", page.read_text(encoding="utf-8"))

    assert [link for link in links if not (page.parent / link).exists()] == []
