from collections.abc import Callable, Sequence
from fractions import Fraction
from pathlib import Path

import numpy
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from reamo_mcp.errors import CorruptMedia, TooLarge, UnsupportedContainer
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.changes import has_changed
from reamo_mcp.media.container import describe_media
from reamo_mcp.media.decoded import Frame, FramePlan, Outcome, StreamEnd
from reamo_mcp.media.video import planned_frames
from reamo_mcp.settings import Limits
from tests.media_samples import VideoSample, number_in, opened, trimmed, turned, write_tone, write_video

LIMITS = Limits()


def frames_of(
    path: Path, plan: FramePlan | None = None, format: str = "mov", limits: Limits = LIMITS
) -> tuple[list[Frame], StreamEnd]:
    outcome = Outcome()
    with opened(path, format=format) as file:
        frames = list(planned_frames(file, plan or FramePlan(), limits, outcome, Unlimited()))
    assert outcome.end is not None
    return frames, outcome.end


def check_times(frames: Sequence[Frame], times: Sequence[Fraction], end: Fraction) -> None:
    """Every frame carries its own number, so its true time is known."""
    for frame in frames:
        number = number_in(frame.picture.pixels)
        until = times[number + 1] if number + 1 < len(times) else end
        assert frame.time == pytest.approx(float(times[number]), abs=2e-3)
        assert frame.until == pytest.approx(float(until), abs=2e-3)


def is_sampled(frames: Sequence[Frame], seconds: Sequence[float]) -> bool:
    return all(
        any(frame.time <= second + 2e-3 and second < frame.until + 2e-3 for frame in frames) for second in seconds
    )


def varying(number: int) -> int:
    """Milliseconds: 30 frames a second, then 10, a hole of 1.5 s, then 60."""
    if number < 30:
        return number * 1000 // 30
    return 1000 + (number - 30) * 100 if number < 50 else 4500 + (number - 50) * 1000 // 60


def test_each_sample_is_the_frame_shown_at_that_time(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=120, sound_start=0.0, sound_seconds=4))
    frames, end = frames_of(path)
    check_times(frames, [Fraction(number, 30) for number in range(120)], Fraction(4))
    assert is_sampled(frames, [0, 1, 2, 3])
    assert end.read == pytest.approx(4.0)
    assert not end.not_read


