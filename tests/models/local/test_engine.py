"""The engine of a local profile, from a hub to answers: tiny models under the names of the profile `cpu-hub`."""

import subprocess
import sys
from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE, Frame, Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.catalogue import local_profile
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.profiles import open_engine, plain_engine
from reamo_mcp.models.pulling import offered, pull
from reamo_mcp.models.roles import Found, SpeechTranscript
from reamo_mcp.models.tracker_state import TrackerState
from reamo_mcp.settings import Settings
from reamo_mcp.store.files import BlobFolder
from tests.doubles.hub_server import Hub, hub_server
from tests.doubles.sound_scorers import tones
from tests.models.contracts import check_audio_segmenter
from tests.models.embedded.test_transcriber import AUSTEN, sound_of

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(any(find_spec(name) is None for name in ("torch", "transformers")), reason="needs torch"),
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of models after `cpu-hub` was pulled from a hub that serves tiny ones under its names."""
    from tests.doubles import tiny_clap, tiny_segmenters
    from tests.models.local.tiny_speech import save_wav2vec2, save_whisper

    made = tmp_path_factory.mktemp("made")
    detecting = tiny_segmenters.detecting()
    folders = {
        "openmmlab-community/mm_grounding_dino_tiny_o365v1_goldg_v3det": tiny_segmenters.saved(
            made / "detector", detecting.model, detecting.processor
        ),
        "facebook/sam2.1-hiera-tiny": tiny_segmenters.saved(made / "sam", tiny_segmenters.sam_video()),
        "laion/clap-htsat-fused": tiny_clap.saved(made / "clap", tiny_clap.taught()),
        "openai/whisper-base": save_whisper(made / "whisper", seconds=30),
        "facebook/wav2vec2-base-960h": save_wav2vec2(made / "wav2vec2"),
    }
    profile = local_profile("cpu-hub")
    assert profile
    repositories = {
        name: {path.name: path.read_bytes() for path in weights.folder.iterdir()} for name, weights in folders.items()
    }
    models = tmp_path_factory.mktemp("models")
    with hub_server(Hub(repositories)) as hub:
        for checkpoint in profile.checkpoints:
            pull(offered(checkpoint, models, hub.url), models, hub.url)
    return models


def fits_torch() -> bool:
    """Whether a process of its own can import torchvision, or there is none that transformers would import.

    Here a double lets it be imported beside a torch without CUDA; the engine child knows no doubles.
    """
    if find_spec("torchvision") is None:
        return True
    return (
        subprocess.run([sys.executable, "-c", "import torchvision"], capture_output=True, check=False).returncode == 0
    )


@pytest.fixture(scope="module", params=[True, False], ids=["child", "here"])
def engine(models: Path, request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engine]:
    if request.param and not fits_torch():
        pytest.skip("torchvision was built for another torch than the one installed")
    settings = Settings(profile="cpu-hub", models=models, isolate=request.param, threads=1)
    with open_engine(settings, BlobFolder(tmp_path_factory.mktemp("blobs"), 0)) as opened:
        yield opened


def picture(seed: int = 0) -> Picture:
    pixels = numpy.random.default_rng(seed).integers(0, 255, (48, 64, 3), dtype=numpy.uint8)
    return Picture(pixels, 1.0, 64, 48)


def test_every_phrase_is_answered_by_the_segmenter(engine: Engine) -> None:
    assert engine.image_segmenter
    answers = engine.image_segmenter.segment(picture(), ["the dog", "a red disc"], Unlimited())
    assert [type(answer) for answer in answers] == [Found, Found]


def test_every_frame_is_answered_by_the_tracker(engine: Engine) -> None:
    assert engine.video_tracker
    frames = [Frame(number / 2, (number + 1) / 2, picture(number)) for number in range(3)]
    steps = engine.video_tracker.track(frames, ["the dog"], TrackerState(), Unlimited())
    assert [step.time for step in steps] == [0.0, 0.5, 1.0]


def test_what_sounds_is_heard_at_its_time_by_the_audio_segmenter(engine: Engine) -> None:
    assert engine.audio_segmenter
    check_audio_segmenter(engine.audio_segmenter, ["a low tone", "a high tone", "a dog barks"])
    sound = tones(8, ("low", 12.0, 16.0), start=10.0)
    low, high = engine.audio_segmenter.segment(sound, ["a low tone", "a high tone"], Unlimited())
    assert isinstance(low, Found)
    assert [edge for span in low.items for edge in (span.start, span.end)] == pytest.approx([12.0, 16.0], abs=0.5)
    assert high == Found(())


def test_silence_gives_no_words(engine: Engine) -> None:
    assert engine.transcriber
    silence = Sound(numpy.zeros(3 * SAMPLE_RATE, numpy.float32))
    assert list(engine.transcriber.transcribe(iter([silence]), Unlimited())) == [SpeechTranscript(speech=(), words=())]


@pytest.mark.data
def test_speech_is_heard_by_whisper_and_aligned_by_the_letters(engine: Engine, real_data: Path) -> None:
    """The weights are random, so what is heard is nonsense; that it is heard within the speech is not."""
    assert engine.transcriber
    sound = sound_of((real_data / "dev" / AUSTEN).with_suffix(".wav"), start=100.0)
    sound = Sound(sound.samples[: 8 * SAMPLE_RATE], sound.start)
    (transcript,) = engine.transcriber.transcribe(iter([sound]), Unlimited())
    assert transcript.speech
    assert all(100.0 <= word.start <= word.end <= 108.0 for word in transcript.words)
    answer = engine.transcriber.align(sound, "The family of Dashwood", Unlimited())
    assert isinstance(answer, Found)


def test_whoever_only_asks_what_the_models_are_imports_no_torch(models: Path) -> None:
    script = (
        "import sys; from pathlib import Path; from reamo_mcp.models.profiles import plain_engine; "
        "from reamo_mcp.settings import Settings; "
        "engine = plain_engine(Settings(profile='cpu-hub', models=Path(sys.argv[1]))); "
        "print(bool(engine.cards()), 'torch' in sys.modules, 'transformers' in sys.modules)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(models)], capture_output=True, text=True, timeout=100, check=True
    )
    assert done.stdout.split() == ["True", "False", "False"]


def test_weights_that_are_damaged_later_are_told_by_the_call_that_needs_them(models: Path, tmp_path: Path) -> None:
    import shutil

    copy = tmp_path / "models"
    shutil.copytree(models, copy)
    weights = next(copy.glob("openmmlab-community--*/model.safetensors"))
    weights.write_bytes(bytes(weights.stat().st_size))
    segmenter = plain_engine(Settings(profile="cpu-hub", models=copy)).image_segmenter
    assert segmenter
    with pytest.raises(ModelUnavailable, match="reamo-mcp models pull"):
        segmenter.segment(picture(), ["the dog"], Unlimited())
