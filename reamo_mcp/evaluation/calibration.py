"""Do scores mean what they say? Expected calibration error and Brier score of (score, was it right) pairs."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Calibration:
    """``error`` is the expected calibration error, ``brier`` the Brier score; both from 0 (perfect) to 1."""

    error: float
    brier: float


def calibration(scored: Sequence[tuple[float, bool]], *, bins: int = 10) -> Calibration | None:
    """Return how far scores are from the share of right answers, None without predictions.

    Expected calibration error (Guo et al., "On Calibration of Modern Neural Networks", ICML 2017): equal-width bins
    (low, high], the gap of each weighted by its count; a score of 0 falls into the first bin; empty bins are left out.
    Brier score (Brier 1950): mean of (score - right)². Only predictions with a score take part, so it says nothing of
    what was missed.
    """
    if not scored:
        return None
    gaps = [0.0] * bins  # of each bin: the sum of its scores less the number of its right answers
    for score, right in scored:
        place = next(index for index in range(bins) if score <= (index + 1) / bins or index == bins - 1)
        gaps[place] += score - right
    return Calibration(
        error=sum(map(abs, gaps)) / len(scored),
        brier=sum((score - right) ** 2 for score, right in scored) / len(scored),
    )
