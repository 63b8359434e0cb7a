"""Asks with real pixels and samples: coloured figures, tones, a figure that moves, and what is written about them."""

from collections.abc import Sequence

import numpy

from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import Ask, Passage, PicturePassage, Sound, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.models.meta_response import ModuleName
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name="object")),
    relation_types=(RelationType(name="owns"),),
    event_types=(EventType(name="throwing", roles=(Role(name="Agent"), Role(name="Object"), Role(name="Manner"))),),
)
TEXT = "Ada throws a frisbee far away. 北京 café 🐕"
MEDIA = ("text", "image", "audio", "video")
_MODULES: dict[str, tuple[str, ModuleName]] = {
    "image": ("m2", "image_segmenter"),
    "audio": ("m3", "audio_segmenter"),
    "video": ("m4", "video_tracker"),
}


def picture(
    left: int = 10, colour: tuple[int, int, int] = (220, 30, 30), width: int = 120, height: int = 80
) -> Picture:
    """Draw a figure on white; the picture is shown at half the size of its original."""
    pixels = numpy.full((height, width, 3), 255, numpy.uint8)
    pixels[20:60, left : left + 30] = colour
    return Picture(pixels, 0.5, width * 2, height * 2)


def tone(hertz: float = 440.0, seconds: float = 1.0, start: float = 0.0) -> Sound:
    """Sound a tone."""
    times = numpy.arange(int(seconds * SAMPLE_RATE)) / SAMPLE_RATE
    return Sound((0.3 * numpy.sin(2 * numpy.pi * hertz * times)).astype(numpy.float32), start)


def film(*, sound: Sound | None = None, start: float = 0.0, frames: int = 4, medium: str = "m4") -> VideoPassage:
    """Show a figure that moves to the right, a frame a second."""
    times = tuple(start + number for number in range(frames))
    return VideoPassage(medium, times, tuple(picture(10 + 15 * number) for number in range(frames)), 1.0, sound)


def passages(media: Sequence[str]) -> tuple[Passage, ...]:
    """Return a passage of each kind of medium."""
    all_passages: dict[str, Passage] = {
        "text": TextPassage("m1.text", "text", TEXT),
        "image": PicturePassage("m2", picture()),
        "audio": SoundPassage("m3", tone(seconds=4.0, start=3.0)),
        "video": film(sound=tone(880.0, 4.0)),
    }
    return tuple(all_passages[medium] for medium in media)


def ask_of(*shown: Passage, ontology: Ontology = ONTOLOGY) -> Ask:
    """Return an ask about passages, with the modules that suit their media."""
    kinds: dict[type[Passage], str] = {PicturePassage: "image", SoundPassage: "audio", VideoPassage: "video"}
    ids = [one.source if isinstance(one, TextPassage) else one.medium for one in shown]
    modules = [_MODULES[kinds[type(one)]] for one in shown if type(one) in kinds]
    return Ask(shown, Form(sources=tuple(dict.fromkeys(ids)), modules=tuple(dict.fromkeys(modules)), ontology=ontology))


def ask_about(media: Sequence[str]) -> Ask:
    """Return an ask about one passage of each of these kinds of media."""
    return ask_of(*passages(media))
