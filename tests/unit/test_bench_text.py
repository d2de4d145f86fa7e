"""The text bench: its scores and its report, and a small run of the product beside trafilatura."""

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType

import pytest

from bench.text.__main__ import main
from bench.text.findings import Finding, Found, Inside, TracedLine, measured, read, write
from bench.text.inside import Stopwatch, by_profile, gains
from bench.text.pages import TruePage, chosen_pages
from bench.text.results import Row, differing_lines, rows, scored, worst
from bench.text.text_report import markdown

TEXT = "The ferry to the north bank sails again from Monday.\nTickets stay at the price of last year, the port says."
PAGE = TruePage(
    name="a",
    group="own",
    url="https://port.example/a",
    body=b"",
    language="en",
    title="The ferry sails again",
    authors=("Awa Diop",),
    published="2026-03-02T23:30:00+02:00",
    text=TEXT,
)
FOUND = Found(text=TEXT, title="The ferry sails again!", authors=("awa diop",), date="2026-03-02T21:30:00+00:00")


def finding(found: Found, *, extractor: str = "ours", seconds: float = 1.0, error: str | None = None) -> Finding:
    return Finding(page="a", extractor=extractor, seconds=seconds, found=found, error=error)


def row_of(*findings: Finding, page: TruePage = PAGE) -> Row:
    baselines = {each.extractor: findings[-1].extractor for each in findings}
    table = rows(scored({"a": page}, findings), baselines)
    return next(row for row in table["own"] if row.extractor == "ours")


def test_what_is_all_true_scores_one_in_every_column() -> None:
    """Case, punctuation and the clock of another offset cost nothing."""
    row = row_of(finding(FOUND))
    assert (row.f1, row.title, row.authors, row.day, row.below_80, row.empty, row.errors) == (1, 1, 1, 1, 0, 0, 0)


def test_an_error_is_an_empty_page_and_counted() -> None:
    """A peer that fails is not left out of the averages."""
    row = row_of(finding(Found(), error="ValueError: no"))
    assert (row.pages, row.f1, row.title, row.errors, row.empty, row.below_80) == (1, 0, 0, 1, 1, 1)


def test_what_the_truth_does_not_say_is_not_scored() -> None:
    """Such a column stays empty instead of right or wrong."""
    row = row_of(finding(FOUND), page=replace(PAGE, title=None, authors=None, published=None))
    assert (row.title, row.authors, row.day) == (None, None, None)


def test_an_empty_set_of_authors_is_a_truth() -> None:
    """To name someone where nobody signed is wrong."""
    assert row_of(finding(FOUND), page=replace(PAGE, authors=())).authors == 0


def test_cost_is_a_multiple_of_the_baseline() -> None:
    """Of CPU seconds on the same pages."""
    row = row_of(finding(FOUND, seconds=3.0), finding(FOUND, extractor="theirs", seconds=2.0))
    assert (row.times, row.cpu_ms) == (1.5, 3000)


def test_the_worst_pages_come_first() -> None:
    """The report is read from the top."""
    pages = {"a": PAGE, "b": replace(PAGE, name="b")}
    findings = [finding(FOUND), replace(finding(Found()), page="b")]
    assert [each.page.name for each in worst(scored(pages, findings), 2)] == ["b", "a"]


def test_the_report_tells_what_is_missing_and_what_is_too_much() -> None:
    """Lines are named by their first words, and what a page says cannot become markup."""
    text = TEXT.splitlines()[0] + "\nSubscribe *now* to our <b>daily</b> letter"
    found = scored({"a": PAGE}, [finding(replace(FOUND, text=text))])
    report = markdown(rows(found, {"ours": "ours"}), {}, found, ["a note"])
    assert "  * missing: Tickets stay at the price" in report
    assert r"  * extra: Subscribe \*now\* to our \<b\>daily\</b\> letter" in report
    assert "* a note" in report


def test_a_refused_page_tells_what_it_was_taken_for() -> None:
    """An article that is no article to the product is the worst of pages, and the verdict is where to look."""
    found = scored({"a": PAGE}, [finding(Found(refused="index_page"))])
    assert r"R 0.000): index\_page" in markdown(rows(found, {"ours": "ours"}), {}, found, [])


def test_a_step_gained_what_the_text_would_lose_without_it() -> None:
    """A drop of furniture gained, a drop of text lost, and so with lines that were added."""
    first, second = (TracedLine(text=line, voice="trafilatura", dropped=None) for line in TEXT.splitlines())
    furniture = TracedLine(text="Subscribe to our daily letter here", voice="trafilatura", dropped="furniture")
    wrongly = replace(second, dropped="reviewer")
    added = replace(second, voice="reviewer")

    def steps(*lines: TracedLine) -> dict[str, float]:
        text = "\n".join(line.text for line in lines if not line.dropped)
        inside = Inside(lede=None, lines=lines, seconds={})
        return {
            gain.step: gain.f1_without
            for gain in gains(scored({"a": PAGE}, [finding(Found(text=text, inside=inside))]))
        }

    assert steps(first, second, furniture)["dropped: furniture"] < 1
    assert steps(first, wrongly) == {"dropped: reviewer": 1}
    assert steps(first, added)["from reviewer"] < 1
    assert steps(first, second) == {}


