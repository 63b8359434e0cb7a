"""A part of MUIE-mini with the embedded engine, against lower bounds: what must not get worse unnoticed.

The bounds lie well below what was measured when they were set, since few cases swing; `reamo-mcp evaluate mini` gives
the scores themselves. Cases are the first ones of each cell, so every level takes part.
"""

from pathlib import Path

import pytest

from reamo_mcp.evaluation.benchmark import run
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.engines import opened_engine

BOUNDS: dict[str, tuple[int, dict[str, float]]] = {
    "mini/T/NER": (6, {"NER": 75, "Grounded F1": 75}),
    "mini/T/RE": (6, {"RE": 20}),
    "mini/T/EE": (6, {"ET": 15}),
    "mini/I/NER": (3, {"NER": 50, "I-Seg": 45, "I-Seg words": 65}),
    "mini/T+I/NER": (3, {"NER": 65, "I-Seg words": 65, "Grounded F1": 60}),
    "mini/T+I/RE": (3, {"RE": 15}),
    "mini/V/NER": (2, {"NER": 55, "V-Trck": 33}),
    "mini/T+V/NER": (2, {"NER": 65, "V-Trck": 30}),
}
"""Per cell: how many cases, and the least value of each measure in percent."""


@pytest.mark.timeout(300)
async def test_the_embedded_engine_stays_above_its_lower_bounds(tmp_path: Path) -> None:
    below: list[str] = []
    async with opened_engine("embedded") as engine:
        for name, (count, bounds) in BOUNDS.items():
            chosen = cells([name], tmp_path / "cases", None)
            report = (await run(chosen, engine, tmp_path, count, lambda _: None))[0]
            assert report.failures == 0, report.worst
            for measure, bound in bounds.items():
                value = report.value(measure)
                if value is None or value < bound:
                    below.append(f"{name} {measure}: {value} < {bound}; worst: {report.worst[:2]}")
    assert not below, "\n".join(below)
