"""What a run says: scores by cell, beside the paper's numbers, with failures, coverage and the worst cases."""

from collections import Counter
from collections.abc import Sequence

from pydantic import Field

from reamo_mcp.evaluation.calibration import calibration
from reamo_mcp.evaluation.facts import facts_of
from reamo_mcp.evaluation.mistakes import mistakes
from reamo_mcp.evaluation.published import NOTE, published
from reamo_mcp.evaluation.running import Answered
from reamo_mcp.evaluation.scoring import SampleScore, Value, nothing_found, score_cell, score_sample
from reamo_mcp.evaluation.speech import said
from reamo_mcp.types.record import Record

HEADLINES = ("NER", "RE", "ET", "EA", "I-Seg", "A-Seg", "V-Trck", "Grounded F1", "WER", "Sure words")
_WORST = 5


class Measure(Record):
    """One number of a cell, all in percent: F1 with precision and recall, or a mean overlap over ``samples``."""

    name: str
    value: float
    low: float | None
    high: float | None
    precision: float | None = None
    recall: float | None = None
    samples: int = 0


class WorstCase(Record):
    """A case that went badly: its mean headline score, what was wanted, what was said instead."""

    case_id: str
    score: float
    failure: str | None = None
    missed: tuple[str, ...] = ()
    surplus: tuple[str, ...] = ()
    picture: str | None = None


class CellReport(Record):
    """The result of one engine on one cell."""

    cell: str
    engine: str
    cases: int
    failures: int
    kept: int = Field(default=0, description="Cases whose answer is of an earlier run")
    fully_read: int = Field(description="Cases of which everything that the engine can read was read")
    seconds_per_case: float
    measures: tuple[Measure, ...]
    calibration_error: float | None = Field(default=None, description="Of the scores of entities, in percent")
    brier: float | None = Field(default=None, description="Brier score of the scores of entities, 0 to 1")
    mistakes: dict[str, int] = Field(default_factory=dict[str, int])
    by_level: dict[str, dict[str, float]] = Field(default_factory=dict[str, dict[str, float]])
    paper: dict[str, dict[str, float]] = Field(default_factory=dict[str, dict[str, float]])
    paper_data: str | None = None
    worst: tuple[WorstCase, ...] = ()

    def value(self, name: str) -> float | None:
        """Return a measure in percent, None if the cell has none of that name."""
        return next((measure.value for measure in self.measures if measure.name == name), None)


class Skipped(Record):
    """A rival that could not answer, and why."""

    engine: str
    reason: str


class Report(Record):
    """A whole run. ``seconds`` on the clock, ``processor_seconds`` of this process and its children, in this run."""

    version: str
    command: str
    machine: str
    seconds: float | None = None
    processor_seconds: float | None = None
    note: str = NOTE
    cells: tuple[CellReport, ...]
    skipped: tuple[Skipped, ...] = ()


def score_of(answered: Answered, symmetric: Sequence[str] = ()) -> SampleScore:
    """Return the scores of one answer; a failure counts as nothing found."""
    case, extraction = answered.case, answered.answer.extraction
    if extraction is None:
        return nothing_found(case.gold, case.task)
    return score_sample(case.gold, extraction, case.task, symmetric)


