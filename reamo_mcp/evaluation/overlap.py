"""How well do two sets of places agree? The paper's mIoU over sets, for masks, spans of time and frames of video.

Source: Zhang et al. (Findings of ACL 2024), as in their project page: gold {M_g} and predicted {M_k}; the shorter set
is padded with empty masks to P = max(G, K); the Hungarian algorithm finds the permutation of least L_bce + L_dice; the
IoU of each pair; the mean over P is the mIoU. So what is missed and what is surplus both count 0. The score is free of
labels: it asks where, not what.

Decided here, since the paper leaves it open:

- *Both sets empty*: no score (None); the sample is left out of the mean and counted apart.
- *BCE of two binary masks*: the logarithm is clamped at -100 as in torch, so it is 100 times the share of differing
  pixels; dice = 1 - (2 shared + 1) / (gold + predicted + 1). With these, the published cost nearly maximises the total
  shared area, which favours large objects. ``iou`` as cost maximises the mean IoU instead: variant *mIoU-opt*.
- All of it follows from areas and shared areas, so nothing but these is computed.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reamo_mcp.evaluation.assignment import least_cost_pairs

Cost = Callable[[float, float, float, float], float]
"""From gold area, predicted area, shared area and the area of everything to a cost."""
LOG_CLAMP = 100.0


def bce_and_dice(gold: float, predicted: float, shared: float, everything: float) -> float:
    """Return the published cost of a pair."""
    differing = gold + predicted - 2 * shared
    return LOG_CLAMP * differing / everything + 1 - (2 * shared + 1) / (gold + predicted + 1)


def one_minus_iou(gold: float, predicted: float, shared: float, everything: float) -> float:
    """Return 1 - IoU: the cost that maximises what is measured."""
    return 1 - iou(gold, predicted, shared)


def iou(gold: float, predicted: float, shared: float) -> float:
    """Return shared / (gold + predicted - shared); 0 where both are empty."""
    union = gold + predicted - shared
    return shared / union if union > 0 else 0.0


@dataclass(frozen=True)
class Overlaps:
    """Areas of gold and predicted places, and what each pair shares: ``shared[gold][predicted]``.

    ``everything`` is the area of the picture, or the number of time steps: the pixels that BCE is a mean over.
    ``exact`` holds the IoU of pairs where it is known better than from areas in pixels (times are exact, their
    frames are not).
    """

    gold: tuple[float, ...]
    predicted: tuple[float, ...]
    shared: tuple[tuple[float, ...], ...]
    everything: float
    exact: tuple[tuple[float, ...], ...] | None = None

    def iou(self, gold: int, predicted: int) -> float:
        """Return the IoU of a pair."""
        if self.exact is not None:
            return self.exact[gold][predicted]
        return iou(self.gold[gold], self.predicted[predicted], self.shared[gold][predicted])


def pairs_of(overlaps: Overlaps, cost: Cost = bce_and_dice) -> list[tuple[int, int]]:
    """Return the (gold, predicted) pairs of the best permutation; those padded with empty masks are left out."""
    golds, predictions = len(overlaps.gold), len(overlaps.predicted)
    size = max(golds, predictions)
    costs = [
        [
            cost(
                overlaps.gold[row] if row < golds else 0.0,
                overlaps.predicted[column] if column < predictions else 0.0,
                overlaps.shared[row][column] if row < golds and column < predictions else 0.0,
                overlaps.everything,
            )
            for column in range(size)
        ]
        for row in range(size)
    ]
    return [(row, column) for row, column in least_cost_pairs(costs) if row < golds and column < predictions]


def set_miou(overlaps: Overlaps, cost: Cost = bce_and_dice) -> float | None:
    """Return the mIoU of two sets of places, None where both are empty."""
    size = max(len(overlaps.gold), len(overlaps.predicted))
    if size == 0:
        return None
    return sum(overlaps.iou(row, column) for row, column in pairs_of(overlaps, cost)) / size


def mean(values: Sequence[float | None]) -> float | None:
    """Return the mean of the values that there are, None if there is none."""
    there = [value for value in values if value is not None]
    return sum(there) / len(there) if there else None
