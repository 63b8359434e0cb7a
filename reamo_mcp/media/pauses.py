"""Cutting a stream of sound where it is quiet, so that no word is doubled or lost at a seam."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from reamo_mcp.media.decoded import SAMPLE_RATE, SoundWindow

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_LONGEST = 30 * SAMPLE_RATE  # samples of one window
_REACH = 12 * SAMPLE_RATE  # samples before its end in which a pause is looked for
_QUIETEST = SAMPLE_RATE // 20  # samples whose energy is compared
_SEAM = 2  # samples that two windows may be apart and still follow each other


def quietest(samples: "NDArray[numpy.int16] | NDArray[numpy.float32]", start: int, end: int) -> int:
    """Return the middle of the quietest twentieth of a second between two samples."""
    import numpy

    energy = numpy.concatenate(([0.0], numpy.cumsum(samples[start:end].astype(numpy.float64) ** 2)))
    if len(energy) <= _QUIETEST:
        return (start + end) // 2
    return start + int(numpy.argmin(energy[_QUIETEST:] - energy[:-_QUIETEST])) + _QUIETEST // 2


def cut_at_pauses(windows: Iterator[SoundWindow]) -> Iterator[SoundWindow]:
    """Yield the same samples in windows of 18 to 30 s that end where it is quietest, the last one shorter.

    The samples are copies, which stay valid. A hole between two windows ends a window as well.
    """
    import numpy

    start = 0.0
    kept = numpy.empty(0, numpy.float32)
    for window in windows:
        if len(kept) and abs(window.start - start - len(kept) / SAMPLE_RATE) > _SEAM / SAMPLE_RATE:
            yield SoundWindow(start, kept)
            kept = kept[:0]
        if not len(kept):
            start = window.start
        kept = numpy.concatenate((kept, window.samples))
        while len(kept) >= _LONGEST:
            cut = quietest(kept, _LONGEST - _REACH, _LONGEST)
            yield SoundWindow(start, kept[:cut].copy())
            kept = kept[cut:].copy()
            start += cut / SAMPLE_RATE
    if len(kept):
        yield SoundWindow(start, kept)
