import io
import struct
import zlib
from collections.abc import Generator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import numpy
import pytest
from numpy.typing import NDArray
from PIL import Image, ImageOps

from reamo_mcp.errors import CorruptMedia, ModelUnavailable, TooLarge
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Description, OpenFile, Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from tests.hostile.pictures import chunk, encoded, png

GO = Unlimited()
LIMITS = Limits()


class Desk:
    """A folder and the decoder at home: what it says of a content, and what it makes of it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def described(self, content: bytes, name: str = "a.bin", limits: Limits = LIMITS) -> Description:
        with self._opened(content, name) as file:
            return LocalDecoder(limits).describe(file, GO)

    def picture(self, content: bytes, longest_side: int = 2000, limits: Limits = LIMITS) -> Picture:
        with self._opened(content, "a.bin") as file:
            return LocalDecoder(limits).picture(file, longest_side, GO)

    def pixels(self, content: bytes, longest_side: int = 2000) -> NDArray[numpy.int16]:
        return self.picture(content, longest_side).pixels.astype(numpy.int16)

    @contextmanager
    def _opened(self, content: bytes, name: str) -> Generator[OpenFile]:
        path = self._folder / name
        path.write_bytes(content)
        with open_file(str(path), Allowed.named(), LIMITS, GO) as file:
            yield file


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def saved(image: Image.Image, format: str, **options: object) -> bytes:
    stream = io.BytesIO()
    image.save(stream, format, **options)
    return stream.getvalue()


def corners(size: tuple[int, int] = (60, 40)) -> Image.Image:
    """A picture whose four corners differ: red, green, blue, black on white."""
    image = Image.new("RGB", size, "white")
    wide, high = size[0] // 3, size[1] // 3
    for place, colour in (((0, 0), "red"), ((1, 0), "lime"), ((0, 1), "blue"), ((1, 1), "black")):
        image.paste(colour, _box(place, size, (wide, high)))
    return image


def _box(place: tuple[int, int], size: tuple[int, int], part: tuple[int, int]) -> tuple[int, int, int, int]:
    left, top = place[0] * (size[0] - part[0]), place[1] * (size[1] - part[1])
    return left, top, left + part[0], top + part[1]


def interlaced(values: NDArray[numpy.uint8], passes: int = 7, rows_less: int = 0) -> bytes:
    """Return a gray PNG in seven passes, as its specification has them; fewer ``passes`` or rows leave pixels out."""
    starts = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
    rows: list[bytes] = []
    for left, top, across, down in starts[:passes]:
        part = values[top::down, left::across]
        rows += [b"\0" + row.tobytes() for row in part if row.size]
    data = zlib.compress(b"".join(rows[: len(rows) - rows_less]))
    height, width = values.shape
    head = struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", data) + chunk(b"IEND", b"")


@pytest.mark.parametrize("orientation", range(1, 9))
@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "AVIF"])
def test_a_picture_that_lies_on_its_side_is_set_upright(orientation: int, format: str, desk: Desk) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    content = saved(corners(), format, exif=exif, quality=95)
    upright = ImageOps.exif_transpose(Image.open(io.BytesIO(content))).convert("RGB")
    described = desk.described(content)
    picture = desk.picture(content)
    assert (described.width, described.height) == upright.size
    assert (picture.original_width, picture.original_height) == upright.size
    assert numpy.array_equal(picture.pixels, numpy.asarray(upright))


@pytest.mark.parametrize("orientation", range(1, 9))
def test_boxes_in_a_reduced_picture_lie_in_the_upright_one(orientation: int, desk: Desk) -> None:
    exif = Image.Exif()
    exif[274] = orientation
    content = saved(corners((1200, 800)), "JPEG", exif=exif, quality=95)
    upright = numpy.asarray(ImageOps.exif_transpose(Image.open(io.BytesIO(content))))
    picture = desk.picture(content, 300)
    assert max(picture.pixels.shape[:2]) == 300
    assert picture.scale == pytest.approx(0.25)
    for x, y in ((0.1, 0.1), (0.9, 0.1), (0.1, 0.9), (0.9, 0.9)):
        small = picture.pixels[int(y * picture.pixels.shape[0]), int(x * picture.pixels.shape[1])]
        large = upright[int(y * upright.shape[0]), int(x * upright.shape[1])]
        assert abs(small.astype(int) - large.astype(int)).max() < 12


@pytest.mark.parametrize("format", ["JPEG", "PNG", "WEBP", "TIFF", "BMP", "GIF", "AVIF"])
def test_every_format_shows_the_colours_that_were_put_in(format: str, desk: Desk) -> None:
    content = saved(corners(), format, quality=95)
    described = desk.described(content)
    assert (described.kind, described.width, described.height) == ("image", 60, 40)
    assert described.format == {"TIFF": "tiff", "JPEG": "jpeg"}.get(format, format.lower())
    assert abs(desk.pixels(content) - numpy.asarray(corners(), numpy.int16)).mean() < 4


def test_sixteen_bits_keep_their_brightness(desk: Desk) -> None:
    shade = png(8, 8, 16, 0, struct.pack(">8H", *[50 * 257] * 8))
    assert (desk.pixels(shade) == 50).all()
    colour = png(8, 8, 16, 2, struct.pack(">24H", *[50 * 257, 100 * 257, 200 * 257] * 8))
    assert abs(desk.pixels(colour) - (50, 100, 200)).max() <= 1
    tiff = saved(Image.fromarray(numpy.full((8, 8), 50 * 257, numpy.uint16)), "TIFF")
    assert (desk.pixels(tiff) == 50).all()


@pytest.mark.parametrize(("top", "white"), [(1.0, 1.0), (255.0, 255.0), (3000.0, 65535.0)])
def test_numbers_without_a_range_are_shown_within_the_range_they_seem_to_have(
    top: float, white: float, desk: Desk
) -> None:
    values = numpy.linspace(0, top, 64, dtype=numpy.float32).reshape(8, 8)
    seen = desk.pixels(saved(Image.fromarray(values), "TIFF"))[..., 0]
    assert abs(seen - values * 255 / white).max() <= 0.51


def test_printing_colours_become_those_of_a_screen(desk: Desk) -> None:
    content = saved(corners().convert("CMYK"), "JPEG", quality=95)
    assert abs(desk.pixels(content) - numpy.asarray(corners(), numpy.int16)).mean() < 6


def test_a_palette_is_looked_up(desk: Desk) -> None:
    content = saved(corners().quantize(8), "PNG")
    assert (desk.pixels(content) == numpy.asarray(corners())).all()


@pytest.mark.parametrize("format", ["PNG", "WEBP", "GIF", "AVIF"])
def test_what_is_transparent_is_white_and_half_transparency_is_blended(format: str, desk: Desk) -> None:
    image = Image.new("RGBA", (40, 40), (0, 0, 0, 0))
    image.paste((255, 0, 0, 255), (0, 0, 20, 40))
    seen = desk.pixels(saved(image, format, lossless=True))
    assert abs(seen[20, 5] - (255, 0, 0)).max() < 6
    assert abs(seen[20, 35] - (255, 255, 255)).max() < 6
    if format != "GIF":
        half = desk.pixels(saved(Image.new("RGBA", (40, 40), (0, 0, 0, 128)), format))
        assert abs(half - 127).max() < 4


def test_gray_with_transparency_and_a_transparent_colour_are_blended_too(desk: Desk) -> None:
    gray = saved(Image.new("LA", (9, 9), (0, 0)), "PNG")
    keyed = saved(Image.new("RGB", (9, 9), (1, 2, 3)), "PNG", transparency=(1, 2, 3))
    assert (desk.pixels(gray) == 255).all()
    assert (desk.pixels(keyed) == 255).all()


@pytest.mark.parametrize("format", ["GIF", "WEBP", "PNG", "AVIF"])
def test_of_an_animation_the_first_frame_is_read_and_the_rest_is_told(format: str, desk: Desk) -> None:
    frames = [Image.new("RGB", (30, 20), colour) for colour in ("red", "lime", "blue")]
    content = saved(frames[0], format, save_all=True, append_images=frames[1:], duration=100)
    described = desk.described(content)
    assert [notice.code for notice in described.notices] == ["first_frame"]
    assert abs(desk.pixels(content) - (255, 0, 0)).max() < 8
    assert not desk.described(saved(frames[0], format)).notices


def test_of_a_tiff_of_many_pages_the_first_is_read_and_the_rest_is_told(desk: Desk) -> None:
    pages = [Image.new("RGB", (30, 20), colour) for colour in ("red", "lime")]
    content = saved(pages[0], "TIFF", save_all=True, append_images=pages[1:])
    assert [notice.code for notice in desk.described(content).notices] == ["first_page"]
    assert (desk.pixels(content) == (255, 0, 0)).all()
    assert not desk.described(saved(pages[0], "TIFF")).notices


@pytest.mark.parametrize("size", [(1, 1), (1, 3000), (3000, 1), (2, 5000)])
def test_a_thin_picture_keeps_a_pixel_when_it_is_reduced(size: tuple[int, int], desk: Desk) -> None:
    picture = desk.picture(saved(Image.new("RGB", size, "red"), "PNG"), 100)
    assert min(picture.pixels.shape[:2]) == 1
    assert (picture.pixels == (255, 0, 0)).all()
    assert (picture.original_width, picture.original_height) == size


def test_a_picture_that_is_small_enough_is_not_enlarged(desk: Desk) -> None:
    assert desk.picture(encoded("PNG", (30, 20)), 2000).scale == 1


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_picture_beyond_the_limit_is_refused_before_it_is_decoded(format: str, desk: Desk) -> None:
    content = encoded(format, (320, 240))
    tight = Limits(most_pixels=320 * 240 - 1)
    for ask in (lambda: desk.described(content, limits=tight), lambda: desk.picture(content, limits=tight)):
        with pytest.raises(TooLarge, match="REAMO_MOST_PIXELS"):
            ask()
    assert desk.picture(content, limits=Limits(most_pixels=320 * 240)).original_width == 320


@pytest.mark.parametrize("format", ["JPEG", "PNG", "GIF", "WEBP", "TIFF", "BMP", "AVIF"])
def test_a_picture_that_was_cut_off_is_damaged(format: str, desk: Desk) -> None:
    content = encoded(format)
    with pytest.raises(CorruptMedia, match="undamaged"):
        desk.picture(content[: len(content) // 2])


def ended(content: bytes, share: float) -> bytes:
    """Return a JPEG whose data end early, but in good order."""
    return content[: int(len(content) * share)].rstrip(b"\xff") + b"\xff\xd9"


@pytest.mark.parametrize("longest_side", [800, 100])
@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
def test_a_jpeg_that_lacks_rows_is_damaged_though_it_has_an_end(mode: str, longest_side: int, desk: Desk) -> None:
    noise = numpy.random.default_rng(1).integers(0, 255, (60, 80, 3), numpy.uint8)
    content = saved(Image.fromarray(noise).resize((800, 600)).convert(mode), "JPEG")
    assert desk.picture(ended(content, 1.0), longest_side).original_width == 800
    for share in (0.3, 0.9):
        with pytest.raises(CorruptMedia, match="fewer pixels"):
            desk.picture(ended(content, share), longest_side)


@pytest.mark.parametrize("mode", ["L", "RGB", "CMYK"])
@pytest.mark.parametrize("options", [{}, {"progressive": True}])
@pytest.mark.parametrize("size", [(1, 1), (9, 700), (640, 480)])
def test_a_jpeg_that_is_gray_to_its_end_is_whole(
    size: tuple[int, int], options: dict[str, bool], mode: str, desk: Desk
) -> None:
    gray = Image.new(mode, size, "gray" if mode != "CMYK" else (128, 128, 128, 128))
    assert desk.picture(saved(gray, "JPEG", **options)).original_width == size[0]
    assert desk.picture(saved(gray, "JPEG", **options) + bytes(5000)).original_width == size[0]


@pytest.mark.parametrize("rows", [0, 1, 47])
@pytest.mark.parametrize("colour", [0, 2, 6])
def test_a_png_that_lacks_rows_is_damaged(rows: int, colour: int, desk: Desk) -> None:
    with pytest.raises(CorruptMedia):
        desk.picture(png(64, 48, 8, colour, rows=rows))


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (7, 1), (8, 8), (17, 33), (64, 48)])
@pytest.mark.parametrize("shade", [0, 200])
def test_an_interlaced_png_is_whole_with_all_its_passes_only(size: tuple[int, int], shade: int, desk: Desk) -> None:
    values = numpy.full(size[::-1], shade, numpy.uint8)
    assert (desk.pixels(interlaced(values)) == shade).all()
    with pytest.raises(CorruptMedia):
        desk.picture(interlaced(values, rows_less=1))


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_a_png_that_is_black_to_its_end_is_whole(mode: str, desk: Desk) -> None:
    for size in ((1, 1), (5, 3), (300, 200)):
        assert desk.picture(saved(Image.new(mode, size, 0), "PNG")).original_width == size[0]


def test_what_a_camera_says_becomes_facts(desk: Desk) -> None:
    exif = Image.Exif()
    exif[0x010E], exif[0x013B] = "a ship", "Ada Lovelace"
    exif.get_ifd(0x8769)[0x9003] = "2024:05:06 07:08:09"
    exif.get_ifd(0x8825).update({1: "S", 2: (33.0, 51.0, 30.0), 3: "E", 4: (151.0, 12.0, 36.0)})
    facts = {fact.name: fact.value for fact in desk.described(saved(corners(), "JPEG", exif=exif)).facts}
    assert facts == {
        "description": "a ship",
        "author": "Ada Lovelace",
        "created": "2024-05-06T07:08:09",
        "place": "-33.85833, 151.21000",
    }


def test_a_misleading_name_is_told_and_changes_nothing(desk: Desk) -> None:
    described = desk.described(encoded("PNG"), "photo.jpg")
    assert described.format == "png"
    assert [notice.code for notice in described.notices] == ["wrong_extension"]


@pytest.mark.skipif(find_spec("pillow_heif") is not None, reason="this installation reads HEIC")
def test_a_heic_picture_names_the_extra_that_reads_it(desk: Desk) -> None:
    heic = struct.pack(">I", 24) + b"ftypheic\0\0\0\0mif1heic" + bytes(100)
    with pytest.raises(ModelUnavailable, match=r"reamo-mcp\[heic\]"):
        desk.described(heic)
