"""A reasoner whose answers the test writes, and a segmenter that really looks: it finds areas of a named colour."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.meta_response import MetaResponse, written
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Reasoned, Region, Unsupported
from reamo_mcp.types.grounding import Box

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220), "yellow": (230, 220, 30)}


@dataclass
class ScriptedReasoner:
    """Answers with what ``script`` returns: a response, the text of one, or a failure. It keeps all asks."""

    script: Callable[[Ask], MetaResponse | str | Failed | Unsupported]
    capacity: Capacity = field(default_factory=Capacity)
    asks: list[Ask] = field(default_factory=list[Ask])

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="reasoner", name="scripted reasoner", revision="1")

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        control.check()
        self.asks.extend(asks)
        return [self._answer(ask) for ask in asks]

    def _answer(self, ask: Ask) -> Answer[Reasoned]:
        answer = self.script(ask)
        match answer:
            case Failed() | Unsupported():
                return answer
            case MetaResponse():
                answer = written(answer)
            case _:
                pass
        parsed = parse(answer)
        return Found((Reasoned(response=parsed.response, complete=parsed.complete, dropped=parsed.dropped),))


@dataclass
class ColourSegmenter:
    """Finds the joined areas of the colour that a phrase names; a phrase without a colour is not understood."""

    pictures: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="image_segmenter", name="colours", revision="1")

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        control.check()
        self.pictures += 1
        return [self._found(picture, phrase) for phrase in phrases]

    def _found(self, picture: Picture, phrase: str) -> Answer[Region]:
        import cv2

        colour = next((COLOURS[word] for word in re.findall(r"\w+", phrase.casefold()) if word in COLOURS), None)
        if colour is None:
            return Unsupported("only colours are understood")
        far = numpy.abs(picture.pixels.astype(int) - numpy.array(colour)).max(axis=2)
        near = numpy.asarray(far < 40, numpy.uint8)
        stats = numpy.asarray(cv2.connectedComponentsWithStats(near)[2], numpy.int32).tolist()
        regions = [
            Region(
                type=phrase,
                box=Box(
                    x=left / picture.scale,
                    y=top / picture.scale,
                    width=width / picture.scale,
                    height=height / picture.scale,
                ),
                score=0.9,
            )
            for left, top, width, height, area in stats[1:]
            if area >= 16
        ]
        return Found(tuple(regions))
