"""The text network in torch over windows of words, as a baseline for speed and a reference for the exported one."""

from collections.abc import Sequence

import torch
from torch import Tensor

from reamo_mcp.models.embedded.text_extractor_windows import Window
from reamo_mcp.models.embedded.text_extractor_words import shape
from reamo_mcp.training.text.batches import Pieces
from reamo_mcp.training.text.network import ExtractorNetwork


def padded(rows: Sequence[Sequence[int]]) -> Tensor:
    """Return rows of integers as one tensor, zeros at their ends."""
    longest = max(map(len, rows))
    return torch.tensor([[*row, *[0] * (longest - len(row))] for row in rows], dtype=torch.long)


@torch.no_grad()
def torch_spots(
    network: ExtractorNetwork, pieces: Pieces, windows: Sequence[Window], labels: Sequence[str], together: int = 24
) -> list[Tensor]:
    """Return for each window the logits (words, widths, labels)."""
    texts = [pieces.of_text(label) for label in labels]
    embedded = network.embed_labels(padded(texts), padded([[1] * len(text) for text in texts]))
    logits: list[Tensor] = []
    for at in range(0, len(windows), together):
        ids: list[list[int]] = []
        shapes: list[list[int]] = []
        firsts: list[list[int]] = []
        lasts: list[list[int]] = []
        for window in windows[at : at + together]:
            ids.append([pieces.start])
            shapes.append([0])
            firsts.append([])
            lasts.append([])
            for word in window.words:
                found = pieces.of(word.text)
                firsts[-1].append(len(ids[-1]))
                ids[-1] += found
                shapes[-1] += [shape(word.text)] * len(found)
                lasts[-1].append(len(ids[-1]) - 1)
            ids[-1].append(pieces.end)
            shapes[-1].append(0)
        mask = padded([[1] * len(row) for row in ids])
        encoded = network.encode(padded(ids), padded(shapes), mask, padded(firsts), padded(lasts))
        spots = network.spots(encoded.first, encoded.last, embedded)
        logits += [spots[row, : len(first)] for row, first in enumerate(firsts)]
    return logits
