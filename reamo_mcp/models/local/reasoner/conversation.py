"""An ask as a conversation in the family's own chat template, with the media in their places.

What sources say is data: any sign in it that the tokenizer would take for a token of its own (the end of a turn, the
place of a picture) is broken up, so that it is read as the letters it is made of.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Ask, PicturePassage, Sound, TextPassage, VideoPassage
from reamo_mcp.models.local.reasoner.families.family import Family
from reamo_mcp.models.local.reasoner.families.processor import Processor
from reamo_mcp.models.local.reasoner.media import Film, Medium, Still, Wave
from reamo_mcp.models.prompting import turn


@dataclass(frozen=True)
class Thrift:
    """How much less of an ask is shown so that it fits: each step halves the sides of pictures and the frames."""

    steps: int = 0

    def side(self, side: int) -> int:
        """Return the side in pixels at which a picture is shown."""
        return max(56, side >> self.steps)

    @property
    def every(self) -> int:
        """One of so many frames is shown."""
        return 1 << self.steps

    @property
    def told(self) -> str:
        """What this means for the reader of the result, empty where all is shown."""
        if not self.steps:
            return ""
        return f"for want of memory pictures were shown at 1/{self.every} of their size, and 1 of {self.every} frames"


@dataclass(frozen=True)
class Conversation:
    """A chat as text, with one token of the processor in the place of each medium, and the media in their order."""

    text: str = field(repr=False)
    media: tuple[Medium, ...]


def converse(ask: Ask, family: Family, processor: Processor, thrift: Thrift) -> Conversation:
    """Return the conversation that puts an ask."""
    media: list[Medium] = []
    content: list[dict[str, Any]] = []
    mediums = iter([passage.medium for passage in ask.passages if not isinstance(passage, TextPassage)])
    woven = is_woven(ask)
    for part in turn(ask):
        match part:
            case str():
                content.append({"type": "text", "text": unmarked(part, processor)})
            case Picture():
                media.append(_still(next(mediums), part))
                content.append({"type": "image"})
            case Sound():
                media.append(Wave(next(mediums), part.samples))
                content.append({"type": "audio"})
            case VideoPassage():
                medium = next(mediums)
                media.append(_film(medium, part, thrift, with_sound=woven))
                content.append({"type": "video"})
                if part.sound is not None and not woven:
                    media.append(Wave(medium, part.sound.samples))
                    content.append({"type": "audio"})
    if ask.form.modules:
        content[-1]["text"] += f"\n\n{family.conventions}"
    chat = [{"role": "user", "content": content}]
    text = processor.apply_chat_template(chat, tokenize=False, add_generation_prompt=True)
    return Conversation(text, tuple(media))


def is_woven(ask: Ask) -> bool:
    """Return whether the sound of its videos is woven into them: the models take either all videos so or none."""
    films = [passage for passage in ask.passages if isinstance(passage, VideoPassage)]
    return bool(films) and all(film.sound is not None for film in films)


def is_reducible(ask: Ask) -> bool:
    """Return whether an ask has pictures or frames, so that less can be shown."""
    return any(isinstance(passage, PicturePassage | VideoPassage) for passage in ask.passages)


def unmarked(text: str, processor: Processor) -> str:
    """Return a text in which no token of the tokenizer's own stands: a blank breaks it after its first sign."""
    own = sorted(processor.tokenizer.added_tokens_encoder, key=len, reverse=True)
    pattern = re.compile("|".join(re.escape(token) for token in own if len(token) > 1) or r"(?!)")
    return pattern.sub(lambda found: f"{found[0][0]} {found[0][1:]}", text)


def pieces(conversation: Conversation, processor: Processor) -> Iterator[str | Medium]:
    """Yield the texts of a conversation and, in their places, its media."""
    marks = "|".join(re.escape(m) for m in (processor.image_token, processor.audio_token, processor.video_token))
    texts = re.split(marks, conversation.text)
    for text, medium in zip(texts, (*conversation.media, None), strict=True):
        if text:
            yield text
        if medium is not None:
            yield medium


def _still(medium: str, picture: Picture) -> Still:
    return Still(medium, picture.pixels, (picture.original_width, picture.original_height))


def _film(medium: str, passage: VideoPassage, thrift: Thrift, *, with_sound: bool) -> Film:
    import numpy

    pictures: Sequence[Picture] = passage.pictures[:: thrift.every]
    return Film(
        medium,
        numpy.stack([picture.pixels for picture in pictures]),
        passage.step * thrift.every,
        (pictures[0].original_width, pictures[0].original_height),
        passage.sound.samples if with_sound and passage.sound is not None else None,
    )
