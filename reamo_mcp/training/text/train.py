"""Trains the text extractor: ``python -m reamo_mcp.training.text.train --data DATA --out FOLDER --minutes 90``.

Steps take one set each, drawn by weight. The learning rate follows the clock: a short warm-up, then a line to zero at
the end of the time given, so a busy machine trains fewer steps but ends as it should. What is kept and evaluated is the
moving average of the weights. ``--out`` holds the newest checkpoint; the same command goes on from it.
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

import torch
from tokenizers import Tokenizer
from torch import Tensor
from torch.nn import Parameter
from torch.nn.functional import binary_cross_entropy_with_logits

from reamo_mcp.training.text.base_encoder import base_encoder
from reamo_mcp.training.text.batches import Batch, BatchMaker, Pieces
from reamo_mcp.training.text.network import WIDEST, Encoded, ExtractorNetwork
from reamo_mcp.training.text.tasks import read_tasks

LEARNING_LABELS = 0.35
"""Share of the steps in which the encoder learns from label texts too."""

_log = logging.getLogger("reamo_mcp.training.text")


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the result, besides the data and the clock."""

    minutes: float
    strict: bool = False
    seed: int = 0
    words_per_step: int = 1000
    encoder_rate: float = 1.5e-4
    head_rate: float = 1e-3
    warm_up: float = 0.03
    average: float = 0.998
    late: str = ""
    """A task that joins after ``late_from`` of the time; checkpoints before it have never seen it."""
    late_from: float = 0.4


def step_loss(network: ExtractorNetwork, batch: Batch, chance: random.Random) -> Tensor:
    """Return the loss of one batch, a mean over its texts."""
    # Labels cost as much as texts; most steps only use what the encoder now makes of them.
    with torch.set_grad_enabled(chance.random() < LEARNING_LABELS):
        labels = network.embed_labels(batch.label_pieces, batch.label_mask)
    encoded = network.encode(batch.pieces, batch.shapes, batch.mask, batch.firsts, batch.lasts)
    texts = batch.pieces.shape[0]
    loss = torch.zeros(())
    spots: Tensor | None = None
    if len(batch.spot_labels):
        logits: Tensor = network.spots(encoded.first, encoded.last, labels[batch.spot_labels]).float()
        spots = logits
        answers = torch.zeros_like(logits)
        answers[tuple(batch.spot_answers.unbind(1))] = 1.0
        weights = torch.where(answers > 0, 1.0, batch.unmarked) * span_mask(batch.word_mask).unsqueeze(-1)
        loss = loss + binary_cross_entropy_with_logits(logits, answers, weights, reduction="sum") / (
            texts + len(batch.spot_answers)
        )
    if len(batch.relation_pairs):
        states = network.pair_states(encoded, batch.relation_pairs)
        vectors, biases = network.pairs.relation_labels(labels[batch.relation_labels])
        logits = (states @ vectors.T + biases).float()
        loss = loss + binary_cross_entropy_with_logits(
            logits, batch.relation_answers, batch.relation_known, reduction="sum"
        ) / (texts + batch.relation_answers.sum())
    if batch.triggers:
        loss = loss + _argument_loss(network, batch, encoded, labels, spots, chance) / (
            texts + sum(len(places) for _, _, asked in batch.triggers for places in asked.values())
        )
    return loss


def span_mask(word_mask: Tensor) -> Tensor:
    """Return (B, W, `WIDEST`): one where a span of that width lies inside its text."""
    padded = torch.cat([word_mask, word_mask.new_zeros(word_mask.shape[0], WIDEST - 1)], dim=1)
    words = word_mask.shape[1]
    return torch.stack([padded[:, width : width + words] for width in range(WIDEST)], dim=2).float()


