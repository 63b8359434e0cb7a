"""Whisper and wav2vec2 with the real classes of transformers, tiny and with random weights, or taught a few sounds."""

# torch is annotated in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportAttributeAccessIssue=false, reportCallIssue=false, reportArgumentType=false

from importlib.util import find_spec
from itertools import groupby, pairwise
from pathlib import Path
from typing import TYPE_CHECKING

import numpy
import pytest

from reamo_mcp.errors import Cancelled, ModelUnavailable, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import ModelCard
from tests.doubles.tone_speech import Samples, ToneActivity, tone_speech

if TYPE_CHECKING:
    from reamo_mcp.models.local.ctc_aligner import CtcAligner
    from reamo_mcp.models.local.whisper import Hearing, WhisperRecogniser

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(any(find_spec(name) is None for name in ("torch", "transformers")), reason="needs torch"),
]

CARD = ModelCard(role="transcriber", name="tiny", revision="0", accepts=("audio",))


@pytest.fixture(scope="module")
def hearing(tmp_path_factory: pytest.TempPathFactory) -> "Hearing":
    from reamo_mcp.models.local.whisper import load_hearing
    from tests.models.local.tiny_speech import save_whisper

    return load_hearing(save_whisper(tmp_path_factory.mktemp("whisper")), "cpu")


@pytest.fixture
def recogniser(hearing: "Hearing") -> "WhisperRecogniser":
    from reamo_mcp.models.local.whisper import WhisperRecogniser

    return WhisperRecogniser(lambda: hearing, longest=5.0)


@pytest.fixture(scope="module")
def aligner(tmp_path_factory: pytest.TempPathFactory) -> "CtcAligner":
    from reamo_mcp.models.local.ctc_aligner import CtcAligner, load_sounding
    from reamo_mcp.models.local.letters import alphabet_in
    from tests.models.local.tiny_speech import save_wav2vec2

    weights = save_wav2vec2(tmp_path_factory.mktemp("wav2vec2"))
    return CtcAligner(alphabet_in(weights.folder), lambda: load_sounding(weights, "cpu"))


def noise(seconds: float, seed: int = 0) -> Samples:
    return numpy.random.default_rng(seed).normal(0, 0.1, int(seconds * SAMPLE_RATE)).astype(numpy.float32)


def test_a_random_whisper_gives_words_in_order_within_the_sound(recogniser: "WhisperRecogniser") -> None:
    parts = recogniser.hear([noise(3.0), noise(5.0, 1), noise(0.3, 2)], None, Unlimited())
    assert len(parts) == 3
    assert {part.language for part in parts} <= {"en", "de", "zh"}
    for part, length in zip(parts, (3.0, 5.0, 0.3), strict=True):
        assert all(0 <= word.start <= word.end <= length for word in part.words)
        assert all(before.end <= after.start for before, after in pairwise(part.words))
        assert not any("<|" in word.text or "\ufffd" in word.text for word in part.words)
    assert any(part.words for part in parts)


def test_a_part_is_heard_alone_as_it_is_among_others(recogniser: "WhisperRecogniser") -> None:
    sounds = [noise(2.0, seed) for seed in range(2)]
    together = recogniser.hear(sounds, "de", Unlimited())
    for sound, part in zip(sounds, together, strict=True):
        (alone,) = recogniser.hear([sound], "de", Unlimited())
        assert [word.text for word in alone.words] == [word.text for word in part.words]
        assert [word.start for word in alone.words] == [word.start for word in part.words]


def test_an_unknown_language_is_found_out_instead(recogniser: "WhisperRecogniser") -> None:
    (part,) = recogniser.hear([noise(1.0)], "xx", Unlimited())
    assert part.language in {"en", "de", "zh"}


def test_work_is_stopped_between_two_layers_and_the_model_works_on(
    recogniser: "WhisperRecogniser", monkeypatch: pytest.MonkeyPatch
) -> None:
    from reamo_mcp.models.local import work_on_device

    monkeypatch.setattr(work_on_device, "_BETWEEN_LOOKS", 0.0)
    looks = 0

    class Counts:
        def check(self) -> None:
            nonlocal looks
            looks += 1
            if looks > most:
                raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return

    most = 10_000
    expected = recogniser.hear([noise(2.0)], "en", Counts())
    assert looks > 10, "every layer of every step is a place to stop at"
    most, looks = 4, 0
    with pytest.raises(Cancelled):
        recogniser.hear([noise(2.0)], "en", Counts())
    assert recogniser.hear([noise(2.0)], "en", Unlimited()) == expected


