from collections.abc import Sequence
from itertools import pairwise

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.roles import Line, ReadWord, Region
from reamo_mcp.reading.frame_view import FrameView
from reamo_mcp.reading.same_text import is_same_text
from reamo_mcp.reading.track import Moment, Thing, Track
from reamo_mcp.reading.tracked_text import text_of_tracks
from reamo_mcp.reading.tracks import Tracker
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.reading import AtTrack


def line(text: str, x: float = 100, y: float = 400, confidence: float = 0.95, letter: float = 20) -> Line:
    words: list[ReadWord] = []
    for word in text.split():
        start = words[-1].end + 1 if words else 0
        box = Box(x=x + start * letter, y=y, width=len(word) * letter, height=40)
        words.append(ReadWord(start=start, end=start + len(word), box=box))
    box = Box(x=x, y=y, width=len(text) * letter, height=40)
    return Line(text=text, box=box, words=tuple(words), confidence=confidence)


def face(x: float, y: float = 100, size: float = 80, score: float = 0.95) -> Region:
    return Region(type="face", box=Box(x=x, y=y, width=size, height=size), score=score)


def at(second: float, cut: bool = False) -> Moment:
    return Moment(second, second + 0.04, cut)


def tracked(frames: Sequence[Sequence[Thing]], cuts: Sequence[int] = (0,), step: float = 1.0) -> list[Track]:
    tracker = Tracker(step)
    for number, things in enumerate(frames):
        tracker.see(at(number * step, number in cuts), things)
    return tracker.tracks()


def times(track: Track) -> tuple[float, float]:
    place = track.place()
    return place.start, pytest.approx(place.end)  # pyright: ignore[reportReturnType] stands for a float


def test_a_thing_is_there_from_its_first_frame_to_the_end_of_its_last() -> None:
    (track,) = tracked([[], [face(100)], [face(110)], [face(120)], []])
    assert times(track) == (1.0, 3.04)
    assert [keyframe.time for keyframe in track.place().keyframes] == [1, 2, 3]


def test_two_things_that_cross_keep_their_tracks() -> None:
    frames = [[face(100 + 30 * step), face(700 - 30 * step, y=112)] for step in range(20)]
    frames = [things if step % 2 else things[::-1] for step, things in enumerate(frames)]  # in no reliable order
    one, other = tracked(frames, step=0.2)
    for track, sign in ((one, -1), (other, 1)):
        lefts = [keyframe.parts[0].x for keyframe in track.place().keyframes]
        assert len(lefts) == 20
        assert all((after - before) * sign > 0 for before, after in pairwise(lefts))


def test_a_thing_that_is_missed_once_stays_one_track_and_is_not_called_visible_meanwhile() -> None:
    (track,) = tracked([[face(100)], [face(100)], [], [face(104)]])
    place = track.place()
    assert [(span.start, round(span.end, 2)) for span in place.visible] == [(0, 1.04), (3, 3.04)]
    assert [(span.start, round(span.end, 2)) for span in place.observed] == [(0, 3.04)]


def test_a_thing_that_was_gone_for_long_is_another_one() -> None:
    assert len(tracked([[face(100)], [], [], [], [face(100)]])) == 2


def test_time_without_frames_was_not_observed() -> None:
    tracker = Tracker(1.0)
    for second in (0.0, 1.0, 2.9):
        tracker.see(at(second), [line("Nancy Ajram")])
    (track,) = tracker.tracks()
    assert [(span.start, round(span.end, 2)) for span in track.place().observed] == [(0, 1.04), (2.9, 2.94)]


def test_a_frame_that_equals_the_last_one_read_extends_what_was_found_there() -> None:
    tracker = Tracker(1.0)
    tracker.see(at(0, cut=True), [face(100), face(500)])
    tracker.see(at(1), [face(100)])
    for second in (2, 3, 4):
        tracker.hold(at(second))
    there, gone = tracker.tracks()
    assert times(there) == (0, 4.04)
    assert times(gone) == (0, 0.04)


def test_a_thing_that_rests_and_then_moves_is_in_its_place_until_it_moves() -> None:
    tracker = Tracker(1.0)
    tracker.see(at(0, cut=True), [face(100)])
    for second in (1, 2, 3):
        tracker.hold(at(second))
    tracker.see(at(4), [face(130)])
    (track,) = tracker.tracks()
    assert [(keyframe.time, keyframe.parts[0].x) for keyframe in track.place().keyframes] == [
        (0, 100),
        (3, 100),
        (4, 130),
    ]


