"""The services' settings for a scenario: seconds where operators have hours, and the wire in place of the net. Pure."""

import json
from collections.abc import Mapping, Sequence

POLL_EVERY = "0.5s"
REVISIT_SECONDS = 2.0
REVISITS = 60


def fetcher(
    *, hosts: Sequence[str], wire_port: int, feeds: str, revisit_seconds: float = REVISIT_SECONDS
) -> dict[str, str]:
    ages = [revisit_seconds * number for number in range(1, REVISITS + 1)]
    return _prefixed(
        "FETCHER",
        {
            "FEEDS": feeds,
            "CONTACT": "https://chaos.example/",
            "RESOLVE": json.dumps(dict.fromkeys(hosts, f"127.0.0.1:{wire_port}")),
            "ALLOWED_NETWORKS": '["127.0.0.0/8"]',
            "ALLOWED_PORTS": f"[80, {wire_port}]",
            "PAGE_DELAY_SECONDS": "0.01",
            "PER_HOST": "4",
            "DOWNLOADERS": "8",
            "POLLERS": "4",
            "LEASE_SECONDS": "4",
            "RECONCILE_SECONDS": "6",
            "REQUEST_SECONDS": "2",
            "RETRY_SECONDS": "0.3",
            # Before the feed's own text is used: no outage of a scenario may turn into another text.
            "ATTEMPTS": "1000",
            "IDLE_SECONDS": "0.1",
            "CONFIRM_GONE_SECONDS": "0.3",
            "REVISIT_AFTER_SECONDS": json.dumps(ages),
        },
    )


def processor() -> dict[str, str]:
    return _prefixed("PROCESSOR", {"WORKERS": "1", "RELAY_LEASE_SECONDS": "2", "RELAY_IDLE_SECONDS": "0.2"})


def own(kind: str, *, broker: str, store: str, health_port: int) -> dict[str, str]:
    """What each service of the stack has for itself."""
    return _prefixed(
        kind.upper(),
        {
            "BROKER_URL": broker,
            "STORE_URL": store,
            "HEALTH_PORT": str(health_port),
            "LOG_FORMAT": "json",
            "SHUTDOWN_SECONDS": "5",
        },
    )


def feeds_file(urls: Sequence[str]) -> str:
    """JSON is YAML."""
    interval = {"min_interval": POLL_EVERY, "max_interval": POLL_EVERY}
    return json.dumps({"feeds": [{"url": url, "name": url.split("/")[2], **interval} for url in urls]})


def _prefixed(prefix: str, settings: Mapping[str, str]) -> dict[str, str]:
    return {f"{prefix}_{name}": value for name, value in settings.items()}
