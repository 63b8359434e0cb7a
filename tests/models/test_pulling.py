import hashlib
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from huggingface_hub import constants

from reamo_mcp.errors import EngineFailed, ModelUnavailable
from reamo_mcp.models.catalogue import LOCAL_PROFILES, Checkpoint
from reamo_mcp.models.pulled import Manifest, folder_of, pulled, verify
from reamo_mcp.models.pulling import hub_of, offered, pull
from tests.doubles.hub_server import COMMIT, Hub, hub_server

TINY = Checkpoint(name="tiny/model", licence="Apache-2.0")
FILES = {
    "config.json": b'{"model_type": "tiny"}',
    "model.safetensors": bytes(range(256)) * 5000,
    "tokenizer.json": b"{}",
    "README.md": b"# tiny",
    "modeling_tiny.py": b"raise SystemExit",
    "pytorch_model.bin": b"pickle",
    "model.fp32-00001-of-00002.safetensors": b"twice the size",
    "onnx/model.safetensors": b"elsewhere",
}
TAKEN = ["config.json", "model.safetensors", "tokenizer.json"]


class Usage(NamedTuple):
    free: int


def no_wait(_: float) -> None:
    return


@pytest.fixture
def hub() -> Iterator[Hub]:
    with hub_server(Hub({"tiny/model": dict(FILES)})) as running:
        yield running


def brought(hub: Hub, models: Path) -> Manifest:
    return pull(offered(TINY, models, hub.url), models, hub.url)


def test_what_would_be_pulled_is_told_first_and_nothing_is_fetched_for_it(hub: Hub, tmp_path: Path) -> None:
    offer = offered(TINY, tmp_path, hub.url)
    assert offer.revision == COMMIT
    assert offer.licence == "apache-2.0"
    assert [file.name for file in offer.files] == TAKEN
    assert offer.size == sum(len(FILES[name]) for name in TAKEN)
    assert hub.fetched() == []
    assert list(tmp_path.iterdir()) == []


def test_files_are_pulled_pinned_and_nothing_that_could_run_is_among_them(hub: Hub, tmp_path: Path) -> None:
    manifest = brought(hub, tmp_path)
    folder = folder_of(tmp_path, TINY.name)
    assert sorted(path.name for path in folder.iterdir()) == sorted([*TAKEN, "reamo-manifest.json"])
    assert all((folder / name).read_bytes() == FILES[name] for name in TAKEN)
    assert manifest == pulled(tmp_path, TINY)
    assert manifest.revision == COMMIT
    assert {file.name: file.sha256 for file in manifest.files} == {
        name: hashlib.sha256(FILES[name]).hexdigest() for name in TAKEN
    }
    verify(tmp_path, manifest)


def test_pulling_again_fetches_nothing_and_keeps_to_the_pinned_commit(hub: Hub, tmp_path: Path) -> None:
    first = brought(hub, tmp_path)
    fetched = len(hub.fetched())
    assert brought(hub, tmp_path) == first
    assert len(hub.fetched()) == fetched
    hub.commit = "2" * 40  # the hub has moved on and knows the old commit no more
    with pytest.raises(ModelUnavailable, match="no longer has the pinned commit"):
        offered(TINY, tmp_path, hub.url)
    assert pulled(tmp_path, TINY) == first


def test_a_connection_that_is_cut_once_is_taken_up_again(hub: Hub, tmp_path: Path) -> None:
    hub.cut["model.safetensors"] = 1
    verify(tmp_path, brought(hub, tmp_path))


