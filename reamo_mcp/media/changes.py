"""What changed between two frames: cuts and sudden changes by thumbnails, small differences by pictures."""

from typing import TYPE_CHECKING, cast

if TYPE_CHECKING:
    import numpy
    from av.video.frame import VideoFrame
    from numpy.typing import NDArray

    Thumbnail = NDArray[numpy.float32]

_CELLS = 24  # cells of a thumbnail along its longer side
_ACROSS, _DOWN = 20, 10  # points looked at per cell: with fewer, an edge that passes over some looks sudden
_CUT = 24.0  # mean difference of all cells, in levels of 255, from which two frames belong to two shots
_SUDDEN = 16.0  # difference of one cell from one frame to the next that ordinary motion hardly makes
_SUDDEN_CELLS = 3
_SUDDEN_SHARE = 0.35  # more cells than this move together: a cut, a pan or a flash, no title
_TILE = 8  # pixels along the side of the tiles in which two pictures are compared
_STRIP = 12 * _TILE
_DIFFERENT = 9.0  # mean difference in a tile, in levels of 255, above the noise of compression


def thumbnail(frame: "VideoFrame") -> "Thumbnail":
    """Return mean luma in a coarse grid, float32, from few points of the luma plane: microseconds per frame."""
    import numpy

    luma, top = _luma(frame)
    height, width = luma.shape
    step = max(1, max(height, width) // (_CELLS * _ACROSS))
    points = luma[:: step * _ACROSS // _DOWN, ::step]
    high, wide = points.shape[0] // _DOWN, points.shape[1] // _ACROSS
    if high == 0 or wide == 0:  # a picture of a few pixels
        return numpy.asarray([[points.mean() * 255 / top]], numpy.float32)
    inside = points[: high * _DOWN, : wide * _ACROSS]
    # Rows first: numpy adds whole rows three times faster than it adds blocks.
    rows = inside.reshape(high, _DOWN, wide * _ACROSS).sum(1, dtype=numpy.uint32)
    sums = rows.reshape(high, wide, _ACROSS).sum(2, dtype=numpy.uint32)
    return sums.astype(numpy.float32) * numpy.float32(255 / (top * _DOWN * _ACROSS))


def is_cut(before: "Thumbnail", now: "Thumbnail") -> bool:
    """Return whether a new shot begins."""
    if before.shape != now.shape:
        return True
    difference = abs(now - before)
    # A bright title changes the mean as much as a cut does, but not most of the picture.
    return float(difference.mean()) >= _CUT and int((difference >= _SUDDEN).sum()) > _SUDDEN_SHARE * difference.size


def is_sudden(before: "Thumbnail", now: "Thumbnail") -> bool:
    """Return whether something appeared or vanished at once while most of the picture stayed."""
    moved = abs(now - before) >= _SUDDEN
    return _SUDDEN_CELLS <= int(moved.sum()) <= _SUDDEN_SHARE * moved.size


def has_changed(before: "NDArray[numpy.uint8]", now: "NDArray[numpy.uint8]") -> bool:
    """Return whether two RGB pictures differ anywhere by more than the noise of compression."""
    if before.shape != now.shape:
        return True
    # Strip by strip: where everything moves, the first one tells.
    starts = range(0, len(now), _STRIP)
    return any(changed_tiles(before[at : at + _STRIP], now[at : at + _STRIP]).any() for at in starts)


def changed_tiles(before: "NDArray[numpy.uint8]", now: "NDArray[numpy.uint8]") -> "NDArray[numpy.bool_]":
    """Return which tiles of 8 x 8 pixels differ between two RGB pictures of one shape, by their green channel."""
    import numpy

    difference = numpy.abs(before[..., 1].astype(numpy.int16) - now[..., 1].astype(numpy.int16))
    height, width = difference.shape
    padded = numpy.pad(difference, ((0, -height % _TILE), (0, -width % _TILE)))
    high, wide = padded.shape[0] // _TILE, padded.shape[1] // _TILE
    sums = padded.reshape(high, _TILE, wide, _TILE).sum((1, 3), dtype=numpy.int32)
    return sums >= _DIFFERENT * _TILE * _TILE


def _luma(frame: "VideoFrame") -> "tuple[NDArray[numpy.uint8] | NDArray[numpy.uint16], int]":
    """Return the luma plane, and the value that white may have in it."""
    import numpy

    name = frame.format.name
    depth = frame.format.components[0].bits if frame.format.components else 8
    plane = cast(memoryview, frame.planes[0])  # it has the buffer protocol, which its stubs leave out
    width = frame.planes[0].line_size
    if name.startswith(("yuv4", "yuvj4", "yuva4", "nv", "gray")) and not name.endswith("be"):
        if depth == 8:
            rows = numpy.frombuffer(plane, numpy.uint8).reshape(-1, width)
            return rows[: frame.height, : frame.width], 255
        deep = numpy.frombuffer(plane, numpy.uint16).reshape(-1, width // 2)
        return deep[: frame.height, : frame.width], (1 << depth) - 1
    small = frame.reformat(width=max(1, frame.width // 8), height=max(1, frame.height // 8), format="gray")
    return _luma(small)
