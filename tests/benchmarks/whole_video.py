"""What the whole of a video costs: one minute of 1080p with moving captions and real speech, by the command line.

Baseline: the length of the video. The models are those of the embedded engine; nothing is remembered from before.
The speech is that of the real data (REAMO_DATA), repeated to the end; without it the sound is a hum.

Run: python -m tests.benchmarks.whole_video [FOLDER OF THE VIDEO]
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy
from numpy.typing import NDArray

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Outcome
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.settings import Limits
from tests.benchmarks.moving_pictures import SOUND_RATE, Movie, write_movie
from tests.media_samples import opened

SECONDS = 60
MOST_SECONDS = 90.0


def speech() -> tuple["NDArray[numpy.float32]", str]:
    """Return sound at 16 kHz and what it is."""
    data = Path(os.environ.get("REAMO_DATA", Path(__file__).parents[2].parent / "shared" / "data"))
    recordings = sorted((data / "dev" / "audio" / "speech").rglob("*.flac"))
    recordings += sorted((data / "dev" / "audio" / "speech").rglob("*.wav"))
    if not recordings:
        times = numpy.arange(SECONDS * SOUND_RATE) / SOUND_RATE
        return (0.1 * numpy.sin(2 * numpy.pi * 220 * times)).astype(numpy.float32), "a hum"
    parts: list[NDArray[numpy.float32]] = []
    for path in recordings:
        with opened(path) as file:
            windows = LocalDecoder(Limits()).sound(file, None, Outcome(), Unlimited())
            parts.extend(window.samples.copy() for window in windows)
        if sum(map(len, parts)) >= SECONDS * SOUND_RATE:
            break
    return numpy.concatenate(parts)[: SECONDS * SOUND_RATE], "real speech"


def main() -> None:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(scratch)
        sound, what = speech()
        video = folder / f"{what.replace(' ', '_')}.mp4"
        if not video.exists():
            write_movie(video, Movie(SECONDS, sound=sound))
        command = [str(Path(sys.executable).with_name("reamo-mcp")), "extract", str(video), "--json"]
        before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic()
        subprocess.run(
            command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, "REAMO_CACHE": f"{scratch}/cache"}
        )
        after, wall = resource.getrusage(resource.RUSAGE_CHILDREN), time.monotonic() - start
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    load = os.getloadavg()[0]
    print(f"{SECONDS} s of 1080p with {what}, {os.cpu_count()} processors, load {load:.1f}")
    verdict = "holds" if wall <= MOST_SECONDS else "missed"
    print(f"whole command: {wall:.0f} s on the clock (goal {MOST_SECONDS:.0f}: {verdict}), {used:.0f} s of processors")
    print(f"ratio to the length of the video: {wall / SECONDS:.2f} on the clock, {used / SECONDS:.2f} of processors")


if __name__ == "__main__":
    main()
