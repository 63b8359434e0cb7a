"""Random numbers that are the same on every machine, in every version of Python and numpy.

SplitMix64 (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number Generators", OOPSLA 2014): integer arithmetic
only. Python's `random` keeps its stream but not the way its methods use it, and numpy keeps neither for certain.
"""

from collections.abc import Sequence
from hashlib import sha256
from typing import TypeVar

import numpy
from numpy.typing import NDArray

T = TypeVar("T")
_MASK = (1 << 64) - 1
_STEP = 0x9E3779B97F4A7C15


class Dice:
    """A stream of random numbers; equal seeds give equal streams. A seed is any text."""

    def __init__(self, seed: str) -> None:
        self._state = int.from_bytes(sha256(seed.encode()).digest()[:8], "big")

    def bits(self) -> int:
        """Return 64 random bits."""
        self._state = (self._state + _STEP) & _MASK
        mixed = self._state
        mixed = ((mixed ^ (mixed >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        mixed = ((mixed ^ (mixed >> 27)) * 0x94D049BB133111EB) & _MASK
        return mixed ^ (mixed >> 31)

    def below(self, bound: int) -> int:
        """Return a number of 0 .. bound - 1 (bias at most bound / 2**64)."""
        return (self.bits() * bound) >> 64

    def between(self, least: int, most: int) -> int:
        """Return a number of least .. most, both included."""
        return least + self.below(most - least + 1)

    def chance(self, percent: int) -> bool:
        """Return True in so many of 100 cases."""
        return self.below(100) < percent

    def choice(self, items: Sequence[T]) -> T:
        """Return one of the items."""
        return items[self.below(len(items))]

    def sample(self, items: Sequence[T], count: int) -> list[T]:
        """Return ``count`` different items in random order."""
        left = list(items)
        return [left.pop(self.below(len(left))) for _ in range(count)]


def draws(seed: int, rounds: int, size: int) -> NDArray[numpy.int64]:
    """Return ``rounds`` rows of ``size`` indices below ``size``, drawn with replacement: the draws of a bootstrap."""
    counter = numpy.arange(1, rounds * size + 1, dtype=numpy.uint64)
    mixed = numpy.uint64(seed & _MASK) + counter * numpy.uint64(_STEP)
    mixed = (mixed ^ (mixed >> numpy.uint64(30))) * numpy.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> numpy.uint64(27))) * numpy.uint64(0x94D049BB133111EB)
    mixed ^= mixed >> numpy.uint64(31)
    unit = (mixed >> numpy.uint64(11)).astype(numpy.float64) / float(1 << 53)
    return (unit * size).astype(numpy.int64).reshape(rounds, size)
