"""From asks to what a model takes: rows of tokens, padded on the left, and the tensors of all their media in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.local.reasoner.conversation import Thrift, converse, is_woven, pieces
from reamo_mcp.models.local.reasoner.encodings import Encode, Encodings
from reamo_mcp.models.local.reasoner.families.family import Encoded, Family, Shown
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.media import Film, Wave

if TYPE_CHECKING:
    import torch

_FEATURES = ("pixel_values", "pixel_values_videos", "input_features")
_OF_ANY_LENGTH = ("input_features", "feature_attention_mask")


@dataclass(frozen=True)
class Place:
    """Where a medium stands in a prompt, from token ``start`` to before ``end``; ``mark`` tells it from any other."""

    start: int
    end: int
    mark: bytes


@dataclass(frozen=True)
class Prompt:
    """One row: its tokens, the tensors of its media in order, how its pictures are seen, and where its media stand."""

    ids: tuple[int, ...] = field(repr=False)
    encoded: tuple[Encoded, ...] = field(repr=False)
    shown: Mapping[str, Shown]
    woven: bool
    places: tuple[Place, ...] = field(default=(), repr=False)

    def media_after(self, past: int) -> "Prompt":
        """Return this prompt without the tensors of media whose tokens end within the first ``past`` tokens."""
        pairs = zip(self.encoded, self.places, strict=True)
        return replace(self, encoded=tuple(encoded for encoded, place in pairs if place.end > past))


def encoder(family: Family, processor: Processor) -> Encode:
    """Return what encodes media for a family and remembers the last ones."""
    return Encodings(family, processor)


def prompt_of(
    ask: Ask, family: Family, processor: Processor, capacity: Capacity, thrift: Thrift, encode: Encode
) -> Prompt:
    """Return the row that puts an ask. Raises ValueError where a medium has a form that the model cannot take."""
    ids: list[int] = []
    encoded: list[Encoded] = []
    places: list[Place] = []
    shown: dict[str, Shown] = {}
    for piece in pieces(converse(ask, family, processor, thrift), processor):
        if isinstance(piece, str):
            ids += processor.tokenizer.encode(piece, add_special_tokens=False)
            continue
        side = thrift.side(capacity.frame_side if isinstance(piece, Film) else capacity.picture_side)
        one = encode(piece, side)
        places.append(Place(len(ids), len(ids) + len(one.encoded.ids), one.mark))
        ids += one.encoded.ids
        encoded.append(one.encoded)
        if not isinstance(piece, Wave):
            shown[piece.medium] = Shown(piece.original, family.seen_size(processor, one.encoded))
    return Prompt(tuple(ids), tuple(encoded), shown, is_woven(ask), tuple(places))


def batch(
    prompts: Sequence[Prompt], pad: int, device: "torch.device | str", dtype: "torch.dtype"
) -> "dict[str, torch.Tensor | bool]":
    """Return the arguments of the model for some prompts, which are all woven or all not."""
    given = {name: part.to(device) for name, part in beside(prompts, pad).items()}
    # Only features take the precision of the model; times and masks keep theirs.
    given |= {name: part.to(device, dtype) for name, part in _joined(prompts, features=True).items()}
    return {**given, "use_audio_in_video": True} if prompts[0].woven else {**given}


def beside(prompts: Sequence[Prompt], pad: int) -> "dict[str, torch.Tensor]":
    """Return the arguments that tell the order and sizes of things, not what they show; on the processor."""
    import torch

    longest = max(len(prompt.ids) for prompt in prompts)
    rows = [[pad] * (longest - len(prompt.ids)) + list(prompt.ids) for prompt in prompts]
    mask = [[0] * (longest - len(prompt.ids)) + [1] * len(prompt.ids) for prompt in prompts]
    tensors = _joined(prompts, features=False)
    return {"input_ids": torch.tensor(rows), "attention_mask": torch.tensor(mask), **tensors}


def _joined(prompts: Sequence[Prompt], *, features: bool) -> "dict[str, torch.Tensor]":
    import torch

    tensors: dict[str, list[torch.Tensor]] = {}
    for prompt in prompts:
        for encoded in prompt.encoded:
            for name, tensor in encoded.tensors.items():
                if (name in _FEATURES) == features:
                    tensors.setdefault(name, []).append(tensor)
    for name in _OF_ANY_LENGTH:
        if name in tensors:
            longest = max(part.shape[-1] for part in tensors[name])
            tensors[name] = [torch.nn.functional.pad(part, (0, longest - part.shape[-1])) for part in tensors[name]]
    return {name: torch.cat(parts) for name, parts in tensors.items()}
