"""A server that answers the same tools can be evaluated: over the client, the scores are those of the engine itself."""

from pathlib import Path

import pytest

from reamo_mcp.client import ReamoClient
from reamo_mcp.evaluation.benchmark import Step, run
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.engines import ClientAnswers, ExtractorAnswers
from reamo_mcp.extractor import open_extractor
from reamo_mcp.server.build import build_server
from reamo_mcp.settings import Settings

CELLS = ("mini/T/EE", "mini/T+A/NER", "mini/T+I/RE")
"""Each task once, and a text, a recording and a picture among them."""


def _silent(_: Step) -> None:
    return None


@pytest.mark.timeout(300)
async def test_the_scores_over_the_client_are_those_of_the_engine(tmp_path: Path) -> None:
    chosen = cells(CELLS, tmp_path / "cases", None)
    settings = Settings(cache=tmp_path / "cache", cache_bytes=0, roots=(tmp_path / "cases",))
    async with open_extractor(settings) as extractor:
        direct = await run(chosen, ExtractorAnswers(extractor, "direct"), tmp_path / "direct", 1, _silent)
    async with ReamoClient.in_process(build_server(settings)) as client:
        asked = ClientAnswers(client, "server", "server 1")
        served = await run(chosen, asked, tmp_path / "served", 1, _silent)
    assert [report.failures for report in served] == [0, 0, 0]
    assert any(report.value("Grounded F1") for report in direct)
    aside = {"engine": "", "seconds_per_case": 0.0, "worst": ()}
    assert [report.model_copy(update=aside) for report in served] == [
        report.model_copy(update=aside) for report in direct
    ]
    missed = [[(case.missed, case.surplus) for case in report.worst] for report in served]
    assert missed == [[(case.missed, case.surplus) for case in report.worst] for report in direct]
