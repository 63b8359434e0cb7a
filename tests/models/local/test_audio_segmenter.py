"""A CLAP of a few thousand random weights: real classes, real preparation of sounds, true checkpoints."""

# transformers is annotated in part; its unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy
import pytest
from numpy.typing import NDArray

pytest.importorskip("torch", reason="needs torch (make test-models)")

import torch

from reamo_mcp.errors import Cancelled, ModelUnavailable, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import EngineChild
from reamo_mcp.models.host import hosted
from reamo_mcp.models.local import audio_segmenter
from reamo_mcp.models.local.audio_segmenter import (
    Listening,
    LocalSoundScorer,
    features,
    load_audio_segmenter,
    load_listening,
    sentence,
)
from reamo_mcp.models.roles import Answer, Failed, Found, HeardSpan, Unsupported
from reamo_mcp.models.sound_detection import EVERYWHERE, HOP, NOWHERE, Extent, SoundDecision, SoundSegmenter, tripled
from tests.doubles.sound_scorers import tones
from tests.doubles.stopping import StopsAfter
from tests.doubles.tiny_clap import listening, saved, taught
from tests.models.contracts import check_audio_segmenter
from tests.models.local.clap_child import engine
from tests.models.local.test_full_devices import full_at

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the cores of a busy machine are slow

PHRASES = ["a dog barks", "a bell", "glass breaks"]
WINDOWS = [Extent(0, 32_000), Extent(8_000, 40_000), Extent(40_000, 56_000)]
EVERYTHING = SoundDecision(threshold=0.0, margin=1e-9)
"""Random weights are sure of nothing."""


def noise(seed: int = 0, seconds: float = 4.0) -> NDArray[numpy.float32]:
    return numpy.random.default_rng(seed).normal(0, 0.1, round(seconds * SAMPLE_RATE)).astype(numpy.float32)


def scorer(made: Listening | None = None, decision: SoundDecision = EVERYTHING) -> LocalSoundScorer:
    loaded = made or listening()
    return LocalSoundScorer(lambda: loaded, "tiny", "1", decision)


def alike(samples: NDArray[numpy.float32], phrases: list[str], made: Listening | None = None) -> NDArray[numpy.float64]:
    return scorer(made).similarities(samples, WINDOWS, phrases, Unlimited()).values


@pytest.mark.parametrize("fused", [True, False])
def test_the_segmenter_keeps_the_contract(fused: bool) -> None:
    check_audio_segmenter(SoundSegmenter(scorer(listening(fused=fused))), PHRASES)


def test_what_the_model_learned_is_heard_at_its_times_and_nothing_else_is() -> None:
    """With the decision of published models, by a tiny one that learned two tones."""
    learned = taught()
    segmenter = SoundSegmenter(LocalSoundScorer(lambda: learned, "tiny", "1"))
    check_audio_segmenter(segmenter, ["a low tone", *PHRASES])
    sound = tones(20, ("low", 33.0, 37.0), ("high", 40.0, 43.0), ("low", 45.0, 49.0), start=30.0)
    low, high, dog = segmenter.segment(sound, ["a low tone", "a high tone", "a dog barks"], Unlimited())
    assert isinstance(low, Found)
    assert isinstance(high, Found)
    edges = [edge for span in (*low.items, *high.items) for edge in (span.start, span.end)]
    assert edges == pytest.approx([33.0, 37.0, 45.0, 49.0, 40.0, 43.0], abs=HOP)
    assert all(span.score > 0.9 for span in (*low.items, *high.items))
    assert dog == Found(())
    swapped = tones(20, ("high", 33.0, 37.0), ("low", 40.0, 43.0), ("high", 45.0, 49.0), start=30.0)
    assert segmenter.segment(swapped, ["a high tone"], Unlimited()) != [high]
    silence = Sound(numpy.zeros_like(sound.samples), 30.0)
    assert segmenter.segment(silence, ["a low tone", "a high tone"], Unlimited()) == [Found(()), Found(())]


