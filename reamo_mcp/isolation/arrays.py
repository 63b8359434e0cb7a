"""Arrays in shared memory, passed between processes by descriptor and never copied by the receiver.

On Linux the memory is a sealed anonymous file: once sent, nobody can shrink, grow or rewrite it, so a hostile sender
can neither change what was checked nor crash the receiver by taking the memory away. Elsewhere it is an unlinked
temporary file, which the receiver copies.
"""

import math
import mmap
import os
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias, cast

from pydantic import Field

from reamo_mcp.types.record import Record

if TYPE_CHECKING:
    from numpy.typing import NDArray

Array: TypeAlias = "NDArray[Any]"  # a string: numpy is loaded with the first array
ElementType = Literal["uint8", "int16", "int32", "int64", "float32", "float64"]
_ELEMENT_BYTES: dict[ElementType, int] = {
    "uint8": 1,
    "int16": 2,
    "int32": 4,
    "int64": 8,
    "float32": 4,
    "float64": 8,
}
_ALIGNMENT = 64
_MOST_DIMENSIONS = 6


class ArrayPlace(Record):
    """Where an array lies: which of the message's memories, at which byte, of which elements and shape."""

    memory: int = Field(ge=0)
    offset: int = Field(ge=0)
    element: ElementType
    shape: tuple[int, ...] = Field(max_length=_MOST_DIMENSIONS)

    @property
    def size(self) -> int:
        """The number of bytes."""
        return math.prod(self.shape) * _ELEMENT_BYTES[self.element]


class SharedMemory(mmap.mmap):
    """A read-only view of received memory that can be passed on to another process without a copy."""

    descriptor: int = -1

    def adopt(self, descriptor: int) -> None:
        """Own the descriptor from now on: it is closed with the last array that views this memory."""
        self.descriptor = descriptor

    def __del__(self) -> None:
        if self.descriptor >= 0:
            os.close(self.descriptor)
            self.descriptor = -1


@dataclass(frozen=True)
class Parcel:
    """Arrays ready to be sent. ``owned`` descriptors were made for this message and are closed after sending."""

    places: tuple[ArrayPlace, ...]
    descriptors: tuple[int, ...]
    owned: tuple[int, ...]

    def close(self) -> None:
        """Close what was made for this message."""
        for descriptor in self.owned:
            os.close(descriptor)


def pack(arrays: Sequence["Array"]) -> Parcel:
    """Return the arrays as places in shared memory. One that was received is passed on; the others are copied once."""
    if not arrays:
        return Parcel((), (), ())
    import numpy

    places: list[ArrayPlace | None] = [None] * len(arrays)
    descriptors: list[int] = []
    fresh: list[tuple[int, Array]] = []
    for number, array in enumerate(arrays):
        shared = _shared_memory(array)
        if shared is None:
            fresh.append((number, numpy.ascontiguousarray(array)))
            continue
        memory, offset = shared
        if memory.descriptor not in descriptors:
            descriptors.append(memory.descriptor)
        places[number] = _place(array, descriptors.index(memory.descriptor), offset)
    owned: tuple[int, ...] = ()
    if fresh:
        owned = (_create_memory(),)
        try:
            offset = 0
            for number, array in fresh:
                places[number] = _place(array, len(descriptors), offset)
                _write_at(owned[0], array, offset)
                offset += -(-array.nbytes // _ALIGNMENT) * _ALIGNMENT
            _seal(owned[0], offset)
        except BaseException:
            os.close(owned[0])
            raise
        descriptors.append(owned[0])
    return Parcel(tuple(place for place in places if place is not None), tuple(descriptors), owned)


def unpack(places: Sequence[ArrayPlace], descriptors: Sequence[int]) -> "tuple[Array, ...]":
    """Return the arrays, read-only, and take over the descriptors. Raises ValueError if the memory is not as said."""
    memories: list[SharedMemory | mmap.mmap] = []
    left = list(descriptors)
    try:
        while left:
            memories.append(_map(left[0]))
            left.pop(0)
    finally:
        for descriptor in left:
            os.close(descriptor)
    if not places:
        return ()
    import numpy

    arrays: list[Array] = []
    for place in places:
        if place.memory >= len(memories) or any(side < 0 for side in place.shape):
            raise ValueError("an array lies in no memory of its message")
        memory = memories[place.memory]
        if place.offset % _ALIGNMENT or place.offset + place.size > len(memory):
            raise ValueError("an array reaches beyond its memory")
        flat = numpy.frombuffer(memory, place.element, math.prod(place.shape), place.offset)
        arrays.append(flat.reshape(place.shape))
    return tuple(arrays)


def _place(array: "Array", memory: int, offset: int) -> ArrayPlace:
    for element in _ELEMENT_BYTES:
        if array.dtype == element:
            return ArrayPlace(memory=memory, offset=offset, element=element, shape=array.shape)
    raise ValueError(f"arrays of {array.dtype} do not cross the process border")


def _shared_memory(array: "Array") -> tuple[SharedMemory, int] | None:
    """Return the received memory that a whole contiguous array views, and its offset there; None for others."""
    import numpy

    owner: object = array
    while isinstance(owner, numpy.ndarray):
        owner = cast("object", owner.base)
    if isinstance(owner, memoryview):
        owner = cast("object", owner.obj)
    if not isinstance(owner, SharedMemory) or owner.descriptor < 0 or not array.flags.c_contiguous:
        return None
    start = numpy.frombuffer(owner, "uint8").__array_interface__["data"][0]
    offset = array.__array_interface__["data"][0] - start
    return None if offset % _ALIGNMENT else (owner, offset)


def _create_memory() -> int:
    if sys.platform == "linux":
        return os.memfd_create("array", os.MFD_CLOEXEC | os.MFD_ALLOW_SEALING)
    with tempfile.TemporaryFile() as file:
        return os.dup(file.fileno())


def _write_at(descriptor: int, array: "Array", offset: int) -> None:
    data = array.reshape(-1).view("uint8").data if array.nbytes else memoryview(b"")
    while data:
        written = os.pwrite(descriptor, data, offset)
        data, offset = data[written:], offset + written


def _seal(descriptor: int, size: int) -> None:
    os.ftruncate(descriptor, max(size, _ALIGNMENT))
    if sys.platform == "linux":
        import fcntl

        seals = fcntl.F_SEAL_SEAL | fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_GROW | fcntl.F_SEAL_WRITE
        fcntl.fcntl(descriptor, fcntl.F_ADD_SEALS, seals)


def _map(descriptor: int) -> SharedMemory | mmap.mmap:
    size = os.fstat(descriptor).st_size
    if size == 0:
        raise ValueError("an array lies in an empty memory")
    if sys.platform != "linux":
        copy = mmap.mmap(-1, size)
        copy.write(os.pread(descriptor, size, 0))
        os.close(descriptor)
        return copy
    import fcntl

    try:
        seals = fcntl.fcntl(descriptor, fcntl.F_GET_SEALS)
    except OSError:
        raise ValueError("an array lies in memory of a foreign kind") from None
    needed = fcntl.F_SEAL_SHRINK | fcntl.F_SEAL_WRITE
    if seals & needed != needed:
        raise ValueError("an array lies in memory that its sender could still change")
    memory = SharedMemory(descriptor, size, prot=mmap.PROT_READ)
    memory.adopt(descriptor)
    return memory
