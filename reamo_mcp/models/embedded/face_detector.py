"""Finds faces in pictures on a CPU with the three networks of MTCNN.

Method: Zhang, Zhang, Li and Qiao, "Joint Face Detection and Alignment Using Multitask Cascaded Convolutional Networks",
IEEE Signal Processing Letters 2016. A proposal network slides over a pyramid of the picture; a refinement and an output
network look at each window again. The weights are made by `reamo_mcp.training.face_detector`.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

from reamo_mcp.errors import EngineFailed, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.embedded.networks import PictureNetwork, open_network
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Region
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    Windows = NDArray[numpy.float32]  # shape (count, 5): left, top, right, bottom in pixels, probability of a face

WEIGHTS = Path(__file__).parent / "weights" / "face_detector"
LEAST_SCORE = 0.9  # in 53 real pictures all 28 windows above it were faces; between 0.7 and 0.9 every second was
_SMALLEST_FACE = 24  # pixels; smaller windows are wrong too often
_LONGEST_SIDE = 1280  # pixels at which pictures are searched
_PYRAMID_STEP = 0.709  # each level shows faces at half the area of the one before
_CELL, _STRIDE = 12, 2  # pixels of the proposal network's window, and from window to window
_PROPOSED, _REFINED = 0.6, 0.7  # least probabilities that pass the first two networks, as published
_MOST_WINDOWS = 2000  # that pass on from the proposal network
_BATCH = 256


@dataclass(frozen=True)
class _Networks:
    proposal: PictureNetwork
    refinement: PictureNetwork
    output: PictureNetwork


class FaceDetector:
    """The ObjectDetector of the embedded engine: upright faces seen from the front or half from the side.

    Weights are opened at the first picture. ``threads`` bounds the threads of one call.
    """

    def __init__(self, threads: int) -> None:
        self._threads = threads

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        return ModelCard(
            role="object_detector",
            name="mtcnn",
            revision="1.0.0+1",
            accepts=("image",),
            vocabulary=("face",),
            limits="faces of at least 24 pixels at 1280 pixels a side; few faces seen from the side or upside down",
        )

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        """Return the faces of each picture, the likeliest first."""
        answers: list[Answer[Region]] = []
        for picture in pictures:
            control.check()
            try:
                answers.append(Found(tuple(self._faces(picture, control))))
            except ReamoError:
                raise  # cancelled, out of time, or no weights: no other picture would fare better
            except Exception as error:  # the boundary to cv2 and onnxruntime: one bad picture fails alone
                answers.append(Failed(EngineFailed.code, f"Faces could not be looked for ({type(error).__name__})"))
        return answers

    @cached_property
    def _networks(self) -> _Networks:
        names = ("proposal", "refinement", "output")
        return _Networks(*(open_network(WEIGHTS / f"{name}.onnx", self._threads) for name in names))

    def _faces(self, picture: Picture, control: Control) -> list[Region]:
        import cv2
        import numpy

        height, width = picture.pixels.shape[:2]
        reduction = min(1.0, _LONGEST_SIDE / max(height, width))
        size = (max(1, round(width * reduction)), max(1, round(height * reduction)))
        if min(size) < _CELL:
            return []
        pixels = picture.pixels
        if reduction < 1:
            pixels = numpy.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), numpy.uint8)
        windows = _proposals(pixels, self._networks.proposal, control)
        control.check()
        windows = _looked_at(pixels, _squares(windows), self._networks.refinement, 24)
        windows = _without_doubles(windows[windows[:, 4] >= _REFINED], 0.7)
        control.check()
        windows = _looked_at(pixels, _squares(windows), self._networks.output, 48)
        windows = _without_doubles(windows[windows[:, 4] >= LEAST_SCORE], 0.7, of_smaller=True)
        return [_region(window, size, picture) for window in windows]


def _region(window: "NDArray[numpy.float32]", size: tuple[int, int], picture: Picture) -> Region:
    """The window in units of the original, and inside it."""
    left, top, right, bottom, score = (float(value) for value in window)
    across, down = picture.original_width / size[0], picture.original_height / size[1]
    left, right = (min(max(0.0, x * across), picture.original_width) for x in (left, right))
    top, bottom = (min(max(0.0, y * down), picture.original_height) for y in (top, bottom))
    box = Box(x=round(left, 2), y=round(top, 2), width=round(right - left, 2), height=round(bottom - top, 2))
    return Region(type="face", box=box, score=round(min(1.0, score), 4))


def _network_input(pixels: "NDArray[numpy.uint8]") -> "NDArray[numpy.float32]":
    import numpy

    return numpy.ascontiguousarray(((pixels - 127.5) / 128).transpose(2, 0, 1), numpy.float32)


def _proposals(pixels: "NDArray[numpy.uint8]", network: PictureNetwork, control: Control) -> "Windows":
    """Slide the proposal network over the levels of the pyramid."""
    import cv2
    import numpy

    height, width = pixels.shape[:2]
    found: list[Windows] = []
    scale = min(1.0, _CELL / _SMALLEST_FACE)
    while min(height, width) * scale >= _CELL:
        control.check()
        size = (max(_CELL, round(width * scale)), max(_CELL, round(height * scale)))
        level = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
        answer = network.run(_network_input(numpy.asarray(level, numpy.uint8))[None])[0]
        rows, columns = numpy.nonzero(answer[4] >= _PROPOSED)
        corner = numpy.stack([columns, rows], axis=1) * _STRIDE
        edges = numpy.concatenate([corner, corner + _CELL], axis=1) + answer[:4, rows, columns].T * _CELL
        edges = edges * (numpy.array([width / size[0], height / size[1]] * 2))
        windows = numpy.concatenate([edges, answer[4, rows, columns][:, None]], axis=1, dtype=numpy.float32)
        found.append(_without_doubles(windows, 0.5))
        scale *= _PYRAMID_STEP
    joined = numpy.concatenate(found) if found else numpy.zeros((0, 5), numpy.float32)
    return _without_doubles(joined, 0.7)[:_MOST_WINDOWS]


def _squares(windows: "Windows") -> "Windows":
    """Widen or heighten the windows to squares around the same middle."""
    import numpy

    middle = (windows[:, :2] + windows[:, 2:4]) / 2
    half = (windows[:, 2:4] - windows[:, :2]).max(axis=1, keepdims=True) / 2
    squares = numpy.concatenate([middle - half, middle + half, windows[:, 4:]], axis=1)
    return squares.astype(numpy.float32)


def _looked_at(pixels: "NDArray[numpy.uint8]", windows: "Windows", network: PictureNetwork, side: int) -> "Windows":
    """Let a network look at each window at ``side`` pixels; its windows have moved edges and new probabilities."""
    import numpy

    found: list[Windows] = [windows[:0]]
    for start in range(0, len(windows), _BATCH):
        batch = windows[start : start + _BATCH]
        crops = numpy.stack([_network_input(_crop(pixels, window, side)) for window in batch])
        answer = network.run(crops)
        sides = (batch[:, 2:4] - batch[:, :2])[:, [0, 1, 0, 1]]
        edges = batch[:, :4] + answer[:, :4] * sides
        found.append(numpy.concatenate([edges, answer[:, 4:]], axis=1, dtype=numpy.float32))
    return numpy.concatenate(found)


def _crop(pixels: "NDArray[numpy.uint8]", window: "NDArray[numpy.float32]", side: int) -> "NDArray[numpy.uint8]":
    """Cut out a window; what of it lies outside the picture is grey, which the networks know as nothing."""
    import cv2
    import numpy

    left, top = (int(value) for value in numpy.floor(window[:2]))
    right, bottom = (int(value) for value in numpy.ceil(window[2:4]))
    right, bottom = max(right, left + 1), max(bottom, top + 1)
    inside = pixels[max(0, top) : max(0, bottom), max(0, left) : max(0, right)]
    crop = numpy.full((bottom - top, right - left, 3), 127, numpy.uint8)
    if inside.size:
        y, x = max(0, -top), max(0, -left)
        crop[y : y + inside.shape[0], x : x + inside.shape[1]] = inside
    shrinking = crop.shape[0] > side
    interpolation = cv2.INTER_AREA if shrinking else cv2.INTER_LINEAR
    return numpy.asarray(cv2.resize(crop, (side, side), interpolation=interpolation), numpy.uint8)


def _without_doubles(windows: "Windows", overlap: float, of_smaller: bool = False) -> "Windows":
    """Keep the likeliest of windows that overlap, as a part of their joint area or of the smaller one's area."""
    import numpy

    left = windows[numpy.argsort(-windows[:, 4], kind="stable")]
    kept: list[Windows] = []
    while len(left):
        best, left = left[:1], left[1:]
        kept.append(best)
        sides = numpy.minimum(best[:, 2:4], left[:, 2:4]) - numpy.maximum(best[:, :2], left[:, :2])
        shared = sides.clip(min=0).prod(axis=1)
        area, areas = _areas(best), _areas(left)
        whole = numpy.minimum(area, areas) if of_smaller else area + areas - shared
        left = left[shared <= overlap * whole]
    return numpy.concatenate(kept) if kept else windows


def _areas(windows: "Windows") -> "NDArray[numpy.float32]":
    import numpy

    return numpy.asarray((windows[:, 2] - windows[:, 0]) * (windows[:, 3] - windows[:, 1]), numpy.float32)
