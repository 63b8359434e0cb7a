"""What a step of the training is judged by: the losses of spots, of relations and of arguments."""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

import random

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from reamo_mcp.training.text.batches import Batch
from reamo_mcp.training.text.network import WIDEST, Encoded, ExtractorNetwork

LEARNING_LABELS = 0.35
"""Share of the steps in which the encoder learns from label texts too."""


def step_loss(network: ExtractorNetwork, batch: Batch, chance: random.Random) -> Tensor:
    """Return the loss of one batch, a mean over its texts."""
    # Labels cost as much as texts; most steps only use what the encoder now makes of them.
    with torch.set_grad_enabled(chance.random() < LEARNING_LABELS):
        labels = network.embed_labels(batch.label_pieces, batch.label_mask)
    encoded = network.encode(batch.pieces, batch.shapes, batch.mask, batch.firsts, batch.lasts)
    texts = batch.pieces.shape[0]
    loss = labels.new_zeros((), dtype=torch.float32)
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
        return labels.new_zeros((), dtype=torch.float32)
    device = labels.device
    states = network.pair_states(encoded, torch.tensor(pairs, device=device))
    roles, events = batch.argument_labels.unbind(1)
    vectors, biases = network.pairs.argument_labels(labels[roles], labels[events])
    logits = (states @ vectors.T + biases).float()
    index, label, truth = zip(*cells, strict=True)
    return binary_cross_entropy_with_logits(
        logits[torch.tensor(index, device=device), torch.tensor(label, device=device)],
        torch.tensor(truth, device=device),
        reduction="sum",
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
