from pathlib import Path

import numpy
import pytest
from numpy.typing import NDArray

from reamo_mcp.errors import Cancelled, CorruptMedia
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.audio import sound_windows
from reamo_mcp.media.decoded import SAMPLE_RATE, Outcome, SoundWindow, StreamEnd
from reamo_mcp.settings import Limits
from tests.media_samples import VideoSample, opened, write_tone, write_video

FORMATS = {
    "a.wav": ("pcm_s16le", 44_100, "wav"),
    "a.flac": ("flac", 44_100, "flac"),
    "a.mp3": ("libmp3lame", 44_100, "mp3"),
    "a.opus": ("libopus", 48_000, "ogg"),
    "a.m4a": ("aac", 48_000, "mov"),
}


def heard(
    path: Path,
    format: str,
    seconds: tuple[float, float] | None = None,
    limits: Limits | None = None,
    control: Control | None = None,
) -> tuple[list[SoundWindow], StreamEnd]:
    outcome = Outcome()
    with opened(path, "audio", format) as file:
        stream = sound_windows(file, seconds, limits or Limits(), outcome, control or Unlimited())
        windows = [SoundWindow(window.start, window.samples.copy()) for window in stream]
    assert outcome.end is not None
    return windows, outcome.end


def joined(windows: list[SoundWindow]) -> NDArray[numpy.float32]:
    return numpy.concatenate([window.samples for window in windows])


def loudest_frequency(samples: NDArray[numpy.float32]) -> float:
    spectrum = numpy.abs(numpy.fft.rfft(samples * numpy.hanning(len(samples))))
    return float(spectrum.argmax() * SAMPLE_RATE / len(samples))


@pytest.mark.parametrize("name", FORMATS)
def test_each_format_is_heard_whole_in_windows_that_follow_each_other(tmp_path: Path, name: str) -> None:
    codec, rate, format = FORMATS[name]
    windows, end = heard(write_tone(tmp_path / name, 65, codec=codec, rate=rate), format)
    assert end.read == pytest.approx(65, abs=0.1)
    assert not end.not_read
    position = windows[0].start
    for window in windows:
        assert window.start == pytest.approx(position, abs=1e-6)
        position += len(window.samples) / SAMPLE_RATE
    assert max(len(window.samples) for window in windows) == 30 * SAMPLE_RATE
    assert loudest_frequency(windows[1].samples[: 4 * SAMPLE_RATE]) == pytest.approx(440, abs=0.5)


def test_a_hole_in_the_timestamps_is_silence(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.mka", 10, codec="flac", hole=(4.0, 3.0))
    samples = joined(heard(path, "matroska")[0])
    loud = numpy.abs(samples[: len(samples) // 1600 * 1600]).reshape(-1, 1600).max(axis=1) > 0.01
    quiet = numpy.flatnonzero(~loud) / 10
    assert quiet[0] == pytest.approx(4, abs=0.15)
    assert quiet[-1] == pytest.approx(6.9, abs=0.15)
    assert len(samples) / SAMPLE_RATE == pytest.approx(13, abs=0.05)


def test_sound_that_begins_after_the_pictures_stays_late(tmp_path: Path) -> None:
    path = write_video(tmp_path / "a.mkv", VideoSample(frames=90, sound_start=1.5, sound_seconds=1.0))
    windows, _ = heard(path, "matroska")
    assert windows[0].start == pytest.approx(1.5, abs=0.05)


@pytest.mark.parametrize("name", ["a.wav", "a.m4a"])
def test_a_wanted_stretch_is_cut_at_its_times(tmp_path: Path, name: str) -> None:
    codec, rate, format = FORMATS[name]
    windows, end = heard(write_tone(tmp_path / name, 20, codec=codec, rate=rate), format, (5.0, 8.5))
    assert windows[0].start == pytest.approx(5.0, abs=1e-4)
    assert len(joined(windows)) == round(3.5 * SAMPLE_RATE)
    assert end.read == pytest.approx(8.5)
    assert not end.not_read


def test_what_the_limit_cuts_off_is_told(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", 12, codec="pcm_s16le")
    windows, end = heard(path, "wav", limits=Limits(most_seconds=7))
    assert len(joined(windows)) == 7 * SAMPLE_RATE
    assert [(stretch.start, round(stretch.end, 2)) for stretch in end.not_read] == [(7.0, 12.0)]


def test_a_truncated_file_tells_what_is_missing(tmp_path: Path) -> None:
    path = write_tone(tmp_path / "a.wav", 12, codec="pcm_s16le")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    windows, end = heard(path, "wav")
    read = len(joined(windows)) / SAMPLE_RATE
    assert read == pytest.approx(6, abs=0.1)
    assert end.read == pytest.approx(read)
    # FFmpeg shortens the duration of a WAV file to its length, so that the loss may be unknown


def test_a_file_without_sound_is_refused_by_name(tmp_path: Path) -> None:
    path = write_video(tmp_path / "silent.mkv", VideoSample(frames=10))
    with pytest.raises(CorruptMedia, match=r"silent\.mkv has no sound"):
        heard(path, "matroska")


def test_decoding_stops_when_asked_to(tmp_path: Path) -> None:
    class Impatient:
        def check(self) -> None:
            raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return

    path = write_tone(tmp_path / "a.wav", 2, codec="pcm_s16le")
    with pytest.raises(Cancelled):
        heard(path, "wav", control=Impatient())
