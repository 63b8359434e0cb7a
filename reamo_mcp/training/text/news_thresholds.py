"""Thresholds for the eight event types of M2E2, one each, such that sentences without an event mostly stay without.

News speaks of travel and violence in general far more often than annotators mark an event. Types that are mistaken for
nothing keep a low threshold; what may be wrong is spent on the types where it finds most.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from reamo_mcp.evaluation.text_runs import Runner, of_part
from reamo_mcp.evaluation.text_sets.happening import read_m2e2
from reamo_mcp.ontologies.loading import load_ontology

_WRONG = 0.03
"""Share of eventless sentences that may get an event on the tune half."""
_MARGIN = 0.01


@dataclass(frozen=True)
class Told:
    """An event that the extractor tells: its type, score, whether it is right, and its sentence if that has none."""

    type: str
    score: float
    right: bool
    eventless: int | None


def told_events(runner: Runner) -> tuple[list[Told], int]:
    """Return what is told on the tune half, and the number of eventless sentences there."""
    samples = of_part(read_m2e2(runner.dev / "ee/m2e2/text_only_event_20docs.json"), "tune")
    told: list[Told] = []
    for number, (sample, found) in enumerate(
        zip(samples, runner.mentions(samples, load_ontology("m2e2")), strict=True)
    ):
        gold = {(event.type, event.start, event.end) for event in sample.events}
        for event in found.events:
            right = (event.type, event.start, event.end) in gold
            told.append(Told(event.type, event.score, right, None if sample.events else number))
    return told, sum(not sample.events for sample in samples)


def chosen(told: Sequence[Told], types: Sequence[str], most_wrong: float, lowest: float) -> dict[str, float]:
    """Return for each type the least score, none below ``lowest``, of which ``most_wrong`` sentences suffer at most."""
    least = {
        kind: max([lowest, *(one.score + _MARGIN for one in told if one.type == kind and one.eventless is not None)])
        for kind in types
    }

    def suffering(by: dict[str, float]) -> int:
        return len({one.eventless for one in told if one.eventless is not None and one.score >= by[one.type]})

    def gain(by: dict[str, float]) -> int:
        return sum(one.right for one in told if one.score >= by[one.type])

    while True:
        now, cost = gain(least), suffering(least)
        steps: list[tuple[float, str, float]] = []
        for one in told:
            if one.right and lowest <= one.score - _MARGIN and one.score < least[one.type]:
                tried = {**least, one.type: one.score - _MARGIN}
                price = suffering(tried)
                if price <= most_wrong:
                    steps.append(((gain(tried) - now) / (price - cost + 0.1), one.type, one.score - _MARGIN))
        if not steps:
            return {kind: round(score, 2) for kind, score in least.items()}
        _, kind, score = max(steps)
        least[kind] = score


def news_thresholds(runner: Runner, score_of: Callable[[float], float], lowest: float) -> dict[str, float]:
    """Return the least calibrated score by name of the type. ``score_of`` calibrates what the runner tells."""
    told, eventless = told_events(runner)
    calibrated = [Told(one.type, score_of(one.score), one.right, one.eventless) for one in told]
    types = [kind.name for kind in load_ontology("m2e2").event_types]
    return chosen(calibrated, types, int(_WRONG * eventless), lowest)
