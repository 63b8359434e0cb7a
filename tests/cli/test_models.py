"""Profiles on the command line, against a hub on this machine."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reamo_mcp.models.catalogue import local_profile
from tests.doubles.hub_server import Hub, hub_server

Reamo = Callable[..., tuple[int, str, str]]

FILES = {"config.json": b"{}", "model.safetensors": bytes(5000), "evil.py": b"raise SystemExit"}


@pytest.fixture
def hub(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Hub]:
    profile = local_profile("cpu-hub")
    assert profile
    with hub_server(Hub({checkpoint.name: dict(FILES) for checkpoint in profile.checkpoints})) as running:
        monkeypatch.setenv("HF_ENDPOINT", running.url)
        monkeypatch.setenv("REAMO_MODELS", str(tmp_path / "models"))
        yield running


def test_pulling_shows_size_licence_and_commit_and_asks_before_it_fetches(reamo: Reamo, hub: Hub) -> None:
    code, out, err = reamo("models", "pull", "cpu-hub")
    assert code == 2
    assert "--yes" in err
    assert "openai/whisper-base  commit 111111111111  4.9 kB  licence apache-2.0" in out
    assert "together 24.4 kB" in out
    assert hub.fetched() == []


def test_a_pulled_profile_is_listed_as_such_and_verified_without_the_hub(
    reamo: Reamo, hub: Hub, tmp_path: Path
) -> None:
    _, before, _ = reamo("models")
    assert "openai/whisper-base (recogniser; Apache-2.0 from memory): not pulled" in before
    assert "mend: " in before
    code, out, err = reamo("models", "pull", "cpu-hub", "--yes")
    assert (code, err) == (0, "")
    assert "REAMO_PROFILE=cpu-hub" in out
    assert not list((tmp_path / "models").rglob("*.py"))
    hub.down = True
    _, after, _ = reamo("models")
    assert "openai/whisper-base (recogniser; Apache-2.0 from memory): pulled, 111111111111, 4.9 kB" in after
    code, out, _ = reamo("models", "verify", "cpu-hub")
    assert code == 0
    assert out.count("2 files are as they were pulled") == 5
    weights = next((tmp_path / "models").rglob("openai--whisper-base/model.safetensors"))
    weights.write_bytes(bytes(4999) + b"!")
    code, _, err = reamo("models", "verify", "cpu-hub")
    assert code == 1
    assert "model.safetensors of openai/whisper-base: it is not what was pulled" in err


def test_a_licence_other_than_the_remembered_one_is_pointed_out(reamo: Reamo, hub: Hub) -> None:
    hub.licence = "cc-by-nc-4.0"
    _, out, _ = reamo("models", "pull", "cpu-hub")
    assert "licence cc-by-nc-4.0" in out
    assert "the catalogue remembers its licence as Apache-2.0; the hub's word counts" in out


def test_a_profile_that_has_nothing_to_pull_is_refused(reamo: Reamo) -> None:
    code, _, err = reamo("models", "pull", "embedded")
    assert code == 2
    assert "gpu-80gb, gpu-24gb, cpu-hub" in err


def test_an_engine_whose_models_are_missing_is_told_by_doctor_and_commands(
    reamo: Reamo, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, letter: Path
) -> None:
    monkeypatch.setenv("REAMO_MODELS", str(tmp_path / "models"))
    monkeypatch.setenv("REAMO_PROFILE", "gpu-80gb")
    code, _, err = reamo("extract", letter)
    assert code == 1
    assert "the profile gpu-80gb cannot run" in err
    code, out, _ = reamo("doctor")
    assert code == 1
    assert "! the profile gpu-80gb cannot run" in out
    assert "mend: " in out
    assert "gpu-24gb: " in out
    assert "not yet measured" in out
