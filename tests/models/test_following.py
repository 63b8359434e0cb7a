"""Following shapes whose every place is known: through crossings, hiding and late entries, over seams of windows."""

import tracemalloc
from collections import defaultdict
from collections.abc import Sequence

import pytest

from reamo_mcp.errors import Cancelled, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Frame
from reamo_mcp.models.following import FollowingTracker
from reamo_mcp.models.roles import TrackStep, VideoTracker
from reamo_mcp.models.tracker_state import TrackerState
from tests.doubles.moving_shapes import HEIGHT, STEP, WIDTH, Film, Shape
from tests.doubles.signal_modules import BlobDetector, BlobFollower, blob_tracker
from tests.doubles.stopping import StopsAfter

WINDOW = 16
FILM = Film(
    (
        Shape("red", (24, 20), (0, 20), (3, 0)),
        Shape("blue", (20, 24), (130, 25), (-3, 0.5)),  # crosses the red one in plain sight, and the bar
        Shape("green", (18, 18), (92.5, 80), (0.25, 0), leaves=130),  # behind the bar for more than a window
        Shape("yellow", (22, 22), (0, 95), (2, -1), enters=75),
    ),
    bar=(100, 126),
)


def followed(
    tracker: VideoTracker, film: Film, windows: int, phrases: Sequence[str], size: int = WINDOW
) -> list[TrackStep]:
    state = TrackerState()
    steps: list[TrackStep] = []
    for window in range(windows):
        frames = list(film.frames(window * size, (window + 1) * size))
        steps += tracker.track(frames, phrases, state, Unlimited())
    return steps


def colour_at(film: Film, number: int, step: TrackStep, index: int) -> str:
    box = step.regions[index].region.box
    overlaps = {colour: box.intersection_over_union(true) for colour, (true, _) in film.visible(number).items()}
    return max(overlaps, key=lambda colour: overlaps[colour])


def switches_and_misses(film: Film, steps: Sequence[TrackStep]) -> tuple[int, list[tuple[int, str]]]:
    """Return how often a thing changed its number or a number its thing, and where a shape in plain sight had none."""
    number_of: dict[str, int] = {}
    colour_of: dict[int, str] = {}
    switches = 0
    misses: list[tuple[int, str]] = []
    since: dict[str, int] = defaultdict(int)
    for number, step in enumerate(steps):
        seen: set[str] = set()
        for index, one in enumerate(step.regions):
            colour = colour_at(film, number, step, index)
            seen.add(colour)
            switches += number_of.setdefault(colour, one.id) != one.id
            switches += colour_of.setdefault(one.id, colour) != colour
        for colour, (_, share) in film.visible(number).items():
            since[colour] = since[colour] + 1 if share > 0.5 else 0
            if since[colour] * STEP > 1.0 and colour not in seen:
                misses.append((number, colour))
    return switches, misses


def test_over_ten_windows_no_thing_changes_its_number_and_none_is_lost_at_a_seam() -> None:
    steps = followed(blob_tracker(), FILM, 10, ["a shape"])
    assert len(steps) == 10 * WINDOW
    hidden = [number for number in range(100) if "green" not in FILM.visible(number)]
    assert {31, 32, 47, 48} <= set(hidden)  # for a whole window and at both its seams, else nothing was tried
    shares = [{colour: share for colour, (_, share) in FILM.visible(number).items()} for number in range(160)]
    assert any(one.get("red", 0) < 0.5 and one.get("blue", 0) == 1.0 for one in shares)  # they do cross
    assert switches_and_misses(FILM, steps) == (0, [])
    assert {one.id for step in steps for one in step.regions} == {1, 2, 3, 4}


def test_boxes_and_masks_are_those_of_the_shapes_in_units_of_the_original() -> None:
    steps = followed(blob_tracker(), FILM, 2, ["a shape"])
    for number, step in enumerate(steps):
        for index, one in enumerate(step.regions):
            true, _ = FILM.visible(number)[colour_at(FILM, number, step, index)]
            assert one.region.box == true
            assert one.region.mask is not None
            assert one.region.mask.size == (2 * HEIGHT, 2 * WIDTH)


