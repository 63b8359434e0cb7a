"""The network: a MiniLM encoder that also sees the shapes of words, heads for spots and for pairs of spots.

Sizes: B texts, T word pieces, W words, S = W * `WIDEST` spans, L labels, P pairs, H = 384.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor, nn
from transformers import BertConfig, BertModel

from reamo_mcp.models.embedded.text_extractor_words import SHAPES

WIDEST = 12
"""Longest span in words."""
HIDDEN = 384
PAIR_HIDDEN = 512
FROZEN = 2
"""Layers of the encoder that are not trained."""
DISTANCES = 16
"""Buckets of the signed distance between the two ends of a pair."""


@dataclass
class Encoded:
    """The state of the first and of the last word piece of each word, (B, W, H) each."""

    first: Tensor
    last: Tensor


def distance_bucket(head_start: Tensor, head_end: Tensor, tail_start: Tensor, tail_end: Tensor) -> Tensor:
    """Return the bucket of the gap in words: 0-7 when the tail comes after the head, 8-15 when before.

    Ends are exclusive. Overlapping spans have the gap zero. The bounds 0 1 2 4 7 12 20 begin the next bucket.
    """
    after = (tail_start - head_end).clamp(min=0)
    before = (head_start - tail_end).clamp(min=0)
    gap = torch.maximum(after, before)
    bounds = torch.tensor([0, 1, 2, 4, 7, 12, 20], device=gap.device)
    return torch.bucketize(gap, bounds) + 8 * (tail_start < head_start).long()


class Encoder(nn.Module):
    """Word pieces and shapes to states.

    The word embeddings and the first `FROZEN` layers stay as pre-trained: half of the cost of a step is saved, and rare
    words keep their neighbours. Shapes are added to what those layers give.
    """

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.bert = bert
        self.shapes = nn.Embedding(SHAPES, HIDDEN, padding_idx=0)
        nn.init.zeros_(self.shapes.weight)  # training begins where pre-training ended
        for module in (bert.embeddings, *bert.encoder.layer[:FROZEN]):
            module.requires_grad_(False)

    def train(self, mode: bool = True) -> "Encoder":
        """Set the mode of what is trained; the frozen part never drops anything."""
        super().train(mode)
        for module in (self.bert.embeddings, *self.bert.encoder.layer[:FROZEN]):
            module.eval()
        return self

    def forward(self, pieces: Tensor, shapes: Tensor, mask: Tensor) -> Tensor:
        """Return (B, T, H) for piece ids, shape ids and a mask of ones and zeros, (B, T) each."""
        hidden_places = ((1.0 - mask.float()) * -1e4)[:, None, None, :]
        states = self.bert.embeddings(pieces)
        for index, layer in enumerate(self.bert.encoder.layer):
            if index == FROZEN:
                states = states + self.shapes(shapes)
            states = layer(states, hidden_places)
        return states


class SpotHead(nn.Module):
    """Scores every span against every label."""

    def __init__(self) -> None:
        super().__init__()
        self.start = nn.Linear(HIDDEN, HIDDEN)
        self.end = nn.Linear(HIDDEN, HIDDEN)
        self.width = nn.Embedding(WIDEST, HIDDEN)
        self.label = nn.Linear(HIDDEN, HIDDEN)
        self.bias = nn.Linear(HIDDEN, 1)
        nn.init.normal_(self.width.weight, std=0.02)
        nn.init.constant_(self.bias.bias, -5.0)

    def forward(self, first: Tensor, last: Tensor, labels: Tensor) -> Tensor:
        """Return logits (B, W, `WIDEST`, L) of the span of each width that begins at each word."""
        words = first.shape[1]
        starts = self.start(first)
        ends = self.end(last)
        ends = torch.cat([ends, ends.new_zeros(ends.shape[0], WIDEST - 1, HIDDEN)], dim=1)
        layers = [starts + ends[:, width : width + words] + self.width.weight[width] for width in range(WIDEST)]
        spans = nn.functional.gelu(torch.stack(layers, dim=2))
        return spans @ self.label(labels).T * HIDDEN**-0.5 * 4 + self.bias(labels)[:, 0]


class PairHead(nn.Module):
    """Scores ordered pairs of spans against labels of relations or of roles in events."""

    def __init__(self) -> None:
        super().__init__()
        self.head = nn.Linear(2 * HIDDEN, PAIR_HIDDEN)
        self.tail = nn.Linear(2 * HIDDEN, PAIR_HIDDEN)
        self.between = nn.Linear(HIDDEN, PAIR_HIDDEN, bias=False)
        self.distance = nn.Embedding(DISTANCES, PAIR_HIDDEN)
        self.inner = nn.Linear(PAIR_HIDDEN, HIDDEN)
        self.relation = nn.Linear(HIDDEN, HIDDEN)
        self.relation_bias = nn.Linear(HIDDEN, 1)
        self.role = nn.Linear(HIDDEN, HIDDEN)
        self.event = nn.Linear(HIDDEN, HIDDEN, bias=False)
        self.role_bias = nn.Linear(HIDDEN, 1)
        nn.init.normal_(self.distance.weight, std=0.02)
        nn.init.constant_(self.relation_bias.bias, -4.0)
        nn.init.constant_(self.role_bias.bias, -3.0)

    def forward(self, head: Tensor, tail: Tensor, between: Tensor, distance: Tensor) -> Tensor:
        """Return (P, H) for head and tail (P, 2H: first and last word), words between (P, H) and buckets (P,)."""
        mixed = self.head(head) + self.tail(tail) + self.between(between) + self.distance(distance)
        return nn.functional.gelu(self.inner(nn.functional.gelu(mixed)))

    def relation_labels(self, labels: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors (L, H) and biases (L,) of relation labels, given their pooled states (L, H)."""
        return self.relation(labels) * HIDDEN**-0.5 * 4, self.relation_bias(labels)[:, 0]

    def argument_labels(self, roles: Tensor, events: Tensor) -> tuple[Tensor, Tensor]:
        """Return vectors and biases of roles in events, given the pooled states of both, (L, H) each."""
        return (self.role(roles) + self.event(events)) * HIDDEN**-0.5 * 4, self.role_bias(roles)[:, 0]


