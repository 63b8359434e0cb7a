import ctypes
from pathlib import Path
from typing import NoReturn

import pytest

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.models.catalogue import LOCAL_PROFILES, LocalProfile, local_profile
from reamo_mcp.models.local.engine import local_engine
from reamo_mcp.models.local_profiles import ready, settled, state_of
from reamo_mcp.models.machine import Gpu, Machine, gpus, visible
from reamo_mcp.models.profiles import plain_engine
from reamo_mcp.models.pulled import MANIFEST, Manifest, PulledFile, folder_of, sha256_of
from reamo_mcp.settings import Settings

GIGABYTE = 10**9
ON_CPU = {"torch": "2.13.0", "transformers": "5.24.0", "safetensors": "0.8.0"}
PACKAGES = ON_CPU | {"torchvision": "0.28.0", "accelerate": "1.15.0", "llguidance": "1.9.1"}


def machine(gpu: int = 0, memory: int = 64, packages: dict[str, str] = PACKAGES) -> Machine:
    cards = (Gpu("GPU", gpu * GIGABYTE),) if gpu else ()
    return Machine(gpus=lambda: cards, memory=lambda: memory * GIGABYTE, version=packages.get)


def profile(name: str) -> LocalProfile:
    found = local_profile(name)
    assert found is not None
    return found


def put(models: Path, *names: str) -> None:
    """Lay down checkpoints of a few bytes for these profiles, as if pulled."""
    for checkpoint in (one for name in names for one in profile(name).checkpoints):
        folder = folder_of(models, checkpoint.name)
        folder.mkdir(parents=True, exist_ok=True)
        weights = folder / "model.safetensors"
        weights.write_bytes(b"weights")
        file = PulledFile(name=weights.name, size=7, sha256=sha256_of(weights))
        manifest = Manifest(name=checkpoint.name, revision="c" * 40, licence="apache-2.0", files=(file,))
        (folder / MANIFEST).write_text(manifest.model_dump_json())


@pytest.mark.parametrize(
    ("name", "here", "hindrance", "remedy"),
    [
        ("gpu-24gb", machine(gpu=24, packages={}), "torch is not installed", "pip install 'reamo-mcp[gpu]'"),
        ("gpu-24gb", machine(gpu=24, packages=ON_CPU), "torchvision is not installed", "pip install 'reamo-mcp[gpu]'"),
        ("cpu-hub", machine(packages=ON_CPU), "not pulled", "reamo-mcp models pull cpu-hub"),
        ("gpu-24gb", machine(gpu=24, packages=PACKAGES | {"transformers": "4.57.1"}), "transformers 4.57.1", "pip"),
        ("gpu-24gb", machine(gpu=24, packages=PACKAGES | {"transformers": "6.0.0"}), "transformers 6.0.0", "pip"),
        ("gpu-24gb", machine(gpu=24, packages=PACKAGES | {"torch": "2.13.0+cpu"}), "cannot use a GPU", "torch"),
        ("gpu-24gb", machine(), "no GPU", "cpu-hub"),
        ("gpu-80gb", machine(gpu=24), "wants 76 GB of memory, there are 24", "another profile"),
        ("cpu-hub", machine(memory=2), "wants 6 GB of memory, there are 2", "another profile"),
        ("gpu-24gb", machine(gpu=24), "not pulled: Qwen/Qwen2.5-Omni-7B", "reamo-mcp models pull gpu-24gb"),
    ],
)
def test_what_hinders_a_profile_is_told_with_the_command_that_mends_it(
    tmp_path: Path, name: str, here: Machine, hindrance: str, remedy: str
) -> None:
    with pytest.raises(ModelUnavailable) as raised:
        ready(profile(name), tmp_path, here)
    assert hindrance in raised.value.message
    assert remedy in raised.value.hint


def test_a_profile_whose_models_are_there_can_run(tmp_path: Path) -> None:
    put(tmp_path, "gpu-24gb")
    state = ready(profile("gpu-24gb"), tmp_path, machine(gpu=24))
    assert {manifest.revision for manifest in state.present.values()} == {"c" * 40}