def _argument_loss(
    network: ExtractorNetwork,
    batch: Batch,
    encoded: Encoded,
    labels: Tensor,
    spots: Tensor | None,
    chance: random.Random,
) -> Tensor:
    """Pair triggers with what fills their roles, with what the model itself would propose, and with other phrases."""
    proposed = _proposed(batch, spots)
    pairs: list[tuple[int, int, int, int, int]] = []
    cells: list[tuple[int, int, float]] = []
    filled: dict[int, set[tuple[int, int]]] = {}
    for row, _, asked in batch.triggers:
        filled.setdefault(row, set()).update(place for places in asked.values() for place in places)
    words = batch.word_mask.sum(1).tolist()
    for row, at, asked in batch.triggers:
        candidates = set(filled[row]) | proposed.get(row, set())
        for _ in range(3):
            start = chance.randrange(words[row])
            candidates.add((start, min(words[row], start + chance.randint(1, 4))))
        for place in sorted(candidates):
            if place == at:
                continue
            for label, places in asked.items():
                cells.append((len(pairs), label, float(place in places)))
            pairs.append((row, *at, *place))
    if not pairs:
        return torch.zeros(())
    states = network.pair_states(encoded, torch.tensor(pairs))
    roles, events = batch.argument_labels.unbind(1)
    vectors, biases = network.pairs.argument_labels(labels[roles], labels[events])
    logits = (states @ vectors.T + biases).float()
    index, label, truth = zip(*cells, strict=True)
    return binary_cross_entropy_with_logits(
        logits[torch.tensor(index), torch.tensor(label)], torch.tensor(truth), reduction="sum"
    )


def _proposed(batch: Batch, spots: Tensor | None, most: int = 10) -> dict[int, set[tuple[int, int]]]:
    """Return for each text the spans that the model takes most for fillers of roles."""
    first, end = batch.role_spots
    if spots is None or first == end:
        return {}
    with torch.no_grad():
        best = spots[..., first:end].amax(-1) + (span_mask(batch.word_mask) - 1) * 100
        scores, places = best.flatten(1).topk(min(most, best[0].numel()), dim=1)
    found: dict[int, set[tuple[int, int]]] = {}
    for row, (row_scores, row_places) in enumerate(zip(scores.tolist(), places.tolist(), strict=True)):
        for score, place in zip(row_scores, row_places, strict=True):
            if score > -4:
                start, width = divmod(place, WIDEST)
                found.setdefault(row, set()).add((start, start + width + 1))
    return found


def _gradients(
    network: ExtractorNetwork, trained: list[Parameter], batch: Batch, chance: random.Random
) -> tuple[float, tuple[Tensor | None, ...]]:
    with torch.autocast("cpu", torch.bfloat16):
        loss = step_loss(network, batch, chance)
    if not loss.requires_grad:  # passages without a pair to judge teach nothing
        return loss.item(), (None,) * len(trained)
    return loss.item(), torch.autograd.grad(loss, trained, allow_unused=True)


def _add_up(trained: list[Parameter], parts: Sequence[Sequence[Tensor | None]]) -> None:
    for parameter, *gradients in zip(trained, *parts, strict=True):
        there = [gradient for gradient in gradients if gradient is not None]
        parameter.grad = torch.stack(there).sum(0) if len(there) > 1 else there[0] if there else None


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


