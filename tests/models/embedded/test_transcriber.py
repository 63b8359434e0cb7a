import itertools
import json
import re
from pathlib import Path

import av
import numpy
import pytest
from av.audio.frame import AudioFrame
from numpy.typing import NDArray

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.transcriber import EmbeddedTranscriber
from reamo_mcp.models.roles import Found, HeardWord, SpeechTranscript
from tests.doubles.stopping import StopsAfter

AUSTEN = "audio/speech/librivox_austen/sense_and_sensibility_01_austen_64kb-0870"
JFK = "ask not what your country can do for you, ask what you can do for your country."


@pytest.fixture(scope="module")
def transcriber() -> EmbeddedTranscriber:
    return EmbeddedTranscriber()


def sound_of(path: Path, start: float = 0.0) -> Sound:
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE)
    parts: list[NDArray[numpy.float32]] = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            assert isinstance(frame, AudioFrame)
            parts += [part.to_ndarray()[0] for part in resampler.resample(frame)]
        parts += [part.to_ndarray()[0] for part in resampler.resample(None)]
    return Sound(numpy.concatenate(parts), start)


def heard(transcriber: EmbeddedTranscriber, sound: Sound) -> SpeechTranscript:
    (transcript,) = transcriber.transcribe(iter([sound]), Unlimited())
    return transcript


def aligned(transcriber: EmbeddedTranscriber, sound: Sound, text: str) -> tuple[HeardWord, ...]:
    answer = transcriber.align(sound, text, Unlimited())
    assert isinstance(answer, Found)
    return answer.items


def not_speech() -> dict[str, NDArray[numpy.float64]]:
    random = numpy.random.default_rng(0)
    seconds = numpy.arange(6 * SAMPLE_RATE) / SAMPLE_RATE
    pitches = numpy.repeat(220 * 2 ** (random.integers(0, 24, 24) / 12), SAMPLE_RATE // 4)
    return {
        "silence": numpy.zeros(len(seconds)),
        "noise": random.normal(0, 0.1, len(seconds)),
        "tone": 0.3 * numpy.sin(2 * numpy.pi * 440 * seconds),
        "chord": sum((0.1 * numpy.sin(2 * numpy.pi * pitch * seconds) for pitch in (262, 330, 392)), seconds * 0),
        "melody": 0.3 * numpy.sin(2 * numpy.pi * numpy.cumsum(pitches) / SAMPLE_RATE),
    }


@pytest.mark.parametrize("name", ["silence", "noise", "tone", "chord", "melody"])
def test_what_is_no_speech_gives_no_words(transcriber: EmbeddedTranscriber, name: str) -> None:
    samples = not_speech()[name].astype(numpy.float32)
    assert heard(transcriber, Sound(samples)) == SpeechTranscript(speech=(), words=())
    assert aligned(transcriber, Sound(samples), "hello there") == ()


def test_no_sound_at_all_gives_no_words(transcriber: EmbeddedTranscriber) -> None:
    assert not heard(transcriber, Sound(numpy.empty(0, numpy.float32))).words


@pytest.mark.data
def test_recorded_noises_give_no_words(transcriber: EmbeddedTranscriber, real_data: Path) -> None:
    for name in ("freesound/rain.wav", "freesound/typing.wav", "freesound/applause.wav", "esc10/1-100032-A-0.wav"):
        assert not heard(transcriber, sound_of(real_data / "dev" / "audio" / "events" / name)).words, name


@pytest.mark.data
def test_words_lie_in_order_within_the_speech(transcriber: EmbeddedTranscriber, real_data: Path) -> None:
    sound = sound_of(real_data / "dev" / f"{AUSTEN}.wav", start=100.0)
    transcript = heard(transcriber, sound)
    words = transcript.words
    assert len(words) > 15
    assert all(a.end <= b.start + 0.02 for a, b in itertools.pairwise(words))
    spans = transcript.speech
    assert all(any(span.start - 0.1 <= w.start and w.end <= span.end + 0.1 for span in spans) for w in words)
    assert 0 < sum(word.confident for word in words) < len(words)
    assert not any(re.search(r"[<(\[]", word.text) for word in words)


@pytest.mark.data
def test_given_words_are_found_within_a_tenth_of_a_second(transcriber: EmbeddedTranscriber, real_data: Path) -> None:
    path = real_data / "dev" / AUSTEN
    text = path.with_suffix(".txt").read_text(encoding="utf-8")
    words = aligned(transcriber, sound_of(path.with_suffix(".wav"), start=5.0), text)
    gold = [word for word in json.loads(path.with_suffix(".json").read_text())["w"] if word["t"] != "<sil>"]
    assert [word.text for word in words] == text.split()
    for word, true in zip(words, gold, strict=True):
        assert word.start - 5 == pytest.approx(true["b"], abs=0.1)
        assert word.end - 5 == pytest.approx(true["b"] + true["d"], abs=0.1)


@pytest.mark.data
def test_words_that_are_not_said_are_not_placed(transcriber: EmbeddedTranscriber, real_data: Path) -> None:
    sound = sound_of(real_data / "dev" / f"{AUSTEN}.wav")
    assert aligned(transcriber, sound, JFK) == ()
    assert aligned(transcriber, sound, "北京 — …") == ()


@pytest.mark.data
def test_work_on_speech_stops_when_asked_to(transcriber: EmbeddedTranscriber, real_data: Path) -> None:
    sound = sound_of(real_data / "dev" / f"{AUSTEN}.wav")
    with pytest.raises(Cancelled):
        next(transcriber.transcribe(iter([sound]), StopsAfter(60)))
    assert heard(transcriber, sound).words, "the recogniser works on after work was stopped"
