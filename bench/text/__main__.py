"""`make bench-text`: the product beside the open extractors on the same pages, in one run.

    pages with their truth ─┬─ the product, and trafilatura beside it    .venv
                            └─ the peers, in two parts                   build/peers
    findings → scores → build/bench-text/report.md and results.json

Two processes at a time. An extractor's cost is compared with trafilatura's in its own process only.
"""

import argparse
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from bench.text.findings import Finding, read
from bench.text.inside import by_profile, costs, gains
from bench.text.pages import chosen_pages
from bench.text.product import BESIDE, NAME, is_held_out
from bench.text.results import Scored, as_json, rows, scored, worst
from bench.text.scoring import mean
from bench.text.text_report import Steps, markdown

DEVELOPMENT = Path("../shared/data/extraction")
OWN = Path("tests/data/articles")
PEERS = Path("build/peers/bin/python")
OUTPUT = Path("build/bench-text")
ROOT = Path(__file__).parents[2]
AT_ONCE = 2
QUICK = 10
"""`--quick` takes one of so many pages."""
WORST = 20
BASELINE = "trafilatura"


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    folders: tuple[Path, ...]
    every: int
    peers: Path | None
    output: Path


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A process that reads its part of the pages; `python` has the extractors of `module`."""

    python: Path
    module: str
    part: int
    parts: int

    @property
    def name(self) -> str:
        return f"{self.module.rpartition('.')[2]}-{self.part}"


def main(arguments: Sequence[str]) -> int:
    plan = _plan(arguments)
    plan.output.mkdir(parents=True, exist_ok=True)
    jobs = [Job(python=Path(sys.executable), module="bench.text.product", part=0, parts=1)]
    if plan.peers:
        jobs += [Job(python=plan.peers, module="bench.text.peers", part=part, parts=AT_ONCE) for part in range(AT_ONCE)]
    with ThreadPoolExecutor(AT_ONCE) as threads:
        findings = [finding for found in threads.map(lambda job: _run(plan, job), jobs) for finding in found]
    _report(plan, findings)
    return 0


def _plan(arguments: Sequence[str]) -> Plan:
    parser = argparse.ArgumentParser(prog="bench.text", description="text and metadata beside the open extractors")
    parser.add_argument(
        "--pages", type=Path, action="append", help=f"a folder with a truth.jsonl; {DEVELOPMENT} if there"
    )
    parser.add_argument("--quick", action="store_true", help=f"one of {QUICK} pages")
    parser.add_argument("--no-peers", action="store_true", help="the product and trafilatura alone")
    parser.add_argument("--no-own", action="store_true", help=f"without the pages in {OWN}")
    parser.add_argument("--output", type=Path, default=OUTPUT, help="the folder for report.md and results.json")
    said = parser.parse_args(arguments)
    wanted = said.pages if said.pages is not None else [folder for folder in (DEVELOPMENT,) if _has_truth(folder)]
    missing = [folder for folder in wanted if not _has_truth(folder)]
    if missing:
        parser.error(f"{missing[0]} has no truth.jsonl or truth.jsonl.gz: --pages names a folder that has one")
    if not said.no_peers and not PEERS.exists():
        parser.error(f"{PEERS} is missing: make bench-text installs the peers, --no-peers goes without")
    folders = (*wanted, *([OWN] if not said.no_own and _has_truth(OWN) else []))
    peers = None if said.no_peers else PEERS
    return Plan(folders=folders, every=QUICK if said.quick else 1, peers=peers, output=said.output)


def _has_truth(folder: Path) -> bool:
    return any((folder / name).exists() for name in ("truth.jsonl", "truth.jsonl.gz"))


def _run(plan: Plan, job: Job) -> list[Finding]:
    """Raises SystemExit where the process failed; what it said is in its log."""
    output = plan.output / f"{job.name}.jsonl"
    arguments = (output, job.part, job.parts, plan.every, *plan.folders)
    # One hash seed: which of two equally good guesses an extractor takes must not change from run to run.
    environment = {**os.environ, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0", "OMP_NUM_THREADS": "1"}
    with output.with_suffix(".log").open("wb") as log:
        command = list(map(str, (job.python, "-m", job.module, *arguments)))
        done = subprocess.run(command, check=False, env=environment, stdout=log, stderr=log)
    if done.returncode:
        raise SystemExit(f"{job.module} failed: see {output.with_suffix('.log')}")
    return list(read(output))


def _report(plan: Plan, findings: Sequence[Finding]) -> None:
    pages = {page.name: page for page in chosen_pages(plan.folders, plan.every)}
    if changed := {finding.page for finding in findings} - pages.keys():
        raise SystemExit(f"pages changed while they were read ({min(changed)}): run it again")
    scores = scored(pages, findings)
    names = {finding.extractor for finding in findings}
    shown = names - {BESIDE} if plan.peers else names
    table = rows(scores, {name: BESIDE if name in {NAME, BESIDE} else BASELINE for name in shown})
    ours = [each for each in scores if each.finding.extractor == NAME]
    steps = {group: _steps([each for each in scores if each.page.group == group]) for group in table}
    report = markdown(table, steps, worst(ours, WORST), _notes(plan))
    (plan.output / "report.md").write_text(report, encoding="utf-8")
    (plan.output / "results.json").write_text(json.dumps(as_json(table), indent=2) + "\n", encoding="utf-8")
    print(report.partition("\n## The ")[0])
    print(f"\nThe worst pages: {plan.output / 'report.md'}")


def _steps(scores: Sequence[Scored]) -> Steps:
    ours = [each for each in scores if each.finding.extractor == NAME]
    beside = [each for each in scores if each.finding.extractor == BESIDE]
    f1 = mean(each.text for each in ours).f1
    return Steps(f1=f1, gains=gains(ours), costs=costs(ours), by_profile=by_profile(ours, beside))


def _notes(plan: Plan) -> list[str]:
    return [
        "pages: " + ", ".join(map(str, plan.folders)) + (f", one of {plan.every}" if plan.every > 1 else ""),
        "text: the lede, then the body; 4-gram shingles; title, authors and day exact",
        f"development pages are {'' if is_held_out() else 'NOT '}held out: read with weights that never saw their site",
        "CPU of one process, for peers without decoding the page; nobody may use the network",
    ]


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
