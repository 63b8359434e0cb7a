"""What it costs to read a photograph: a JPEG of 12 megapixels to 1024 pixels, in the process that decodes.

Baseline: Pillow decoding the same file in full and making a thumbnail. Run: python -m tests.benchmarks.image_decoding
"""

import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy
from PIL import Image

from reamo_mcp.media.image import load_picture
from reamo_mcp.settings import Limits
from tests.media_samples import opened

SIZE = (4000, 3000)
LONGEST_SIDE = 1024
ROUNDS = 7
MOST_MILLISECONDS = 60


def write_photograph(path: Path) -> Path:
    """Write clouds of colour with grain, at a quality that cameras use."""
    random = numpy.random.default_rng(1)
    clouds = Image.fromarray(random.integers(0, 255, (30, 40, 3), numpy.uint8)).resize(SIZE, Image.Resampling.BICUBIC)
    grain = random.normal(0, 6, (SIZE[1], SIZE[0], 1))
    pixels = numpy.clip(numpy.asarray(clouds) + grain, 0, 255).astype(numpy.uint8)
    Image.fromarray(pixels).save(path, quality=90)
    return path


def read_by_pillow(path: Path) -> None:
    """Decode in full, then reduce."""
    with Image.open(path) as image:
        numpy.asarray(image.convert("RGB").resize((LONGEST_SIDE, LONGEST_SIDE * 3 // 4), Image.Resampling.BICUBIC))


def milliseconds(work: Callable[[], object]) -> float:
    """Return the processor time of the work."""
    began = time.process_time()
    work()
    return (time.process_time() - began) * 1000


def main() -> None:
    """Print the table."""
    with tempfile.TemporaryDirectory() as folder:
        path = write_photograph(Path(folder) / "photograph.jpg")
        ours: list[float] = []
        theirs: list[float] = []
        with opened(path, kind="image", format="jpeg") as file:
            for _ in range(ROUNDS):
                ours.append(milliseconds(lambda: load_picture(file, LONGEST_SIDE, Limits())))
                theirs.append(milliseconds(lambda: read_by_pillow(path)))
        size = path.stat().st_size / 1e6
    print(f"a JPEG of 12 megapixels ({size:.1f} MB) to {LONGEST_SIDE} pixels, processor time, best of {ROUNDS} pairs")
    best, other = min(ours), min(theirs)
    told = "missed" if best > MOST_MILLISECONDS else "met"
    print(
        f"reading {best:5.1f} ms (at most {MOST_MILLISECONDS}: {told})   "
        f"Pillow in full {other:5.1f} ms   ratio {best / other:.2f}"
    )


if __name__ == "__main__":
    main()
