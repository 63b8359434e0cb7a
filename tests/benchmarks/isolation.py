"""What it costs that files are decoded and models run in child processes: the same work with and without them.

Baseline: the same decoder and extractor in this process, in turn with the isolated ones, all warm and with no cache.
The video is 60 s of 640 x 360 with captions and sound, of which each second is read; the picture is 320 x 180 with a
name on it.

Run: python -m tests.benchmarks.isolation [PAIRS [FOLDER OF THE VIDEO]]
"""

import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TypeAlias

import anyio
import numpy
from PIL import Image, ImageDraw, ImageFont

from reamo_mcp.extractor import Extractor, open_extractor
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.child_decoder import ChildDecoder
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.benchmarks.moving_pictures import Movie
from tests.benchmarks.video_decoding import made, told, used_by
from tests.media_samples import opened

PAIRS = 5
PICTURE_PAIRS = 15
DECODED, EXTRACTED = 50, 10  # in one measurement: the kernel counts a child's processor time in steps of 10 ms
MOST_SHARE, MOST_MILLISECONDS = 1.05, 5.0
ONTOLOGY = Ontology.of(entity_types=["person", "location", "organization"])

Work: TypeAlias = Callable[[], Awaitable[object]]


@dataclass(frozen=True)
class Cost:
    """Seconds of processor (of this process and all its children) a time, and seconds of the clock of the fastest."""

    processor: float
    clock: float


async def measured(work: Work, times: int) -> Cost:
    """Do the work so many times."""
    before = _processor_seconds()
    clocks: list[float] = []
    for _ in range(times):
        began = time.perf_counter()
        await work()
        clocks.append(time.perf_counter() - began)
    return Cost((_processor_seconds() - before) / times, min(clocks))


async def paired(isolated: Work, plain: Work, pairs: int, times: int = 1) -> list[tuple[Cost, Cost]]:
    """Return what both cost, in interleaved pairs of which every second is turned round."""
    await isolated()  # models loaded, children warm
    await plain()
    found: list[tuple[Cost, Cost]] = []
    for number in range(pairs):
        if number % 2:
            other = await measured(plain, times)
            found.append((await measured(isolated, times), other))
        else:
            own = await measured(isolated, times)
            found.append((own, await measured(plain, times)))
    return found


async def decode(decoder: Decoder, path: Path) -> None:
    """Read a picture as the extractor would."""
    with opened(path, "image", "png") as file:
        decoder.describe(file, Unlimited())
        decoder.picture(file, 1280, Unlimited())


async def extract(extractor: Extractor, path: Path) -> None:
    """Find the names in a file."""
    found = await extractor.extract(Document.of(path), ONTOLOGY)
    assert found.status == "ok"
    assert found.entities


def write_picture(path: Path) -> Path:
    """Write a small picture with a name on it."""
    picture = Image.new("RGB", (320, 180), (235, 235, 225))
    ImageDraw.Draw(picture).text((20, 70), "Angela Merkel", font=ImageFont.load_default(32), fill=(20, 20, 60))
    picture.save(path)
    return path


def tell_more(what: str, costs: Sequence[tuple[Cost, Cost]]) -> None:
    """Print what isolation adds to a short piece of work."""
    more = [1000 * (own.processor - plain.processor) for own, plain in costs]
    base = 1000 * statistics.median(plain.processor for _, plain in costs)
    missed = statistics.median(more) > MOST_MILLISECONDS
    own, plain = (1000 * min(pair[side].clock for pair in costs) for side in (0, 1))
    print(f"small picture {what}: {len(costs)} pairs, {base:.1f} ms of processor without children")
    print(f"  processor: {_spread(more, 1)} ms more (at most {MOST_MILLISECONDS:g}: {told(missed)})")
    # Of the clock the fastest counts: all others waited for what else the machine does.
    print(f"  clock:     {own - plain:.1f} ms more, fastest {own:.1f} and {plain:.1f} ms", flush=True)


def tell_share(costs: Sequence[tuple[Cost, Cost]]) -> None:
    """Print how many times as much isolated work costs."""
    processor = [own.processor / plain.processor for own, plain in costs]
    clock = [own.clock / plain.clock for own, plain in costs]
    base = statistics.median(plain.processor for _, plain in costs)
    missed = statistics.median(processor) > MOST_SHARE
    print(f"video of 60 s extracted: {len(costs)} pairs, {base:.1f} s of processor without children")
    print(f"  processor: {_spread(processor, 3)} times as much (at most {MOST_SHARE}: {told(missed)})")
    print(f"  clock:     {_spread(clock, 3)} times as long")


def _processor_seconds() -> float:
    return time.process_time() + sum(used_by(child) for child in _children())


def _children() -> list[int]:
    tasks = Path(f"/proc/{os.getpid()}/task").glob("*/children")
    return [int(child) for task in tasks for child in task.read_text(encoding="ascii").split()]


def _spread(values: Sequence[float], digits: int) -> str:
    return f"median {statistics.median(values):.{digits}f} of {min(values):.{digits}f} to {max(values):.{digits}f}"


async def compare(folder: Path, pairs: int) -> None:
    """Measure and print the table."""
    sound = numpy.random.default_rng(1).normal(0, 0.1, 80_000).astype(numpy.float32)
    video = made(folder, "minute_360p_sound.mp4", Movie(60, (640, 360), 600_000, sound=sound))
    picture = write_picture(folder / "small_picture.png")
    print(f"{os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}, children warm, no cache, embedded engine")
    with closing(ChildDecoder(Limits())) as child:
        local = LocalDecoder(Limits())
        tell_more(
            "decoded",
            await paired(partial(decode, child, picture), partial(decode, local, picture), PICTURE_PAIRS, DECODED),
        )
    async with AsyncExitStack() as stack:
        settings = Settings(cache=folder / "no_cache", cache_bytes=0)
        isolated = await stack.enter_async_context(open_extractor(settings))
        plain = await stack.enter_async_context(open_extractor(settings.model_copy(update={"isolate": False})))
        ours, theirs = partial(extract, isolated), partial(extract, plain)
        tell_more("extracted", await paired(partial(ours, picture), partial(theirs, picture), PICTURE_PAIRS, EXTRACTED))
        tell_share(await paired(partial(ours, video), partial(theirs, video), pairs))


def main() -> None:
    pairs = int(sys.argv[1]) if len(sys.argv) > 1 else PAIRS
    folder = Path(sys.argv[2] if len(sys.argv) > 2 else "build/benchmarks")
    folder.mkdir(parents=True, exist_ok=True)
    anyio.run(compare, folder, pairs)


if __name__ == "__main__":
    main()
