"""What the embedded text extractor finds, on the report halves: ``python -m reamo_mcp.evaluation.text_score``.

Prints one table of scores with bootstrap intervals, one of precision and recall by threshold, and the calibration.
Everything is measured with the weights and thresholds that ship.
"""

import argparse
import os
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from reamo_mcp.evaluation.text_metrics import calibration_error, interval, pooled
from reamo_mcp.evaluation.text_nominals import directed_macro_f1, semeval
from reamo_mcp.evaluation.text_runs import (
    Part,
    Result,
    Runner,
    entity_results,
    event_results,
    eventless,
    linkless,
    news_results,
    redocred_results,
)
from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.models.embedded.text_extractor_labels import event_text, relation_text
from reamo_mcp.models.embedded.text_extractor_network import WEIGHTS, ExtractorConfig, read_config
from reamo_mcp.ontologies.loading import load_ontology

GOALS = {
    "uner_en_ewt": 0.80,
    "wnut17": 0.50,
    "btc": 0.70,
    "redocred facts, found ends": 0.28,
    "redocred facts, gold ends": 0.45,
    "geneva triggers": 0.58,
    "geneva arguments": 0.32,
    "geneva arguments of gold triggers": 0.50,
    "phee arguments": 0.50,
}
"""F1 that the project set itself, by set."""
_SUPPORT = {"relation": "entity", "argument": "event"}
_SHOWN = (0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)


@dataclass(frozen=True)
class Line:
    """One score: what was measured, the score, its interval, the goal."""

    name: str
    score: float
    low: float | None = None
    high: float | None = None
    goal: float | None = None
    told: str = ""


def thresholds(result: Result, config: ExtractorConfig) -> tuple[float, float]:
    """Return the least score of a set's labels as shipped, and of what its answers rest on."""
    least = config.least.get(result.label, config.calibration[result.kind].least)
    support = _SUPPORT.get(result.kind)
    if support is None or not result.pooled:
        return least, 0.0
    return least, config.least.get(result.support_label, config.calibration[support].least)


def lines(results: Sequence[Result], config: ExtractorConfig) -> Iterator[Line]:
    """Yield a line for each result at the shipped thresholds, and the mean of CrossNER."""
    cross: list[float] = []
    for result in results:
        least, support = thresholds(result, config)
        counted = pooled(result.documents, least, support)
        ends = interval(result.documents, least, support)
        told = f"P {counted.precision:.3f} R {counted.recall:.3f} gold {counted.gold}"
        yield Line(result.name, counted.f1, ends and ends.low, ends and ends.high, GOALS.get(result.name), told)
        if result.name.startswith("crossner"):
            cross.append(counted.f1)
    if cross:
        yield Line("crossner, mean of domains", sum(cross) / len(cross), goal=0.68)


def clean_lines(runner: Runner, part: Part, config: ExtractorConfig) -> Iterator[Line]:
    """Yield the directed relations between nominals, and how often nothing is found where nothing is."""
    scores = eventless(runner, part)
    usual = config.calibration["event"].least
    by_type = {kind.name: config.least.get(event_text(kind), usual) for kind in load_ontology("m2e2").event_types}
    clean = sum(all(score < by_type[kind] for kind, score in found) for found in scores) / len(scores)
    yield Line("m2e2 eventless sentences without an event", clean, goal=0.95, told=f"sentences {len(scores)}")
    answers = semeval(runner, part)
    least = config.least.get(relation_text(conventions.SEMEVAL["Cause-Effect"]), config.calibration["relation"].least)
    yield Line("semeval-2010 task 8, macro F1", directed_macro_f1(answers, least), goal=0.78, told=f"{len(answers)}")
    none = [answer for answer in answers if answer.gold is None]
    clean = sum(answer.score < least for answer in none) / len(none)
    yield Line("semeval Other without a relation of the nine", clean, told=f"sentences {len(none)}")
    links = linkless(runner, part)
    least = config.calibration["relation"].least
    clean = sum(all(score < least for score in found) for found in links) / len(links)
    yield Line("redocred sentences without a fact, clean", clean, goal=0.90, told=f"sentences {len(links)}")


def calibration_lines(results: Sequence[Result], least: float = 0.3) -> Iterator[Line]:
    """Yield the calibration error of the answers that a user may get, pooled and by set."""
    everything: list[tuple[float, bool]] = []
    for result in results:
        if not result.pooled:
            continue
        scored = [(a.score, a.right) for d in result.documents for a in d.answers if min(a.score, a.support) >= least]
        everything += scored
        yield Line(f"calibration error, {result.name}", calibration_error(scored), goal=0.10, told=f"{len(scored)}")
    yield Line("calibration error, pooled", calibration_error(everything), goal=0.05, told=f"{len(everything)}")


def threshold_table(results: Sequence[Result], config: ExtractorConfig) -> Iterator[str]:
    """Yield rows of precision / recall by threshold."""
    yield "| set | " + " | ".join(f"{least:.1f}" for least in _SHOWN) + " |"
    yield "|---" * (len(_SHOWN) + 1) + "|"
    for result in results:
        _, support = thresholds(result, config)
        cells = [pooled(result.documents, least, support) for least in _SHOWN]
        yield f"| {result.name} | " + " | ".join(f"{c.precision:.2f} / {c.recall:.2f}" for c in cells) + " |"


def _row(line: Line) -> str:
    between = "" if line.low is None or line.high is None else f"{line.low:.3f} to {line.high:.3f}"
    goal = "" if line.goal is None else f"{line.goal:.2f}"
    return f"| {line.name} | {line.score:.3f} | {between} | {goal} | {line.told} |"


def shipped_lines(runner: Runner, part: Part) -> Iterator[Line]:
    """Yield scores on M2E2, whose types have a threshold each, of a runner without thresholds of its own."""
    for result in news_results(runner, part):
        counted, ends = pooled(result.documents, 0.0), interval(result.documents, 0.0)
        told = f"P {counted.precision:.3f} R {counted.recall:.3f} gold {counted.gold}"
        yield Line(result.name, counted.f1, ends and ends.low, ends and ends.high, None, told)


def report(runner: Runner, shipped: Runner, part: Part, config: ExtractorConfig) -> Iterator[str]:
    """Yield the lines of the report in Markdown. ``runner`` returns all answers, ``shipped`` those a user gets."""
    results = [*entity_results(runner, part), *redocred_results(runner, part), *event_results(runner, part)]
    yield "| measured | score | 95 % | goal | |"
    yield "|---|---|---|---|---|"
    yield from map(_row, lines(results, config))
    yield from map(_row, shipped_lines(shipped, part))
    yield from map(_row, clean_lines(runner, part, config))
    yield from map(_row, calibration_lines(results))
    yield ""
    yield "Precision / recall by least score:"
    yield ""
    yield from threshold_table(results, config)


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Score the embedded text extractor")
    parser.add_argument("--data", type=Path, default=Path(os.environ.get("REAMO_DATA", "../shared/data")))
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--part", choices=("tune", "report"), default="report")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args()
    if not (given.data / "dev" / "text").is_dir():
        sys.stdout.write(f"Not scored: there is no data in {given.data}. Set REAMO_DATA or give --data.\n")
        return
    runner = Runner(given.data, given.weights, given.threads)
    shipped = Runner(given.data, given.weights, given.threads, thresholds=None)
    for line in report(runner, shipped, given.part, read_config(given.weights)):
        sys.stdout.write(line + "\n")
        sys.stdout.flush()


if __name__ == "__main__":
    main()