@pytest.mark.parametrize("fused", [True, False])
def test_similarities_are_those_of_a_plain_call_of_transformers(fused: bool) -> None:
    from transformers import ClapProcessor

    made = listening(fused=fused)
    processor: Any = ClapProcessor(made.extractor, made.tokenizer)
    waves = [tripled(noise(), window) for window in WINDOWS]
    inputs = processor(
        audio=waves, text=[sentence(one) for one in PHRASES], sampling_rate=48_000, return_tensors="pt", padding=True
    )
    inputs["is_longer"] = torch.zeros(len(waves), 1, dtype=torch.bool)  # it would call one of them long, by chance
    with torch.inference_mode():
        answer = made.model(**inputs)
    found = scorer(made).similarities(noise(), WINDOWS, PHRASES, Unlimited())
    assert numpy.abs(found.values * found.scale - answer.logits_per_audio.numpy()).max() < 1e-4
    assert numpy.abs(found.values).max() <= 1 + 1e-6


@pytest.mark.parametrize("fused", [True, False])
def test_features_are_those_of_transformers(fused: bool) -> None:
    extractor = listening(fused=fused).extractor
    tone = 0.3 * numpy.sin(numpy.arange(96_000) * 0.05)
    half = numpy.concatenate((numpy.zeros(40_000), noise(seconds=2)[:30_000]))
    waves = [numpy.asarray(wave, numpy.float32) for wave in (noise(seconds=6), tone, half, half[:25_001], [0.5])]
    plain = extractor(waves, sampling_rate=48_000, return_tensors="pt")["input_features"][:, :1]
    found = features(extractor, waves, torch.device("cpu"))
    assert found.shape == plain.shape
    assert (found - plain).abs().max() < 1e-4


def test_zeroing_or_swapping_the_sound_or_changing_the_words_changes_the_similarities() -> None:
    made = listening()
    first, zeroed, swapped, other = (
        alike(samples, phrases, made)
        for samples, phrases in (
            (noise(), PHRASES),
            (numpy.zeros_like(noise()), PHRASES),
            (noise(1), PHRASES),
            (noise(), ["a cat", "rain", "an alarm"]),
        )
    )
    assert numpy.abs(first - zeroed).max() > 1e-3
    assert numpy.abs(first - swapped).max() > 1e-4
    assert numpy.abs(first - other).max() > 1e-3
    assert alike(noise(), PHRASES, made) == pytest.approx(first, abs=1e-9)


def test_a_phrase_is_as_like_a_sound_whatever_else_is_asked_and_was_asked_before() -> None:
    alone = alike(noise(), ["a bell"])
    among = scorer()
    among.similarities(noise(1), WINDOWS, [f"thing {number}" for number in range(300)], Unlimited())
    found = among.similarities(noise(), WINDOWS, ["a very long phrase about thunder", "a bell"], Unlimited()).values
    assert found[:, 1:] == pytest.approx(alone, abs=1e-12)


@pytest.mark.parametrize("phrase", ["A dog\n barks.", " a dog barks", "Ein Hund bellt; 犬が吠える", "", "..."])
def test_a_phrase_is_put_into_the_words_in_which_the_model_is_asked(phrase: str) -> None:
    told = sentence(phrase)
    assert told.startswith("This is a sound of ")
    assert told.count(".") == 1
    assert "\n" not in told
    assert numpy.isfinite(alike(noise(), [phrase])).all()


def test_a_phrase_longer_than_what_the_model_learned_is_not_cut_but_refused() -> None:
    phrases = ["a dog " * 11, "a dog" * 10_000, "a dog"]  # the model has places for 128 pieces, and learned 77
    answers = SoundSegmenter(scorer()).segment(Sound(noise()), phrases, Unlimited())
    assert [type(answer) for answer in answers] == [Unsupported, Unsupported, Found]
    assert all(scorer().fits(rival) for rival in (*EVERYWHERE, *NOWHERE))


def full_above(most: int, real: Callable[..., Any], name: str) -> Callable[..., Any]:
    def forward(*given: Any, **named: Any) -> Any:
        if len(named[name]) > most:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(*given, **named)

    return forward


