"""Trains the text extractor: ``python -m reamo_mcp.training.text.train --data DATA --out FOLDER --steps 2861``.

Steps take one set each, drawn by weight. The learning rate warms up and then falls in a line to zero at the last step,
so that machines of any speed train alike. What is kept and evaluated is the moving average of the weights. ``--out``
holds the newest checkpoint; the same command goes on from it. The command that makes the shipped model, of which this
is the longest part, is `reamo_mcp.training.text.reproduce`.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import argparse
import json
import logging
import random
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import Parameter

from reamo_mcp.training.text.base_encoder import base_encoder
from reamo_mcp.training.text.batches import Batch, BatchMaker, Pieces
from reamo_mcp.training.text.losses import step_loss
from reamo_mcp.training.text.network import ExtractorNetwork
from reamo_mcp.training.text.tasks import read_tasks

_BETWEEN_CHECKPOINTS = 150  # seconds

_log = logging.getLogger("reamo_mcp.training.text")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, besides the data and where training begins."""

    steps: int
    strict: bool = False
    seed: int = 0
    words_per_step: int = 1000
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    highest: float = 1.0
    """The share of these rates that is reached after the warm-up."""
    warm_up: float = 0.03
    average: float = 0.998
    late: str = ""
    """A task that joins after ``late_from`` of the steps; checkpoints before it have never seen it."""
    late_from: float = 0.4


@dataclass(frozen=True)
class Machine:
    """Where training runs. Each thread does its own part of a step; a GPU wants one."""

    device: str = "cpu"
    threads: int = 2


