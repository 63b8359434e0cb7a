"""Finds QR codes and barcodes in pictures, with OpenCV. Only codes that could be decoded are reported.

What a code says was written by an unknown hand: it is data, like all text of a file, never an instruction.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from reamo_mcp.errors import EngineFailed, ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Region
from reamo_mcp.types.grounding import Box

if TYPE_CHECKING:
    import numpy
    from cv2.typing import MatLike
    from numpy.typing import NDArray

_SMALLEST_SIDE = 21  # pixels; the smallest QR code has as many modules
_SIDES = (2000, 1000, 500)  # pixels of the longer side at which codes are looked for: each finds what others miss
_MARGIN = 16  # white pixels put around the picture; detectors want some, codes in screenshots often have none
_MOST_CHARACTERS = 8000  # of one value; the largest QR code holds 7089 digits
_BARCODE_LENGTHS = (12, 13)  # digits; the shorter EAN-8 and UPC-E are "found" in fences and keyboards


@dataclass(frozen=True)
class _Code:
    kind: str
    value: str
    corners: "NDArray[numpy.float64]"  # shape (4, 2), in pixels of the picture


class CodeDetector:
    """The ObjectDetector for codes: QR codes, and the barcodes EAN-13 and UPC-A."""

    @property
    def card(self) -> ModelCard:
        """What the model is. Decoded values carry their own check digits: there is no score to speak of."""
        return ModelCard(
            role="object_detector",
            name="opencv-codes",
            revision="1",
            accepts=("image",),
            vocabulary=("qr_code", "barcode"),
            limits="only codes that can be decoded; of barcodes EAN-13 and UPC-A",
        )

    def detect(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Region]]:
        """Return the codes of each picture with what they say, boxes in original units."""
        answers: list[Answer[Region]] = []
        for picture in pictures:
            try:
                answers.append(Found(tuple(_regions(picture, control))))
            except ReamoError:
                raise  # cancelled or out of time
            except Exception as error:  # the boundary to cv2: one bad picture fails alone
                answers.append(Failed(EngineFailed.code, f"Codes could not be looked for ({type(error).__name__})"))
        return answers


def _regions(picture: Picture, control: Control) -> Iterator[Region]:
    seen: list[Region] = []
    for code in _codes(picture.pixels, control):
        region = Region(type=code.kind, box=_box(code, picture), score=1.0, score_kind="none", value=code.value)
        if not any(region.value == other.value and _overlap(region.box, other.box) for other in seen):
            seen.append(region)
            yield region


def _overlap(one: Box, other: Box) -> bool:
    wide = min(one.right, other.right) - max(one.x, other.x)
    high = min(one.bottom, other.bottom) - max(one.y, other.y)
    return wide > 0 and high > 0


def _box(code: _Code, picture: Picture) -> Box:
    left, top = code.corners.min(axis=0)
    right, bottom = code.corners.max(axis=0)
    left, right = (min(max(0.0, float(x) / picture.scale), picture.original_width) for x in (left, right))
    top, bottom = (min(max(0.0, float(y) / picture.scale), picture.original_height) for y in (top, bottom))
    return Box(x=round(left, 2), y=round(top, 2), width=round(right - left, 2), height=round(bottom - top, 2))


def _codes(pixels: "NDArray[numpy.uint8]", control: Control) -> Iterator[_Code]:
    import cv2
    import numpy

    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    longest = max(grey.shape)
    if min(grey.shape) < _SMALLEST_SIDE:
        return
    # Of 200 drawn codes this detector decoded 200, the older QRCodeDetector 181.
    qr_codes, barcodes = cv2.QRCodeDetectorAruco(), cv2.barcode.BarcodeDetector()
    for side in sorted({min(side, longest) for side in _SIDES}, reverse=True):
        control.check()
        factor = side / longest
        size = (max(1, round(grey.shape[1] * factor)), max(1, round(grey.shape[0] * factor)))
        small = cv2.resize(grey, size, interpolation=cv2.INTER_AREA) if factor < 1 else grey
        framed = numpy.pad(small, _MARGIN, constant_values=255)

        _, values, corners, _ = qr_codes.detectAndDecodeMulti(framed)
        yield from _decoded("qr_code", values, corners, factor)
        # The detector follows gradients and passes over bars as sharp as only drawn ones are.
        soft = cv2.GaussianBlur(framed, (0, 0), 0.8)
        _, values, corners, _ = barcodes.detectAndDecodeMulti(soft)
        yield from _decoded("barcode", [_article_number(value) for value in values], corners, factor)


def _decoded(
    kind: str, values: Sequence[str], corners: "MatLike | Sequence[MatLike]", factor: float
) -> Iterator[_Code]:
    import numpy

    for index, value in enumerate(values):
        if 0 < len(value) <= _MOST_CHARACTERS:
            placed = (numpy.asarray(corners[index], numpy.float64).reshape(4, 2) - _MARGIN) / factor
            yield _Code(kind, value, placed)


def _article_number(value: str) -> str:
    """Return the digits of an EAN-13 or UPC-A code whose check digit is right, nothing otherwise."""
    if not (value.isdecimal() and value.isascii() and len(value) in _BARCODE_LENGTHS):
        return ""
    total = sum(int(digit) * (1, 3)[index % 2] for index, digit in enumerate(value.rjust(13, "0")))
    return value if total % 10 == 0 else ""
