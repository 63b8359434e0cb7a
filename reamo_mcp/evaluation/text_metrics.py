"""Precision, recall, F1, their uncertainty, and calibration of scored answers."""

import random
from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Scored:
    """An answer: its score, the least score of what it rests on (its ends, its trigger), and whether it is right."""

    score: float
    support: float
    right: bool


@dataclass(frozen=True)
class Judged:
    """The answers to one document and the number of gold items in it."""

    answers: tuple[Scored, ...]
    gold: int


@dataclass(frozen=True)
class Counts:
    """Right answers, answers, gold items."""

    right: int
    answered: int
    gold: int

    @property
    def precision(self) -> float:
        """Right answers among the answers; 0 without any."""
        return self.right / self.answered if self.answered else 0.0

    @property
    def recall(self) -> float:
        """Right answers among the gold items; 0 without any."""
        return self.right / self.gold if self.gold else 0.0

    @property
    def f1(self) -> float:
        """Harmonic mean of precision and recall, pooled over all items."""
        return 2 * self.right / (self.answered + self.gold) if self.answered + self.gold else 0.0


def counts(documents: Sequence[Judged], least: float, support: float = 0.0) -> Counts:
    """Return the counts of the answers with a score of at least ``least`` that rest on scores of ``support``."""
    kept = [a for document in documents for a in document.answers if a.score >= least and a.support >= support]
    return Counts(sum(a.right for a in kept), len(kept), sum(document.gold for document in documents))


def interval(
    documents: Sequence[Judged], least: float, support: float = 0.0, *, draws: int = 1000, seed: int = 0
) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of F1, drawing documents with replacement."""
    chance = random.Random(seed)
    each = [counts((document,), least, support) for document in documents]
    values: list[float] = []
    for _ in range(draws):
        drawn = chance.choices(each, k=len(each))
        total = sum(one.answered + one.gold for one in drawn)
        values.append(2 * sum(one.right for one in drawn) / total if total else 0.0)
    values.sort()
    return values[int(0.025 * draws)], values[int(0.975 * draws) - 1]


def calibration_error(answers: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the mean distance of score and truth over bins of equal numbers of answers (0: perfectly calibrated)."""
    ordered = sorted(answers)
    error = 0.0
    for number in range(bins):
        part = ordered[number * len(ordered) // bins : (number + 1) * len(ordered) // bins]
        if part:
            told = sum(score for score, _ in part)
            true = sum(right for _, right in part)
            error += abs(told - true) / len(ordered)
    return error


def best_threshold(sets: Sequence[Sequence[Judged]], support: float = 0.0) -> float:
    """Return the score, in steps of 0.01, from which on the mean F1 over some sets is highest."""
    steps = [step / 100 for step in range(2, 96)]
    return max(steps, key=lambda least: sum(counts(documents, least, support).f1 for documents in sets))
