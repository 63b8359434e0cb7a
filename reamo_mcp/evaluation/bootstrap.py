"""How sure is a score? Percentile bootstrap over samples.

Efron and Tibshirani, "An Introduction to the Bootstrap" (1993), chapter 13. Samples are drawn with replacement, the
score is computed anew on each draw, and the middle 95 % of the scores is the interval. With fixed seed, the same
samples give the same interval. An interval over few samples is itself rough; one sample gives a point.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from reamo_mcp.evaluation.counts import Counts
from reamo_mcp.evaluation.randomness import draws

Rates = Callable[[NDArray[numpy.int64]], NDArray[numpy.float64]]
ROUNDS = 1000
SEED = 20240603


@dataclass(frozen=True)
class Interval:
    """The lower and upper end of what a score may well be."""

    low: float
    high: float


def interval_of_f1(samples: Sequence[Counts], *, level: float = 0.95, rounds: int = ROUNDS) -> Interval | None:
    """Return the interval of the micro F1 over samples, None without samples."""
    return _interval(_f1_of(samples), len(samples), level, rounds)


def interval_of_mean(samples: Sequence[float], *, level: float = 0.95, rounds: int = ROUNDS) -> Interval | None:
    """Return the interval of the mean over samples, None without samples."""
    return _interval(_mean_of(samples), len(samples), level, rounds)


def interval_of_ratio(
    parts: Sequence[int], wholes: Sequence[int], *, level: float = 0.95, rounds: int = ROUNDS
) -> Interval | None:
    """Return the interval of (sum of parts / sum of wholes) over samples, None without samples."""
    return _interval(_ratio_of(parts, wholes), len(parts), level, rounds)


def interval_of_f1_difference(
    ours: Sequence[Counts], theirs: Sequence[Counts], *, level: float = 0.95, rounds: int = ROUNDS
) -> Interval | None:
    """Return the interval of (our F1 - their F1) over the same samples: a paired bootstrap.

    The difference is established where the interval leaves 0 out. Raises ValueError if the samples differ in number.
    """
    if len(ours) != len(theirs):
        raise ValueError(f"a paired comparison needs the same samples: {len(ours)} and {len(theirs)}")
    mine, other = _f1_of(ours), _f1_of(theirs)
    return _interval(lambda drawn: mine(drawn) - other(drawn), len(ours), level, rounds)


def _f1_of(samples: Sequence[Counts]) -> Rates:
    return _ratio_of([2 * counts.right for counts in samples], [counts.predicted + counts.gold for counts in samples])


def _ratio_of(parts: Sequence[int], wholes: Sequence[int]) -> Rates:
    part = numpy.array(parts, dtype=numpy.float64)
    whole = numpy.array(wholes, dtype=numpy.float64)

    def rates(drawn: NDArray[numpy.int64]) -> NDArray[numpy.float64]:
        total = whole[drawn].sum(axis=1)
        return numpy.divide(part[drawn].sum(axis=1), total, out=numpy.zeros_like(total), where=total > 0)

    return rates


def _mean_of(samples: Sequence[float]) -> Rates:
    values = numpy.array(samples, dtype=numpy.float64)
    return lambda drawn: values[drawn].mean(axis=1)


def _interval(rates: Rates, size: int, level: float, rounds: int) -> Interval | None:
    if size == 0:
        return None
    outside = (1 - level) / 2
    low, high = numpy.quantile(rates(draws(SEED, rounds, size)), (outside, 1 - outside))
    return Interval(float(low), float(high))
