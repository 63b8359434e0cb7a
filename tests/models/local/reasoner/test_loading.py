"""From a folder of weights to answers, and what is refused on the way."""

import json
import pickle
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from reamo_mcp.errors import Cancelled, ModelUnavailable
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.local.weights import Weights
from reamo_mcp.models.roles import Found
from tests.doubles.media_asks import MEDIA, ask_about

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def folder(thinker: "Thinker", tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The files of a checkpoint that holds the thinker alone."""
    folder = tmp_path_factory.mktemp(thinker.family.model_type)
    model: Any = thinker.model
    processor: Any = thinker.processor
    model.save_pretrained(folder)
    processor.save_pretrained(folder)
    return folder


def load(folder: Path) -> "LocalReasoner":
    from reamo_mcp.models.local.reasoner.loading import load_reasoner

    return load_reasoner(weights_in(folder), device="cpu")


def weights_in(folder: Path) -> Weights:
    return Weights(name="tiny", revision="0" * 40, folder=folder)


def copied(folder: Path, target: Path) -> Path:
    target.mkdir()
    for file in folder.iterdir():
        (target / file.name).write_bytes(file.read_bytes())
    return target


def test_a_folder_answers_as_the_model_that_was_saved_in_it(folder: Path, thinker: "Thinker") -> None:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    role = load(folder)
    assert (role.card.name, role.card.revision) == ("tiny", "0" * 40)
    ask = ask_about(MEDIA)
    answers = role.reason([ask], 60, Unlimited())
    assert isinstance(answers[0], Found)
    assert answers == LocalReasoner(role.card, lambda: thinker).reason([ask], 60, Unlimited())


def test_a_whole_checkpoint_gives_its_thinker_and_leaves_the_talker(
    folder: Path, thinker: "Thinker", tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

    whole = copied(folder, tmp_path / "whole")
    tensors = {f"thinker.{name}": tensor for name, tensor in load_file(folder / "model.safetensors").items()}
    # As published: the parts of the thinker stood one level higher.
    published = {
        name.replace("thinker.model.audio_tower", "thinker.audio_tower")
        .replace("thinker.model.visual", "thinker.visual")
        .replace("thinker.model.language_model", "thinker.model"): tensor
        for name, tensor in tensors.items()
    }
    some = next(iter(published.values()))
    save_file({**published, "talker.codec_head.weight": some.clone()}, whole / "model.safetensors", {"format": "pt"})
    own = json.loads((folder / "config.json").read_text())
    (whole / "config.json").write_text(json.dumps({"model_type": thinker.family.whole_type, "thinker_config": own}))
    ask = ask_about(("text", "image"))
    assert load(whole).reason([ask], 60, Unlimited()) == load(folder).reason([ask], 60, Unlimited())


def test_nothing_is_loaded_before_it_is_needed(folder: Path, tmp_path: Path) -> None:
    damaged = copied(folder, tmp_path / "damaged")
    (damaged / "model.safetensors").write_bytes(b"\xff" * 100)
    role = load(damaged)
    assert role.card.role == "reasoner"
    with pytest.raises(ModelUnavailable, match="cannot be opened"):
        role.reason([ask_about(("text",))], 9, Unlimited())


def test_work_can_be_stopped_while_the_model_loads_and_goes_on_where_it_was(folder: Path) -> None:
    import threading

    from reamo_mcp.models.local.reasoner.loading import family_of, load_thinker
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker

    may_load = threading.Event()
    loads: list[Path] = []

    def load_slowly() -> Thinker:
        loads.append(folder)
        assert may_load.wait(60)
        return load_thinker(weights_in(folder), family_of(weights_in(folder)), "cpu")

    class Stopped:
        def check(self) -> None:
            raise Cancelled("the work was cancelled")

        def progress(self, done: float, total: float, unit: str) -> None:
            pass

    role = LocalReasoner(load(folder).card, load_slowly)
    with pytest.raises(Cancelled):
        role.reason([ask_about(("text",))], 9, Stopped())
    may_load.set()
    assert isinstance(role.reason([ask_about(("text",))], 9, Unlimited())[0], Found)
    assert loads == [folder]


def test_a_weight_that_the_checkpoint_lacks_is_told_and_never_filled_with_noise(folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

    lacking = copied(folder, tmp_path / "lacking")
    tensors = load_file(lacking / "model.safetensors")
    del tensors[next(name for name in tensors if "q_proj" in name)]
    save_file(tensors, lacking / "model.safetensors", {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=r"weights are not in its files, such as .*q_proj"):
        load(lacking).reason([ask_about(("text",))], 9, Unlimited())


class _Marker:
    """When it is unpickled, a file appears."""

    def __init__(self, path: Path) -> None:
        self._path = str(path)

    def __reduce__(self) -> tuple[Any, ...]:
        return (open, (self._path, "w"))


def test_pickled_weights_are_never_opened(folder: Path, tmp_path: Path) -> None:
    pickled = copied(folder, tmp_path / "pickled")
    (pickled / "model.safetensors").unlink()
    (pickled / "pytorch_model.bin").write_bytes(pickle.dumps(_Marker(tmp_path / "marker")))
    with pytest.raises(ModelUnavailable, match="no safetensors") as raised:
        load(pickled)
    assert "models pull" in raised.value.hint
    assert not (tmp_path / "marker").exists()


def test_code_of_a_checkpoint_is_never_run(folder: Path, tmp_path: Path) -> None:
    remote = copied(folder, tmp_path / "remote")
    told = json.loads((remote / "config.json").read_text())
    told["auto_map"] = {"AutoConfig": "evil.Config", "AutoModel": "evil.Model"}
    (remote / "config.json").write_text(json.dumps(told))
    (remote / "evil.py").write_text(f"open({str(tmp_path / 'marker')!r}, 'w')")
    assert isinstance(load(remote).reason([ask_about(("text",))], 9, Unlimited())[0], Found)
    assert not (tmp_path / "marker").exists()


@pytest.mark.parametrize(
    ("configuration", "told"),
    [
        (None, "no readable configuration"),
        ("{", "no readable configuration"),
        ("[]", "no readable configuration"),
        ('{"model_type": "bert"}', "'bert'"),
    ],
)
def test_a_folder_of_another_kind_is_refused_with_what_is_known(
    configuration: str | None, told: str, tmp_path: Path
) -> None:
    if configuration is not None:
        (tmp_path / "config.json").write_text(configuration)
    with pytest.raises(ModelUnavailable, match=told):
        load(tmp_path)