def test_pages_of_profiles_have_a_cost_of_their_own() -> None:
    """Compared with the same pages of the baseline only."""
    line = TracedLine(text=TEXT, voice="profile:port", dropped=None)
    profiled = Found(text=TEXT, inside=Inside(lede=None, lines=(line,), seconds={}))
    pages = {"a": PAGE, "b": replace(PAGE, name="b")}
    ours = scored(pages, [finding(profiled, seconds=1.0), replace(finding(FOUND, seconds=9.0), page="b")])
    beside = scored(pages, [finding(FOUND, seconds=2.0), replace(finding(FOUND, seconds=9.0), page="b")])
    assert by_profile(ours, beside) == (1, 0.5)


def test_the_time_of_a_step_holds_what_it_calls() -> None:
    """Nothing is counted twice, and each page has its own."""
    module, inner = ModuleType("services.processor.outer"), ModuleType("services.processor.inner")
    exec("def low(): sum(range(1000))\ndef high(): low()", vars(inner))
    for function in (inner.low, inner.high):
        function.__module__ = inner.__name__
    vars(module).update(high=inner.high, inner=inner)
    watch = Stopwatch()
    watch.watch(module)
    vars(module)["high"]()
    assert watch.taken().keys() == {"inner.high"}
    assert watch.taken() == {}


def test_a_line_differs_when_most_of_its_words_do() -> None:
    """Paragraphs that are cut elsewhere do not."""
    assert differing_lines("alpha beta gamma\ndelta beta", "gamma beta alpha delta") == []
    assert differing_lines("alpha beta gamma", "gamma") == ["alpha beta gamma"]


def test_an_extractor_that_raises_costs_its_page_alone(tmp_path: Path) -> None:
    """What it raised stands in its finding, the others find on, and findings survive their file."""

    def good(_: TruePage) -> Callable[[], Found]:
        return lambda: FOUND

    def bad(_: TruePage) -> Callable[[], Found]:
        raise ValueError("no")

    write(measured({"good": good, "bad": bad}, [PAGE, replace(PAGE, name="b")]), tmp_path / "found.jsonl")
    found = sorted(read(tmp_path / "found.jsonl"), key=lambda each: (each.page, each.extractor))
    assert [(each.page, each.extractor, each.error) for each in found] == [
        ("a", "bad", "ValueError: no"),
        ("a", "good", None),
        ("b", "bad", "ValueError: no"),
        ("b", "good", None),
    ]
    assert found[1].found == FOUND


def page_file(folder: Path, number: int) -> dict[str, object]:
    paragraphs = [
        f"The harbour office counted {number} ships in the week before the strike of the pilots began.",
        f"All {number} of them left with the tide of Thursday, an hour before the locks were closed for repairs.",
        "The pilots want a second boat for the winter, and the office says that it has no money for another.",
    ]
    title = f"{number} ships left before the strike"
    body = "".join(f"<p>{paragraph}</p>" for paragraph in paragraphs)
    head = f'<title>{title}</title><meta property="article:published_time" content="2026-03-0{number}T08:00:00Z">'
    (folder / f"{number}.html").write_text(f"<html><head>{head}</head><body><article><h1>{title}</h1>{body}</article>")
    return {
        "page": f"{number}.html",
        "set": "tiny",
        "url": f"https://harbour-{number}.example/news/ships",
        "title": title,
        "authors": [],
        "published": f"2026-03-0{number}T08:00:00+00:00",
        "text": "\n".join(paragraphs),
    }


def test_a_run_reads_every_page_and_writes_its_report(tmp_path: Path) -> None:
    """The product and trafilatura, in a process of their own, over three pages."""
    lines = [json.dumps(page_file(tmp_path, number)) for number in (1, 2, 3)]
    (tmp_path / "truth.jsonl").write_text("\n".join(lines))
    output = tmp_path / "out"
    main(["--pages", str(tmp_path), "--no-own", "--no-peers", "--output", str(output)])
    table = {row["extractor"]: row for row in json.loads((output / "results.json").read_text())["tiny"]}
    assert len(table) == 2
    ours = table["Fil d'actu"]
    assert (ours["pages"], ours["errors"], ours["empty"]) == (3, 0, 0)
    assert (ours["f1"], ours["title"], ours["day"]) == (1, 1, 1)
    assert "## tiny: 3 pages" in (output / "report.md").read_text()


def test_a_folder_without_truth_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Before anything is started."""
    with pytest.raises(SystemExit):
        main(["--pages", str(tmp_path), "--no-peers"])
    assert "has no truth.jsonl" in capsys.readouterr().err


def test_every_so_many_pages_are_a_sample_of_all_folders(tmp_path: Path) -> None:
    """Counted through the folders, so that each is in the sample."""
    (tmp_path / "truth.jsonl").write_text("\n".join(json.dumps(page_file(tmp_path, number)) for number in (1, 2, 3)))
    assert [page.name for page in chosen_pages([tmp_path, tmp_path], 2)] == ["1.html", "3.html", "2.html"]