class Averaged:
    """A moving average of the trained weights."""

    def __init__(self, network: ExtractorNetwork, keep: float) -> None:
        self._keep = keep
        self._trained = {name: p for name, p in network.named_parameters() if p.requires_grad}
        self.weights = {name: parameter.detach().clone() for name, parameter in self._trained.items()}

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the present weights; the first steps count more."""
        keep = min(self._keep, (1 + step) / (10 + step))
        for name, parameter in self._trained.items():
            self.weights[name].lerp_(parameter.detach(), 1 - keep)


class _Training:
    """A network with all that changes while it is trained, kept in ``out`` between runs."""

    def __init__(self, out: Path, recipe: Recipe, machine: Machine, begin: Path | None) -> None:
        self._out = out
        self._machine = machine
        self.network = ExtractorNetwork.untrained(base_encoder()).to(machine.device)
        named = [(name, p) for name, p in self.network.named_parameters() if p.requires_grad]
        encoder = [p for name, p in named if name.startswith("encoder.bert")]
        heads = [p for name, p in named if not name.startswith("encoder.bert")]
        self.trained = [*encoder, *heads]
        self._optimizer = torch.optim.AdamW(
            [{"params": encoder, "rate": recipe.encoder_rate}, {"params": heads, "rate": recipe.head_rate}],
            lr=recipe.head_rate,
            weight_decay=0.01,
            fused=True,
        )
        self._averaged = Averaged(self.network, recipe.average)
        self.step = 0
        out.mkdir(parents=True, exist_ok=True)
        if (out / "state.pt").exists():
            self.step = int(self._restore(out / "state.pt")["step"])
        elif begin is not None:
            self._restore(begin)
        self.network.train()

    def _restore(self, checkpoint: Path) -> dict[str, Any]:
        state = torch.load(checkpoint, weights_only=True, map_location=self._machine.device)
        self.network.load_state_dict(state["network"])
        self._optimizer.load_state_dict(state["optimizer"])
        self._averaged.weights.update(state["averaged"])
        return state

    def learn(
        self, batches: Sequence[Batch], seeds: Sequence[float], factor: float, workers: ThreadPoolExecutor
    ) -> list[float]:
        """Take one step, which every batch is a part of; return their losses."""
        for group in self._optimizer.param_groups:
            group["lr"] = group["rate"] * factor
        working = [
            workers.submit(self._gradients, batch, random.Random(seed))
            for batch, seed in zip(batches, seeds, strict=True)
        ]
        found = [work.result() for work in working]
        _add_up(self.trained, [gradients for _, gradients in found])
        torch.nn.utils.clip_grad_norm_(self.trained, 5.0)
        self._optimizer.step()
        self._averaged.update(self.step)
        self.step += 1
        return [loss for loss, _ in found]

    def _gradients(self, batch: Batch, chance: random.Random) -> tuple[float, tuple[Tensor | None, ...]]:
        device = torch.device(self._machine.device)
        with torch.autocast(device.type, torch.bfloat16):
            loss = step_loss(self.network, batch.on(device), chance)
        if not loss.requires_grad:  # passages without a pair to judge teach nothing
            return loss.item(), (None,) * len(self.trained)
        return loss.item(), torch.autograd.grad(loss, self.trained, allow_unused=True)

    def save(self) -> None:
        """Keep all of it; a run that is ended meanwhile leaves the checkpoint before."""
        state = {
            "network": self.network.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "averaged": self._averaged.weights,
            "step": self.step,
        }
        torch.save(state, self._out / "state.new")
        (self._out / "state.new").replace(self._out / "state.pt")


def _add_up(trained: list[Parameter], parts: Sequence[Sequence[Tensor | None]]) -> None:
    for parameter, *gradients in zip(trained, *parts, strict=True):
        there = [gradient for gradient in gradients if gradient is not None]
        parameter.grad = torch.stack(there).sum(0) if len(there) > 1 else there[0] if there else None


def rate(recipe: Recipe, step: int) -> float:
    """Return the share of the full learning rates at a step, which is nearly nothing at the first one."""
    done = step / recipe.steps
    return max(recipe.highest * min(done / recipe.warm_up, 1.0, (1 - done) / (1 - recipe.warm_up)), 1e-3)


def train(data: Path, out: Path, recipe: Recipe, machine: Machine, begin: Path | None = None) -> Path:
    """Train, or go on where ``out`` stands, and return the last checkpoint.

    ``begin`` is a checkpoint to begin from instead of the pre-trained encoder.
    """
    torch.manual_seed(recipe.seed)
    chance = random.Random(recipe.seed)
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pieces = Pieces(tokenizer)
    tasks = read_tasks(data / "train" / "text", strict=recipe.strict)
    makers = [BatchMaker(task, pieces, chance) for task in tasks]
    training = _Training(out, recipe, machine, begin)
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1), encoding="utf-8")
    losses: dict[str, float] = {}
    saved = time.monotonic()
    with ThreadPoolExecutor(machine.threads) as workers:
        while training.step < recipe.steps:
            early = training.step < recipe.late_from * recipe.steps
            weights = [0.0 if early and maker.task.name == recipe.late else maker.task.weight for maker in makers]
            chosen = [chance.choices(makers, weights)[0] for _ in range(machine.threads)]
            batches = [maker.next(recipe.words_per_step // machine.threads) for maker in chosen]
            seeds = [chance.random() for _ in batches]
            found = training.learn(batches, seeds, rate(recipe, training.step), workers)
            for maker, loss in zip(chosen, found, strict=True):
                losses[maker.task.name] = losses.get(maker.task.name, loss) * 0.95 + loss * 0.05
            if training.step % 20 == 0:
                told = " ".join(f"{name} {value:.2f}" for name, value in sorted(losses.items()))
                _log.info("step %d, rate %.2f: %s", training.step, rate(recipe, training.step), told)
            if time.monotonic() - saved > _BETWEEN_CHECKPOINTS or training.step == recipe.steps:
                training.save()
                saved = time.monotonic()
    return out / "state.pt"


def trained_network(checkpoint: Path) -> ExtractorNetwork:
    """Return the network with the averaged weights of a checkpoint, ready for use."""
    state = torch.load(checkpoint, weights_only=True, map_location="cpu")
    network = ExtractorNetwork.untrained(base_encoder())
    network.load_state_dict(state["network"])
    network.load_state_dict(state["averaged"], strict=False)
    return network.eval()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Train the embedded text extractor")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--steps", type=int, required=True)
    parser.add_argument("--begin", type=Path, help="a checkpoint to begin from")
    parser.add_argument("--highest", type=float, default=1.0, help="share of the learning rate that is reached")
    parser.add_argument("--device", default="cpu")
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strict", action="store_true", help="without sets under CC BY-SA")
    parser.add_argument("--without", default="", help="a set that is left out, such as crossner_music")
    given = parser.parse_args()
    logging.basicConfig(format="%(asctime)s %(message)s")
    logging.getLogger("reamo_mcp").setLevel(logging.INFO)
    torch.set_num_threads(1)  # each thread does its own part of a step; on a busy machine they wait less
    recipe = Recipe(
        given.steps, given.strict, given.seed, highest=given.highest, late=given.without, late_from=float("inf")
    )
    train(given.data, given.out, recipe, Machine(given.device, given.threads), given.begin)


if __name__ == "__main__":
    main()
