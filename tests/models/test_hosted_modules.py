"""The modules that calls are put to, in a child process: they answer as they do here; a state crosses the border."""

import sys
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import Cancelled, EngineFailed
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.program import Program
from reamo_mcp.media.decoded import Frame, Picture
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import EngineChild
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import hosted
from reamo_mcp.models.roles import Confirmation, Failed, Found, TrackStep, Unsupported, VideoTracker
from reamo_mcp.models.tracker_state import TrackerState
from tests.doubles.moving_shapes import Film, Shape
from tests.doubles.signal_modules import TONES
from tests.models.contracts import check_confirmer, some_crops
from tests.models.engine_for_tests import engine

FILM = Film(
    (Shape("red", (24, 20), (0, 20), (3, 0)), Shape("green", (18, 18), (92.5, 80), (0.25, 0))),
    bar=(100, 126),
)


@pytest.fixture
def child(monkeypatch: pytest.MonkeyPatch) -> Iterator[EngineChild]:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
    child = EngineChild(Program(target="tests.models.engine_for_tests:serve"))
    yield child
    child.close()


@pytest.fixture
def far(child: EngineChild) -> Engine:
    return hosted(engine(), child)


def followed(tracker: VideoTracker, last: int, size: int, phrases: tuple[str, ...]) -> list[TrackStep]:
    state = TrackerState()
    steps: list[TrackStep] = []
    for start in range(0, last, size):
        steps += tracker.track(FILM.frames(start, min(last, start + size)), phrases, state, Unlimited())
    return steps


def test_pictures_and_sounds_are_segmented_across_the_border_as_they_are_here(far: Engine) -> None:
    near = engine()
    assert far.image_segmenter is not None
    assert near.image_segmenter is not None
    assert far.audio_segmenter is not None
    assert near.audio_segmenter is not None
    picture = next(FILM.frames(10, 11)).picture
    phrases = ["the red one", "a yellow one", "the green one"]
    answers = far.image_segmenter.segment(picture, phrases, Unlimited())
    assert answers == near.image_segmenter.segment(picture, phrases, Unlimited())
    assert far.image_segmenter.segment(picture, [], Unlimited()) == []

    wave = 0.3 * numpy.sin(2 * numpy.pi * TONES["low"] * numpy.arange(32_000) / 16_000)
    sound = Sound(wave.astype(numpy.float32), 7.0)
    heard = far.audio_segmenter.segment(sound, ["a low tone", "a dog"], Unlimited())
    assert heard == near.audio_segmenter.segment(sound, ["a low tone", "a dog"], Unlimited())


def test_a_confirmer_across_the_border_keeps_the_contract(far: Engine) -> None:
    assert far.confirmer is not None
    check_confirmer(far.confirmer)


def test_crops_are_confirmed_across_the_border_as_they_are_here_and_a_deadly_one_fails_alone(far: Engine) -> None:
    near = engine()
    assert far.confirmer is not None
    assert near.confirmer is not None
    crops = some_crops() * 6
    phrases = ["the red thing", "the blue thing", "plain", "a green dog"] * 6
    assert far.confirmer.confirm(crops, phrases, Unlimited()) == near.confirmer.confirm(crops, phrases, Unlimited())
    answers = far.confirmer.confirm(crops[1:4], ["the red thing", "die", "plain"], Unlimited())
    assert answers[0] == Found((Confirmation(share=0.97),))
    assert isinstance(answers[1], Failed)
    assert answers[2] == Unsupported("too plain")


def test_things_keep_their_numbers_though_each_window_crosses_the_border_by_itself(far: Engine) -> None:
    near = engine()
    assert far.video_tracker is not None
    assert near.video_tracker is not None
    phrases = ("the red one", "the green one")
    across = followed(far.video_tracker, 80, 16, phrases)
    assert across == followed(near.video_tracker, 80, 16, phrases)
    assert {one.id for step in across for one in step.regions} == {1, 2}
    assert "green" not in FILM.visible(40)
    assert any(one.region.type == "the green one" for one in across[79].regions)


def test_more_frames_than_one_message_holds_are_told_step_by_step(far: Engine) -> None:
    assert far.video_tracker is not None
    steps = followed(far.video_tracker, 50, 50, ("the red one",))
    assert [step.time for step in steps] == sorted(step.time for step in steps)
    assert len(steps) == 50
    assert all(after.regions[0].region.box != before.regions[0].region.box for before, after in pairwise(steps[:20]))


def test_a_child_that_dies_between_two_windows_takes_no_thing_with_it(far: Engine, child: EngineChild) -> None:
    assert far.video_tracker is not None
    state = TrackerState()
    before = list(far.video_tracker.track(FILM.frames(0, 16), ["the red one"], state, Unlimited()))
    process = child.process_id
    child.close()
    with pytest.raises(EngineFailed):
        list(far.video_tracker.track(FILM.frames(16, 32), ["the red one"], state, Unlimited()))
    assert process is not None
    again = EngineChild(Program(target="tests.models.engine_for_tests:serve"))
    try:
        tracker = hosted(engine(), again).video_tracker
        assert tracker is not None
        after = list(tracker.track(FILM.frames(16, 32), ["the red one"], state, Unlimited()))
    finally:
        again.close()
    assert [one.id for step in (*before, *after) for one in step.regions] == [1] * 32


def test_cancelling_is_obeyed_while_a_video_is_followed(far: Engine) -> None:
    assert far.video_tracker is not None

    class Impatient:
        enough = False

        def check(self) -> None:
            if self.enough:
                raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return None

    control = Impatient()
    steps = far.video_tracker.track(FILM.frames(0, 64), ["the red one"], TrackerState(), control)
    next(steps)
    control.enough = True
    with pytest.raises(Cancelled):
        list(steps)
    assert followed(far.video_tracker, 4, 4, ("the red one",))  # the child is fit for the next request


def test_a_picture_of_another_scale_keeps_its_units_across_the_border(far: Engine) -> None:
    assert far.video_tracker is not None
    frame = next(FILM.frames(0, 1))
    shown = Picture(frame.picture.pixels, 0.25, 640, 480)
    (step,) = far.video_tracker.track([Frame(0, 0.25, shown)], ["the red one"], TrackerState(), Unlimited())
    assert step.regions[0].region.box.width == 96
