"""The documents in tests/data/feeds, each with what it holds beside it."""

import json
from datetime import UTC, datetime
from pathlib import Path

FEEDS = Path(__file__).parent / "data" / "feeds"
DOCUMENTS = sorted(path for path in FEEDS.iterdir() if ".expected." not in path.name)
BASE = "https://courrier.example/feeds/all"
NOW = datetime(2026, 11, 24, tzinfo=UTC)


def expected(path: Path) -> object:
    return json.loads((FEEDS / f"{path.stem}.expected.json").read_text())
