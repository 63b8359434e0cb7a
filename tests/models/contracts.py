"""What every implementation of a role must do, whatever is inside: the same questions for doubles and for models."""

from collections.abc import Sequence

import numpy
import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import SAMPLE_RATE, Frame, Picture
from reamo_mcp.media.run_lengths import around, decoded
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.roles import AudioSegmenter, Confirmer, Found, ImageSegmenter, Region, TrackStep, VideoTracker
from reamo_mcp.models.tracker_state import TrackerState
from tests.doubles.moving_shapes import Film, Shape
from tests.doubles.stopping import StopsAfter

FILM = Film((Shape("red", (40, 36), (0, 20), (3, 0)), Shape("blue", (30, 44), (120, 50), (-2, 0.5))), bar=(90, 110))
PHRASES = ("the red thing", "the blue thing", "a green dog")


def a_picture() -> Picture:
    """Return a picture at half its size, whose pixels cannot be written to, as those of the decoder."""
    picture = next(FILM.frames(0, 1)).picture
    picture.pixels.flags.writeable = False
    return picture


def check_image_segmenter(segmenter: ImageSegmenter) -> None:
    picture = a_picture()
    assert segmenter.card.role == "image_segmenter"
    assert segmenter.card.name
    assert segmenter.card.revision
    assert segmenter.segment(picture, [], Unlimited()) == []
    answers = segmenter.segment(picture, [*PHRASES, PHRASES[0]], Unlimited())
    assert len(answers) == 4
    assert answers[0] == answers[3], "one phrase has two answers"
    again = segmenter.segment(picture, [*PHRASES, PHRASES[0]], Unlimited())
    assert answers == again, "the same question, another answer"
    for phrase, answer in zip(PHRASES, answers, strict=False):
        if isinstance(answer, Found):
            check_regions(answer.items, phrase, picture)
    with pytest.raises(Cancelled):
        segmenter.segment(picture, PHRASES, StopsAfter(0))


def check_regions(regions: Sequence[Region], phrase: str, picture: Picture) -> None:
    assert [region.score for region in regions] == sorted((region.score for region in regions), reverse=True)
    for region in regions:
        assert region.type == phrase
        assert 0 <= region.score <= 1
        assert_inside(region, picture)
        if region.mask is None:
            continue
        assert region.mask.size == (picture.original_height, picture.original_width)
        tight = around(decoded(region.mask))
        assert tight is not None
        box = region.box
        edges = (box.x, box.y, box.right, box.bottom)
        assert (tight.x, tight.y, tight.right, tight.bottom) == pytest.approx(edges, abs=2)


def assert_inside(region: Region, picture: Picture) -> None:
    assert region.box.x >= -1e-6
    assert region.box.y >= -1e-6
    assert region.box.right <= picture.original_width + 1e-6
    assert region.box.bottom <= picture.original_height + 1e-6


def tracked(tracker: VideoTracker, frames: Sequence[Frame], state: TrackerState) -> list[TrackStep]:
    return list(tracker.track(frames, PHRASES, state, Unlimited()))


def check_video_tracker(tracker: VideoTracker) -> None:
    assert tracker.card.role == "video_tracker"
    assert tracker.card.name
    assert tracker.card.revision
    frames = list(FILM.frames(0, 36))
    state = TrackerState()
    assert tracked(tracker, [], state) == []
    assert state == TrackerState()

    whole = tracked(tracker, frames, state)
    assert [step.time for step in whole] == [frame.time for frame in frames]
    for step, frame in zip(whole, frames, strict=True):
        ids = [one.id for one in step.regions]
        assert len(set(ids)) == len(ids), "one thing is twice in a frame"
        assert all(number < state.next_id for number in ids)
        for one in step.regions:
            assert one.region.type in PHRASES
            assert_inside(one.region, frame.picture)
    assert len(state.things) <= 32
    assert len(state.remembered) <= 8

    state = TrackerState()
    by_windows = [step for start in (0, 16, 32) for step in tracked(tracker, frames[start : start + 16], state)]
    assert by_windows == whole, "the seams of windows show"
    with pytest.raises(Cancelled):
        next(iter(tracker.track(frames, PHRASES, TrackerState(), StopsAfter(0))))


def check_audio_segmenter(segmenter: AudioSegmenter, phrases: Sequence[str]) -> None:
    assert segmenter.card.role == "audio_segmenter"
    wave = 0.3 * numpy.sin(2 * numpy.pi * 220 * numpy.arange(3 * SAMPLE_RATE) / SAMPLE_RATE)
    sound = Sound(wave.astype(numpy.float32), 30.0)
    assert segmenter.segment(sound, [], Unlimited()) == []
    answers = segmenter.segment(sound, [*phrases, phrases[0]], Unlimited())
    assert len(answers) == len(phrases) + 1
    assert answers[0] == answers[-1]
    for answer in answers:
        if isinstance(answer, Found):
            assert [span.start for span in answer.items] == sorted(span.start for span in answer.items)
            assert all(30.0 - 1e-6 <= span.start < span.end <= 33.0 + 1e-6 for span in answer.items)
            assert all(0 <= span.score <= 1 for span in answer.items)


def some_crops() -> list[Picture]:
    """Return crops of several shapes, the last one the same as the first, that cannot be written to."""
    pixels = a_picture().pixels
    crops = [pixels, pixels[20:56, 10:90], pixels[5:40, 100:120], pixels]
    pictures = [Picture(one.copy(), 0.5, one.shape[1] * 2, one.shape[0] * 2) for one in crops]
    for picture in pictures:
        picture.pixels.flags.writeable = False
    return pictures


def check_confirmer(confirmer: Confirmer) -> None:
    assert confirmer.card.role == "confirmer"
    assert confirmer.card.name
    assert confirmer.card.revision
    assert confirmer.confirm([], [], Unlimited()) == []
    phrases = [*PHRASES, PHRASES[0]]
    shares = shares_of(confirmer, some_crops(), phrases)
    assert len(shares) == 4
    assert all(0 <= share <= 1 for share in shares)
    assert shares[0] == pytest.approx(shares[3], abs=1e-4), "one question has two answers"
    assert shares_of(confirmer, some_crops(), phrases) == pytest.approx(shares, abs=1e-4), "another answer"
    alone = [shares_of(confirmer, [crop], [phrase])[0] for crop, phrase in zip(some_crops(), phrases, strict=True)]
    assert alone == pytest.approx(shares, abs=1e-4), "what is asked beside changes an answer"
    with pytest.raises(Cancelled):
        confirmer.confirm(some_crops(), phrases, StopsAfter(0))


def shares_of(confirmer: Confirmer, crops: Sequence[Picture], phrases: Sequence[str]) -> list[float]:
    shares: list[float] = []
    for answer in confirmer.confirm(crops, phrases, Unlimited()):
        assert isinstance(answer, Found), answer
        (confirmation,) = answer.items
        shares.append(confirmation.share)
    return shares
