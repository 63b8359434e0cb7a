"""The proof in a picture: the part of a picture, page or frame around a place, with the place drawn into it."""

from collections.abc import Callable, Sequence
from io import BytesIO
from typing import TYPE_CHECKING

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import FramePlan, OpenFile, Outcome, Picture
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.types.grounding import AudioSegment, Box, Grounding, ImageRegion, TextSpan, VideoSegment, VideoTrack
from reamo_mcp.types.media import MediaKind

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL import Image

Show = Callable[[Grounding, MediaKind, OpenFile, Decoder, Control], bytes | None]
"""How a place of a file is shown: as a picture, or as a clip."""

MOST_BYTES = 48_000
"""Bytes of one picture: 64 KB once it is written in base 64."""

_LONGEST_SIDE = 2000  # pixels at which the original is looked at
_SHOWN_SIDE = 900  # pixels of the picture that is shown, at most
_AROUND = 1.0  # of the place's own size, shown on each side of it
_LEAST_AROUND = 80  # pixels
_QUALITIES = (85, 70, 50, 30)
_COLOUR = (230, 30, 30)


def picture_of(place: Grounding, kind: MediaKind, file: OpenFile, decoder: Decoder, control: Control) -> bytes | None:
    """Return a JPEG of at most `MOST_BYTES` that shows the place, None where there is nothing to see.

    Raises what the decoder raises.
    """
    match place:
        case ImageRegion(page=None):
            return drawn(decoder.picture(file, _LONGEST_SIDE, control), place.parts)
        case ImageRegion(page=int(page)):
            return drawn(decoder.page_picture(file, page, _LONGEST_SIDE, control), place.parts)
        case TextSpan() if place.parts:
            first = place.parts[0].page
            boxes = [part.box for part in place.parts if part.page == first]
            return drawn(decoder.page_picture(file, first, _LONGEST_SIDE, control), boxes)
        case VideoTrack():
            keyframe = place.keyframes[len(place.keyframes) // 2]
            return drawn(_frame(file, keyframe.time, decoder, control), keyframe.parts)
        case VideoSegment() | AudioSegment() if kind == "video":
            return drawn(_frame(file, place.start, decoder, control), ())
        case _:
            return None


def _frame(file: OpenFile, time: float, decoder: Decoder, control: Control) -> Picture:
    plan = FramePlan(step=3600.0, start=time, end=time + 0.001, longest_side=_LONGEST_SIDE, most=1, shots=False)
    for frame in decoder.frames(file, plan, Outcome(), control):
        picture = frame.picture
        return Picture(picture.pixels.copy(), picture.scale, picture.original_width, picture.original_height)
    raise CorruptMedia(f"{file.name} shows no frame at {time:.2f} s", "Ask for the quote instead")


def drawn(picture: Picture, boxes: Sequence[Box]) -> bytes:
    """Return the part of a picture around ``boxes`` (all of it without boxes) as JPEG, each box framed in red."""
    from PIL import Image

    image = Image.fromarray(framed(picture, boxes))
    if boxes:
        image = image.crop(_around(_scaled(picture, boxes), image.size))
    image.thumbnail((_SHOWN_SIDE, _SHOWN_SIDE), Image.Resampling.LANCZOS)
    return _compressed(image)


def framed(picture: Picture, boxes: Sequence[Box]) -> "NDArray[numpy.uint8]":
    """Return a copy of the pixels with each box framed in red, just outside of it."""
    import numpy
    from PIL import Image, ImageDraw

    image = Image.fromarray(picture.pixels)
    line = max(2, round(max(image.size) / 500))
    frame = ImageDraw.Draw(image)
    for left, top, right, bottom in _scaled(picture, boxes):
        frame.rectangle((left - line - 1, top - line - 1, right + line, bottom + line), outline=_COLOUR, width=line)
    return numpy.array(image)


def _scaled(picture: Picture, boxes: Sequence[Box]) -> list[tuple[float, float, float, float]]:
    by = picture.scale
    return [(box.x * by, box.y * by, box.right * by, box.bottom * by) for box in boxes]


def _around(boxes: Sequence[tuple[float, float, float, float]], size: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top = min(box[0] for box in boxes), min(box[1] for box in boxes)
    right, bottom = max(box[2] for box in boxes), max(box[3] for box in boxes)
    margin = max(_LEAST_AROUND, _AROUND * min(right - left, bottom - top))
    return (
        max(0, int(left - margin)),
        max(0, int(top - margin)),
        min(size[0], int(right + margin) + 1),
        min(size[1], int(bottom + margin) + 1),
    )


def _compressed(image: "Image.Image") -> bytes:
    while True:
        for quality in _QUALITIES:
            written = BytesIO()
            image.save(written, "JPEG", quality=quality, optimize=True)
            if written.tell() <= MOST_BYTES:
                return written.getvalue()
        image = image.resize((max(1, image.width * 3 // 4), max(1, image.height * 3 // 4)))
