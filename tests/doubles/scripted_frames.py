"""A video written by the test: frames of one gray level each, and a reader that knows what each level says."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field

import numpy

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Frame, FramePlan, OpenFile, Outcome, Picture, StreamEnd
from reamo_mcp.models.roles import Answer, Line, ModelCard

SIZE = (640, 360)
"""Width and height of the upright original in pixels."""


@dataclass
class ScriptedFrames:
    """Hands out frames of one gray level each, in one buffer that it overwrites, as the real decoder may."""

    frames: Sequence[Frame]
    end: StreamEnd
    error: Exception | None = None
    plans: list[FramePlan] = field(default_factory=list[FramePlan])

    def frames_of(self, plan: FramePlan) -> Iterator[Frame]:
        self.plans.append(plan)
        buffer = numpy.zeros((36, 64, 3), numpy.uint8)
        for frame in self.frames:
            buffer[:] = round(frame.time * 10)
            yield Frame(
                frame.time,
                frame.until,
                Picture(buffer, 0.1, *SIZE),
                changed=frame.changed,
                shot_start=frame.shot_start,
                closing=frame.closing,
            )

    def decode(self, file: OpenFile, plan: FramePlan, outcome: Outcome, control: Control) -> Iterator[Frame]:
        yield from self.frames_of(plan)
        if self.error:
            raise self.error
        outcome.end = self.end


@dataclass
class LevelReader:
    """Reads what was agreed for the gray level of a picture, which is its time in tenths of a second."""

    lines: Callable[[float], Answer[Line]]
    seen: list[float] = field(default_factory=list[float])
    error: Exception | None = None

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="text_reader", name="scripted", revision="1")

    def read(self, pictures: Sequence[Picture], control: Control) -> list[Answer[Line]]:
        if self.error:
            raise self.error
        times = [float(picture.pixels[0, 0, 0]) / 10 for picture in pictures]
        self.seen += times
        return [self.lines(time) for time in times]
