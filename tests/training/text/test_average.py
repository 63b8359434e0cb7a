from importlib.util import find_spec
from pathlib import Path

import pytest

pytestmark = [pytest.mark.models, pytest.mark.skipif(find_spec("torch") is None, reason="needs torch")]


def test_weights_are_averaged_and_places_stay(tmp_path: Path) -> None:
    import torch

    from reamo_mcp.training.text.average import average

    for number in (1, 3):
        weights = {"layer": torch.full((2, 2), float(number)), "places": torch.tensor([number])}
        torch.save(
            {"network": weights, "averaged": {"layer": weights["layer"] * 10}, "step": number}, tmp_path / f"{number}"
        )
    average([tmp_path / "1", tmp_path / "3"], tmp_path / "mean")
    mean = torch.load(tmp_path / "mean", weights_only=True)
    assert set(mean) == {"network", "averaged"}
    assert mean["network"]["layer"].tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert mean["network"]["places"].tolist() == [1]
    assert mean["averaged"]["layer"].tolist() == [[20.0, 20.0], [20.0, 20.0]]
