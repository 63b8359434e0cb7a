"""Ask an engine every case of a cell, keep each answer at once, and go on where a run was cut short."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from time import perf_counter

from pydantic import ValidationError

from reamo_mcp.errors import Cancelled, ReamoError
from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.engines import Answering
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.record import Record


class KeptAnswer(Record):
    """What an engine answered to a case: an extraction, or the failure in words. ``seconds`` of wall clock."""

    case_id: str
    question: str
    engine: str
    seconds: float
    extraction: Extraction | None = None
    failure: str | None = None


@dataclass(frozen=True)
class Answered:
    """A case, where its files are, and what was answered; ``kept`` if the answer is of an earlier run."""

    case: Case
    folder: Path
    answer: KeptAnswer
    kept: bool = False


async def run_cell(
    cases: Iterable[tuple[Case, Path]], engine: Answering, kept: Path, *, done: Callable[[KeptAnswer], None]
) -> list[Answered]:
    """Return the answers to all cases, in order; ``done`` is told of each.

    Answers are appended to the file ``kept`` as JSON lines. Those that it holds already are used again if the same
    engine gave them to the same case; failures are tried again. An error of the engine is a failure of that case
    alone: it counts as nothing found.
    """
    kept.parent.mkdir(parents=True, exist_ok=True)
    known = _known(kept, engine.identity)
    answered: list[Answered] = []
    with kept.open("a", encoding="utf-8") as file:
        for case, folder in cases:
            question = question_of(case)
            before = known.get((case.id, question))
            answer = before
            if answer is None:
                answer = await _ask(engine, case, folder, question)
                file.write(f"{answer.model_dump_json()}\n")
                file.flush()
            answered.append(Answered(case, folder, answer, before is not None))
            done(answer)
    return answered


def question_of(case: Case) -> str:
    """Return the hash of all that an answer depends on: content, types, task; not of the gold's places."""
    content = "|".join(f"{medium.name} {medium.sha256}" for medium in case.gold.document.media)
    return sha256(f"{content} {case.task} {case.ontology.model_dump_json()}".encode()).hexdigest()


async def _ask(engine: Answering, case: Case, folder: Path, question: str) -> KeptAnswer:
    begun = perf_counter()
    extraction: Extraction | None = None
    failure: str | None = None
    try:
        extraction = await engine.answer(case, folder)
    except Cancelled:
        raise
    except ReamoError as error:
        failure = f"[{error.code}] {error}"
    except Exception as error:  # a report on engines tells of their defects too, and goes on with the next case
        failure = f"[defect] {type(error).__name__}: {error}"
    return KeptAnswer(
        case_id=case.id,
        question=question,
        engine=sha256(engine.identity.encode()).hexdigest(),
        seconds=perf_counter() - begun,
        extraction=extraction,
        failure=failure,
    )


def _known(kept: Path, identity: str) -> dict[tuple[str, str], KeptAnswer]:
    known: dict[tuple[str, str], KeptAnswer] = {}
    engine = sha256(identity.encode()).hexdigest()
    if not kept.exists():
        return known
    for line in kept.read_text(encoding="utf-8").splitlines():
        try:
            answer = KeptAnswer.model_validate_json(line)
        except ValidationError:
            continue  # a line that was cut short, or of an older schema
        if answer.engine == engine and answer.extraction is not None:
            known[(answer.case_id, answer.question)] = answer
    return known
