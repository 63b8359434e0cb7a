"""Confirmers for tests: one whose answers the test writes, and one that really looks, at colours alone."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy

from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Answer, Confirmation, Failed, Found, ModelCard, Unsupported
from tests.doubles.signal_modules import colours_of

_ENOUGH = 0.1  # of the pixels of a crop


@dataclass
class ScriptedConfirmer:
    """Answers with what ``script`` returns: a share, or a failure. It keeps all crops and phrases."""

    script: Callable[[Picture, str], float | Failed | Unsupported]
    looks: list[tuple[Picture, str]] = field(default_factory=list[tuple[Picture, str]])
    calls: int = 0

    @property
    def card(self) -> ModelCard:
        return ModelCard(role="confirmer", name="scripted confirmer", revision="1")

    def confirm(self, crops: Sequence[Picture], phrases: Sequence[str], control: Control) -> list[Answer[Confirmation]]:
        control.check()
        self.calls += bool(crops)
        self.looks += zip(crops, phrases, strict=True)
        return [_answer(self.script(crop, phrase)) for crop, phrase in zip(crops, phrases, strict=True)]


def _answer(said: float | Failed | Unsupported) -> Answer[Confirmation]:
    return said if isinstance(said, Failed | Unsupported) else Found((Confirmation(share=said),))


def knows_colours(crop: Picture, phrase: str) -> float:
    """Return a large share if a crop shows a colour that the phrase names, else a small one."""
    for colour in colours_of(phrase):
        far = numpy.abs(crop.pixels.astype(int) - numpy.array(colour)).max(axis=2)
        if (far < 40).mean() >= _ENOUGH:
            return 0.97
    return 0.02


def colour_confirmer() -> ScriptedConfirmer:
    """Return a confirmer that knows colours and nothing else."""
    return ScriptedConfirmer(knows_colours)
