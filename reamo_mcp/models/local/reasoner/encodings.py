"""Media encoded for a model, the last ones remembered: a further question on a file need not prepare them again."""

import hashlib
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from reamo_mcp.models.local.reasoner.families.family import Encoded, Family
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.media import Film, Medium, Still, Wave

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

_MOST_BYTES = 1 << 28  # of main memory, for what is remembered


@dataclass(frozen=True)
class Marked:
    """A medium as a model takes it, and a mark that no other medium and no other size of it has."""

    mark: bytes
    encoded: Encoded = field(repr=False)


Encode = Callable[[Medium, int], Marked]
"""Encodes a medium, pictures at a side of so many pixels."""


class Encodings:
    """Encodes media for a family. What came last is remembered, in memory alone and within a bound."""

    def __init__(self, family: Family, processor: Processor, most: int = _MOST_BYTES) -> None:
        self._family = family
        self._processor = processor
        self._most = most
        self._last: OrderedDict[bytes, Marked] = OrderedDict()

    def __call__(self, medium: Medium, side: int) -> Marked:
        """Return a medium as the model takes it. Raises ValueError for a form that it cannot take."""
        mark = _mark(medium, side)
        if mark not in self._last:
            self._last[mark] = Marked(mark, self._encoded(medium, side))
        self._last.move_to_end(mark)
        marked = self._last[mark]
        while self._last and sum(_bytes(one.encoded) for one in self._last.values()) > self._most:
            self._last.popitem(last=False)
        return marked

    def _encoded(self, medium: Medium, side: int) -> Encoded:
        match medium:
            case Still():
                return self._family.encode_still(self._processor, medium, side)
            case Wave():
                return self._family.encode_wave(self._processor, medium)
            case Film():
                return self._family.encode_film(self._processor, medium, side)


def _mark(medium: Medium, side: int) -> bytes:
    match medium:
        case Still():
            return _digest(f"picture at {side}", medium.pixels)
        case Wave():
            return _digest("sound", medium.samples)
        case Film(sound=None):
            return _digest(f"video at {side}, {medium.step!r}", medium.frames)
        case Film():
            return _digest(f"video at {side}, {medium.step!r}, with sound", medium.frames, medium.sound)


def _digest(kind: str, *arrays: "NDArray[numpy.uint8] | NDArray[numpy.float32] | None") -> bytes:
    import numpy

    digest = hashlib.blake2b(kind.encode(), digest_size=16)
    for array in arrays:
        if array is not None:
            digest.update(repr((array.shape, array.dtype.str)).encode())
            digest.update(numpy.ascontiguousarray(array).data)
    return digest.digest()


def _bytes(encoded: Encoded) -> int:
    return sum(tensor.numel() * tensor.element_size() for tensor in encoded.tensors.values())