def test_a_device_that_is_full_is_told_as_that(
    recogniser: "WhisperRecogniser", hearing: "Hearing", monkeypatch: pytest.MonkeyPatch
) -> None:
    import torch

    def full(*_: object, **__: object) -> None:
        raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    monkeypatch.setattr(hearing.model, "generate", full)
    with pytest.raises(OutOfMemory, match="this much speech"):
        recogniser.hear([noise(1.0)], "en", Unlimited())


def test_a_model_is_loaded_by_the_first_call(hearing: "Hearing") -> None:
    from reamo_mcp.models.local.whisper import WhisperRecogniser

    loads = 0

    def load() -> "Hearing":
        nonlocal loads
        loads += 1
        return hearing

    recogniser = WhisperRecogniser(load)
    assert loads == 0
    for _ in range(2):
        recogniser.hear([noise(0.5)], "en", Unlimited())
    assert loads == 1


def test_a_folder_without_usable_weights_is_told_with_its_remedy(tmp_path: Path) -> None:
    from reamo_mcp.models.local.weights import Weights
    from reamo_mcp.models.local.whisper import load_hearing
    from tests.models.local.tiny_speech import save_whisper

    with pytest.raises(ModelUnavailable, match="reamo-mcp models pull"):
        load_hearing(Weights(name="tiny/none", revision="0", folder=tmp_path), "cpu")
    headless = save_whisper(tmp_path / "headless", alignment_heads=False)
    with pytest.raises(ModelUnavailable, match="alignment heads"):
        load_hearing(headless, "cpu")
    weights = save_whisper(tmp_path / "cut")
    file = tmp_path / "cut" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:1000])
    with pytest.raises(ModelUnavailable):
        load_hearing(weights, "cpu")
    file.rename(tmp_path / "cut" / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable):
        load_hearing(weights, "cpu")


@pytest.mark.parametrize(("model", "lost"), [("whisper", "fc1"), ("wav2vec2", "lm_head")])
def test_weights_that_a_checkpoint_lacks_are_told_and_never_filled_with_noise(
    model: str, lost: str, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file  # pyright: ignore[reportUnknownVariableType]

    from reamo_mcp.models.local.ctc_aligner import load_sounding
    from reamo_mcp.models.local.whisper import load_hearing
    from tests.models.local.tiny_speech import save_wav2vec2, save_whisper

    save, load = {"whisper": (save_whisper, load_hearing), "wav2vec2": (save_wav2vec2, load_sounding)}[model]
    weights = save(tmp_path)
    load(weights, "cpu")
    file = tmp_path / "model.safetensors"
    save_file({name: one for name, one in load_file(file).items() if lost not in name}, file, {"format": "pt"})
    with pytest.raises(ModelUnavailable, match=f"weights are not in its files, such as .*{lost}"):
        load(weights, "cpu")


def test_a_gpu_that_torch_cannot_use_is_told_as_that_and_not_as_damage(tmp_path: Path) -> None:
    import torch

    from reamo_mcp.models.local.whisper import load_hearing
    from tests.models.local.tiny_speech import save_whisper

    if torch.cuda.is_available():
        pytest.skip("torch can use the GPU here")
    with pytest.raises(ModelUnavailable, match="torch cannot use the GPU here") as raised:
        load_hearing(save_whisper(tmp_path), "cuda")
    assert "driver" in raised.value.hint


PHRASES = (["ada", "met", "lin"], ["reamo", "hears"], ["nobody", "else", "spoke"])


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> "Hearing":
    """A tiny Whisper that was taught three phrases of tones."""
    import torch

    from reamo_mcp.models.local.whisper import load_hearing
    from tests.models.local.tiny_speech import save_whisper

    hearing = load_hearing(save_whisper(tmp_path_factory.mktemp("taught"), width=32), "cpu")
    tokenizer, generation = hearing.processor.tokenizer, hearing.generation
    begun = [generation.decoder_start_token_id, generation.lang_to_id["<|de|>"], generation.task_to_id["transcribe"]]
    begun.append(generation.no_timestamps_token_id)
    texts = [tokenizer(" " + " ".join(words), add_special_tokens=False).input_ids for words in PHRASES]
    longest = max(map(len, texts))
    rows = [[*begun, *text, *[tokenizer.eos_token_id] * (longest + 1 - len(text))] for text in texts]
    sounds = [tone_speech(words)[0] for words in PHRASES]
    features = hearing.processor.feature_extractor(sounds, sampling_rate=SAMPLE_RATE, return_tensors="pt")
    ids = torch.tensor(rows)
    model = hearing.model.train()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3)
    for _ in range(200):
        out = model(input_features=features.input_features, decoder_input_ids=ids[:, :-1])
        loss = torch.nn.functional.cross_entropy(out.logits.transpose(1, 2), ids[:, 1:])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if loss.item() < 0.01:
            break
    model.eval()
    return hearing


