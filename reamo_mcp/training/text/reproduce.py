"""Makes a text extractor as the shipped one was made: ``python -m reamo_mcp.training.text.reproduce``.

Two trainings, the second going on from the first at half the learning rate; the mean of both; its export in 8 bits;
and the fits of scores and thresholds. ``--share`` does less of it, to try the way. What was interrupted goes on.
"""

import argparse
import logging
from pathlib import Path

import torch

from reamo_mcp.training.text.average import average
from reamo_mcp.training.text.calibrate import calibrate_folder
from reamo_mcp.training.text.export import export, samples_of
from reamo_mcp.training.text.train import Machine, Recipe, train

_FIRST_STEPS = 2861
_MORE_STEPS = 1180


def reproduce(data: Path, out: Path, machine: Machine, *, revision: str, share: float, strict: bool) -> Path:
    """Return the folder of the finished model. ``data`` has train/ and dev/; checkpoints lie in ``out``, too."""
    late = "" if strict else "crossner_music"
    first = Recipe(round(share * _FIRST_STEPS), strict, late=late)
    more = Recipe(round(share * _MORE_STEPS), strict, seed=1, highest=0.5)
    begun = train(data, out / "first", first, machine)
    gone_on = train(data, out / "more", more, machine, begin=begun)
    average([begun, gone_on], out / "mean.pt")
    export(out / "mean.pt", out / "model", revision=revision, samples=samples_of(data))
    calibrate_folder(data, out / "model")
    return out / "model"


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Make a text extractor as the shipped one was made")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints and the model")
    parser.add_argument("--revision", default="own", help="its name in records and caches")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--share", type=float, default=1.0, help="of the steps")
    parser.add_argument("--strict", action="store_true", help="without sets under CC BY-SA")
    given = parser.parse_args()
    logging.basicConfig(level=logging.ERROR, format="%(asctime)s %(message)s")  # others advise on each export
    logging.getLogger("reamo_mcp").setLevel(logging.INFO)
    torch.set_num_threads(1)  # each thread does its own part of a step; on a busy machine they wait less
    machine = Machine(given.device, given.threads)
    made = reproduce(given.data, given.out, machine, revision=given.revision, share=given.share, strict=given.strict)
    logging.getLogger("reamo_mcp.training.text").info("the model: %s", made)


if __name__ == "__main__":
    main()
