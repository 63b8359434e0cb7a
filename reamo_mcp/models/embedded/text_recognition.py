"""What a line of text says: a PP-OCR recogniser network, decoded so that each character keeps its place in the line."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray

    from reamo_mcp.models.embedded.text_detection import Network, Quad

LINE_HEIGHT = 48  # pixels, as the network was trained
MARGIN = 10  # pixels around a straightened line that the network does not see: what reaches into them is no letter
_LONGEST_LINE = 3200  # pixels at this height; longer ones are squeezed
_UPRIGHT = 1.5  # a crop that is this much taller than wide may be a line that runs up or down the picture


@dataclass(frozen=True)
class Character:
    """A recognised character and the stretch of columns that gave it, as pixels of the straightened line."""

    sign: str
    left: float
    right: float
    confidence: float

    @property
    def centre(self) -> float:
        """The middle of the stretch."""
        return (self.left + self.right) / 2


@dataclass(frozen=True)
class RecognisedLine:
    """The characters of a line, its straightened picture with a margin, and the way back to the whole picture.

    The straightened line is 48 pixels high; characters count from the left of the line, not of its margin.
    ``to_picture`` is the 3 x 3 perspective transform from the straightened picture to the whole one.
    """

    characters: tuple[Character, ...]
    straightened: "NDArray[numpy.uint8]"
    to_picture: "NDArray[numpy.float64]"

    @property
    def confidence(self) -> float:
        """The mean confidence of the characters, 0 without any."""
        return sum(one.confidence for one in self.characters) / max(1, len(self.characters))


def recognise_line(
    pixels: "NDArray[numpy.uint8]", quad: "Quad", network: "Network", alphabet: Sequence[str]
) -> RecognisedLine:
    """Return what stands inside the quad of an RGB picture. Upright crops are tried in the directions text runs in."""
    import numpy

    width = max(numpy.linalg.norm(quad[0] - quad[1]), numpy.linalg.norm(quad[3] - quad[2]))
    height = max(numpy.linalg.norm(quad[0] - quad[3]), numpy.linalg.norm(quad[1] - quad[2]))
    turns = (0,) if height < _UPRIGHT * width else (0, 1, 3)
    readings = [_recognise(pixels, numpy.roll(quad, -turn, axis=0), network, alphabet) for turn in turns]
    return max(readings, key=lambda reading: reading.confidence)


def _recognise(
    pixels: "NDArray[numpy.uint8]", quad: "Quad", network: "Network", alphabet: Sequence[str]
) -> RecognisedLine:
    import cv2
    import numpy

    width = max(1.0, float(numpy.linalg.norm(quad[0] - quad[1])))
    height = max(1.0, float(numpy.linalg.norm(quad[0] - quad[3])))
    wide = min(_LONGEST_LINE, max(8, round(LINE_HEIGHT * width / height)))
    target = numpy.array([[0, 0], [wide, 0], [wide, LINE_HEIGHT], [0, LINE_HEIGHT]], numpy.float32) + MARGIN
    to_picture = numpy.asarray(cv2.getPerspectiveTransform(target, quad), numpy.float64)
    straightened = _straighten(pixels, quad, wide, to_picture)
    # Below 320 pixels the network sees lines filled up on the right, as it was trained.
    batch = numpy.zeros((1, 3, LINE_HEIGHT, max(320, wide)), numpy.float32)
    line = straightened[MARGIN : MARGIN + LINE_HEIGHT, MARGIN : MARGIN + wide, ::-1]
    batch[0, :, :, :wide] = line.transpose(2, 0, 1).astype(numpy.float32) / 127.5 - 1.0
    scores = network(batch)[0]
    pitch = batch.shape[3] / len(scores)
    return RecognisedLine(_decode(scores, pitch, wide, alphabet), straightened, to_picture)


def _straighten(
    pixels: "NDArray[numpy.uint8]", quad: "Quad", wide: int, to_picture: "NDArray[numpy.float64]"
) -> "NDArray[numpy.uint8]":
    import cv2
    import numpy

    # Shrinking a large sign by the transform alone would skip pixels; the crop is averaged first.
    factor = LINE_HEIGHT / max(1.0, float(numpy.linalg.norm(quad[0] - quad[3])))
    flags = cv2.INTER_CUBIC | cv2.WARP_INVERSE_MAP
    if factor >= 0.7:
        picture, transform = pixels, to_picture
    else:
        around = round(2 * MARGIN / factor)
        left, top = numpy.floor(quad.min(axis=0)).astype(int) - around
        right, bottom = numpy.ceil(quad.max(axis=0)).astype(int) + 1 + around
        crop = pixels[max(0, top) : bottom, max(0, left) : right]
        small = (max(1, round(crop.shape[1] * factor)), max(1, round(crop.shape[0] * factor)))
        picture = cv2.resize(crop, small, interpolation=cv2.INTER_AREA)
        scale_x, scale_y = small[0] / crop.shape[1], small[1] / crop.shape[0]
        reduce = numpy.array(
            [[scale_x, 0, -max(0, left) * scale_x], [0, scale_y, -max(0, top) * scale_y], [0, 0, 1]], numpy.float64
        )
        transform = reduce @ to_picture
    return numpy.asarray(
        cv2.warpPerspective(
            picture,
            transform,
            (wide + 2 * MARGIN, LINE_HEIGHT + 2 * MARGIN),
            flags=flags,
            borderMode=cv2.BORDER_REPLICATE,
        ),
        numpy.uint8,
    )


def _decode(
    scores: "NDArray[numpy.float32]", pitch: float, wide: int, alphabet: Sequence[str]
) -> tuple[Character, ...]:
    """Decode greedily (connectionist temporal classification): repeated labels are one character, label 0 is none."""
    labels = scores.argmax(axis=1)
    best = scores.max(axis=1)
    characters: list[Character] = []
    start = 0
    for column in range(1, len(labels) + 1):
        if column < len(labels) and labels[column] == labels[start]:
            continue
        label = int(labels[start])
        if label and start * pitch < wide:
            confidence = min(1.0, float(best[start:column].max()))
            left, right = start * pitch, min(wide, column * pitch)
            characters.append(Character(alphabet[label], left, right, confidence))
        start = column
    return tuple(characters)
