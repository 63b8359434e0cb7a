"""Attested fields of recordings and videos: tags (ID3, Vorbis comments, MP4) and chapters."""

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from reamo_mcp.types.grounding import TimeSpan
from reamo_mcp.types.reading import Fact

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

# Tag -> (name of the fact, entity type it attests). An artist may be a band, a publisher a person: no type is claimed.
_TAGS: dict[str, tuple[str, str | None]] = {
    "title": ("title", None),
    "artist": ("artist", None),
    "album_artist": ("artist", None),
    "composer": ("composer", "person"),
    "author": ("author", "person"),
    "performer": ("performer", None),
    "album": ("album", None),
    "show": ("show", None),
    "genre": ("genre", None),
    "publisher": ("publisher", None),
    "copyright": ("copyright", None),
    "comment": ("comment", None),
    "description": ("description", None),
    "synopsis": ("description", None),
    "date": ("created", "date"),
    "creation_time": ("created", "date"),
    "com.apple.quicktime.creationdate": ("created", "date"),
    "location": ("place", "location"),
    "com.apple.quicktime.location.iso6709": ("place", "location"),
}
_DATE = re.compile(r"\d{4}(-\d{2}(-\d{2}(T[\d:.]+(Z|[+-]\d{2}:?\d{2})?)?)?)?$")
_ISO_6709 = re.compile(r"([+-]\d{1,2}\.\d+)([+-]\d{1,3}\.\d+)")
_LONGEST = 1000
_MOST_CHAPTERS = 500


def facts_of(container: "InputContainer", sound: "AudioStream | None", duration: float) -> tuple[Fact, ...]:
    """Return the tags of a container (Ogg keeps them on its sound) and its chapters with their times."""
    facts: dict[tuple[str, str], Fact] = {}
    for metadata in (container.metadata, sound.metadata if sound else {}):
        for fact in _tags(metadata):
            facts.setdefault((fact.name, fact.value), fact)
    return (*facts.values(), *_chapters(container, duration))


def _tags(metadata: Mapping[str, str]) -> Iterator[Fact]:
    for tag, said in metadata.items():
        if tag.lower() not in _TAGS:
            continue
        name, type_ = _TAGS[tag.lower()]
        value = _clean(said)
        if name == "created":
            value = value.replace(" ", "T", 1)
            if not _DATE.match(value) or value.startswith(("0000", "1904-01-01", "1970-01-01")):
                continue  # no date, or the zero of a clock that nobody set
        if name == "place":
            match = _ISO_6709.match(value)
            if match is None:
                continue
            value = f"{float(match[1]):.5f}, {float(match[2]):.5f}"
        if value:
            yield Fact(name=name, value=value, type=type_)


def _chapters(container: "InputContainer", duration: float) -> Iterator[Fact]:
    origin = (container.start_time or 0) / 1_000_000
    for chapter in container.chapters()[:_MOST_CHAPTERS]:
        title = _clean({key.lower(): value for key, value in chapter["metadata"].items()}.get("title", ""))
        base = chapter["time_base"]
        if not title or base is None:
            continue
        start = max(0.0, float(chapter["start"] * base) - origin)
        end = max(start, float(chapter["end"] * base) - origin)
        if duration:
            start, end = min(start, duration), min(end, duration)
        yield Fact(name="chapter", value=title, time=TimeSpan(start=start, end=end))


def _clean(value: str) -> str:
    return "".join(sign for sign in value if sign.isprintable() or sign == " ").strip()[:_LONGEST]
