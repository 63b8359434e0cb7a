"""Precision, recall and F1 from three counts."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Counts:
    """How many items were right, how many were predicted, how many are gold.

    Micro averages add counts over samples and divide once. A zero denominator gives 0, as in the usual scorers
    (seqeval and nervaluate do the same).
    """

    right: int = 0
    predicted: int = 0
    gold: int = 0

    def __add__(self, other: "Counts") -> "Counts":
        return Counts(self.right + other.right, self.predicted + other.predicted, self.gold + other.gold)

    @property
    def precision(self) -> float:
        """Right divided by predicted."""
        return self.right / self.predicted if self.predicted else 0.0

    @property
    def recall(self) -> float:
        """Right divided by gold."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """The harmonic mean of precision and recall: 2 right / (predicted + gold)."""
        total = self.predicted + self.gold
        return 2 * self.right / total if total else 0.0


def total(counts: Iterable[Counts]) -> Counts:
    """Return the sum of counts, as micro averages need it."""
    return sum(counts, Counts())
