"""What every transcriber keeps to, whatever hears inside it."""

import sys
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from itertools import pairwise
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.handling import Handlers
from reamo_mcp.isolation.program import Program
from reamo_mcp.media.decoded import SAMPLE_RATE
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import EngineChild
from reamo_mcp.models.embedded.transcriber import EmbeddedTranscriber
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import HostedTranscriber, handlers_over
from reamo_mcp.models.local.transcriber import LocalTranscriber
from reamo_mcp.models.remembered import RememberedTranscriber
from reamo_mcp.models.roles import Found, HeardWord, ModelCard, SpeechTranscript, Transcriber
from reamo_mcp.store.files import BlobFolder
from tests.doubles.stopping import StopsAfter
from tests.doubles.tone_speech import ToneActivity, ToneAligner, ToneRecogniser, tone_speech
from tests.models.embedded.test_transcriber import AUSTEN, sound_of

CARD = ModelCard(role="transcriber", name="double", revision="1", accepts=("audio",))
EMBEDDED = EmbeddedTranscriber()  # opens its models once for all tests here
TORCH = [
    pytest.mark.models,
    pytest.mark.skipif(any(find_spec(name) is None for name in ("torch", "transformers")), reason="needs torch"),
]


def double(_: Path) -> Transcriber:
    return LocalTranscriber(CARD, ToneActivity(), ToneRecogniser(), ToneAligner())


def without_aligner(_: Path) -> Transcriber:
    return LocalTranscriber(CARD, ToneActivity(), ToneRecogniser())


def remembered(folder: Path) -> Transcriber:
    return RememberedTranscriber(double(folder), BlobFolder(folder / "blobs", 1_000_000))


def embedded(_: Path) -> Transcriber:
    return EMBEDDED


def serve() -> Handlers:
    return handlers_over(Engine(profile="test", transcriber=double(Path())))


CHILD = EngineChild(Program(target="tests.models.test_transcriber_contract:serve"))  # starts when it is asked


@pytest.fixture(scope="module", autouse=True)
def child() -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
        yield
        CHILD.close()


def across(_: Path) -> Transcriber:
    return HostedTranscriber(CHILD, CARD)


def tiny(folder: Path) -> Transcriber:
    from reamo_mcp.models.local.ctc_aligner import CtcAligner, load_sounding
    from reamo_mcp.models.local.letters import alphabet_in
    from reamo_mcp.models.local.whisper import WhisperRecogniser, load_hearing
    from tests.models.local.tiny_speech import save_wav2vec2, save_whisper

    whisper, wav2vec2 = save_whisper(folder / "whisper"), save_wav2vec2(folder / "wav2vec2")
    return LocalTranscriber(
        CARD,
        ToneActivity(),
        WhisperRecogniser(lambda: load_hearing(whisper, "cpu"), longest=5.0),
        CtcAligner(alphabet_in(wav2vec2.folder), lambda: load_sounding(wav2vec2, "cpu")),
    )


Made = Callable[[Path], Transcriber]
EVERY = [double, without_aligner, remembered, across, embedded, pytest.param(tiny, marks=TORCH)]


@pytest.fixture
def transcriber(request: pytest.FixtureRequest, tmp_path: Path) -> Transcriber:
    made: Made = request.param
    return made(tmp_path)


def silence(start: float, seconds: float = 2.0) -> Sound:
    return Sound(numpy.zeros(int(seconds * SAMPLE_RATE), numpy.float32), start)


def items(transcriber: Transcriber, sound: Sound, text: str) -> tuple[HeardWord, ...]:
    answer = transcriber.align(sound, text, Unlimited())
    assert isinstance(answer, Found), answer
    return answer.items


def speech_for(transcriber: Transcriber, real_data: Callable[[], Path]) -> tuple[Sound, str]:
    """Return speech that this transcriber can hear, at 100 s, and what is said."""
    if isinstance(transcriber, EmbeddedTranscriber):
        path = real_data() / "dev" / AUSTEN
        samples = sound_of(path.with_suffix(".wav")).samples[: 5 * SAMPLE_RATE // 2]
        return Sound(samples, 100.0), path.with_suffix(".txt").read_text(encoding="utf-8")
    words = "every word once".split()
    return Sound(tone_speech(words)[0], 100.0), " ".join(words)


@pytest.fixture
def speech(transcriber: Transcriber, request: pytest.FixtureRequest) -> tuple[Sound, str]:
    return speech_for(transcriber, lambda: request.getfixturevalue("real_data"))


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_it_tells_what_it_is_without_hearing_anything(transcriber: Transcriber) -> None:
    card = transcriber.card
    assert card.role == "transcriber"
    assert card.name
    assert card.revision
    assert card.accepts == ("audio",)


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_each_window_has_one_transcript_and_silence_has_no_words(transcriber: Transcriber) -> None:
    windows = [silence(0.0), silence(2.0, 0.0), silence(2.0, 0.01)]
    heard = list(transcriber.transcribe(iter(windows), Unlimited()))
    assert heard == [SpeechTranscript(speech=(), words=())] * 3
    assert [items(transcriber, window, "hello there") for window in windows] == [()] * 3


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_words_lie_in_order_in_the_speech_on_the_clock_of_the_container(
    transcriber: Transcriber, speech: tuple[Sound, str]
) -> None:
    sound, _ = speech
    end = sound.start + len(sound.samples) / SAMPLE_RATE
    before, heard = transcriber.transcribe(iter([silence(98.0), sound]), Unlimited())
    assert not before.words
    assert heard.speech
    assert all(100.0 <= span.start < span.end <= end for span in heard.speech)
    assert all(
        any(span.start - 0.3 <= word.start <= word.end <= span.end + 0.3 for span in heard.speech)
        for word in heard.words
    )
    assert all(one.start <= other.start and one.end <= other.end + 0.02 for one, other in pairwise(heard.words))
    assert all(word.text == word.text.strip() != "" for word in heard.words)


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_a_window_is_heard_by_itself(transcriber: Transcriber, speech: tuple[Sound, str]) -> None:
    sound, _ = speech
    first, second = transcriber.transcribe(iter([sound, sound]), Unlimited())
    assert first.speech == second.speech
    # Confidences may differ a little: the embedded recogniser adapts to the loudness of what it has heard.
    assert [(word.text, word.start, word.end) for word in first.words] == [
        (word.text, word.start, word.end) for word in second.words
    ]


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_aligned_words_are_those_of_the_text_in_its_order_and_spelling(
    transcriber: Transcriber, speech: tuple[Sound, str]
) -> None:
    sound, text = speech
    tokens = [*text.split(), "—", "and", "much", "more"]
    found = [word.text for word in items(transcriber, sound, " ".join(tokens))]
    left = iter(tokens)
    assert all(word in left for word in found), "in the order of the text"
    assert "—" not in found
    assert items(transcriber, sound, "— … !") == ()
    assert items(transcriber, sound, "") == ()


@pytest.mark.parametrize("transcriber", EVERY, indirect=True)
def test_work_stops_when_asked_to_and_the_next_call_is_answered(
    transcriber: Transcriber, speech: tuple[Sound, str]
) -> None:
    sound, text = speech
    with pytest.raises(Cancelled):
        next(transcriber.transcribe(iter([sound]), StopsAfter(0)))
    with pytest.raises(Cancelled):
        transcriber.align(sound, text, StopsAfter(0))
    assert next(transcriber.transcribe(iter([sound]), Unlimited())).speech
