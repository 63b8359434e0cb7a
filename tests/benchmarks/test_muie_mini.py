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
    "mini/T/RE": (6, {"RE": 25}),
    "mini/T/EE": (6, {"ET": 25}),
    "mini/I/NER": (3, {"NER": 55, "I-Seg": 40, "I-Seg words": 55}),
    "mini/A/NER": (3, {"NER": 75, "A-Seg": 75}),
    "mini/A/RE": (3, {"RE": 20, "A-Seg": 50}),
    "mini/V/NER": (2, {"NER": 70, "V-Trck": 35}),
    "mini/T+I/NER": (3, {"NER": 70, "I-Seg words": 65, "Grounded F1": 70}),
    "mini/T+I/RE": (3, {"RE": 25}),
    "mini/T+A/NER": (3, {"NER": 65, "A-Seg": 75, "Grounded F1": 65}),
    "mini/T+A/EE": (3, {"ET": 10}),
    "mini/I+A/RE": (2, {"RE": 20, "A-Seg": 50}),
    "mini/T+I+A/NER": (2, {"NER": 70, "I-Seg words": 60, "A-Seg": 70, "Grounded F1": 60}),
    "mini/V+A/NER": (1, {"NER": 60, "A-Seg": 75, "V-Trck": 25}),
    "mini/T+I+A+V/NER": (1, {"NER": 70, "I-Seg words": 65, "A-Seg": 75, "V-Trck": 30, "Grounded F1": 65}),
}
"""Per cell: how many cases, and the least value of each measure in percent."""


@pytest.mark.timeout(600)
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
