"""Prints a bench's table and writes its figures to build/bench/<name>.json."""

import json
import os
import platform
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import median

FOLDER = Path("build/bench")


def spread(values: Sequence[float]) -> dict[str, float]:
    """Least, middle and greatest of the rounds: machines are noisy, the middle is what to quote."""
    return {"min": min(values), "median": median(values), "max": max(values)}


def report(name: str, facts: Mapping[str, object], rows: Sequence[Mapping[str, object]]) -> None:
    """Print `rows` as a table under `facts`, and keep both as JSON."""
    machine = {"python": platform.python_version(), "cores": len(os.sched_getaffinity(0))}
    FOLDER.mkdir(parents=True, exist_ok=True)
    found = {"bench": name, **machine, **facts, "rows": list(rows)}
    (FOLDER / f"{name}.json").write_text(json.dumps(found, indent=2) + "\n", encoding="utf-8")
    print(f"\n{name}: " + ", ".join(f"{key} {value}" for key, value in {**machine, **facts}.items()))
    columns = list(rows[0])
    cells = [columns, *([_shown(row[column]) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    for first, *rest in cells:
        padded = (cell.rjust(width) for cell, width in zip(rest, widths[1:], strict=True))
        print("  ".join((first.ljust(widths[0]), *padded)))


def _shown(value: object) -> str:
    if isinstance(value, float):
        return f"{value:.2f}" if value < 10 else f"{value:.0f}"
    return str(value)