def report_cell(cell: str, engine: str, answers: Sequence[Answered]) -> CellReport:
    """Return what one engine reached on one cell."""
    scores = [score_of(answered, _symmetric(answered)) for answered in answers]
    scored = score_cell(scores)
    calibrated = calibration(scored.scored)
    faults: Counter[str] = Counter()
    for answered in answers:
        if answered.answer.extraction is not None:
            media = {medium.name: medium for medium in answered.case.gold.document.media}
            faults += mistakes(facts_of(answered.case.gold), facts_of(answered.answer.extraction), media)
    parts = cell.split("/")
    paper = published(parts[1], parts[2]) if parts[0] == "mini" and len(parts) == 3 else None
    extractions = [answered.answer.extraction for answered in answers]
    return CellReport(
        cell=cell,
        engine=engine,
        cases=len(answers),
        failures=sum(extraction is None for extraction in extractions),
        kept=sum(answered.kept for answered in answers),
        fully_read=sum(extraction is not None and extraction.coverage.complete for extraction in extractions),
        seconds_per_case=sum(answered.answer.seconds for answered in answers) / max(1, len(answers)),
        measures=tuple(_measure(name, value) for name, value in scored.values.items()),
        calibration_error=100 * calibrated.error if calibrated else None,
        brier=calibrated.brier if calibrated else None,
        mistakes=dict(faults),
        by_level=_by_level(answers, scores),
        paper=paper.methods if paper else {},
        paper_data=paper.data if paper else None,
        worst=_worst(answers, scores),
    )


def headline(score: SampleScore) -> float:
    """Return the mean of the headline scores of one sample: what the worst cases are ranked by."""
    values = [
        counts.f1 for name, counts in score.counts.items() if name in HEADLINES and counts.predicted + counts.gold
    ]
    values += [value for name, value in score.places.items() if name in HEADLINES and value is not None]
    if (errors := score.ratios.get("WER")) is not None and errors.whole:
        values.append(max(0.0, 1 - errors.part / errors.whole))
    return sum(values) / len(values) if values else 1.0


def _symmetric(answered: Answered) -> tuple[str, ...]:
    return tuple(kind.name for kind in answered.case.ontology.relation_types if kind.symmetric)


def _measure(name: str, value: Value) -> Measure:
    return Measure(
        name=name,
        value=100 * value.value,
        low=100 * value.interval.low if value.interval else None,
        high=100 * value.interval.high if value.interval else None,
        precision=100 * value.counts.precision if value.counts else None,
        recall=100 * value.counts.recall if value.counts else None,
        samples=value.samples,
    )


def _by_level(answers: Sequence[Answered], scores: Sequence[SampleScore]) -> dict[str, dict[str, float]]:
    levels: dict[int, list[SampleScore]] = {}
    for answered, score in zip(answers, scores, strict=True):
        levels.setdefault(answered.case.level, []).append(score)
    return {
        str(level): {name: 100 * value.value for name, value in score_cell(inside).values.items() if name in HEADLINES}
        for level, inside in sorted(levels.items())
    }


def _worst(answers: Sequence[Answered], scores: Sequence[SampleScore]) -> tuple[WorstCase, ...]:
    ranked = sorted(zip(answers, scores, strict=True), key=lambda pair: headline(pair[1]))
    return tuple(_account(answered, score) for answered, score in ranked[:_WORST] if headline(score) < 1 - 1e-9)


def _account(answered: Answered, score: SampleScore) -> WorstCase:
    wanted = Counter(_told(answered, gold=True))
    said = Counter(_told(answered, gold=False))
    return WorstCase(
        case_id=answered.case.id,
        score=100 * headline(score),
        failure=answered.answer.failure,
        missed=tuple((wanted - said).elements()),
        surplus=tuple((said - wanted).elements()),
    )


def _told(answered: Answered, *, gold: bool) -> list[str]:
    """Return the records of a side as the paper writes them."""
    extraction = answered.case.gold if gold else answered.answer.extraction
    if extraction is None:
        return []
    facts = facts_of(extraction)
    match answered.case.task:
        case "NER":
            return [f"({thing.name or '(nameless)'}, {thing.type})" for thing in facts.things]
        case "RE":
            return [f"({link.head.name}, {link.type}, {link.tail.name})" for link in facts.links]
        case "ASR":
            return said(extraction)
        case "EE":
            return [
                "; ".join(
                    [
                        f"{happening.trigger.type}: {happening.trigger.name}",
                        *(f"{part.role}: {part.thing.name}" for part in happening.parts),
                    ]
                )
                for happening in facts.happenings
            ]