def test_readings_of_one_line_with_slips_are_one_track_and_most_frames_decide() -> None:
    texts = ["Nancy Ajram", "NancyAAjrem", "Nancy Ajram", "Nanoy Ajram"]
    tracks = tracked([[line(text, x=100 + 25 * second)] for second, text in enumerate(texts)])
    placed = text_of_tracks(tracks)
    assert placed.text == "Nancy Ajram"
    place = placed.words[1].place
    assert isinstance(place, AtTrack)
    # Where another reading was seen, the words of the best one are placed in proportion.
    for second, keyframe in enumerate(place.keyframes):
        expected = Box(x=100 + 25 * second + 120, y=400, width=100, height=40)
        assert keyframe.parts[0].intersection_over_union(expected) > 0.99


def test_lines_of_one_caption_keep_their_own_boxes_and_times() -> None:
    caption = [line("Chancellor Angela", y=400), line("Merkel speaks", y=450)]
    placed = text_of_tracks(tracked([[], caption, caption, []]))
    assert placed.text == "Chancellor Angela\nMerkel speaks"
    angela, merkel = (place for word in placed.words[1:3] if isinstance(place := word.place, AtTrack))
    assert (angela.start, angela.end) == (merkel.start, merkel.end)
    assert [frame.time for frame in angela.keyframes] == [frame.time for frame in merkel.keyframes]
    assert angela.keyframes[0].parts[0].y < merkel.keyframes[0].parts[0].y


@pytest.mark.parametrize(
    ("one", "other", "is_same"),
    [
        ("European Parliament", "European Parliarnent", True),
        ("European Parliament", "EUROPEAN PARLIAMENT.", True),
        ("Final score 1:0", "Final score 2:0", False),
        ("John Miller, Berlin", "Ana Costa, Lisbon", False),
        ("rain in London and snow in Oslo", "in London and snow in Oslo tonight", False),
        ("12:30", "12:31", False),
    ],
)
def test_slips_of_a_reader_are_told_from_other_texts(one: str, other: str, is_same: bool) -> None:
    assert is_same_text(one, other) is is_same
    assert is_same_text(other, one) is is_same


def test_no_word_of_a_text_that_runs_through_the_picture_is_lost() -> None:
    words = "storm warning for the northern coast and heavy snow in Oslo while Lisbon stays dry and warm".split()
    frames = [[line(" ".join(words[start : start + 5]))] for start in range(len(words) - 4)]
    said = text_of_tracks(tracked(frames)).text
    assert set(words) <= set(said.split())


def test_a_line_read_in_pieces_is_still_the_line() -> None:
    whole = line("Angela Merkel in Paris")
    pieces = [line("Angela Merkel"), line("in Paris", x=100 + 14 * 20)]
    (track,) = tracked([[whole], pieces, [whole]])
    assert times(track) == (0, 2.04)
    assert len(track.place().visible) == 1


def test_a_caption_that_outlasts_a_cut_in_its_place_is_one_track() -> None:
    assert len(tracked([[line("Nancy Ajram")], [line("Nancy Ajram")]], cuts=(0, 1))) == 1
    assert len(tracked([[line("Nancy Ajram")], [line("Nancy Ajram", y=50)]], cuts=(0, 1))) == 2


def test_a_face_in_the_place_of_another_after_a_cut_is_no_continuation() -> None:
    assert len(tracked([[face(100)], [face(100)]], cuts=(0, 1))) == 2
    assert len(tracked([[face(100)], [face(100)]], cuts=(0,))) == 1


def test_what_is_out_of_sight_at_a_cut_has_ended() -> None:
    one, other = tracked([[line("Nancy Ajram")], [], [line("Nancy Ajram")]], cuts=(0, 1))
    assert times(one) == (0, 0.04)
    assert times(other) == (2, 2.04)


def test_a_code_is_followed_by_what_it_says() -> None:
    def code(value: str, x: float) -> Region:
        return Region(type="qr_code", box=Box(x=x, y=50, width=60, height=60), score=1, score_kind="none", value=value)

    frames = [[code("a", 100), code("b", 300)], [code("b", 100), code("a", 300)]]
    assert [[keyframe.parts[0].x for keyframe in track.place().keyframes] for track in tracked(frames)] == [
        [100, 300],
        [300, 100],
    ]


