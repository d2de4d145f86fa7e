"""The compose files, as Compose reads them; nothing is started."""

import json
import os
import shutil
import subprocess

import pytest
from stack.compose import NO_ENGINE, ROOT

pytestmark = pytest.mark.stack

SECRETS = {
    "RABBITMQ_PASSWORD": "a1",
    "POSTGRES_PASSWORD": "b2",
    "SUBSCRIBER_PASSWORD": "c3",
    "FETCHER_CONTACT": "https://example.org/about",
}
PRODUCTION = ("-f", "docker-compose.yml", "-f", "deploy/compose.production.yml")
ADMIN_PORT = 15672


@pytest.fixture(autouse=True)
def _compose_is_there():
    if shutil.which("docker") is None:
        pytest.skip(NO_ENGINE)


def _config(environment, *files):
    inherited = {name: value for name, value in os.environ.items() if name not in SECRETS}
    return subprocess.run(
        ["docker", "compose", *files, "--profile", "demo", "config", "--format", "json"],
        cwd=ROOT,
        env={**inherited, "COMPOSE_ENV_FILES": os.devnull, **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("missing", SECRETS)
def test_production_refuses_to_start_without_a_secret(missing):
    """With any one secret unset or empty, Compose ends with an error that names it."""
    without = {name: value for name, value in SECRETS.items() if name != missing}

    for environment in (without, {**without, missing: ""}):
        done = _config(environment, *PRODUCTION)
        assert done.returncode != 0
        assert f"variable {missing} is missing" in done.stderr


def test_production_has_no_default_left():
    """With every secret set, neither a local password nor the management port is left."""
    done = _config(SECRETS, *PRODUCTION)
    broker = json.loads(done.stdout)["services"]["rabbitmq"]

    assert "fildactu-local" not in done.stdout
    assert [port["target"] for port in broker["ports"]] == [5672]


def test_only_loopback_ports_are_published():
    """What is published is the broker and its management page, for this machine alone."""
    services = json.loads(_config({}).stdout)["services"]
    published = [port for each in services.values() for port in each.get("ports", [])]

    assert sorted(port["target"] for port in published) == [5672, ADMIN_PORT]
    assert {port["host_ip"] for port in published} == {"127.0.0.1"}


def test_only_three_images_are_named():
    """Everything else is built from this repository."""
    services = json.loads(_config({}).stdout)["services"]

    assert {each["image"] for each in services.values() if "build" not in each} == {
        "rabbitmq:4-management",
        "postgres:17",
    }


def test_every_service_is_bounded():
    """Memory, logs, and the time to stop have a limit; no container has a fixed name, so all can be scaled."""
    services = json.loads(_config({}).stdout)["services"]

    for name, each in services.items():
        assert each["mem_limit"], name
        assert each["logging"]["options"] == {"max-file": "5", "max-size": "10m"}, name
        assert each["stop_grace_period"] == "30s", name
        assert "container_name" not in each, name


def test_hubs_find_a_port_for_each_fetcher():
    """The overlay opens a range on this machine alone, and asks for the public address that hubs are told."""
    files = ("-f", "docker-compose.yml", "-f", "deploy/compose.websub.yml")
    refused, taken = _config({}, *files), _config({"FETCHER_WEBSUB_CALLBACK": "https://reader.example/hubs"}, *files)
    ports = json.loads(taken.stdout)["services"]["fetcher"]["ports"]

    assert "FETCHER_WEBSUB_CALLBACK is missing" in refused.stderr
    assert [(each["host_ip"], each["target"]) for each in ports] == [("127.0.0.1", 8810)] * len(ports)
    assert ports
