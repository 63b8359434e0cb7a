"""What it costs to stream sound at 16 kHz: processor time against FFmpeg, and memory as the sound gets longer.

Baseline: the ffmpeg program of imageio-ffmpeg, started anew, decoding and resampling the same file to nothing, run in
turn with the decoder child, which is started before and serves many files.

Run: python -m tests.benchmarks.audio_decoding [FOLDER OF THE RECORDINGS]
"""

# av annotates packets without their type argument:
# pyright: reportUnknownMemberType=false

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable
from fractions import Fraction
from importlib import import_module
from pathlib import Path

import av
import numpy
from av.audio.stream import AudioStream

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoded import Outcome
from reamo_mcp.settings import Limits
from tests.benchmarks.video_decoding import peak_memory, told, used_by
from tests.media_samples import opened

PAIRS = 5
SECONDS = 600
RATE = 48_000
FORMATS = {
    "wav": ("pcm_s16le", "wav"),
    "mp3": ("libmp3lame", "mp3"),
    "flac": ("flac", "flac"),
    "opus": ("libopus", "ogg"),
    "m4a": ("aac", "mov"),
}
MOST_TIME, MOST_MEMORY = 1.1, 1.1


def made(folder: Path, seconds: int, suffix: str) -> Path:
    """Return a stereo recording of shaped noise, which is made once."""
    path = folder / f"{seconds}.{suffix}"
    if path.exists():
        return path
    unfinished = path.with_suffix(f".part.{suffix}")
    random = numpy.random.default_rng(1)
    with av.open(str(unfinished), "w") as container:
        stream = container.add_stream(FORMATS[suffix][0], rate=RATE, layout="stereo")
        assert isinstance(stream, AudioStream)
        for second in range(seconds):
            for part in range(0, RATE, 960):
                time_ = (numpy.arange(part, part + 960) + second * RATE) / RATE
                loudness = 0.1 + 0.1 * numpy.sin(2 * numpy.pi * 3 * time_)
                wave = numpy.sin(2 * numpy.pi * 220 * time_) + random.normal(0, 0.3, 960)
                samples = (loudness * wave).astype(numpy.float32)
                frame = av.AudioFrame.from_ndarray(numpy.stack([samples, samples]), format="fltp", layout="stereo")
                frame.sample_rate, frame.time_base, frame.pts = RATE, Fraction(1, RATE), second * RATE + part
                container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    unfinished.rename(path)
    return path


def streamed(path: Path) -> tuple[float, int]:
    """Stream a recording; return processor seconds of child and parent, and the child's peak bytes."""
    decoder = ChildDecoder(Limits())
    try:
        with opened(path, "audio", FORMATS[path.suffix[1:]][1]) as file:
            decoder.describe(file, Unlimited())
            (child,) = decoder.process_ids()
            before = time.process_time() + used_by(child)
            heard = sum(len(window.samples) for window in decoder.sound(file, None, Outcome(), Unlimited()))
        assert heard > 16_000 * 50
        return time.process_time() + used_by(child) - before, peak_memory(child)
    finally:
        decoder.close()


def program() -> str:
    """Return the path of the baseline."""
    find: Callable[[], str] = import_module("imageio_ffmpeg").get_ffmpeg_exe
    return find()


def baseline(path: Path, ffmpeg: str) -> float:
    """Decode and resample a recording with FFmpeg; return its processor seconds."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    command = [ffmpeg, "-nostdin", "-v", "error", "-i", f"file:{path}", "-ac", "1", "-ar", "16000", "-f", "f32le", "-"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "build/benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    try:
        ffmpeg = program()
    except ModuleNotFoundError:
        print("no baseline: pip install imageio-ffmpeg")
        return
    for suffix in FORMATS:
        path = made(folder, SECONDS, suffix)
        pairs = [(baseline(path, ffmpeg), streamed(path)[0]) for _ in range(PAIRS)]
        ratio = statistics.median(ours / theirs for theirs, ours in pairs)
        ours, theirs = min(pair[1] for pair in pairs), min(pair[0] for pair in pairs)
        print(
            f"{suffix:5} {SECONDS} s: {ours:.2f} s of processor, ffmpeg {theirs:.2f} s, "
            f"median ratio of {PAIRS} pairs {ratio:.2f} (at most {MOST_TIME})"
        )
    short, long = (streamed(made(folder, seconds, "opus"))[1] for seconds in (60, 1800))
    print(
        f"peak memory of the decoder: 1 min {short / 1e6:.1f} MB, 30 min {long / 1e6:.1f} MB, "
        f"ratio {long / short:.2f} (at most {MOST_MEMORY}: {told(long / short > MOST_MEMORY)})"
    )


if __name__ == "__main__":
    main()