@pytest.mark.parametrize("most", [1, 2, 3])
def test_where_memory_does_not_suffice_fewer_windows_are_compared_at_a_time(
    most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(audio_segmenter, "_TOGETHER", {"cpu": 7})
    made = listening()
    windows = [Extent(4000 * number, 4000 * number + 16_000) for number in range(12)]
    expected = scorer(made).similarities(noise(), windows, PHRASES, Unlimited()).values
    made.model.audio_model.forward = full_above(most, made.model.audio_model.forward, "input_features")
    found = scorer(made).similarities(noise(), windows, PHRASES, Unlimited()).values
    assert found == pytest.approx(expected, abs=1e-6)


@pytest.mark.parametrize(("part", "name"), [("audio_model", "input_features"), ("text_model", "input_ids")])
def test_a_sound_that_is_too_much_fails_typed_and_the_next_one_is_heard(part: str, name: str) -> None:
    made = listening()
    tower = made.model.get_submodule(part)
    real = tower.forward
    tower.forward = full_above(0, real, name)
    segmenter = SoundSegmenter(scorer(made))
    (answer,) = segmenter.segment(Sound(noise()), PHRASES[:1], Unlimited())
    assert isinstance(answer, Failed)
    assert answer.code == OutOfMemory.code
    tower.forward = real
    (answer,) = segmenter.segment(Sound(noise()), PHRASES[:1], Unlimited())
    assert isinstance(answer, Found)


def test_memory_that_runs_out_at_any_step_costs_nothing_but_that_answer() -> None:
    made = taught()
    sound, phrases = tones(4, ("low", 0.0, 3.0)), ["a low tone", "a high tone"]

    segmenter = SoundSegmenter(LocalSoundScorer(lambda: made, "tiny", "1"))
    for step in (1, 40, 400):  # while it reads phrases
        with full_at(step) as hit:
            answers = segmenter.segment(sound, phrases, Unlimited())
        assert hit
        assert [type(answer) for answer in answers] == [Failed, Failed]
    for step in range(1, 200, 11):  # while it listens
        assert places(segmenter.segment(sound, phrases, Unlimited())) == [[(0.0, 3.0)], []]
        with full_at(step) as hit:
            answers = segmenter.segment(sound, phrases, Unlimited())
        assert hit, "nothing was tried"
        assert places(answers) == [[(0.0, 3.0)], []], "half as many windows at a time would have been possible"


def places(answers: Sequence[Answer[HeardSpan]]) -> list[list[tuple[float, float]]]:
    return [[(span.start, span.end) for span in answer.items] for answer in answers if isinstance(answer, Found)]


def test_cancelling_is_obeyed_before_the_model_runs() -> None:
    with pytest.raises(Cancelled):
        scorer().similarities(noise(), WINDOWS, PHRASES, StopsAfter(0))


def test_cancelling_is_obeyed_in_the_middle_of_a_long_sound() -> None:
    made = listening()
    first, second = made.model.audio_model.audio_encoder.layers
    calls: list[str] = []

    def slow(*_given: Any) -> None:
        calls.append("first")
        time.sleep(0.11)  # about as long as a layer of full size takes

    def went_on(*_given: Any) -> None:
        calls.append("second")

    class Impatient:
        def check(self) -> None:
            if len(calls) == 2:
                raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return None

    hooks = [first.register_forward_hook(slow), second.register_forward_hook(went_on)]
    calls.append("before")
    with pytest.raises(Cancelled):
        SoundSegmenter(scorer(made)).segment(Sound(noise(seconds=30)), PHRASES, Impatient())
    assert calls == ["before", "first"], "it went on to the next layer"
    for hook in hooks:
        hook.remove()
    assert not any(module._forward_pre_hooks for module in made.model.modules())


def test_a_checkpoint_is_loaded_from_its_folder_when_it_is_first_needed(tmp_path: Path) -> None:
    learned = taught()
    segmenter = load_audio_segmenter(saved(tmp_path / "clap", learned), device="cpu")
    assert (segmenter.card.role, segmenter.card.name, segmenter.card.revision) == (
        "audio_segmenter",
        "tiny/clap",
        "0" * 40,
    )
    sound, phrases = tones(8, ("low", 2.0, 6.0)), ["a low tone", "a high tone"]
    near = SoundSegmenter(LocalSoundScorer(lambda: learned, "", ""))
    (low, high), (expected, _) = (one.segment(sound, phrases, Unlimited()) for one in (segmenter, near))
    assert isinstance(low, Found)
    assert isinstance(expected, Found)
    assert [(span.start, span.end) for span in low.items] == [(2.0, 6.0)]
    assert [span.score for span in low.items] == pytest.approx([span.score for span in expected.items], abs=1e-5)
    assert high == Found(())


def test_a_checkpoint_needs_no_weights_that_are_counted_and_not_learned(tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    weights = saved(tmp_path / "clap", listening())
    file = weights.folder / "model.safetensors"
    learned = {name: tensor for name, tensor in load_file(file).items() if not name.endswith("_ids")}
    assert len(load_file(file)) - len(learned) == 2
    save_file(learned, file, metadata={"format": "pt"})
    found = LocalSoundScorer(lambda: load_listening(weights, "cpu"), "", "").similarities(
        noise(), WINDOWS, PHRASES, Unlimited()
    )
    assert found.values == pytest.approx(alike(noise(), PHRASES), abs=1e-6)


def test_in_a_child_process_the_same_is_heard_and_cancelling_is_obeyed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parents[3])])
    folder = saved(tmp_path / "clap", taught()).folder
    bounds = Bounds(silence=300.0)  # the cores of a busy machine are slow
    program = Program(
        target="tests.models.local.clap_child:serve", environment={"CLAP_FOLDER": str(folder)}, bounds=bounds
    )
    child = EngineChild(program)
    try:
        far = hosted(engine(folder), child).audio_segmenter
        assert far is not None
        check_audio_segmenter(far, ["a low tone", *PHRASES])
        sound = tones(8, ("low", 12.0, 16.0), start=10.0)
        low, high = far.segment(sound, ["a low tone", "a high tone"], Unlimited())
        assert isinstance(low, Found)
        assert [(span.start, span.end) for span in low.items] == [(12.0, 16.0)]
        assert high == Found(())
        with pytest.raises(Cancelled):
            far.segment(sound, ["a low tone"], StopsAfter(0))
        assert far.segment(sound, ["a low tone"], Unlimited()) == [low]
    finally:
        child.close()


