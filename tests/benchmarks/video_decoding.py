"""What it costs to sample a video: processor time against FFmpeg, and memory as the video gets longer.

Baseline: the ffmpeg program of imageio-ffmpeg decoding all pictures of the same file to nothing, run in turn with the
decoder child and this process. The child is started before: it serves many files.

Run: python -m tests.benchmarks.video_decoding [FOLDER OF THE VIDEOS]
"""

import os
import resource
import subprocess
import sys
import time
from importlib import import_module
from pathlib import Path

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoded import FramePlan, Outcome
from reamo_mcp.settings import Limits
from tests.benchmarks.moving_pictures import Movie, write_movie
from tests.media_samples import opened

PAIRS = 3
LONGEST_SIDE = 1280
MOST_TIME, MOST_MEMORY = 1.15, 1.1


def made(folder: Path, name: str, movie: Movie) -> Path:
    """Return the video, which is made once."""
    path = folder / name
    if not path.exists():
        unfinished = path.with_suffix(".part.mp4")
        write_movie(unfinished, movie)
        unfinished.rename(path)
    return path


def sampled(path: Path) -> tuple[float, int]:
    """Sample a video once a second and at its changes; return processor seconds and the child's peak bytes."""
    decoder = ChildDecoder(Limits())
    try:
        with opened(path) as file:
            decoder.describe(file, Unlimited())
            (child,) = decoder.process_ids()
            before = time.process_time() + used_by(child)
            count = sum(1 for _ in decoder.frames(file, FramePlan(longest_side=LONGEST_SIDE), Outcome(), Unlimited()))
        assert count >= 60
        return time.process_time() + used_by(child) - before, peak_memory(child)
    finally:
        decoder.close()


def used_by(process: int) -> float:
    """Return the processor seconds that a running process has used."""
    fields = Path(f"/proc/{process}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def peak_memory(process: int) -> int:
    """Return the most memory that a process ever held, in bytes."""
    for line in Path(f"/proc/{process}/status").read_text(encoding="ascii").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("the kernel tells no peak memory")


def decoded_by_ffmpeg(path: Path, program: str) -> float:
    """Decode all pictures of a video to nothing; return processor seconds."""
    arguments = ["-nostdin", "-loglevel", "error", "-i", str(path), "-an", "-f", "null", "-"]
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([program, *arguments], check=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def told(missed: bool) -> str:
    """Return what became of a goal."""
    return "missed" if missed else "met"


def main() -> None:
    """Print the table."""
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else Path("build") / "benchmarks"
    folder.mkdir(parents=True, exist_ok=True)
    try:
        program: str = import_module("imageio_ffmpeg").get_ffmpeg_exe()
    except ModuleNotFoundError:
        print("no baseline: pip install imageio-ffmpeg")
        return
    full = made(folder, "minute_1080p.mp4", Movie(60))
    ours: list[float] = []
    theirs: list[float] = []
    for _ in range(PAIRS):
        ours.append(sampled(full)[0])
        theirs.append(decoded_by_ffmpeg(full, program))
    print(f"60 s of 1080p sampled, processor time, best of {PAIRS} pairs, {os.cpu_count()} cores")
    ratio = min(ours) / min(theirs)
    print(
        f"sampling {min(ours):5.2f} s   ffmpeg decoding {min(theirs):5.2f} s   "
        f"ratio {ratio:.2f} (at most {MOST_TIME}: {told(ratio > MOST_TIME)})"
    )

    short = made(folder, "minute_small.mp4", Movie(60, (320, 180), 200_000))
    long = made(folder, "half_hour_small.mp4", Movie(1800, (320, 180), 200_000))
    of_short, of_long = sampled(short)[1], sampled(long)[1]
    print("peak memory of the decoder child")
    ratio = of_long / of_short
    print(
        f"30 min {of_long / 1e6:5.1f} MB   1 min {of_short / 1e6:5.1f} MB   "
        f"ratio {ratio:.2f} (at most {MOST_MEMORY}: {told(ratio > MOST_MEMORY)})"
    )


if __name__ == "__main__":
    main()