class ExtractorNetwork(nn.Module):
    """The whole network."""

    def __init__(self, bert: BertModel) -> None:
        super().__init__()
        self.encoder = Encoder(bert)
        self.spots = SpotHead()
        self.pairs = PairHead()

    @classmethod
    def untrained(cls, folder: Path, dropout: float = 0.1) -> "ExtractorNetwork":
        """Return the network around the pre-trained encoder in ``folder``."""
        config = BertConfig.from_pretrained(str(folder))
        config.hidden_dropout_prob = dropout
        config.attention_probs_dropout_prob = 0.0
        return cls(BertModel.from_pretrained(str(folder), config=config, add_pooling_layer=False))

    def encode(self, pieces: Tensor, shapes: Tensor, mask: Tensor, firsts: Tensor, lasts: Tensor) -> Encoded:
        """Return the states of words, whose first and last pieces are ``firsts`` and ``lasts``, (B, W) each."""
        states = self.encoder(pieces, shapes, mask)
        places = firsts.unsqueeze(-1).expand(-1, -1, HIDDEN)
        ends = lasts.unsqueeze(-1).expand(-1, -1, HIDDEN)
        return Encoded(states.gather(1, places), states.gather(1, ends))

    def embed_labels(self, pieces: Tensor, mask: Tensor) -> Tensor:
        """Return the mean states (L, H) of label texts, (L, T) piece ids and mask."""
        states = self.encoder(pieces, torch.zeros_like(pieces), mask)
        weights = mask.unsqueeze(-1).to(states.dtype)
        return (states * weights).sum(1) / weights.sum(1)

    def pair_states(self, encoded: Encoded, pairs: Tensor) -> Tensor:
        """Return (P, H) for pairs (P, 5): text, head start and end, tail start and end, in words, ends exclusive."""
        text, head_start, head_end, tail_start, tail_end = pairs.unbind(1)
        first, last = encoded.first, encoded.last
        head = torch.cat([first[text, head_start], last[text, head_end - 1]], dim=1)
        tail = torch.cat([first[text, tail_start], last[text, tail_end - 1]], dim=1)
        # The mean of the words between, from sums over prefixes: no pair needs a mask of its own.
        sums = torch.cat([first.new_zeros(first.shape[0], 1, HIDDEN, dtype=torch.float32), first.float().cumsum(1)], 1)
        left, right = torch.minimum(head_end, tail_end), torch.maximum(head_start, tail_start)
        count = (right - left).clamp(min=0)
        right = torch.maximum(left, right)
        between = (sums[text, right] - sums[text, left]) / count.clamp(min=1).unsqueeze(1)
        bucket = distance_bucket(head_start, head_end, tail_start, tail_end)
        return self.pairs(head, tail, between.to(head.dtype), bucket)
