"""What was read of the last prompts is kept, so that a further question on a file reads only what is new.

Sources stand before the question in every prompt. Of two prompts that begin alike, the keys and values of the common
beginning are the same, as long as the tokens, the media among them and the positions are. They are kept in the memory
of the device, within a bound, and nowhere else. In floating point a prompt that is read in two pieces may differ from
one that is read at once by the last digits, as one that is read in a batch does.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import TYPE_CHECKING, Any

import torch

from reamo_mcp.models.local.reasoner.prompts import Prompt
from reamo_mcp.models.local.work_on_device import free_memory
from reamo_mcp.models.machine import main_memory

if TYPE_CHECKING:
    from transformers import Cache

_MOST = 2  # prompts: the one that is asked about again, and one before it
_LEAST = 64  # tokens; fewer, such as the head that all prompts share, are read again as fast
_SHARE_OF_FREE = 4  # one part in so many of the memory of a GPU that is free
_SHARE_OF_MAIN = 16  # one part in so many of all main memory

Layers = tuple[tuple[torch.Tensor, torch.Tensor], ...]
"""The keys and values of each layer [1, heads, tokens, size of a head]."""


def layers_of_cache(cache: Any) -> Layers:
    """Return the keys and values that a cache of transformers holds."""
    return tuple((layer.keys, layer.values) for layer in cache.layers)


@dataclass(frozen=True, eq=False)
class Prefix:
    """The beginning of a prompt that need not be read."""

    length: int
    layers: Layers = field(repr=False)


@dataclass(frozen=True, eq=False)
class _Kept:
    prompt: Prompt
    positions: torch.Tensor
    layers: Layers

    @property
    def size(self) -> int:
        return sum(part.numel() * part.element_size() for layer in self.layers for part in layer)


def room_on(device: torch.device) -> int:
    """Return how many bytes may be kept on a device."""
    if device.type != "cuda":
        return main_memory() // _SHARE_OF_MAIN
    free, _ = torch.cuda.mem_get_info(device)
    unused = torch.cuda.memory_reserved(device) - torch.cuda.memory_allocated(device)
    return (free + unused) // _SHARE_OF_FREE


class Prefixes:
    """The keys and values of the last prompts of one model. They are never written to, only read and dropped.

    ``room`` tells how many bytes they may take on a device.
    """

    def __init__(self, room: Callable[[torch.device], int] = room_on) -> None:
        self._room = room
        self._kept: list[_Kept] = []  # the latest is the last

    def longest(self, prompt: Prompt, positions: torch.Tensor) -> Prefix | None:
        """Return the longest beginning of a prompt that is kept, which never ends within a medium.

        At least one token is left to be read. ``positions`` [4, 1, tokens] are those of the whole prompt.
        """
        lengths = [_common(kept, prompt, positions) for kept in self._kept]
        length = max(lengths, default=0)
        if length < _LEAST:
            return None
        kept = self._kept[lengths.index(length)]
        return Prefix(length, tuple((keys[:, :, :length], values[:, :, :length]) for keys, values in kept.layers))

    def keep(self, prompt: Prompt, positions: torch.Tensor, cache: "Cache", length: int) -> None:
        """Keep the first ``length`` tokens of a prompt as a cache holds them, if there is room enough.

        An earlier prompt that the new one goes on from makes place for it, else the oldest does.
        """
        self._kept = [kept for kept in self._kept if _common(kept, prompt, positions) < _LEAST]
        self._kept = self._kept[-(_MOST - 1) :]
        own = layers_of_cache(cache)
        if any(part.shape[-2] < length for layer in own for part in layer):
            return  # a layer that forgets, as one with a sliding window does
        size = sum(part[:, :, :length].numel() * part.element_size() for layer in own for part in layer)
        room = self._room(own[0][0].device)
        while self._kept and sum(kept.size for kept in self._kept) + size > room:
            del self._kept[0]
        if size > room:
            return
        try:
            # Copies: a view would hold the memory of the answer as well.
            layers = tuple((keys[:, :, :length].clone(), values[:, :, :length].clone()) for keys, values in own)
        except torch.OutOfMemoryError:
            return  # the answer is there already, and shall not be lost for this
        self._kept.append(_Kept(replace(prompt, encoded=()), positions[:, :, :length], layers))

    def drop(self) -> bool:
        """Free what is kept; return whether there was anything."""
        held = bool(self._kept)
        self._kept = []
        if held:
            free_memory()
        return held


def _common(kept: _Kept, prompt: Prompt, positions: torch.Tensor) -> int:
    """Return how many tokens two prompts have in common from their beginning, without parts of a medium."""
    length = min(kept.positions.shape[-1], len(prompt.ids) - 1)
    length = next((at for at in range(length) if kept.prompt.ids[at] != prompt.ids[at]), length)
    for theirs, own in zip_longest(kept.prompt.places, prompt.places):
        start = min(place.start for place in (theirs, own) if place is not None)
        if start >= length:
            break
        if own is None or theirs != own or own.end > length:
            length = start
            break
    # Positions follow from tokens and media; were it ever otherwise, nothing may be reused.
    same = torch.equal(kept.positions[:, :, :length], positions[:, :, :length])
    return length if same else 0
