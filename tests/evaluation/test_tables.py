"""Tables of a report in documents."""

from pathlib import Path

import pytest

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.benchmark import run, write_reports
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.report import Report
from reamo_mcp.evaluation.tables import command, filled
from tests.evaluation.wrong_engines import GoldAnswers


async def report_of(folder: Path) -> Report:
    chosen = cells(["mini/T+I/NER", "mini/T+I/RE", "mini/A/NER"], folder / "cases", None)
    reports = await run(chosen, GoldAnswers(), folder, 1, lambda _: None)
    return write_reports(reports, folder, f"reamo-mcp evaluate mini --out {folder} --limit 1")


async def test_a_document_gets_the_tables_that_it_names_and_keeps_the_rest(tmp_path: Path) -> None:
    report = await report_of(tmp_path)
    before = (
        "# Title\n<!-- table: matrix -->\nold\n<!-- end -->\nbetween\n<!-- table: rows mini/A gold -->\n<!-- end -->\n"
    )
    after = filled(before, report)
    assert after.startswith("# Title\n<!-- table: matrix -->\n")
    assert "\nold\n" not in after
    assert "\nbetween\n" in after
    assert "| T+I | 100.0 (47.4) | 100.0 (24.6) |  |  | 100.0 (53.5), 100.0 (56.9) |" in after
    assert "| mini/A/NER | gold | 1 |" in after
    assert filled(after, report) == after


async def test_folders_of_the_machine_stay_out_of_documents(tmp_path: Path) -> None:
    assert command(await report_of(tmp_path)) == "reamo-mcp evaluate mini --limit 1"


async def test_a_table_without_rows_or_of_no_kind_is_refused(tmp_path: Path) -> None:
    report = await report_of(tmp_path)
    for name in ("rows text", "columns"):
        with pytest.raises(InvalidArgument):
            filled(f"<!-- table: {name} -->\n<!-- end -->\n", report)
