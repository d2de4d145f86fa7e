"""Which store a command works on."""

from pathlib import Path

from services.console.config import ConsoleSettings
from shared.config import load

SHARED = "postgresql+asyncpg://u:p@db/fildactu"


def settings(monkeypatch, **environment):
    for name, value in environment.items():
        monkeypatch.setenv(name, value)
    return load(ConsoleSettings, environment)


def test_without_anything_the_default_folder_is_used(monkeypatch, tmp_path):
    """Neither an option nor a setting: the state folder in the current directory."""
    monkeypatch.chdir(tmp_path)

    found = settings(monkeypatch).store_for(None)

    assert found == f"sqlite:///{tmp_path}/fildactu-data/fildactu.db"


def test_the_setting_names_a_shared_store(monkeypatch):
    """The store's URL from the environment is used as it is."""
    assert settings(monkeypatch, FILDACTU_STORE_URL=SHARED).store_for(None) == SHARED


def test_a_folder_that_was_asked_for_wins(monkeypatch):
    """An option of the command goes before the environment."""
    found = settings(monkeypatch, FILDACTU_STORE_URL=SHARED).store_for(Path("/srv/news"))

    assert found == "sqlite:////srv/news/fildactu.db"