@pytest.mark.parametrize(
    ("damage", "told"),
    [
        ("missing folder", "OSError"),
        ("no weights", "OSError"),
        ("a pickle", "OSError"),
        ("cut file", "SafetensorError"),
        ("missing weight", "weights are not in its files"),
        ("other rate", "prepares sounds"),
        ("other padding", "prepares sounds"),
        ("too short", "prepares sounds"),
        ("no tokenizer", ""),
    ],
)
def test_weights_that_cannot_be_used_are_told_and_never_filled_with_noise(
    tmp_path: Path, damage: str, told: str
) -> None:
    folder = tmp_path / "clap"
    made = listening()
    weights = saved(folder, made)
    file = folder / "model.safetensors"
    if damage == "missing folder":
        weights = weights.model_copy(update={"folder": tmp_path / "nowhere"})
    elif damage == "no weights":
        file.unlink()
    elif damage == "a pickle":
        file.unlink()
        torch.save(made.model.state_dict(), folder / "pytorch_model.bin")
    elif damage == "cut file":
        file.write_bytes(file.read_bytes()[:1000])
    elif damage == "missing weight":
        from safetensors.torch import load_file, save_file

        tensors = load_file(file)
        del tensors[next(name for name in tensors if "audio_projection" in name)]
        save_file(tensors, file, metadata={"format": "pt"})
    elif damage == "no tokenizer":
        (folder / "tokenizer.json").write_text("{}")
    else:
        match damage:
            case "other rate":
                made.extractor.sampling_rate = 16_000
            case "other padding":
                made.extractor.padding = "pad"
            case _:
                made.extractor.max_length_s = 1
        made.extractor.save_pretrained(folder)
    segmenter = load_audio_segmenter(weights, device="cpu")
    with pytest.raises(ModelUnavailable, match=f"cannot be opened.*{told}"):
        segmenter.segment(Sound(noise()), PHRASES, Unlimited())
