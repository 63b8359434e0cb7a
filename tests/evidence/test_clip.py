"""Clips of moments: made by moviepy of the extra `render`, looked at with another reader."""

import importlib.util
import os
import tempfile
from io import BytesIO
from itertools import pairwise
from pathlib import Path

import av
import numpy
import pytest
from numpy.typing import NDArray

from reamo_mcp.errors import Cancelled, ModelUnavailable
from reamo_mcp.evidence.clip import MOST_BYTES, clip_of
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.settings import Limits
from reamo_mcp.types.grounding import (
    AudioSegment,
    Box,
    Grounding,
    ImageRegion,
    Keyframe,
    Provenance,
    VideoSegment,
    VideoTrack,
)
from reamo_mcp.types.media import MediaKind
from tests.media_samples import VideoSample, number_in, opened, write_sound, write_video

BY = Provenance(model="test", step="locate")
render = pytest.mark.skipif(importlib.util.find_spec("moviepy") is None, reason="the extra 'render' is not installed")


def clip(path: Path, kind: MediaKind, form: str, place: Grounding) -> bytes | None:
    with opened(path, kind=kind, format=form) as file:
        return clip_of(place, kind, file, LocalDecoder(Limits()), Unlimited())


def pictures(content: bytes) -> "list[NDArray[numpy.uint8]]":
    with av.open(BytesIO(content), "r") as container:
        return [numpy.asarray(frame.to_ndarray(format="rgb24"), numpy.uint8) for frame in container.decode(video=0)]


def loudness(content: bytes) -> tuple[float, float]:
    """Return the seconds of sound and its loudest sample."""
    with av.open(BytesIO(content), "r") as container:
        parts = [frame.to_ndarray() for frame in container.decode(audio=0)]
        samples = numpy.concatenate(parts, axis=1)
        return samples.shape[1] / container.streams.audio[0].rate, float(abs(samples).max())


@render
def test_the_moment_of_a_video_is_a_film_with_its_sound_and_the_thing_framed(tmp_path: Path) -> None:
    sample = VideoSample(frames=300, sound_start=0.0, sound_seconds=10.0)
    path = write_video(tmp_path / "film.mp4", sample)
    box = Box(x=40, y=20, width=60, height=40)
    keyframes = tuple(Keyframe(time=time, parts=(box,)) for time in (4.0, 5.0))
    track = VideoTrack(id="g1", media_id="m1", start=4.0, end=5.0, keyframes=keyframes, provenance=BY)
    content = clip(path, "video", "mov", track)
    assert content is not None
    assert len(content) <= MOST_BYTES
    film = pictures(content)
    assert len(film) == 24, "from 3 s to 6 s, 8 pictures a second"
    assert film[0].shape == (180, 320, 3)
    framed = [int(((picture[..., 0] > 150) & (picture[..., 1] < 110)).sum()) > 100 for picture in film]
    assert framed == [False] * 8 + [True] * 8 + [False] * 8
    # the lowest quarter shows the number of the frame: at 8 pictures a second of 30, three or four further each time
    numbers = [number_in(picture) for picture in film]
    assert numbers[0] == 90
    assert all(3 <= later - earlier <= 5 for earlier, later in pairwise(numbers))
    seconds, loudest = loudness(content)
    assert seconds == pytest.approx(3.0, abs=0.2)
    assert loudest > 0.1


@render
def test_a_short_moment_and_one_at_the_very_start_and_a_long_one_are_films_of_bounded_length(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=1200, size=(321 * 2, 179 * 2)))
    lengths: list[int] = []
    for start, end in ((0.0, 0.0), (0.0, 39.0), (39.9, 40.0)):
        content = clip(path, "video", "mov", VideoSegment(id="g1", media_id="m1", start=start, end=end, provenance=BY))
        assert content is not None
        lengths.append(len(pictures(content)))
    assert lengths == [8, 120, 16]


@render
def test_the_moment_of_a_recording_is_sound(tmp_path: Path) -> None:
    samples = numpy.zeros(16_000 * 10, numpy.float32)
    samples[16_000 * 6 : 16_000 * 7] = 0.5 * numpy.sin(numpy.arange(16_000) / 8)
    path = write_sound(tmp_path / "talk.wav", samples)
    loud = clip(path, "audio", "wav", AudioSegment(id="g1", media_id="m1", start=6, end=7, provenance=BY))
    still = clip(path, "audio", "wav", AudioSegment(id="g1", media_id="m1", start=2, end=3, provenance=BY))
    assert loud is not None
    assert still is not None
    assert loudness(loud)[0] == pytest.approx(3, abs=0.2)
    assert loudness(loud)[1] > 0.3
    assert loudness(still)[1] < 0.05


@render
def test_a_noisy_film_is_made_small_enough(tmp_path: Path) -> None:
    random = numpy.random.default_rng(1)

    def noise(_: int, pixels: "NDArray[numpy.uint8]") -> None:
        pixels[:] = random.integers(0, 256, pixels.shape)

    path = write_video(tmp_path / "noise.mp4", VideoSample(frames=120, size=(480, 480), picture=noise))
    content = clip(path, "video", "mov", VideoSegment(id="g1", media_id="m1", start=0, end=3, provenance=BY))
    assert content is not None
    assert len(content) <= MOST_BYTES
    assert len(pictures(content)) == 32


@render
def test_nothing_is_left_in_the_folder_of_temporary_files(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=30, sound_start=0.0, sound_seconds=1.0))
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    assert clip(path, "video", "mov", VideoSegment(id="g1", media_id="m1", start=0, end=1, provenance=BY))
    assert not list(temporary.iterdir())


def test_what_is_no_moment_makes_no_clip(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=3))
    region = ImageRegion(id="g1", media_id="m1", parts=(Box(x=0, y=0, width=9, height=9),), provenance=BY)
    assert clip(path, "image", "mov", region) is None


@pytest.mark.skipif(importlib.util.find_spec("moviepy") is not None, reason="the extra 'render' is installed")
def test_without_the_extra_its_name_is_told(tmp_path: Path) -> None:
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=3))
    with pytest.raises(ModelUnavailable, match=r"reamo-mcp\[render\]"):
        clip(path, "video", "mov", VideoSegment(id="g1", media_id="m1", start=0, end=1, provenance=BY))


@render
def test_a_clip_that_is_given_up_leaves_no_program_and_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Leaving(Unlimited):
        def __init__(self, at: int) -> None:
            self.at = at
            self.checks = 0

        def check(self) -> None:
            self.checks += 1
            if self.checks == self.at:
                raise Cancelled("the work was cancelled", "")

    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))
    path = write_video(tmp_path / "film.mp4", VideoSample(frames=300))
    place = VideoSegment(id="g1", media_id="m1", start=0, end=9, provenance=BY)
    with opened(path, kind="video", format="mov") as file:
        never = Leaving(-1)
        clip_of(place, "video", file, LocalDecoder(Limits()), never)
        with pytest.raises(Cancelled):  # while the pictures are written, which comes last
            clip_of(place, "video", file, LocalDecoder(Limits()), Leaving(never.checks - 20))
    assert not list(temporary.iterdir())
    children = Path(f"/proc/self/task/{os.getpid()}/children").read_text(encoding="ascii").split()
    names = [Path(f"/proc/{child}/comm").read_text(encoding="utf-8") for child in children]
    assert not [name for name in names if name.startswith("ffmpeg")]
