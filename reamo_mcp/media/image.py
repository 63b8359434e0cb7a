"""Untrusted pictures to upright RGB, shrunk while decoding where the format allows it."""

import math
import struct
import warnings
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from importlib import import_module
from io import BufferedReader
from typing import TYPE_CHECKING

from reamo_mcp.errors import CorruptMedia, ModelUnavailable, TooLarge
from reamo_mcp.media import jpeg_rows, png_rows
from reamo_mcp.media.decoded import Description, OpenFile, Picture
from reamo_mcp.media.image_facts import facts_of
from reamo_mcp.media.stream import FileStream
from reamo_mcp.settings import Limits
from reamo_mcp.types.extraction import Notice

if TYPE_CHECKING:
    import numpy
    from numpy.typing import NDArray
    from PIL.Image import Image, Transpose

# Never EPS (may start Ghostscript), PSD, FITS and other formats that nobody sniffed.
_DECODERS = {
    "jpeg": ("JPEG", "MPO"),
    "png": ("PNG",),
    "gif": ("GIF",),
    "webp": ("WEBP",),
    "tiff": ("TIFF",),
    "bmp": ("BMP",),
    "avif": ("AVIF",),
    "heic": ("HEIF",),
}
# What Pillow raises for damage of one kind or another; the texts may quote the file and are not passed on.
_DAMAGE = (
    *(OSError, ValueError, SyntaxError, EOFError, LookupError, TypeError, ArithmeticError, struct.error, zlib.error),
    RuntimeError,  # of the AVIF decoder
)
_FIRST_FRAME = ("first_frame", "is animated: only its first frame")
_ONE_OF_MANY = {
    **dict.fromkeys(("gif", "webp", "png", "avif"), _FIRST_FRAME),
    "tiff": ("first_page", "has several pages: only the first"),
}
_ORIENTATION = 274
_TURNED_ON_ITS_SIDE = (5, 6, 7, 8)


def describe_image(file: OpenFile, limits: Limits) -> Description:
    """Return the size of the upright picture and the facts of its header. Raises CorruptMedia, TooLarge."""
    with _opened(file, limits) as image:
        width, height = _upright_size(image)
        described = Description("image", file.format, width=width, height=height, facts=facts_of(image))
        code, message = _ONE_OF_MANY.get(file.format, ("", ""))
        if code and _has_a_second(image):
            return replace(described, notices=(Notice(code=code, message=f"{file.name} {message} is read"),))
        return described


def load_picture(file: OpenFile, longest_side: int, limits: Limits) -> Picture:
    """Return the upright picture, reduced so that its longer side has at most ``longest_side`` pixels.

    Colours are as a viewer shows them on white: CMYK, palettes and 16 bits are converted, transparency is blended.
    Of an animation the first frame is taken. Raises CorruptMedia, TooLarge.
    """
    import numpy

    with _opened(file, limits) as image:
        full_width, full_height = _upright_size(image)
        turn = _turn(image)
        if file.format == "jpeg":
            image.draft("RGB", (longest_side, longest_side))  # a half, quarter or eighth inside the decoder
        _load_whole(image, file)
        flat = _as_rgb(image)
        if max(flat.size) > longest_side:
            scale = longest_side / max(flat.size)
            size = (max(1, round(flat.width * scale)), max(1, round(flat.height * scale)))
            from PIL.Image import Resampling

            # As sharp as bicubic when shrinking, in 60 % of its time.
            flat = flat.resize(size, Resampling.HAMMING, reducing_gap=2.0)
        if turn is not None:  # last, on the small picture
            flat = flat.transpose(turn)
        pixels = numpy.asarray(flat)
    return Picture(pixels, max(pixels.shape[:2]) / max(full_width, full_height), full_width, full_height)


@contextmanager
def _opened(file: OpenFile, limits: Limits) -> Generator["Image"]:
    """Open the header of a picture within the limits, and turn what its decoder raises into our errors."""
    from PIL import Image

    if file.format == "heic":
        _allow_heic(file.name)
    Image.MAX_IMAGE_PIXELS = limits.most_pixels
    too_many = TooLarge(
        f"{file.name} has more than {limits.most_pixels} pixels", "Scale it down, or raise REAMO_MOST_PIXELS"
    )
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            with Image.open(BufferedReader(FileStream(file.fd)), formats=_DECODERS[file.format]) as image:
                if math.prod(image.size) > limits.most_pixels:
                    raise too_many
                yield image
    except (Image.DecompressionBombError, Image.DecompressionBombWarning):
        raise too_many from None
    except _DAMAGE as error:
        raise CorruptMedia(
            f"{file.name} is damaged and cannot be decoded ({type(error).__name__})", "Take an undamaged copy"
        ) from None


