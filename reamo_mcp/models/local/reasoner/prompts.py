"""From asks to what a model takes: rows of tokens, padded on the left, and the tensors of all their media in order."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.local.reasoner.conversation import Thrift, converse, is_woven, pieces
from reamo_mcp.models.local.reasoner.families.family import Encoded, Family, Shown
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.media import Film, Medium, Still, Wave

if TYPE_CHECKING:
    import torch

_FEATURES = ("pixel_values", "pixel_values_videos", "input_features")
_OF_ANY_LENGTH = ("input_features", "feature_attention_mask")
Encode = Callable[[Medium, int], Encoded]
"""Encodes a medium, pictures at a side of so many pixels."""


@dataclass(frozen=True)
class Prompt:
    """One row: its tokens, the tensors of its media in order, and how its pictures are seen."""

    ids: tuple[int, ...] = field(repr=False)
    encoded: tuple[Encoded, ...] = field(repr=False)
    shown: Mapping[str, Shown]
    woven: bool


def encoder(family: Family, processor: Processor) -> Encode:
    """Return what encodes media for a family."""

    def encode(medium: Medium, side: int) -> Encoded:
        match medium:
            case Still():
                return family.encode_still(processor, medium, side)
            case Wave():
                return family.encode_wave(processor, medium)
            case Film():
                return family.encode_film(processor, medium, side)

    return encode


def prompt_of(
    ask: Ask, family: Family, processor: Processor, capacity: Capacity, thrift: Thrift, encode: Encode
) -> Prompt:
    """Return the row that puts an ask. Raises ValueError where a medium has a form that the model cannot take."""
    ids: list[int] = []
    encoded: list[Encoded] = []
    shown: dict[str, Shown] = {}
    for piece in pieces(converse(ask, family, processor, thrift), processor):
        if isinstance(piece, str):
            ids += processor.tokenizer.encode(piece, add_special_tokens=False)
            continue
        side = thrift.side(capacity.frame_side if isinstance(piece, Film) else capacity.picture_side)
        one = encode(piece, side)
        ids += one.ids
        encoded.append(one)
        if not isinstance(piece, Wave):
            shown[piece.medium] = Shown(piece.original, family.seen_size(processor, one))
    return Prompt(tuple(ids), tuple(encoded), shown, is_woven(ask))


def batch(
    prompts: Sequence[Prompt], pad: int, device: "torch.device | str", dtype: "torch.dtype"
) -> "dict[str, torch.Tensor | bool]":
    """Return the arguments of the model for some prompts, which are all woven or all not."""
    import torch

    longest = max(len(prompt.ids) for prompt in prompts)
    rows = [[pad] * (longest - len(prompt.ids)) + list(prompt.ids) for prompt in prompts]
    mask = [[0] * (longest - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts]
    tensors: dict[str, list[torch.Tensor]] = {}
    for prompt in prompts:
        for encoded in prompt.encoded:
            for name, tensor in encoded.tensors.items():
                tensors.setdefault(name, []).append(tensor)
    arguments: dict[str, torch.Tensor | bool] = {
        "input_ids": torch.tensor(rows, device=device),
        "attention_mask": torch.tensor(mask, device=device),
    }
    for name, parts in tensors.items():
        if name in _OF_ANY_LENGTH:
            longest = max(part.shape[-1] for part in parts)
            parts = [torch.nn.functional.pad(part, (0, longest - part.shape[-1])) for part in parts]
        joined = torch.cat(parts)
        # Only features take the precision of the model; times and masks keep theirs.
        arguments[name] = joined.to(device, dtype) if name in _FEATURES else joined.to(device)
    if prompts[0].woven:
        arguments["use_audio_in_video"] = True
    return arguments
