from pathlib import Path

import pytest

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.settings import Settings


def test_every_setting_can_come_from_the_environment() -> None:
    settings = Settings.from_environment(
        {"REAMO_ROOTS": "/a:/b", "REAMO_MOST_PAGES": "7", "REAMO_ISOLATE": "false", "HOME": "/nowhere"}
    )
    assert settings.roots == (Path("/a"), Path("/b"))
    assert settings.limits.most_pages == 7
    assert settings.isolate is False


def test_a_wrong_value_names_its_variable() -> None:
    with pytest.raises(InvalidArgument, match="REAMO_MOST_PAGES is not usable"):
        Settings.from_environment({"REAMO_MOST_PAGES": "many"})


def test_the_cache_lies_in_the_users_cache_folder_unless_it_is_set(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/somewhere")
    assert Settings().cache_folder() == Path("/somewhere/reamo-mcp")
    assert Settings(cache=Path("/else")).cache_folder() == Path("/else")


def test_an_account_without_a_home_has_folders_that_are_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_home() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", no_home)
    monkeypatch.delenv("XDG_DATA_HOME", raising=False)
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert not Settings().models_folder().exists()
    assert not Settings().cache_folder().exists()