def train(data: Path, out: Path, recipe: Recipe, threads: int = 2) -> None:
    """Train until the time is over, or go on where ``out`` stands."""
    torch.manual_seed(recipe.seed)
    chance = random.Random(recipe.seed)
    out.mkdir(parents=True, exist_ok=True)
    folder = base_encoder()
    network = ExtractorNetwork.untrained(folder)
    tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    pieces = Pieces(tokenizer)
    tasks = read_tasks(data / "train" / "text", strict=recipe.strict)
    makers = [BatchMaker(task, pieces, chance) for task in tasks]
    encoder = [p for name, p in network.named_parameters() if p.requires_grad and name.startswith("encoder.bert")]
    heads = [p for name, p in network.named_parameters() if p.requires_grad and not name.startswith("encoder.bert")]
    optimizer = torch.optim.AdamW(
        [{"params": encoder, "rate": recipe.encoder_rate}, {"params": heads, "rate": recipe.head_rate}],
        lr=recipe.head_rate,
        weight_decay=0.01,
        fused=True,
    )
    trained = [*encoder, *heads]
    workers = ThreadPoolExecutor(threads)
    averaged = Averaged(network, recipe.average)
    step, spent = 0, 0.0
    if (out / "state.pt").exists():
        state = torch.load(out / "state.pt", weights_only=True)
        network.load_state_dict(state["network"])
        optimizer.load_state_dict(state["optimizer"])
        averaged.weights.update(state["averaged"])
        step, spent = int(state["step"]), float(state["spent"])
    (out / "recipe.json").write_text(json.dumps(asdict(recipe), indent=1), encoding="utf-8")
    network.train()
    total, saved, last = recipe.minutes * 60, spent, time.monotonic()
    losses: dict[str, float] = {}
    while spent < total:
        done = spent / total
        factor = min(done / recipe.warm_up, 1.0) * min(1.0, (1 - done) / (1 - recipe.warm_up))
        if step == 0:
            factor = 0.0
        for group in optimizer.param_groups:
            group["lr"] = group["rate"] * max(factor, 1e-3)
        weights = [
            0.0 if maker.task.name == recipe.late and done < recipe.late_from else maker.task.weight for maker in makers
        ]
        chosen = [chance.choices(makers, weights)[0] for _ in range(threads)]
        batches = [maker.next(recipe.words_per_step // threads) for maker in chosen]
        seeds = [chance.random() for _ in batches]
        working = [
            workers.submit(_gradients, network, trained, batch, random.Random(seed))
            for batch, seed in zip(batches, seeds, strict=True)
        ]
        found = [work.result() for work in working]
        _add_up(trained, [gradients for _, gradients in found])
        torch.nn.utils.clip_grad_norm_(trained, 5.0)
        optimizer.step()
        averaged.update(step)
        step += 1
        now = time.monotonic()
        spent, last = spent + now - last, now
        for maker, (loss, _) in zip(chosen, found, strict=True):
            name = maker.task.name
            losses[name] = losses.get(name, loss) * 0.95 + loss * 0.05
        if step % 20 == 0:
            told = " ".join(f"{name} {value:.2f}" for name, value in sorted(losses.items()))
            _log.info("step %d, %.1f min, rate %.2f: %s", step, spent / 60, factor, told)
        if spent - saved > 150 or spent >= total:
            saved = spent
            _save(out, network, optimizer, averaged, step, spent)
            last = time.monotonic()


def _save(
    out: Path, network: ExtractorNetwork, optimizer: torch.optim.Optimizer, averaged: Averaged, step: int, spent: float
) -> None:
    state = {
        "network": network.state_dict(),
        "optimizer": optimizer.state_dict(),
        "averaged": averaged.weights,
        "step": step,
        "spent": spent,
    }
    torch.save(state, out / "state.new")
    (out / "state.new").replace(out / "state.pt")


def trained_network(checkpoint: Path) -> ExtractorNetwork:
    """Return the network with the averaged weights of a checkpoint, ready for use."""
    state = torch.load(checkpoint, weights_only=True)
    network = ExtractorNetwork.untrained(base_encoder())
    network.load_state_dict(state["network"])
    network.load_state_dict(state["averaged"], strict=False)
    return network.eval()


def main() -> None:
    """Run the command."""
    parser = argparse.ArgumentParser(description="Train the embedded text extractor")
    parser.add_argument("--data", type=Path, required=True, help="folder with train/ and dev/")
    parser.add_argument("--out", type=Path, required=True, help="folder for checkpoints")
    parser.add_argument("--minutes", type=float, default=90)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--strict", action="store_true", help="without sets under CC BY-SA")
    parser.add_argument("--late", default="", help="a set that joins after 40 percent of the time")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(1)  # each thread below does its own part of a step; on a busy machine they wait less
    train(given.data, given.out, Recipe(given.minutes, given.strict, given.seed, late=given.late), given.threads)


if __name__ == "__main__":
    main()
