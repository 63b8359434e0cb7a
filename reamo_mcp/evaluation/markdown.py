"""A report as Markdown: one table per cell, the paper's numbers beside ours, then the worst cases."""

from collections.abc import Iterable, Sequence

from reamo_mcp.evaluation.report import HEADLINES, CellReport, Measure, Report


def overview(cells: Sequence[CellReport]) -> list[list[str]]:
    """Return the rows of one table over all cells: a head, then a row for each cell and engine.

    Measures that no cell has are left out.
    """
    shown = [name for name in (*HEADLINES, "Pointing") if any(cell.value(name) is not None for cell in cells)]
    head = ["cell", "engine", "cases", *shown, "s/case", "failed", "fully read"]
    rows = [
        [
            cell.cell,
            cell.engine,
            str(cell.cases),
            *(_percent(cell.value(name)) for name in shown),
            f"{cell.seconds_per_case:.2f}",
            str(cell.failures),
            f"{cell.fully_read}/{cell.cases}",
        ]
        for cell in cells
    ]
    return [head, *rows]


def measure_rows(cell: CellReport) -> list[list[str]]:
    """Return the table of one cell: a row for each measure, with the paper's values where it has some."""
    methods = list(cell.paper)
    head = ["measure", "P", "R", "value", "95 %", "cases", *(f"{method} *" for method in methods)]
    rows = [
        [
            measure.name,
            _percent(measure.precision),
            _percent(measure.recall),
            _percent(measure.value),
            _interval(measure),
            str(measure.samples),
            *(_percent(cell.paper[method].get(measure.name)) for method in methods),
        ]
        for measure in cell.measures
    ]
    return [head, *rows]


def as_markdown(report: Report) -> str:
    """Return the whole report."""
    lines = [
        f"# Evaluation, reamo-mcp {report.version}",
        "",
        f"`{report.command}` on {report.machine}{took(report)}. F1 and mIoU in percent, with 95 % bootstrap intervals "
        "over cases.",
        "",
        *table(overview(report.cells)),
        *(["", *(f"- {one.engine}: {one.reason}" for one in report.skipped)] if report.skipped else []),
    ]
    for cell in report.cells:
        lines += ["", f"## {cell.cell}, {cell.engine}", "", *table(measure_rows(cell))]
        if cell.paper:
            lines += ["", f"\\* on {cell.paper_data}. {report.note}"]
        lines += ["", *_remarks(cell)]
    return "\n".join(lines) + "\n"


def took(report: Report) -> str:
    """Return how long a run took, to follow the machine; nothing where it is not known."""
    if report.seconds is None or report.processor_seconds is None:
        return ""
    kept = sum(cell.kept for cell in report.cells)
    asked = sum(cell.cases for cell in report.cells) - kept
    answers = f" for {asked} answers ({kept} more were kept of earlier runs)" if kept else ""
    return f", {report.seconds:.0f} s on the clock, {report.processor_seconds:.0f} s of the processor{answers}"


def _remarks(cell: CellReport) -> Iterable[str]:
    if cell.calibration_error is not None and cell.brier is not None:
        yield (
            f"- Expected calibration error of entity scores: {cell.calibration_error:.1f} %, "
            f"Brier score: {cell.brier:.3f}"
        )
    if cell.mistakes:
        yield "- Mistakes: " + ", ".join(f"{name} {count}" for name, count in sorted(cell.mistakes.items()))
    for level, values in cell.by_level.items():
        if len(cell.by_level) > 1:
            yield f"- Level {level}: " + ", ".join(f"{name} {value:.1f}" for name, value in values.items())
    for case in cell.worst:
        picture = f" [picture]({case.picture})" if case.picture else ""
        told = [case.failure] if case.failure else []
        told += [f"missed {_code(missed)}" for missed in case.missed]
        told += [f"surplus {_code(surplus)}" for surplus in case.surplus]
        yield f"- Worst: {case.case_id} ({case.score:.0f}): {'; '.join(told) or 'places differ'}{picture}"


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"


def table(rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of a table whose first row is its head."""
    head, *body = rows
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return lines + ["| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |" for row in body]


def _percent(value: float | None) -> str:
    return "" if value is None else f"{value:.1f}"


def _interval(measure: Measure) -> str:
    if measure.low is None or measure.high is None:
        return ""
    return f"{measure.low:.1f} - {measure.high:.1f}"