def test_phrases_that_were_taught_are_heard_through_the_role(taught: "Hearing") -> None:
    from reamo_mcp.models.local.transcriber import LocalTranscriber
    from reamo_mcp.models.local.whisper import WhisperRecogniser

    transcriber = LocalTranscriber(CARD, ToneActivity(), WhisperRecogniser(lambda: taught, longest=5.0))
    sounds = [Sound(tone_speech(words)[0], 5.0) for words in PHRASES]
    for words, sound, transcript in zip(
        PHRASES, sounds, transcriber.transcribe(iter(sounds), Unlimited()), strict=True
    ):
        assert [word.text for word in transcript.words] == words
        assert all(word.confidence > 0.8 for word in transcript.words)
        assert all(word.start >= 5.0 for word in transcript.words)
        assert transcript.words[-1].end <= 5.0 + len(sound.samples) / SAMPLE_RATE


def test_a_random_aligner_knows_its_letters_and_believes_nothing(aligner: "CtcAligner") -> None:
    assert aligner.knows("Barack Obama, 44th; café")
    assert not aligner.knows("北京 дом")
    assert aligner.place(noise(2.0), ["Barack", "Obama"], Unlimited()) == []
    assert aligner.place(noise(0.01), ["Barack"], Unlimited()) == []


def test_words_are_placed_where_the_model_is_sure_of_their_letters(tmp_path: Path) -> None:
    """With sharpened probabilities, what a random model hears best is as certain to it as speech to a trained one."""
    import torch

    from reamo_mcp.models.local.ctc_aligner import CtcAligner, load_sounding
    from reamo_mcp.models.local.letters import alphabet_in
    from tests.models.local.tiny_speech import save_wav2vec2

    sound = noise(3.0)
    sounding = load_sounding(save_wav2vec2(tmp_path), "cpu")
    aligner = CtcAligner(alphabet_in(tmp_path), lambda: sounding)
    extractor, model = sounding
    with torch.no_grad():
        model.lm_head.weight.normal_(0, 300)
        values = extractor(sound, sampling_rate=SAMPLE_RATE, return_tensors="pt").input_values
        best = model(values).logits[0].argmax(-1).tolist()
    runs = [(number, len(list(frames))) for number, frames in groupby(best)]
    letters = "".join(chr(ord("A") + number - 5) for number, _ in runs if 5 <= number < 31)
    assert len(letters) > 3
    (placed,) = aligner.place(sound, [letters], Unlimited())
    first = next(frame for frame, number in enumerate(best) if 5 <= number < 31)
    assert placed.start == pytest.approx(first / 50)
    assert placed.end <= 3.0


@pytest.mark.data
def test_the_published_settings_and_vocabulary_of_whisper_base_are_understood(real_data: Path) -> None:
    """Random weights of a small model, everything else as published: languages, prompt, suppressed tokens, heads."""
    from transformers import GenerationConfig, WhisperConfig, WhisperForConditionalGeneration, WhisperProcessor

    from reamo_mcp.models.local.whisper import Hearing, WhisperRecogniser

    folder = real_data / "model_configs" / "whisper-base"
    if not folder.is_dir():
        pytest.skip("no configuration of whisper-base in the data")
    config = WhisperConfig.from_pretrained(str(folder))
    for name, value in {"d_model": 16, "encoder_ffn_dim": 16, "decoder_ffn_dim": 16, "encoder_layers": 1}.items():
        setattr(config, name, value)  # six layers write, as their heads are named
    model = WhisperForConditionalGeneration(config).eval()
    model.generation_config = GenerationConfig.from_pretrained(str(folder))
    hearing = Hearing(WhisperProcessor.from_pretrained(str(folder)), model)
    recogniser = WhisperRecogniser(lambda: hearing)
    for language in (None, "de", "zh"):
        (part,) = recogniser.hear([noise(2.0)], language, Unlimited())
        assert part.language == language or (language is None and part.language)
        assert all(0 <= word.start <= word.end <= 2.0 for word in part.words)
        assert not any("<|" in word.text for word in part.words)
