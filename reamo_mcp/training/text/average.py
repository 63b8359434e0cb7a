"""Averages checkpoints of one training: ``python -m reamo_mcp.training.text.average CHECKPOINT... --out FILE``.

Weights that lie on one path of training may be averaged; the mean is often better than each of them, and steadier
(stochastic weight averaging: Izmailov et al., UAI 2018).
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
from collections.abc import Sequence
from pathlib import Path

import torch
from torch import Tensor

_PARTS = ("network", "averaged")


def average(checkpoints: Sequence[Path], out: Path) -> None:
    """Write the mean of the weights, plain and moving averages alike. It can be exported, not trained on."""
    states = [torch.load(path, weights_only=True) for path in checkpoints]
    torch.save({part: _mean([state[part] for state in states]) for part in _PARTS}, out)


def _mean(weights: Sequence[dict[str, Tensor]]) -> dict[str, Tensor]:
    """Return the mean of each tensor; whole numbers (places, not weights) are those of the first."""
    return {
        name: torch.stack([others[name] for others in weights]).mean(0) if first.is_floating_point() else first
        for name, first in weights[0].items()
    }


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Average checkpoints of the text extractor")
    parser.add_argument("checkpoints", type=Path, nargs="+")
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args()
    average(given.checkpoints, given.out)


if __name__ == "__main__":
    main()
