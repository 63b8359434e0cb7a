"""`reamo-mcp evaluate`: how much is found and located, on cells of MUIE-mini and on annotated sets of the user's."""

import os
import shlex
import sys
from collections.abc import Generator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Callable

    from reamo_mcp.evaluation.benchmark import Step
    from reamo_mcp.evaluation.cells import Cell
    from reamo_mcp.evaluation.engines import Answering
    from reamo_mcp.evaluation.report import CellReport, Report
    from reamo_mcp.evaluation.rivals import Rival

_FAILED = 1
_WIDTH_OF_A_PIPE = 200


def evaluate(
    cells: Annotated[
        list[str] | None, typer.Argument(help="Cells such as mini/T+I/NER, or beginnings: mini, mini/T+I, text.")
    ] = None,
    profile: Annotated[str | None, typer.Option(help="Which engine answers; see 'reamo-mcp doctor'.")] = None,
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR", exists=True, file_okay=False, help="Annotated sets (REAMO_DATA). MUIE-mini needs none."
        ),
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="Cases of each cell.")] = 5,
    out: Annotated[
        Path, typer.Option(metavar="DIR", file_okay=False, help="Cases, answers and reports go here.")
    ] = Path("build/evaluation"),
    against: Annotated[
        list[str] | None,
        typer.Option(
            metavar="RIVAL",
            help="Run too: pipeline, rules, spacy, oracle-print, oracle-transcript, -joint, -instruction, -verify.",
        ),
    ] = None,
    server: Annotated[
        str | None,
        typer.Option(metavar="URL", help="Ask this running server instead (token: REAMO_TOKEN); it must see --out."),
    ] = None,
    fresh: Annotated[
        bool, typer.Option("--fresh", help="Ask these cells anew, also what was answered before.")
    ] = False,
    names: Annotated[bool, typer.Option("--list", help="List the cells and leave.")] = False,
) -> None:
    """Measure what is found and located. A run that was cut short goes on where it stood.

    Writes report.json and report.md. Ends with 0, or with 1 if an engine failed on some case.
    """
    import anyio

    from reamo_mcp.evaluation import cells as known

    chosen = known.cells(cells or (), out / "cases", _data(data))
    if names:
        for cell in chosen:
            typer.echo(cell.name if cell.size is None else f"{cell.name}  {cell.size}")
        return
    report = anyio.run(_run, chosen, Asked(profile, server, tuple(_rivals(against or ())), fresh), out, limit)
    _print(report.cells)
    for one in report.skipped:
        typer.echo(f"{one.engine}: {one.reason}")
    typer.echo(f"\nWritten: {out / 'report.md'}, {out / 'report.json'}")
    if any(cell.failures for cell in report.cells):
        raise typer.Exit(_FAILED)


@dataclass(frozen=True)
class Asked:
    """Who answers: the engine of a profile or a running server, and baselines beside it; ``fresh``: all anew."""

    profile: str | None
    server: str | None
    rivals: "tuple[Rival, ...]"
    fresh: bool


async def _run(cells: "Sequence[Cell]", asked: Asked, out: Path, limit: int) -> "Report":
    from reamo_mcp.evaluation.benchmark import Clock, run, write_reports
    from reamo_mcp.evaluation.engines import opened_engine, opened_server
    from reamo_mcp.evaluation.report import Skipped
    from reamo_mcp.evaluation.rivals import differs, opened_rival, why_not

    clock = Clock()
    reports: list[CellReport] = []
    skipped: list[Skipped] = []

    async def ask(engine: "Answering", concerned: "Sequence[Cell]") -> None:
        with _progress_shown(sum(cell.at_most(limit) for cell in concerned)) as told:
            reports.extend(await run(concerned, engine, out, limit, told, fresh=asked.fresh))

    if asked.server is not None:
        async with opened_server(asked.server, os.environ.get("REAMO_TOKEN")) as engine:
            await ask(engine, cells)
    else:
        async with opened_engine(asked.profile) as engine:
            await ask(engine, cells)
    for rival in asked.rivals:
        if (reason := why_not(rival, asked.profile)) is not None:
            skipped.append(Skipped(engine=rival, reason=reason))
            continue
        concerned = [cell for cell in cells if differs(rival, cell)]
        if not concerned:
            skipped.append(Skipped(engine=rival, reason="it answers these cells no otherwise than the engine itself"))
            continue
        async with opened_rival(rival, asked.profile) as engine:
            await ask(engine, concerned)
    order = {cell.name: number for number, cell in enumerate(cells)}
    reports.sort(key=lambda report: order[report.cell])
    return write_reports(reports, out, _command(), clock, skipped)


def _rivals(written: Sequence[str]) -> "list[Rival]":
    from reamo_mcp.errors import InvalidArgument
    from reamo_mcp.evaluation.rivals import RIVALS

    for name in written:
        if name not in RIVALS:
            raise InvalidArgument(f"there is no rival {name!r}", f"Name some of {', '.join(RIVALS)}")
    return [rival for rival in RIVALS if rival in written]


def _data(given: Path | None) -> Path | None:
    named = given or (Path(os.environ["REAMO_DATA"]) if os.environ.get("REAMO_DATA") else None)
    return named if named is not None and named.is_dir() else None


def _command() -> str:
    return shlex.join(["reamo-mcp", *sys.argv[1:]])


def _print(reports: "Sequence[CellReport]") -> None:
    from rich.console import Console
    from rich.table import Table

    from reamo_mcp.evaluation.markdown import measure_rows, overview
    from reamo_mcp.evaluation.published import NOTE

    width = None if sys.stdout.isatty() or "COLUMNS" in os.environ else _WIDTH_OF_A_PIPE
    console = Console(width=width, highlight=False, markup=False, emoji=False)

    def show(title: str, rows: list[list[str]]) -> None:
        table = Table(title=title, title_justify="left", box=None, pad_edge=False, padding=(0, 2, 0, 0))
        for number, name in enumerate(rows[0]):
            table.add_column(name, justify="left" if number < 2 and title == "" else "right")
        for row in rows[1:]:
            table.add_row(*row)
        console.print(table)

    if len(reports) <= 3:
        for report in reports:
            show(f"{report.cell}, {report.engine}", measure_rows(report))
            console.print()
    show("", overview(reports))
    if any(report.paper for report in reports) and len(reports) <= 3:
        console.print(f"* {NOTE}")


@contextmanager
def _progress_shown(total: int) -> "Generator[Callable[[Step], None]]":
    """Yield where to tell of answered cases: a bar on a terminal, nowhere else."""
    if not sys.stderr.isatty():
        yield lambda _: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (TextColumn("{task.description}", markup=False), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("starting", total=total)
        yield lambda step: bar.update(task, description=f"{step.engine}: {step.cell}", advance=1)
