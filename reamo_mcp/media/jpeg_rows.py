"""Whether a JPEG holds the pixels that its header promises: Pillow leaves those that are missing gray and says nothing.

Where data ends early but in good order, with the mark of an end, its decoder goes on as if every further block were
without light or colour, and keeps the warning to itself. The decoder of moving JPEG refuses such a picture instead.
"""

from typing import TYPE_CHECKING

from reamo_mcp.media.stream import FileStream

if TYPE_CHECKING:
    from PIL.Image import Image

_MISSING = (127, 128)  # what a sample becomes that no data tell; the lower one where it is stored inverted
_MOST_BYTES = 1 << 26  # of a file that is decoded twice
_SMALLER = 3  # the second decoder hands out an eighth of each side: it is asked whether it gets through, no more


def is_whole(image: "Image", descriptor: int) -> bool:
    """Return whether a decoded JPEG had all its rows, as far as can be told.

    Where the last row holds a pixel that is not gray the data reached it, and nothing is decoded again.
    """
    import numpy

    last = numpy.asarray(image.crop((0, image.height - 1, image.width, image.height)))
    stream = FileStream(descriptor)
    if not numpy.isin(last, _MISSING).all() or stream.size > _MOST_BYTES:
        return True
    return _is_decoded_without_complaint(stream.read())


def _is_decoded_without_complaint(content: bytes) -> bool:
    from av import CodecContext, Packet
    from av.error import FFmpegError, InvalidDataError

    decoder = CodecContext.create("mjpeg", "r")
    decoder.options = {"err_detect": "explode", "lowres": str(_SMALLER)}
    decoder.thread_count = 1
    try:
        decoder.decode(Packet(content))  # pyright: ignore[reportUnknownMemberType] a Packet without its type argument
    except InvalidDataError:
        return False
    except FFmpegError:  # a kind that it does not know is no sign of damage
        return True
    return True
