"""Attested fields of pictures: when and where they were taken, by whom, and what they say about themselves."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, cast

from reamo_mcp.types.reading import Fact

if TYPE_CHECKING:
    from PIL.Image import Image

_EXIF, _GPS = 0x8769, 0x8825
_LATITUDE_REFERENCE, _LATITUDE, _LONGITUDE_REFERENCE, _LONGITUDE = 1, 2, 3, 4
_TAKEN_AT, _DIGITIZED_AT, _CHANGED_AT, _OFFSET_OF_TAKEN = 0x9003, 0x9004, 0x0132, 0x9011
_TEXTS = ((0x010E, "description", None), (0x013B, "author", "person"), (0x8298, "copyright", None))
_LONGEST = 1000


def facts_of(image: "Image") -> tuple[Fact, ...]:
    """Return the facts of a picture's EXIF fields. Fields that are damaged are left out."""
    exif = image.getexif()
    top = cast("Mapping[int, object]", exif)
    facts = [Fact(name=name, value=text, type=type_) for tag, name, type_ in _TEXTS if (text := _text(top.get(tag)))]
    taken = _date(top, cast("Mapping[int, object]", exif.get_ifd(_EXIF)))
    if taken is not None:
        facts.append(Fact(name="created", value=taken, type="date"))
    place = _place(cast("Mapping[int, object]", exif.get_ifd(_GPS)))
    if place is not None:
        facts.append(Fact(name="place", value=place, type="location"))
    return tuple(facts)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        value = value.decode("utf-8", "replace")
    if not isinstance(value, str):
        return ""
    cleaned = "".join(character for character in value if character.isprintable()).strip()
    try:  # Pillow reads these fields as Latin-1; cameras and editors write UTF-8
        cleaned = cleaned.encode("latin-1").decode("utf-8")
    except UnicodeError:
        pass
    return cleaned[:_LONGEST]


def _date(top: Mapping[int, object], exif: Mapping[int, object]) -> str | None:
    """Return the time as ISO 8601, with an offset only where the camera wrote one."""
    said = _text(exif.get(_TAKEN_AT) or exif.get(_DIGITIZED_AT) or top.get(_CHANGED_AT))
    day, _, time = said.partition(" ")
    parts = day.split(":")
    if len(parts) != 3 or not all(part.isdigit() for part in parts) or parts[0] == "0000":
        return None
    return "-".join(parts) + (f"T{time}{_text(exif.get(_OFFSET_OF_TAKEN))}" if time else "")


def _place(gps: Mapping[int, object]) -> str | None:
    """Return 'latitude, longitude' in decimal degrees, south and west negative."""
    latitude = _degrees(gps.get(_LATITUDE), gps.get(_LATITUDE_REFERENCE), "S", 90)
    longitude = _degrees(gps.get(_LONGITUDE), gps.get(_LONGITUDE_REFERENCE), "W", 180)
    return None if latitude is None or longitude is None else f"{latitude:.5f}, {longitude:.5f}"


def _degrees(value: object, reference: object, negative: str, most: int) -> float | None:
    if not isinstance(value, tuple) or len(cast("tuple[object, ...]", value)) != 3:
        return None
    try:
        degrees, minutes, seconds = (float(cast("float", part)) for part in cast("tuple[object, ...]", value))
    except (TypeError, ValueError, ZeroDivisionError):
        return None
    angle = degrees + minutes / 60 + seconds / 3600
    if not 0 <= angle <= most:  # false for NaN too
        return None
    return -angle if reference == negative else angle
