"""Makes scores honest and chooses thresholds, on the tune halves only.

``python -m reamo_mcp.training.text.calibrate --data DATA --weights FOLDER`` rewrites ``config.json`` there.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import argparse
import logging
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from reamo_mcp.evaluation.text_metrics import Judged, Scored, best_threshold, pooled
from reamo_mcp.evaluation.text_nominals import directed_macro_f1, semeval
from reamo_mcp.evaluation.text_runs import (
    Result,
    Runner,
    entity_results,
    event_results,
    news_results,
    redocred_results,
)
from reamo_mcp.evaluation.text_sets import conventions
from reamo_mcp.models.embedded.text_extractor_labels import event_text, relation_text
from reamo_mcp.models.embedded.text_extractor_network import Calibration, ExtractorConfig, read_config
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.training.text.news_thresholds import news_thresholds

_log = logging.getLogger("reamo_mcp.training.text")

_STEPS = tuple(step / 100 for step in range(4, 96, 2))
_KINDS = ("entity", "event", "relation", "argument")
_NEWS_TELLS = 0.02
"""Less difference in F1 than this means nothing on the 30 triggers of news."""


def fitted(scored: Sequence[tuple[float, bool, float]]) -> tuple[float, float]:
    """Return scale and shift of a logistic regression from the logit of a score to truth, with weights (Platt 1999)."""
    logits = torch.tensor([math.log(score / (1 - score)) for score, _, _ in scored], dtype=torch.float64)
    truth = torch.tensor([float(right) for _, right, _ in scored], dtype=torch.float64)
    weights = torch.tensor([weight for _, _, weight in scored], dtype=torch.float64)
    parameters = torch.tensor([1.0, 0.0], dtype=torch.float64, requires_grad=True)
    optimizer = torch.optim.LBFGS([parameters], max_iter=100, line_search_fn="strong_wolfe")

    def loss() -> torch.Tensor:
        optimizer.zero_grad()
        told = parameters[0] * logits + parameters[1]
        value = torch.nn.functional.binary_cross_entropy_with_logits(told, truth, weights)
        value.backward()
        return value

    optimizer.step(loss)
    scale, shift = parameters.tolist()
    return scale, shift


def _kept(score: float) -> float:
    return min(max(score, 1e-6), 1 - 1e-6)


def _through(score: float, by: Calibration) -> float:
    score = _kept(score)
    return 1 / (1 + math.exp(-(by.scale * math.log(score / (1 - score)) + by.shift)))


def _recalibrated(judged: Judged, own: Calibration, support: Calibration | None) -> Judged:
    return Judged(
        tuple(
            Scored(_through(a.score, own), _through(a.support, support) if support else 1.0, a.right)
            for a in judged.answers
        ),
        judged.gold,
    )


def calibrate(runner: Runner, config: ExtractorConfig) -> ExtractorConfig:
    """Return the configuration with scores fitted and thresholds chosen. The runner must use an uncalibrated one.

    Every kind of label has one fit and one threshold; sets with a tune half have thresholds for their own labels too,
    since what counts as a name, or as a happening, differs from set to set.
    """
    results = [*entity_results(runner, "tune"), *redocred_results(runner, "tune"), *event_results(runner, "tune")]
    chosen: dict[str, Calibration] = {}
    own_least: dict[str, float] = {}
    for kind in _KINDS:
        own = [result for result in results if result.kind == kind and result.pooled]
        support = chosen.get({"relation": "entity", "argument": "event"}.get(kind, ""))
        scale, shift = fitted(_weighted(own, support))
        if scale <= 0:  # what was never learned: a fit would turn right and wrong around
            _log.warning("scores of kind %s tell nothing on the sets that are fitted; they stay as they are", kind)
            scale, shift = 1.0, 0.0
        plain = Calibration(scale=round(scale, 4), shift=round(shift, 4))
        sets = [[_recalibrated(judged, plain, support) for judged in result.documents] for result in own]
        grounds = [own_least.get(result.support_label, support.least if support else 0.0) for result in own]
        for result, documents, ground in zip(own, sets, grounds, strict=True):
            own_least |= dict.fromkeys(result.labels, best_threshold([documents], ground))
        least = best_threshold(sets, max(grounds))
        chosen[kind] = plain.model_copy(update={"least": least})
    event = chosen["event"]
    news = [_recalibrated(judged, event, None) for judged in news_results(runner, "tune")[0].documents]
    lowest = event.least
    # Types that no set has are asked in the plain words of news ontologies: their usual threshold is that of news, as
    # low as its few triggers allow.
    chosen["event"] = event.model_copy(update={"least": best_threshold([news], tolerance=_NEWS_TELLS)})
    by_name = news_thresholds(runner, lambda score: _through(score, event), lowest)
    own_least |= {event_text(kind): by_name[kind.name] for kind in load_ontology("m2e2").event_types}
    own_least |= _with_arguments(results, chosen, event)
    nominals = [replace(one, score=_through(one.score, chosen["relation"])) for one in semeval(runner, "tune")]
    least = max((step / 100 for step in range(2, 96)), key=lambda least: directed_macro_f1(nominals, least))
    own_least |= dict.fromkeys(map(relation_text, conventions.SEMEVAL.values()), least)
    return config.model_copy(update={"calibration": chosen, "least": own_least})


def _weighted(results: Sequence[Result], support: Calibration | None) -> list[tuple[float, bool, float]]:
    """Return score, truth and weight of the answers that may be returned; every set counts the same."""
    scored: list[tuple[float, bool, float]] = []
    for result in results:
        answers = [
            answer
            for judged in result.documents
            for answer, again in zip(judged.answers, _recalibrated(judged, Calibration(), support).answers, strict=True)
            if support is None or again.support >= support.least
        ]
        scored += [(_kept(answer.score), answer.right, 1 / math.sqrt(len(answers))) for answer in answers]
    return scored


def _with_arguments(results: Sequence[Result], chosen: dict[str, Calibration], event: Calibration) -> dict[str, float]:
    """Return thresholds of event types that serve triggers and, since those rest on them, arguments alike."""
    least: dict[str, float] = {}
    for arguments in results:
        if arguments.kind != "argument" or not arguments.pooled:
            continue
        triggers = next(one for one in results if one.kind == "event" and one.label == arguments.support_label)
        first = [_recalibrated(judged, event, None) for judged in triggers.documents]
        second = [_recalibrated(judged, chosen["argument"], event) for judged in arguments.documents]
        # The role's threshold is chosen anew with the trigger's: the best pair of the two counts.
        best = max(
            ((on, own) for on in _STEPS for own in _STEPS),
            key=lambda pair: pooled(first, pair[0]).f1 + pooled(second, pair[1], pair[0]).f1,
        )
        least |= dict.fromkeys(triggers.labels, best[0]) | dict.fromkeys(arguments.labels, best[1])
    return least


def calibrate_folder(data: Path, weights: Path) -> None:
    """Rewrite the configuration in the folder of a model with fits and thresholds."""
    path = weights / "config.json"
    plain = read_config(weights).model_copy(
        update={"calibration": {kind: Calibration() for kind in _KINDS}, "least": {}}
    )
    path.write_text(plain.model_dump_json(indent=1) + "\n", encoding="utf-8")
    done = calibrate(Runner(data, weights), plain)
    path.write_text(done.model_dump_json(indent=1) + "\n", encoding="utf-8")


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Calibrate the embedded text extractor")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--weights", type=Path, required=True)
    given = parser.parse_args()
    calibrate_folder(given.data, given.weights)


if __name__ == "__main__":
    main()
