"""Tables of a report in documents."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.benchmark import run, write_reports
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.mini.cases import cell_names
from reamo_mcp.evaluation.report import Report
from reamo_mcp.evaluation.tables import command, filled, matrix
from tests.evaluation.wrong_engines import GoldAnswers


async def report_of(folder: Path, *names: str) -> Report:
    chosen = cells(names, folder / "cases", None)
    reports = await run(chosen, GoldAnswers(), folder, 1, lambda _: None)
    return write_reports(reports, folder, f"reamo-mcp evaluate mini --out {folder} --limit 1")


async def test_a_document_gets_the_tables_that_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    report = await report_of(tmp_path, "mini/T/NER", "mini/A/NER")
    tables = [f"<!-- table: {name} -->\nold\n<!-- end -->\n" for name in ("rows mini/A gold", "rows mini/T")]
    before = "# Title\n" + "between\n".join(tables)
    after = filled(before, report)
    assert after.startswith("# Title\n<!-- table: rows mini/A gold -->\n")
    assert "\nold\n" not in after
    assert "\nbetween\n" in after
    assert "| mini/A/NER | gold | 1 | 100.0 |" in after
    assert "| mini/T/NER | gold | 1 | 100.0 |" in after
    assert filled(after, report) == after


async def test_the_matrix_has_a_row_for_each_combination_with_the_papers_numbers_beside(tmp_path: Path) -> None:
    report = await report_of(tmp_path, "mini/T+I/NER", "mini/T+I/RE", "mini/A/NER")
    head, *rows = matrix(report.cells)
    assert [row[0] for row in rows] == ["A", "T+I"]
    assert rows[1][: len(head) - 1] == [
        "T+I",
        "100.0 (47.4)",
        "100.0 (24.6)",
        "",
        "",
        "100.0 (53.5), 100.0 (56.9)",
        "",
        "",
    ]


async def test_a_table_stays_where_the_report_has_not_all_of_it(tmp_path: Path) -> None:
    report = await report_of(tmp_path, "mini/T/NER")
    for name in ("matrix", "rows text", "rows mini/T gold rules"):
        document = f"<!-- table: {name} -->\nkept\n<!-- end -->\n"
        assert filled(document, report) == document


async def test_the_matrix_is_filled_by_a_report_of_all_cells_alone(tmp_path: Path) -> None:
    report = await report_of(tmp_path, "mini/T/NER")
    document = "<!-- table: matrix -->\nkept\n<!-- end -->\n"

    def of(names: Sequence[str]) -> Report:
        return report.model_copy(
            update={"cells": [report.cells[0].model_copy(update={"cell": name}) for name in names]}
        )

    assert "\nkept\n" not in filled(document, of(cell_names()))
    assert filled(document, of([name for name in cell_names() if name.endswith("/NER")])) == document


@pytest.mark.parametrize("folder", ["--out here", "--data=here", "--out 'my folder'", "'--data=my folder'"])
async def test_folders_of_the_machine_stay_out_of_documents(folder: str, tmp_path: Path) -> None:
    report = await report_of(tmp_path, "mini/T/NER")
    assert command(report) == "reamo-mcp evaluate mini --limit 1"
    told = report.model_copy(update={"command": f"reamo-mcp evaluate mini {folder} --limit 1"})
    assert command(told) == "reamo-mcp evaluate mini --limit 1"


async def test_a_table_of_no_kind_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        filled("<!-- table: columns -->\n<!-- end -->\n", await report_of(tmp_path, "mini/T/NER"))
