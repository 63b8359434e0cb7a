"""A device that runs out of memory at the n-th step of any model: what was asked is answered or fails as that alone.

And the next request is answered as if nothing had been. The faults are the errors that torch raises.
"""

# torch and transformers are annotated in part:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Generator
from contextlib import contextmanager
from pathlib import Path

import pytest

pytest.importorskip("torch", reason="needs torch (make test-models)")

import torch
from torch.nn.modules.module import register_module_forward_pre_hook

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.local.ctc_aligner import CtcAligner, load_sounding
from reamo_mcp.models.local.image_segmenter import LocalOutliner
from reamo_mcp.models.local.letters import alphabet_in
from reamo_mcp.models.local.phrase_detector import LocalPhraseDetector
from reamo_mcp.models.local.transcriber import LocalTranscriber
from reamo_mcp.models.local.video_tracker import LocalFollower
from reamo_mcp.models.local.whisper import WhisperRecogniser, load_hearing
from reamo_mcp.models.phrase_detection import Decision
from reamo_mcp.models.phrase_segmenter import PhraseSegmenter
from reamo_mcp.models.roles import Failed, Found, ModelCard
from reamo_mcp.models.tracker_state import TrackerState
from tests.doubles.signal_modules import AlwaysDetector, BlobDetector, sees_everywhere
from tests.doubles.tiny_segmenters import detecting, sam, sam_video
from tests.doubles.tone_speech import ToneActivity, tone_speech
from tests.models.contracts import FILM, PHRASES, a_picture
from tests.models.local.tiny_speech import save_wav2vec2, save_whisper

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]
STEPS = range(1, 21)
EASY = Decision(threshold=0.0001, margin=0.0000001)
"""Random weights are sure of nothing."""


@contextmanager
def full_at(step: int) -> Generator[list[int]]:
    """Let the n-th layer of whatever model runs now run out of memory, once; yield a list that holds n from then on."""
    hit: list[int] = []
    count = 0

    def check(layer: torch.nn.Module, given: object) -> None:
        nonlocal count
        count += 1
        if count == step:
            hit.append(step)
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 20.00 GiB")

    handle = register_module_forward_pre_hook(check)
    try:
        yield hit
    finally:
        handle.remove()


@pytest.mark.parametrize("seeing", ["detector", "outliner"])
def test_the_segmenter_answers_or_tells_that_memory_ran_out_at_whatever_step(seeing: str) -> None:
    loaded, outlining = detecting(), sam()
    detector = LocalPhraseDetector(lambda: loaded, "tiny", "1", EASY) if seeing == "detector" else BlobDetector()
    segmenter = PhraseSegmenter(detector, LocalOutliner(lambda: outlining, "tiny", "1"))
    picture = a_picture()
    whole = segmenter.segment(picture, PHRASES, Unlimited())
    for step in STEPS:
        with full_at(step) as hit:
            answers = segmenter.segment(picture, PHRASES, Unlimited())
        assert hit, "nothing was tried"
        for answer, true in zip(answers, whole, strict=True):
            assert answer == true or (isinstance(answer, Failed) and answer.code == OutOfMemory.code)
        assert segmenter.segment(picture, PHRASES, Unlimited()) == whole


def test_the_tracker_goes_on_or_tells_that_memory_ran_out_at_whatever_step() -> None:
    model = sam_video()
    tracker = FollowingTracker(AlwaysDetector(sees_everywhere), LocalFollower(lambda: model, "tiny", "1"))
    frames = list(FILM.frames(0, 12))

    def steps() -> list[list[int]]:
        tracked = tracker.track(frames, PHRASES[:1], TrackerState(), Unlimited())
        return [[one.id for one in step.regions] for step in tracked]

    whole = steps()
    assert whole == [[1]] * 12
    for step in STEPS:
        with full_at(step) as hit:
            try:
                assert steps() == whole
            except OutOfMemory:  # the first frame alone was too much
                pass
        assert hit
        assert steps() == whole


def test_the_transcriber_answers_or_tells_that_memory_ran_out_at_whatever_step(tmp_path: Path) -> None:
    whisper, wav2vec2 = save_whisper(tmp_path / "whisper"), save_wav2vec2(tmp_path / "wav2vec2")
    hearing, sounding = load_hearing(whisper, "cpu"), load_sounding(wav2vec2, "cpu")
    transcriber = LocalTranscriber(
        ModelCard(role="transcriber", name="tiny", revision="1", accepts=("audio",)),
        ToneActivity(),
        WhisperRecogniser(lambda: hearing, longest=5.0),
        CtcAligner(alphabet_in(wav2vec2.folder), lambda: sounding),
    )
    words = "every word once".split()
    sound = Sound(tone_speech(words)[0], 100.0)
    (whole,) = transcriber.transcribe(iter([sound]), Unlimited())
    aligned = transcriber.align(sound, " ".join(words), Unlimited())
    assert isinstance(aligned, Found)
    for step in STEPS:
        with full_at(step) as hit:
            try:
                (heard,) = transcriber.transcribe(iter([sound]), Unlimited())
                assert heard == whole
            except OutOfMemory:
                pass
        assert hit
        with full_at(step) as hit:
            answer = transcriber.align(sound, " ".join(words), Unlimited())
        assert hit
        assert answer == aligned or (isinstance(answer, Failed) and answer.code == OutOfMemory.code)
        assert next(transcriber.transcribe(iter([sound]), Unlimited())) == whole
        assert transcriber.align(sound, " ".join(words), Unlimited()) == aligned