def test_a_hub_that_goes_away_leaves_no_model_and_what_was_fetched_is_not_fetched_again(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", no_wait)
    offer = offered(TINY, tmp_path, hub.url)
    hub.cut["tokenizer.json"] = 100
    with pytest.raises(EngineFailed, match=r"connection was lost|not what the hub promised"):
        pull(offer, tmp_path, hub.url)
    assert pulled(tmp_path, TINY) is None
    hub.cut.clear()
    hub.requests.clear()
    verify(tmp_path, pull(offer, tmp_path, hub.url))
    assert hub.fetched() == ["tokenizer.json"]


def test_a_file_that_differs_from_its_hash_is_removed_and_told(hub: Hub, tmp_path: Path) -> None:
    for name in ("config.json", "model.safetensors"):  # in the order in which they are fetched
        hub.wrong = {name}
        with pytest.raises(EngineFailed, match="not what the hub promised"):
            brought(hub, tmp_path)
        assert pulled(tmp_path, TINY) is None
        assert not list(tmp_path.rglob(name))
    hub.wrong = set()
    verify(tmp_path, brought(hub, tmp_path))


def test_a_full_disk_is_told_before_anything_is_fetched(
    hub: Hub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:

    def nearly_full(_: Path) -> Usage:
        return Usage(free=(1 << 30) + 1000)

    monkeypatch.setattr(shutil, "disk_usage", nearly_full)
    with pytest.raises(EngineFailed, match="no room"):
        brought(hub, tmp_path)
    assert hub.fetched() == []


def test_a_disk_that_fills_up_meanwhile_is_told(hub: Hub, tmp_path: Path) -> None:
    blocked = tmp_path / "models"
    blocked.write_text("a file where the folder shall be")
    with pytest.raises(EngineFailed, match="could not be kept") as raised:
        pull(offered(TINY, tmp_path, hub.url), blocked, hub.url)
    assert "REAMO_MODELS" in raised.value.hint


@pytest.mark.parametrize(
    ("trouble", "kind", "told"),
    [
        ({"gated": True}, ModelUnavailable, "gated"),
        ({"repositories": {}}, ModelUnavailable, "no such checkpoint"),
        ({"repositories": {"tiny/model": {"pytorch_model.bin": b"x"}}}, ModelUnavailable, "no safetensors"),
        ({"commit": "main"}, ModelUnavailable, "no commit"),
        ({"down": True}, EngineFailed, "could not be reached"),
    ],
)
def test_what_a_hub_refuses_is_told(
    tmp_path: Path, trouble: dict[str, object], kind: type[Exception], told: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("time.sleep", no_wait)
    hub = Hub({"tiny/model": dict(FILES)})
    for name, value in trouble.items():
        setattr(hub, name, value)
    with hub_server(hub), pytest.raises(kind, match=told):
        offered(TINY, tmp_path, hub.url)


def test_a_hub_that_is_not_there_or_switched_off_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)
    with pytest.raises(EngineFailed, match="HF_HUB_OFFLINE"):
        offered(TINY, tmp_path, "http://127.0.0.1:9")
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", False)
    with pytest.raises(EngineFailed, match="could not be reached"):
        offered(TINY, tmp_path, "http://127.0.0.1:9")


def test_files_outside_of_the_folder_are_never_written(tmp_path: Path) -> None:
    evil = {**FILES, "../evil.json": b"{}", "/evil.json": b"{}", "a/../../evil.json": b"{}", ".evil.json": b"{}"}
    with hub_server(Hub({"tiny/model": evil})) as hub:
        assert [file.name for file in offered(TINY, tmp_path, hub.url).files] == TAKEN


def test_damage_after_the_pull_is_found(hub: Hub, tmp_path: Path) -> None:
    manifest = brought(hub, tmp_path)
    weights = folder_of(tmp_path, TINY.name) / "model.safetensors"
    weights.write_bytes(b"\0" * len(FILES["model.safetensors"]))
    assert pulled(tmp_path, TINY) == manifest, "of the same size: only reading tells"
    with pytest.raises(ModelUnavailable, match="not what was pulled"):
        verify(tmp_path, manifest)
    weights.write_bytes(b"cut")
    assert pulled(tmp_path, TINY) is None
    weights.unlink()
    assert pulled(tmp_path, TINY) is None
    verify(tmp_path, brought(hub, tmp_path))


def test_the_address_of_the_hub_can_be_named() -> None:
    assert hub_of({}) == "https://huggingface.co"
    assert hub_of({"HF_ENDPOINT": "http://localhost:9/"}) == "http://localhost:9"


def test_the_profiles_name_checkpoints_without_gates() -> None:
    assert [profile.name for profile in LOCAL_PROFILES] == ["gpu-80gb", "gpu-24gb", "cpu-hub"]
    names = {checkpoint.name for profile in LOCAL_PROFILES for checkpoint in profile.checkpoints}
    assert not any(name.startswith("facebook/sam3") for name in names)
    assert all(checkpoint.licence for profile in LOCAL_PROFILES for checkpoint in profile.checkpoints)
