"""Runs: kept answers, failures, reports."""

import json
from pathlib import Path

import pytest

from reamo_mcp.client import ReamoClient
from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evaluation.benchmark import Clock, Step, run, write_reports
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.engines import ClientAnswers
from reamo_mcp.evaluation.markdown import as_markdown
from reamo_mcp.evaluation.published import published
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from tests.doubles.scripted_extractor import ScriptedExtractor
from tests.evaluation.wrong_engines import GoldAnswers, swapped_types


def _silent(_: Step) -> None:
    return None


async def test_a_perfect_engine_reaches_a_hundred_and_the_report_says_so(tmp_path: Path) -> None:
    steps: list[Step] = []
    chosen = cells(["mini/T+I/NER", "mini/A"], tmp_path / "cases", None)
    reports = await run(chosen, GoldAnswers(), tmp_path, 2, steps.append)
    assert [report.cell for report in reports] == ["mini/T+I/NER", "mini/A/NER", "mini/A/RE", "mini/A/EE"]
    assert len(steps) == 8
    assert all(measure.value == pytest.approx(100) for report in reports for measure in report.measures)
    written = write_reports(reports, tmp_path, "reamo-mcp evaluate")
    assert json.loads((tmp_path / "report.json").read_text())["cells"][0]["cell"] == "mini/T+I/NER"
    text = (tmp_path / "report.md").read_text()
    assert written.note in text
    assert "| NER | 100.0 | 100.0 | 100.0 |" in text
    assert "47.4" in text  # Reamo on T+I NER


async def test_a_run_that_was_cut_short_asks_only_what_is_left(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER"], tmp_path / "cases", None)
    await run(chosen, GoldAnswers(), tmp_path, 2, _silent)
    kept = tmp_path / "answers" / "gold" / "mini_T_NER.jsonl"
    lines = kept.read_text().splitlines()
    kept.write_text(f"{lines[0]}\n{lines[1][: len(lines[1]) // 2]}")  # killed while it wrote
    with kept.open("a") as file:
        file.write("\n")
    again = GoldAnswers()
    reports = await run(chosen, again, tmp_path, 3, _silent)
    assert again.asked == ["T-NER-001", "T-NER-002"]
    assert (reports[0].cases, reports[0].kept) == (3, 1)
    written = write_reports(reports, tmp_path, "reamo-mcp evaluate", Clock())
    assert "for 2 answers (1 more were kept of earlier runs)" in as_markdown(written)


async def test_asking_anew_forgets_the_answers_of_this_engine_to_these_cells_alone(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER", "mini/T/RE"], tmp_path / "cases", None)
    await run(chosen, GoldAnswers(), tmp_path, 1, _silent)
    other = GoldAnswers()
    other.name = other.identity = "other"
    await run(chosen, other, tmp_path, 1, _silent)
    again = GoldAnswers()
    assert (await run(chosen[:1], again, tmp_path, 1, _silent, fresh=True))[0].kept == 0
    assert again.asked == ["T-NER-000"]
    assert [report.kept for report in await run(chosen, again, tmp_path, 1, _silent)] == [1, 1]
    assert [report.kept for report in await run(chosen, other, tmp_path, 1, _silent)] == [1, 1]


async def test_answers_of_another_engine_are_not_taken(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER"], tmp_path / "cases", None)
    await run(chosen, GoldAnswers(), tmp_path, 1, _silent)
    other = GoldAnswers()
    other.identity = "gold 2"
    await run(chosen, other, tmp_path, 1, _silent)
    assert other.asked == ["T-NER-000"]


async def test_a_failure_counts_as_nothing_found_and_is_tried_again(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER"], tmp_path / "cases", None)
    reports = await run(chosen, GoldAnswers(failing=("T-NER-001",)), tmp_path, 2, _silent)
    assert (reports[0].failures, reports[0].cases) == (1, 2)
    recall = next(measure.recall for measure in reports[0].measures if measure.name == "NER")
    assert recall is not None
    assert 0 < recall < 100
    assert "engine_failed" in (reports[0].worst[0].failure or "")
    mended = GoldAnswers()
    assert (await run(chosen, mended, tmp_path, 2, _silent))[0].failures == 0
    assert mended.asked == ["T-NER-001"]


async def test_a_defect_of_an_engine_costs_the_case_and_not_the_run(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER"], tmp_path / "cases", None)
    broken = GoldAnswers(failing=("T-NER-000",), failure=lambda: ZeroDivisionError("by zero"))
    report = (await run(chosen, broken, tmp_path, 2, _silent))[0]
    assert (report.failures, report.cases) == (1, 2)
    assert report.worst[0].failure == "[defect] ZeroDivisionError: by zero"


async def test_the_worst_cases_say_what_was_missed_and_show_it(tmp_path: Path) -> None:
    chosen = cells(["mini/I/NER"], tmp_path / "cases", None)
    report = (await run(chosen, GoldAnswers(swapped_types), tmp_path, 2, _silent))[0]
    worst = report.worst[0]
    assert any("person" in missed for missed in worst.missed)
    assert worst.picture is not None
    assert (tmp_path / worst.picture).read_bytes().startswith(b"\x89PNG")
    assert report.mistakes["propagation"] > 0


def test_a_cell_that_is_not_known_is_refused_and_sets_without_a_folder_tell_how_to_name_it(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument):
        cells(["mini/T+X"], tmp_path, tmp_path)
    with pytest.raises(InvalidArgument) as raised:
        cells(["text"], tmp_path, None)
    assert "--data" in (raised.value.hint or "")


def test_every_cell_of_the_paper_has_its_numbers() -> None:
    of_reamo = [
        (combination, task, methods.methods["Reamo"])
        for combination in ("T", "I", "A", "V", "T+I", "T+A", "T+V", "I+A", "V+A", "T+I+A", "T+I+A+V")
        for task in ("NER", "RE", "EE")
        if (methods := published(combination, task)) is not None
    ]
    assert len(of_reamo) == 15
    overlaps = {
        name: [values[name] for _, _, values in of_reamo if name in values] for name in ("I-Seg", "A-Seg", "V-Trck")
    }
    assert [len(values) for values in overlaps.values()] == [8, 7, 3]
    means = [round(sum(values) / len(values), 2) for values in overlaps.values()]
    assert means == [50.66, 21.86, 26.53]  # as computed from the tables by hand
    texts = [value for _, _, values in of_reamo for name, value in values.items() if name not in overlaps]
    assert (len(texts), round(sum(texts) / len(texts), 2)) == (20, 28.77)


async def test_any_server_with_the_same_tools_can_be_asked(tmp_path: Path) -> None:
    chosen = cells(["mini/T/NER"], tmp_path / "cases", None)
    gold = {case.text: case.gold for case, _ in chosen[0].cases(2)}

    def answer(document: Document) -> Extraction:
        source = document.sources[0]
        assert source.kind == "text"
        return gold[source.text]

    extractor = ScriptedExtractor(answer=answer)
    server = build_server(Settings(cache=tmp_path / "cache"), open_extractor=extractor.opened)
    async with ReamoClient.in_process(server) as client:
        asked = ClientAnswers(client, "server", "server 1")
        report = (await run(chosen, asked, tmp_path, 2, _silent))[0]
    assert report.value("NER") == 100
    assert report.failures == 0
