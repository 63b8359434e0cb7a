"""Puts the tables of a report into documents: ``python -m reamo_mcp.evaluation.tables REPORT.json DOCUMENT.md ...``.

A document says where: ``<!-- table: NAME -->`` and ``<!-- end -->`` on lines of their own; what stands between them is
replaced. ``matrix`` is MUIE-mini in one row for each combination of media; ``rows CELL ENGINE ...`` one row for each
cell that begins so, of the engines named (none: all). A table of which the report has not every cell of MUIE-mini, or
not every engine, stays as it is, so that a document can be filled from several runs.
"""

import re
import sys
from collections.abc import Sequence
from pathlib import Path

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.markdown import overview, table, took
from reamo_mcp.evaluation.mini.cases import COMBINATIONS, TASKS, cell_names
from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.evaluation.report import CellReport, Report

_PLACE = re.compile(r"(?ms)^<!-- table: (.+?) -->\n.*?^<!-- end -->$")
_OF_THIS_MACHINE = re.compile(r" (?:--(?:out|data)[ =](?:'[^']*'|\S+)|'--(?:out|data)=[^']*')")
_PLACES = ("I-Seg", "A-Seg", "V-Trck")
_MEASURES: dict[str, Task] = {"NER": "NER", "RE": "RE", "ET": "EE", "EA": "EE"}


def filled(document: str, report: Report) -> str:
    """Return a document with those of its tables that a report has. Raises InvalidArgument for an unknown table."""

    def fill(place: re.Match[str]) -> str:
        rows = _rows(place[1], report)
        if rows is None:
            return place[0]
        run = f"`{command(report)}`, reamo-mcp {report.version}, {report.machine}{took(report)}."
        return "\n".join((f"<!-- table: {place[1]} -->", "", *table(rows), "", run, "", "<!-- end -->"))

    return _PLACE.sub(fill, document)


def command(report: Report) -> str:
    """Return the command of a run without the folders of the machine that it ran on."""
    return _OF_THIS_MACHINE.sub("", report.command)


def matrix(cells: Sequence[CellReport]) -> list[list[str]]:
    """Return MUIE-mini in one row for each combination of media; overlaps are those of NER, RE and EE.

    Reamo's published number follows in brackets where the paper has such a cell.
    """
    of = {cell.cell: cell for cell in cells}
    head = ["media", *_MEASURES, *(f"{place}: NER, RE, EE" for place in _PLACES), "s/case"]
    rows: list[list[str]] = []
    for combination in COMBINATIONS:
        tasks = {task: found for task in TASKS if (found := of.get(f"mini/{combination}/{task}")) is not None}
        if not tasks:
            continue
        row = [combination, *(_value(tasks.get(task), measure) for measure, task in _MEASURES.items())]
        for place in _PLACES:
            values = [_value(found, place) for found in tasks.values()]
            row.append(", ".join(value or "-" for value in values) if any(values) else "")
        seconds = sum(found.seconds_per_case * found.cases for found in tasks.values())
        row.append(f"{seconds / sum(found.cases for found in tasks.values()):.1f}")
        rows.append(row)
    return [head, *rows]


def _value(cell: CellReport | None, measure: str) -> str:
    value = cell.value(measure) if cell is not None else None
    if cell is None or value is None:
        return ""
    theirs = cell.paper.get("Reamo", {}).get(measure)
    return f"{value:.1f}" if theirs is None else f"{value:.1f} ({theirs:.1f})"


def _rows(name: str, report: Report) -> list[list[str]] | None:
    kind, *wanted = name.split()
    if kind == "matrix":
        cells = [cell for cell in report.cells if cell.engine == report.cells[0].engine]
        return matrix(cells) if {cell.cell for cell in cells}.issuperset(cell_names()) else None
    if kind != "rows" or not wanted:
        raise InvalidArgument(f"there is no table {name!r}", "Name 'matrix' or 'rows CELL ENGINE ...'")
    prefix, *engines = wanted
    begun = [cell for cell in report.cells if f"{cell.cell}/".startswith(f"{prefix}/")]
    shown = [cell for cell in begun if not engines or cell.engine in engines]
    complete = bool(shown) and {cell.engine for cell in shown}.issuperset(engines)
    return overview(shown) if complete else None


def main() -> None:
    """Fill the tables of the documents that are named after the report."""
    path, *documents = map(Path, sys.argv[1:])
    report = Report.model_validate_json(path.read_text(encoding="utf-8"))
    for document in documents:
        document.write_text(filled(document.read_text(encoding="utf-8"), report), encoding="utf-8")


if __name__ == "__main__":
    main()
