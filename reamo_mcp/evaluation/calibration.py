"""Do scores mean what they say? Expected calibration error and Brier score of (score, was it right) pairs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Bin:
    """The predictions whose score lies in (low, high]: how many, their mean score, the share of right ones."""

    low: float
    high: float
    count: int
    score: float
    right: float


@dataclass(frozen=True)
class Calibration:
    """``error`` is the expected calibration error, ``greatest`` the largest gap of a bin, ``brier`` the Brier score."""

    count: int
    error: float
    greatest: float
    brier: float
    bins: tuple[Bin, ...]


def calibration(scored: Sequence[tuple[float, bool]], *, bins: int = 10) -> Calibration | None:
    """Return how far scores are from the share of right answers, None without predictions.

    Expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): equal-width bins
    (low, high], the gap of each weighted by its count; a score of 0 falls into the first bin; empty bins are left out.
    Brier score (Brier 1950): mean of (score - right)². Only predictions with a score take part, so it says nothing of
    what was missed.
    """
    if not scored:
        return None
    kept: list[Bin] = []
    members: list[list[tuple[float, bool]]] = [[] for _ in range(bins)]
    for score, right in scored:
        place = next(index for index in range(bins) if score <= (index + 1) / bins or index == bins - 1)
        members[place].append((score, right))
    for index, inside in enumerate(members):
        if inside:
            count = len(inside)
            mean = sum(score for score, _ in inside) / count
            share = sum(right for _, right in inside) / count
            kept.append(Bin(index / bins, (index + 1) / bins, count, mean, share))
    gaps = [abs(bin_.score - bin_.right) for bin_ in kept]
    total = len(scored)
    return Calibration(
        count=total,
        error=sum(gap * bin_.count for gap, bin_ in zip(gaps, kept, strict=True)) / total,
        greatest=max(gaps),
        brier=sum((score - right) ** 2 for score, right in scored) / total,
        bins=tuple(kept),
    )
