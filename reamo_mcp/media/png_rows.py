"""Whether a PNG holds the pixels that its header promises: Pillow leaves those that are missing black and says nothing.

Layout of chunks, rows and interlacing: Portable Network Graphics Specification, third edition (W3C, 2025).
"""

import struct
import zlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from reamo_mcp.media.stream import FileStream

if TYPE_CHECKING:
    from PIL.Image import Image

_SAMPLES = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of a pixel, by the type of colour
_PASSES = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_MOST_RATIO = 1032  # of deflate, as its authors give it
_PIECE = 1 << 16
_WHOLE = ((0, 0, 1, 1),)


def may_be_whole(descriptor: int, size: int) -> bool:
    """Return whether a file of ``size`` bytes can unpack to the pixels that its header promises, at any ratio."""
    return _promised(FileStream(descriptor)) <= size * _MOST_RATIO


def is_whole(image: "Image", descriptor: int) -> bool:
    """Return whether a decoded PNG had all its pixels. Raises zlib.error or struct.error where it is damaged.

    Where the last row holds a pixel that is not black the data reached it, and nothing is unpacked again.
    """
    import numpy

    stream = FileStream(descriptor)
    if not _is_interlaced(stream):
        last = image.crop((0, image.height - 1, image.width, image.height))
        if numpy.asarray(last).any():
            return True
    left = _promised(stream)
    unpacking = zlib.decompressobj()
    for packed in _packed(stream):
        while packed and left > 0 and not unpacking.eof:
            left -= len(unpacking.decompress(packed, _PIECE))
            packed = unpacking.unconsumed_tail
        if left <= 0 or unpacking.eof:
            break
    return left <= 0


def _header(stream: FileStream) -> tuple[int, int, int, int, int]:
    """Return width, height, depth, type of colour and way of interlacing."""
    stream.seek(16)
    width, height, depth, colour, _, _, interlacing = struct.unpack(">IIBBBBB", stream.read(13))
    return width, height, depth, colour, interlacing


def _is_interlaced(stream: FileStream) -> bool:
    return _header(stream)[4] == 1


def _promised(stream: FileStream) -> int:
    """Return the bytes of all rows, each with its filter."""
    width, height, depth, colour, interlacing = _header(stream)
    total = 0
    for left, top, across, down in _PASSES if interlacing else _WHOLE:
        wide, high = -(-(width - left) // across), -(-(height - top) // down)
        if wide > 0 and high > 0:
            total += high * (1 + -(-wide * depth * _SAMPLES.get(colour, 1) // 8))
    return total


def _packed(stream: FileStream) -> Iterator[bytes]:
    """Yield the packed pixels of the first picture, piece by piece."""
    at = 8
    while True:
        stream.seek(at)
        head = stream.read(8)
        if len(head) < 8:
            return
        length, kind = struct.unpack(">I4s", head)
        if kind == b"IDAT":
            left = length
            while left > 0 and (piece := stream.read(min(left, _PIECE))):
                yield piece
                left -= len(piece)
        elif kind == b"IEND":
            return
        at += 12 + length