def view_of(shown: Box | None, seed: int = 0) -> FrameView:
    gray = numpy.random.default_rng(99 + seed).integers(100, 130, (300, 400), numpy.uint8)
    if shown:
        left, top = round(shown.x), round(shown.y)
        pattern = numpy.random.default_rng(5).integers(0, 255, (round(shown.height), round(shown.width)), numpy.uint8)
        gray[top : top + pattern.shape[0], left : left + pattern.shape[1]] = pattern
    return FrameView(gray, 1.0)


def test_what_still_looks_the_same_before_a_change_was_there_until_then() -> None:
    tracker = Tracker(1.0)
    there, gone = Box(x=40, y=40, width=90, height=30), Box(x=200, y=200, width=90, height=30)
    things = [Region(type="face", box=box, score=0.9) for box in (there, gone)]
    view = view_of(there)
    view.gray[200:230, 200:290] = view_of(gone).gray[200:230, 200:290]
    tracker.see(at(0, cut=True), things, view)
    tracker.close(at(0.6), view_of(there.model_copy(update={"x": there.x + 12}), seed=1))
    one, other = tracker.tracks()
    assert times(one) == (0, 0.64)
    assert times(other) == (0, 0.04)


def test_what_a_flash_hid_is_in_sight_again_in_a_frame_like_the_one_before_it() -> None:
    tracker = Tracker(1.0)
    box = Box(x=40, y=40, width=90, height=30)
    tracker.see(at(0, cut=True), [Region(type="face", box=box, score=0.9)], view_of(box))
    tracker.close(at(0.5), view_of(None, seed=1))
    tracker.hold(at(0.54))
    (track,) = tracker.tracks()
    assert [(span.start, round(span.end, 2)) for span in track.place().visible] == [(0, 0.04), (0.54, 0.58)]


def test_a_long_track_keeps_few_keyframes_that_others_share() -> None:
    tracker = Tracker(1.0)
    for second in range(1000):
        late = [line("in Paris today", y=450)] if second >= 300 else []
        tracker.see(at(second), [line("Angela Merkel", x=100 + second % 7), *late])
    places = [track.place() for track in tracker.tracks()]
    keyframes = [{keyframe.time for keyframe in place.keyframes} for place in places]
    assert [(place.start, round(place.end)) for place in places] == [(0, 999), (300, 999)]
    assert all(len(own) <= 50 for own in keyframes)
    assert len(keyframes[0] & keyframes[1]) > 10


boxes = st.builds(
    Box,
    x=st.integers(0, 300).map(float),
    y=st.integers(0, 300).map(float),
    width=st.integers(1, 100).map(float),
    height=st.integers(1, 100).map(float),
)
things = st.one_of(
    st.builds(Region, type=st.sampled_from(["face", "dog"]), box=boxes, score=st.just(0.9)),
    st.builds(line, st.sampled_from(["Nancy Ajram", "Paris", "1:0"]), st.integers(0, 300), st.integers(0, 300)),
)


@given(st.lists(st.tuples(st.sampled_from(["see", "cut", "hold"]), st.lists(things, max_size=4)), max_size=15))
def test_every_thing_is_in_one_track_whose_times_fit_together(frames: list[tuple[str, list[Thing]]]) -> None:
    tracker = Tracker(1.0)
    for second, (how, seen) in enumerate(frames):
        if how == "hold":
            tracker.hold(at(second))
        else:
            tracker.see(at(second, how == "cut"), seen)
    tracks = tracker.tracks()
    # A line read in pieces counts once, so there may be fewer.
    assert sum(track.times_found for track in tracks) <= sum(len(seen) for how, seen in frames if how != "hold")
    for track in tracks:
        place = track.place()
        moments = [keyframe.time for keyframe in place.keyframes]
        assert moments == sorted(set(moments))
        assert place.start == moments[0]
        assert moments[-1] < place.end
        for spans in (place.observed, place.visible):
            assert (spans[0].start, spans[-1].end) == (place.start, place.end)
            assert all(before.end < after.start for before, after in pairwise(spans))
        for moment in moments:
            assert any(span.start <= moment < span.end for span in place.visible)