def test_frames_of_a_varying_rate_keep_their_own_times(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", VideoSample(frames=150, pts=varying, base=Fraction(1, 1000)))
    frames, _ = frames_of(path, FramePlan(step=0.5), "matroska")
    times = [Fraction(varying(number), 1000) for number in range(150)]
    check_times(frames, times, Fraction(varying(149), 1000) + Fraction(1, 30))
    assert is_sampled(frames, [0.5 * number for number in range(13)])


def test_a_file_that_starts_late_counts_from_its_own_start(tmp_path: Path) -> None:
    sample = VideoSample(frames=90, pts=lambda number: number + 60, sound_start=2.0, sound_seconds=3, format="mpegts")
    frames, _ = frames_of(write_video(tmp_path / "a.ts", sample), format="mpegts")
    first = frames[0].time  # the sound may begin a moment before the pictures
    assert 0 <= first < 0.1
    check_times(frames, [Fraction(number, 30) + Fraction(first) for number in range(90)], Fraction(3) + Fraction(first))


def test_what_an_edit_list_cuts_away_is_not_shown_and_takes_no_time(tmp_path: Path) -> None:
    whole = write_video(tmp_path / "a.mp4", VideoSample(frames=120))
    path = trimmed(whole, tmp_path / "b.mp4", ticks=10 * 512)  # ten frames: MP4 counts 15,360 ticks a second here
    frames, _ = frames_of(path)
    assert number_in(frames[0].picture.pixels) == 10
    check_times(frames, [Fraction(number - 10, 30) for number in range(120)], Fraction(110, 30))


def test_an_edit_list_that_delays_the_pictures_is_kept(tmp_path: Path) -> None:
    sample = VideoSample(frames=90, pts=lambda number: number + 15, sound_start=0.0, sound_seconds=3.5)
    frames, _ = frames_of(write_video(tmp_path / "a.mp4", sample))
    check_times(frames, [Fraction(number + 15, 30) for number in range(90)], Fraction(105, 30))


def test_pictures_that_begin_after_the_sound_stay_late(tmp_path: Path) -> None:
    sample = VideoSample(frames=60, pts=lambda number: number + 30, sound_start=0.0, sound_seconds=3)
    frames, end = frames_of(write_video(tmp_path / "a.mkv", sample), format="matroska")
    check_times(frames, [Fraction(number + 30, 30) for number in range(60)], Fraction(3))
    assert frames[0].time == pytest.approx(1.0, abs=0.03)
    assert [notice.code for notice in end.notices] == ["pictures_start_late"]


@pytest.mark.parametrize("clockwise", [90, 180, 270])
def test_pictures_are_turned_upright(tmp_path: Path, clockwise: int) -> None:
    # A picture that is turned against the clock when encoded stands upright again when shown.
    source = write_video(tmp_path / "a.mp4", VideoSample(frames=31))
    path = turned(source, tmp_path / "b.mp4", clockwise)
    with opened(path) as file:
        described = describe_media(file, LIMITS)
    wide, high = (320, 180) if clockwise == 180 else (180, 320)
    assert (described.width, described.height) == (wide, high)
    frames, _ = frames_of(path)
    assert frames[0].picture.pixels.shape == (high, wide, 3)
    assert (frames[0].picture.original_width, frames[0].picture.original_height) == (wide, high)
    back = {90: 1, 180: 2, 270: 3}[clockwise]
    numbers = [number_in(numpy.ascontiguousarray(numpy.rot90(frame.picture.pixels, back))) for frame in frames]
    assert [round(frame.time * 30) for frame in frames] == numbers


def test_frames_are_reduced_to_the_longest_side(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=5, size=(640, 360)))
    frames, _ = frames_of(path, FramePlan(longest_side=320))
    assert frames[0].picture.pixels.shape == (180, 320, 3)
    assert frames[0].picture.scale == 0.5


def test_ten_bit_pictures_are_read(tmp_path: Path) -> None:
    sample = VideoSample(frames=40, codec="libx265", pixel_format="yuv420p10le")
    frames, _ = frames_of(write_video(tmp_path / "a.mkv", sample), format="matroska")
    check_times(frames, [Fraction(number, 30) for number in range(40)], Fraction(40, 30))


def test_only_the_wanted_part_is_handed_out(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=180, key_frame_every=30))
    frames, end = frames_of(path, FramePlan(start=2.5, end=4.0))
    check_times(frames, [Fraction(number, 30) for number in range(180)], Fraction(6))
    assert is_sampled(frames, [2.5, 3.5])
    assert 2.4 < frames[0].time
    assert frames[-1].time < 4.0
    assert end.read == pytest.approx(4.0)
    assert not end.not_read


def test_a_truncated_file_says_what_was_not_read(tmp_path: Path) -> None:
    sample = VideoSample(frames=120, size=(640, 360), picture=_noise)
    data = write_video(tmp_path / "a.mkv", sample).read_bytes()
    cut = tmp_path / "cut.mkv"
    cut.write_bytes(data[: len(data) // 2])
    frames, end = frames_of(cut, format="matroska")
    check_times(frames, [Fraction(number, 30) for number in range(120)], Fraction(4))
    assert "truncated" in [notice.code for notice in end.notices]
    (missing,) = end.not_read
    assert (missing.start, missing.end) == (pytest.approx(end.read), pytest.approx(4.0, abs=0.05))
    assert frames[-1].time < end.read < 3


def test_a_limit_on_seconds_says_what_was_not_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=120))
    frames, end = frames_of(path, limits=Limits(most_seconds=1.5))
    assert frames[-1].time < 1.5
    (missing,) = end.not_read
    assert (missing.start, missing.end) == (1.5, pytest.approx(4.0))


def test_a_limit_on_frames_says_what_was_not_read(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=120))
    frames, end = frames_of(path, FramePlan(most=2, shots=False))
    assert len(frames) == 2
    (missing,) = end.not_read
    assert (missing.start, missing.end) == (pytest.approx(2.0), pytest.approx(4.0))


