"""A whole run: every engine on every cell, answers kept, reports written."""

import json
import os
import platform
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from time import perf_counter

from reamo_mcp.evaluation.cells import Cell
from reamo_mcp.evaluation.engines import Answering
from reamo_mcp.evaluation.markdown import as_markdown
from reamo_mcp.evaluation.pictures import save_evidence
from reamo_mcp.evaluation.report import CellReport, Report, Skipped, WorstCase, report_cell
from reamo_mcp.evaluation.running import Answered, run_cell


@dataclass(frozen=True)
class Step:
    """One more case is answered: by which engine, in which cell."""

    engine: str
    cell: str


async def run(
    cells: Sequence[Cell],
    engine: Answering,
    out: Path,
    limit: int,
    told: Callable[[Step], None],
    *,
    fresh: bool = False,
) -> list[CellReport]:
    """Ask an engine at most ``limit`` cases of each cell; return a report for each.

    Answers lie in ``out/answers``, pictures of the worst cases in ``out/worst``. With ``fresh``, what this engine
    answered to these cells before is forgotten.
    """
    reports: list[CellReport] = []
    for cell in cells:
        written = cell.name.replace("/", "_")
        step = Step(engine.name, cell.name)
        kept = out / "answers" / engine.name / f"{written}.jsonl"
        if fresh:
            kept.unlink(missing_ok=True)
        answers = await run_cell(cell.cases(cell.at_most(limit)), engine, kept, done=lambda _, step=step: told(step))
        report = report_cell(cell.name, engine.name, answers)
        reports.append(_with_pictures(report, answers, out, Path("worst") / engine.name / written))
    return reports


class Clock:
    """Measures a run from its making: seconds on the clock, and of the processor, ended children included."""

    def __init__(self) -> None:
        self._begun, self._used = perf_counter(), _processor()

    @property
    def seconds(self) -> float:
        """Seconds on the clock until now."""
        return perf_counter() - self._begun

    @property
    def processor_seconds(self) -> float:
        """Seconds of the processor until now."""
        return _processor() - self._used


def _processor() -> float:
    return sum(os.times()[:4])


def write_reports(
    reports: Sequence[CellReport], out: Path, command: str, clock: Clock | None = None, skipped: Sequence[Skipped] = ()
) -> Report:
    """Write ``report.json`` and ``report.md`` into a folder."""
    report = Report(
        version=version("reamo-mcp"),
        command=command,
        machine=_machine(clock.seconds if clock else 0.0),
        seconds=clock and clock.seconds,
        processor_seconds=clock and clock.processor_seconds,
        cells=tuple(reports),
        skipped=tuple(skipped),
    )
    out.mkdir(parents=True, exist_ok=True)
    written = json.dumps(report.model_dump(mode="json"), indent=1, ensure_ascii=False)
    (out / "report.json").write_text(f"{written}\n", encoding="utf-8")
    (out / "report.md").write_text(as_markdown(report), encoding="utf-8")
    return report


def _with_pictures(report: CellReport, answers: Sequence[Answered], out: Path, folder: Path) -> CellReport:
    of_case = {answered.case.id: answered for answered in answers}
    drawn: list[WorstCase] = []
    for case in report.worst:
        path = folder / f"{case.case_id}.png"
        has_one = save_evidence(of_case[case.case_id], out / path)
        drawn.append(case.model_copy(update={"picture": path.as_posix()}) if has_one else case)
    return report.model_copy(update={"worst": tuple(drawn)})


def _machine(seconds: float) -> str:
    """Return what a run of so many seconds ran on, with the load meanwhile."""
    cores = len(os.sched_getaffinity(0)) if sys.platform == "linux" else os.cpu_count()
    window = 0 if seconds < 180 else 1 if seconds < 600 else 2  # means of the last 1, 5 and 15 minutes are known
    load = f", load {os.getloadavg()[window]:.0f}" if sys.platform != "win32" else ""
    return f"{platform.system()} {platform.machine()}, {cores} cores{load}, Python {platform.python_version()}"
