import os
import subprocess
import sys

import pytest

from services.fetcher.config import FetcherSettings
from services.processor.config import ProcessorSettings
from shared.config import DEFAULT_PASSWORD, InvalidSettings, load


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, and gives the whole environment as the services read it."""

    def set_all(**variables: str):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)
        return os.environ

    for name in list(os.environ):
        if name.startswith(("FETCHER_", "PROCESSOR_")):
            monkeypatch.delenv(name)
    return set_all


def test_nothing_needs_to_be_set(environment) -> None:
    """The defaults run everything in one process, on one file."""
    for kind in (FetcherSettings, ProcessorSettings):
        found = load(kind, environment())
        assert (found.broker_url.get_secret_value(), found.default_credentials) == ("inprocess:", ())


def test_every_fault_is_told_at_once_by_the_variables_name(environment) -> None:
    """One screen, not one start for each; a fault says nothing of the secret that is in it."""
    wrong = environment(
        FETCHER_BROKER_URL="http://user:s3cret@broker",
        FETCHER_POLLERS="many",
        FETCHER_HEALTH_PORT="70000",
        FETCHER_ALLOWED_NETWORKS='["10.0.0.0/99"]',
        FETCHER_STORE_URL_FILE="/does/not/exist",
    )
    with pytest.raises(InvalidSettings) as invalid:
        load(FetcherSettings, wrong)

    lines = str(invalid.value).splitlines()
    named = {line.split(":")[0].split(".")[0] for line in lines}
    assert named == {
        "FETCHER_BROKER_URL",
        "FETCHER_POLLERS",
        "FETCHER_HEALTH_PORT",
        "FETCHER_ALLOWED_NETWORKS",
        "FETCHER_STORE_URL_FILE",
    }
    assert "s3cret" not in str(invalid.value)


def test_a_secret_may_come_from_a_file(environment, tmp_path) -> None:
    """It goes before the plain variable, and its last line feed is no part of it."""
    secret = tmp_path / "url"
    secret.write_text("amqp://user:s3cret@broker/\n")
    found = load(
        ProcessorSettings, environment(PROCESSOR_BROKER_URL="inprocess:", PROCESSOR_BROKER_URL_FILE=str(secret))
    )

    assert found.broker_url.get_secret_value() == "amqp://user:s3cret@broker/"
    assert "s3cret" not in repr(found)


def test_a_file_that_is_no_text_is_a_fault(environment, tmp_path) -> None:
    """Not a traceback."""
    (tmp_path / "url").write_bytes(b"\xff\xfe")
    with pytest.raises(InvalidSettings, match="PROCESSOR_STORE_URL_FILE"):
        load(ProcessorSettings, environment(PROCESSOR_STORE_URL_FILE=str(tmp_path / "url")))


def test_an_empty_variable_is_not_set(environment) -> None:
    """Compose passes variables on that nobody set."""
    assert load(FetcherSettings, environment(FETCHER_POLLERS="", FETCHER_STORE_URL_FILE="")).pollers == 16


def test_the_local_default_password_is_noticed(environment) -> None:
    """The services warn of it by the setting's name."""
    found = load(
        ProcessorSettings, environment(PROCESSOR_STORE_URL=f"postgresql+asyncpg://f:{DEFAULT_PASSWORD}@postgres/f")
    )

    assert found.default_credentials == ("store_url",)


@pytest.mark.parametrize("url", ["sqlite:///x.db", "postgresql+asyncpg://u@h/d"])
def test_stores_are_chosen_by_url(environment, url: str) -> None:
    """Of the kinds that there are."""
    assert load(FetcherSettings, environment(FETCHER_STORE_URL=url)).store_url.get_secret_value() == url


def test_a_service_reads_its_own_variables_only(environment) -> None:
    """One `.env` serves all."""
    assert load(ProcessorSettings, environment(FETCHER_LOG_LEVEL="debug", FETCHER_POLLERS="no")).log_level == "info"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("ALLOWED_NETWORKS", "nojson"),
        ("RESOLVE", '{"news.example": "nowhere"}'),
        ("RESOLVE", '{"news.example": "newsroom:80"}'),
        ("RESOLVE", '{"news.example": "127.0.0.1:70000"}'),
        ("CONTACT", "https://x.example\r\nX-More: yes"),
        ("REVISIT_AFTER_SECONDS", "[-60]"),
        ("REVISIT_AFTER_SECONDS", "[3600, 60]"),
        ("REVISIT_AFTER_SECONDS", "[NaN]"),
        ("LEASE_SECONDS", "inf"),
        ("PAGE_DELAY_SECONDS", "nan"),
        ("RECONCILE_SECONDS", "1e300"),
    ],
)
def test_a_value_that_nothing_can_be_done_with_is_a_fault(environment, name: str, value: str) -> None:
    """One line with the variable's name, instead of a traceback or a surprise later."""
    with pytest.raises(InvalidSettings) as invalid:
        load(FetcherSettings, environment(**{f"FETCHER_{name}": value}))

    (line,) = str(invalid.value).splitlines()
    assert line.startswith(f"FETCHER_{name}")


def test_hosts_may_be_resolved_by_hand(environment) -> None:
    """To addresses of both kinds."""
    said = '{"a.example": "127.0.0.1:8001", "b.example": "::1:8002"}'
    found = load(FetcherSettings, environment(FETCHER_RESOLVE=said)).http

    assert found.resolve == {"a.example": ("127.0.0.1", 8001), "b.example": ("::1", 8002)}


@pytest.mark.parametrize("service", ["fetcher", "processor"])
def test_a_service_alone_refuses_a_broker_that_nobody_shares(service: str) -> None:
    """It would wait for ever: one line says what to set, and nothing is started."""
    command = [sys.executable, "-m", f"services.{service}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)

    assert done.returncode == 2
    assert f"{service.upper()}_BROKER_URL: set amqp://" in done.stderr
    assert "Traceback" not in done.stderr
