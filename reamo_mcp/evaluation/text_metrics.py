"""Precision, recall, F1, their uncertainty, and calibration of scored answers."""

from collections.abc import Sequence
from dataclasses import dataclass

from reamo_mcp.evaluation.bootstrap import Interval, interval_of_f1
from reamo_mcp.evaluation.counts import Counts, total


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


def counts(document: Judged, least: float, support: float = 0.0) -> Counts:
    """Return the counts of the answers with a score of at least ``least`` that rest on scores of ``support``."""
    kept = [answer for answer in document.answers if answer.score >= least and answer.support >= support]
    return Counts(sum(answer.right for answer in kept), len(kept), document.gold)


def pooled(documents: Sequence[Judged], least: float, support: float = 0.0) -> Counts:
    """Return the counts over all documents, as micro averages need them."""
    return total(counts(document, least, support) for document in documents)


def interval(documents: Sequence[Judged], least: float, support: float = 0.0) -> Interval | None:
    """Return the 95 % bootstrap interval of the micro F1, drawing documents."""
    return interval_of_f1([counts(document, least, support) for document in documents])


def calibration_error(answers: Sequence[tuple[float, bool]], bins: int = 10) -> float:
    """Return the mean distance of score and truth over bins of equal numbers of answers (0: perfectly calibrated)."""
    ordered = sorted(answers, key=lambda answer: answer[0])
    error = 0.0
    for number in range(bins):
        part = ordered[number * len(ordered) // bins : (number + 1) * len(ordered) // bins]
        if part:
            told = sum(score for score, _ in part)
            true = sum(right for _, right in part)
            error += abs(told - true) / len(ordered)
    return error


def best_threshold(sets: Sequence[Sequence[Judged]], support: float = 0.0, tolerance: float = 0.0) -> float:
    """Return the score, in steps of 0.01, from which on the mean F1 over some sets is highest.

    Of those that fall short of the highest by ``tolerance`` at most, the lowest is returned.
    """
    steps = [step / 100 for step in range(2, 96)]
    means = [sum(pooled(documents, least, support).f1 for documents in sets) / len(sets) for least in steps]
    return next(least for least, mean in zip(steps, means, strict=True) if mean >= max(means) - tolerance)