def test_two_joined_recordings_are_split_where_the_clock_jumps_back(tmp_path: Path) -> None:
    data = write_video(tmp_path / "a.ts", VideoSample(frames=60, format="mpegts")).read_bytes()
    joined = tmp_path / "joined.ts"
    joined.write_bytes(data + data)
    frames, end = frames_of(joined, format="mpegts")
    assert "discontinuity" in [notice.code for notice in end.notices]
    times = [frame.time for frame in frames]
    assert times == sorted(times)


def _noise(number: int, pixels: "NDArray[numpy.uint8]") -> None:
    high = pixels.shape[0] // 2
    pixels[:high] = numpy.random.default_rng(number).integers(0, 255, (high, pixels.shape[1]), numpy.uint8)


def _still(number: int, pixels: "NDArray[numpy.uint8]") -> None:
    pixels[:] = 90


def _title_from_frame_40(number: int, pixels: "NDArray[numpy.uint8]") -> None:
    pixels[:] = 90
    if 40 <= number < 70:
        pixels[60:110, 40:280] = 235


def _cut_at_frame_40(number: int, pixels: "NDArray[numpy.uint8]") -> None:
    pixels[:] = 30 if number < 40 else 200


@pytest.mark.parametrize(
    ("draw", "changed_at", "shots"),
    [
        (_still, [0], [0]),
        (_title_from_frame_40, [0, 40, 70], [0]),
        (_cut_at_frame_40, [0, 40], [0, 40]),
    ],
)
def test_cuts_titles_and_the_end_are_found_at_their_very_frame(
    tmp_path: Path, draw: "Callable[[int, NDArray[numpy.uint8]], None]", changed_at: list[int], shots: list[int]
) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=100, picture=draw))
    frames, _ = frames_of(path)
    assert [round(frame.time * 30) for frame in frames if frame.changed and not frame.closing] == changed_at
    assert [round(frame.time * 30) for frame in frames if frame.shot_start] == shots
    assert [round(frame.until * 30) for frame in frames if frame.closing] == [*changed_at[1:], 100]


@given(st.integers(0, 255), st.integers(0, 150), st.integers(0, 300))
def test_noise_of_compression_is_no_change_but_a_stroke_is(level: int, top: int, left: int) -> None:
    before = numpy.full((160, 320, 3), level, numpy.uint8)
    noisy = numpy.clip(before.astype(numpy.int16) + 4, 0, 255).astype(numpy.uint8)
    assert not has_changed(before, noisy)
    stroke = before.copy()
    stroke[top : top + 8, left : left + 8] = 255 - level if abs(255 - 2 * level) > 80 else 255 * (level < 128)
    assert has_changed(before, stroke)


def test_a_video_is_described_by_its_header(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=60, sound_start=0.0, sound_seconds=2))
    with opened(path) as file:
        described = describe_media(file, LIMITS)
    assert (described.kind, described.width, described.height, described.has_sound) == ("video", 320, 180, True)
    assert described.duration == pytest.approx(2.0, abs=0.1)


def test_pictures_above_the_limit_are_refused_before_they_are_decoded(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mp4", VideoSample(frames=3))
    with opened(path) as file, pytest.raises(TooLarge, match="REAMO_MOST_PIXELS"):
        describe_media(file, Limits(most_pixels=10_000))


def test_a_list_that_names_other_files_is_refused(tmp_path: Path) -> None:
    write_video(tmp_path / "other.mp4", VideoSample(frames=3))
    path = tmp_path / "list.mp4"
    path.write_text("ffconcat version 1.0\nfile other.mp4\n")
    with opened(path) as file, pytest.raises((UnsupportedContainer, CorruptMedia)):
        describe_media(file, LIMITS)


@pytest.mark.parametrize("content", [b"", bytes(50_000), b"\x00\x00\x00\x18ftypmp42" + bytes(200)])
def test_content_that_is_no_video_is_called_corrupt(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with opened(path) as file, pytest.raises((CorruptMedia, UnsupportedContainer)):
        describe_media(file, LIMITS)


def test_a_recording_has_no_frames(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.m4a", 1, codec="aac")
    with opened(path) as file, pytest.raises(CorruptMedia):
        list(planned_frames(file, FramePlan(), LIMITS, Outcome(), Unlimited()))