def _load_whole(image: "Image", file: OpenFile) -> None:
    """Decode a picture. Raises CorruptMedia if it holds fewer pixels than its header promises.

    A PNG that cannot hold them is not decoded at all. Of other formats than PNG and JPEG the decoder tells by itself.
    """
    whole = file.format != "png" or png_rows.may_be_whole(file.fd, file.size)
    if whole:
        image.load()
        if file.format == "png":
            whole = png_rows.is_whole(image, file.fd)
        elif file.format == "jpeg":
            whole = jpeg_rows.is_whole(image, file.fd)
    if not whole:
        raise CorruptMedia(f"{file.name} holds fewer pixels than its header says", "Take an undamaged copy")


def _allow_heic(name: str) -> None:
    try:
        pillow_heif = import_module("pillow_heif")  # an extra: its types are not there to be checked
    except ImportError:
        raise ModelUnavailable(
            f"{name} is HEIC, which this installation cannot read", "pip install 'reamo-mcp[heic]', or save it as JPEG"
        ) from None
    pillow_heif.register_heif_opener()


def _turn(image: "Image") -> "Transpose | None":
    """Return what makes the picture upright, by its EXIF orientation."""
    from PIL.Image import Transpose

    turns = {
        2: Transpose.FLIP_LEFT_RIGHT,
        3: Transpose.ROTATE_180,
        4: Transpose.FLIP_TOP_BOTTOM,
        5: Transpose.TRANSPOSE,
        6: Transpose.ROTATE_270,
        7: Transpose.TRANSVERSE,
        8: Transpose.ROTATE_90,
    }
    return turns.get(_orientation(image))


def _orientation(image: "Image") -> int:
    if image.format in ("HEIF", "TIFF"):
        return 1  # their decoders turn the picture themselves
    orientation: object = image.getexif().get(_ORIENTATION, 1)
    return orientation if isinstance(orientation, int) else 1


def _upright_size(image: "Image") -> tuple[int, int]:
    width, height = image.size
    return (height, width) if _orientation(image) in _TURNED_ON_ITS_SIDE else (width, height)


def _has_a_second(image: "Image") -> bool:
    """Return whether there is a second picture, without walking through all of them as ``n_frames`` does."""
    try:
        image.seek(1)
    except EOFError:
        return False
    return True


def _as_rgb(image: "Image") -> "Image":
    import numpy
    from PIL.Image import alpha_composite, fromarray, new

    if image.mode.startswith("I;16"):
        return fromarray(_to_eight_bits(numpy.asarray(image, numpy.float32), 65535.0)).convert("RGB")
    if image.mode in ("I", "F"):  # of no fixed range
        values = numpy.asarray(image, numpy.float32)
        return fromarray(_to_eight_bits(values, _white(float(values.max(initial=0.0))))).convert("RGB")
    if image.mode in ("RGBA", "LA", "PA", "La", "RGBa") or "transparency" in image.info:
        transparent = image.convert("RGBA")  # convert("RGB") would drop the transparency unblended
        return alpha_composite(new("RGBA", transparent.size, "white"), transparent).convert("RGB")
    return image if image.mode == "RGB" else image.convert("RGB")


def _white(top: float) -> float:
    """Return the value that stands for white in a picture whose brightest sample is ``top``."""
    return next((white for white in (1.0, 255.0, 65535.0) if top <= white), top)


def _to_eight_bits(values: "NDArray[numpy.float32]", white: float) -> "NDArray[numpy.uint8]":
    """Return samples of more than eight bits as 0 to 255; Pillow's ``convert`` would clip them instead."""
    import numpy

    scaled = numpy.nan_to_num(values) * (255.0 / white)
    return numpy.rint(scaled).clip(0, 255).astype(numpy.uint8)