@pytest.mark.parametrize(
    ("there", "here", "chosen"),
    [
        ((), machine(gpu=80), "embedded"),
        (("gpu-24gb",), machine(), "embedded"),
        (("gpu-24gb",), machine(gpu=24), "gpu-24gb"),
        (("gpu-24gb", "gpu-80gb"), machine(gpu=24), "gpu-24gb"),
        (("gpu-24gb", "gpu-80gb"), machine(gpu=80), "gpu-80gb"),
        (("cpu-hub",), machine(), "embedded"),
        (("gpu-24gb",), machine(gpu=24, packages={}), "embedded"),
    ],
)
def test_a_profile_is_chosen_only_where_it_was_pulled_and_can_run(
    tmp_path: Path, there: tuple[str, ...], here: Machine, chosen: str
) -> None:
    put(tmp_path, *there)
    assert settled(Settings(models=tmp_path), here).profile == chosen


def test_where_nothing_was_pulled_the_machine_is_not_even_asked(tmp_path: Path) -> None:
    def asked(*_: object) -> NoReturn:
        raise AssertionError("the machine was asked")

    untouched = Machine(gpus=asked, memory=asked, version=asked)
    assert settled(Settings(models=tmp_path / "never made"), untouched).profile == "embedded"


def test_a_profile_that_is_named_is_never_replaced(tmp_path: Path) -> None:
    put(tmp_path, "gpu-24gb")
    assert settled(Settings(models=tmp_path, profile="embedded"), machine(gpu=24)).profile == "embedded"
    with pytest.raises(ModelUnavailable):
        plain_engine(Settings(models=tmp_path / "none", profile="gpu-80gb"))


def test_a_checkpoint_that_was_cut_short_is_not_there(tmp_path: Path) -> None:
    put(tmp_path, "cpu-hub")
    (folder_of(tmp_path, "openai/whisper-base") / "model.safetensors").write_bytes(b"wei")
    state = state_of(profile("cpu-hub"), tmp_path, machine())
    assert state.hindrance == "not pulled: openai/whisper-base"


@pytest.mark.parametrize("name", [one.name for one in LOCAL_PROFILES])
def test_the_cards_of_a_profile_tell_models_and_commits_without_loading_any(tmp_path: Path, name: str) -> None:
    put(tmp_path, name)
    state = ready(profile(name), tmp_path, machine(gpu=80))
    engine = local_engine(state, tmp_path, 80 * GIGABYTE, threads=1, idle=60.0)
    cards = {card.role: card for card in engine.cards()}
    senses = {"text_extractor", "text_reader", "transcriber"}
    assert senses | {"image_segmenter", "video_tracker", "audio_segmenter"} <= cards.keys()
    assert cards["audio_segmenter"].name == "laion/clap-htsat-fused"
    assert ("reasoner" in cards) == (name != "cpu-hub")
    assert "whisper" in cards["transcriber"].name
    assert cards["transcriber"].revision == "+".join(["c" * 40] * 2)
    assert engine.profile == name
    assert engine.device == ("cpu" if name == "cpu-hub" else "cuda")
    engine.close()


def test_a_machine_without_a_driver_has_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    def no_driver(_: str) -> ctypes.CDLL:
        raise OSError("not found")

    monkeypatch.setattr(ctypes, "CDLL", no_driver)
    assert gpus() == ()


@pytest.mark.parametrize(
    ("chosen", "left"),
    [
        (None, "ab"),
        ("", ""),
        ("-1", ""),
        ("1", "b"),
        ("1,0", "ba"),
        ("0,-1,1", "a"),
        ("7", ""),
        ("GPU-1a2b", "ab"),
    ],
)
def test_only_the_gpus_that_a_process_may_use_are_counted(chosen: str | None, left: str) -> None:
    every = (Gpu("a", GIGABYTE), Gpu("b", GIGABYTE))
    assert "".join(gpu.name for gpu in visible(every, chosen)) == left