def test_a_thing_that_enters_late_is_followed_from_the_next_look_on() -> None:
    steps = followed(blob_tracker(), FILM, 6, ["the yellow one"])
    first = next(number for number, step in enumerate(steps) if step.regions)
    assert 75 <= first <= 75 + 1.0 / STEP
    shown = [number for number in range(first, len(steps)) if FILM.visible(number).get("yellow", (None, 0))[1] > 0.2]
    assert all(steps[number].regions for number in shown)


def test_windows_of_any_length_tell_the_same() -> None:
    whole = followed(blob_tracker(), FILM, 1, ["a shape"], size=80)
    short = followed(blob_tracker(), FILM, 16, ["a shape"], size=5)
    assert [[one.id for one in step.regions] for step in whole] == [[one.id for one in step.regions] for step in short]


def test_phrases_are_followed_side_by_side_and_each_region_names_its_phrase() -> None:
    steps = followed(blob_tracker(), FILM, 2, ["red", "blue", "red"])
    assert {one.region.type for step in steps for one in step.regions} == {"red", "blue"}
    assert {one.id for step in steps for one in step.regions} == {1, 2}


def test_what_is_not_there_is_not_followed() -> None:
    assert not any(step.regions for step in followed(blob_tracker(), FILM, 2, ["the yellow one", "a dog"]))


def test_after_a_cut_only_what_its_phrase_finds_again_is_in_sight() -> None:
    """The follower takes any area of the colour for its thing; the detector sees it as something else after the cut."""
    detector = BlobDetector()
    tracker = FollowingTracker(detector, BlobFollower())
    film = Film((Shape("red", (24, 20), (10, 20), (1, 0)),))
    frames = list(film.frames(0, 12))
    cut = frames[5]
    frames[5] = Frame(cut.time, cut.until, cut.picture, shot_start=True)
    state = TrackerState()
    steps: list[TrackStep] = []
    for number, step in enumerate(tracker.track(frames, ["the red one"], state, Unlimited())):
        if number == 4:
            detector.decision = detector.decision.model_copy(update={"threshold": 1.0})  # sees nothing from here on
        steps.append(step)
    assert [len(step.regions) for step in steps] == [1] * 5 + [0] * 7
    assert [thing.doubted for thing in state.things] == [True]

    detector.decision = detector.decision.model_copy(update={"threshold": 0.3})
    more = list(tracker.track(list(film.frames(12, 20)), ["the red one"], state, Unlimited()))
    assert [[one.id for one in step.regions] for step in more[-3:]] == [[1]] * 3


def test_a_stretch_that_runs_out_of_memory_goes_on_as_shorter_ones() -> None:
    def full(shown: int) -> None:
        if shown > 6:
            raise OutOfMemory("no room for a seventh picture")

    follower = BlobFollower(full)
    steps = followed(FollowingTracker(BlobDetector(), follower), FILM, 3, ["a shape"])
    assert len(steps) == 3 * WINDOW
    assert switches_and_misses(FILM, steps) == (0, [])
    assert follower.stretches > 3


def test_a_single_frame_that_is_too_much_is_told() -> None:
    def full(_: int) -> None:
        raise OutOfMemory("no room at all")

    with pytest.raises(OutOfMemory):
        followed(FollowingTracker(BlobDetector(), BlobFollower(full)), FILM, 1, ["a shape"])


def test_cancelling_is_obeyed_between_two_frames() -> None:
    steps = blob_tracker().track(FILM.frames(0, 100), ["red"], TrackerState(), StopsAfter(5))
    assert next(steps).time == 0.0
    with pytest.raises(Cancelled):
        list(steps)


def test_a_long_video_takes_no_more_memory_than_a_short_one() -> None:
    def most(seconds: int) -> int:
        tracemalloc.start()
        try:
            frames = FILM.frames(0, round(seconds / STEP))
            for _ in blob_tracker().track(frames, ["red", "blue"], TrackerState(), Unlimited()):
                pass
            return tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    assert most(120) < 1.3 * most(12)
