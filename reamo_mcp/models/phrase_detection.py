"""Finding what phrases refer to, and the check without which a find does not count.

A detector asked for a walrus will point at something, walrus or not. So every question carries phrases that name
things which hardly any picture shows: a place counts only if it passes the threshold of its model, if the phrase wins
there against every one of those by a margin, and if no two of them do as well anywhere else in the picture. A detector
that answers whatever it is asked passes for none.
"""

import re
from collections.abc import Callable, Sequence
from typing import Protocol

from pydantic import Field

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import ModelCard
from reamo_mcp.types.grounding import Box
from reamo_mcp.types.record import Record

NEGATIVES = (
    "accordion anvil armadillo bulldozer cactus canoe chandelier chessboard gondola hammock igloo jellyfish lighthouse "
    "microscope octopus parachute peacock pumpkin scarecrow snowplow sombrero stalagmite submarine telescope toaster "
    "totem trombone typewriter unicycle walrus windmill xylophone"
).split()
"""Concrete things of many kinds, none of them common. One that a phrase names is not put against it."""

_ONE_PLACE = 0.5  # overlap from which two boxes show one place
_DOUBLED = 0.6  # overlap from which two finds of one phrase are one


class Detection(Record):
    """Where a detector sees a phrase (by its index), in units of the original, and how sure it is."""

    phrase: int = Field(ge=0)
    box: Box
    score: float = Field(ge=0, le=1)


class Decision(Record):
    """When a find of one model counts: from this score, and by this lead over every phrase that is not there.

    One below ``sure`` counts too, but is doubtful: a second look at it pays.
    """

    threshold: float = Field(ge=0, le=1)
    margin: float = Field(gt=0, le=1)
    sure: float = Field(default=1.0, ge=0, le=1)


OF_GROUNDING_DINO = Decision(threshold=0.3, margin=0.05, sure=0.5)
"""The threshold is the one that the models' authors show results with; none of the numbers was tuned on data here."""


class PhraseDetector(Protocol):
    """Scores places of a picture for several phrases in one pass."""

    @property
    def card(self) -> ModelCard:
        """What the model is."""
        ...

    @property
    def decision(self) -> Decision:
        """When its finds count."""
        ...

    def fits(self, phrases: Sequence[str]) -> bool:
        """Return whether the phrases can be asked for in one pass."""
        ...

    def detect(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Detection]:
        """Return what may be there, also well below the threshold. Raises OutOfMemory and EngineFailed."""
        ...


def located(
    detector: PhraseDetector, picture: Picture, phrases: Sequence[str], control: Control
) -> list[list[Detection]]:
    """Return what counts of each phrase, best first, in as many passes as the phrases take.

    Raises what the detector raises, and InvalidArgument for a phrase that fits into no pass.
    """
    found: dict[str, list[Detection]] = {}
    for group in _groups(list(dict.fromkeys(phrases)), detector.fits):
        control.check()
        detections = detector.detect(picture, [*group, *negatives(group)], control)
        found.update(zip(group, winning(detections, len(group), detector.decision), strict=True))
    return [found[phrase] for phrase in phrases]


def negatives(phrases: Sequence[str]) -> list[str]:
    """Return the negative phrases that none of these phrases names."""
    said = {word for phrase in phrases for word in re.findall(r"\w+", phrase.casefold())}
    said |= {word.removesuffix("s") for word in said} | {word.removesuffix("es") for word in said}
    return [negative for negative in NEGATIVES if negative not in said]


def winning(detections: Sequence[Detection], asked: int, decision: Decision) -> list[list[Detection]]:
    """Return what counts of each of the first ``asked`` phrases, best first; the others are the negative ones."""
    rivals = [one for one in detections if one.phrase >= asked]
    bar = max(decision.threshold, _best_but_one(rivals) + decision.margin)
    found: list[list[Detection]] = [[] for _ in range(asked)]
    for one in sorted(detections, key=lambda detection: -detection.score):
        if one.phrase >= asked or one.score < bar:
            continue
        if any(_is_one_place(one, rival) and one.score < rival.score + decision.margin for rival in rivals):
            continue
        own = found[one.phrase]
        if all(one.box.intersection_over_union(better.box) < _DOUBLED for better in own):
            own.append(one)
    return found


def _best_but_one(rivals: Sequence[Detection]) -> float:
    """Return the best score that two negative phrases reach; one of them may really be in the picture."""
    best: dict[int, float] = {}
    for rival in rivals:
        best[rival.phrase] = max(best.get(rival.phrase, 0.0), rival.score)
    ranked = sorted(best.values(), reverse=True)
    return ranked[1] if len(ranked) > 1 else -1.0


def _is_one_place(one: Detection, other: Detection) -> bool:
    return one.box.intersection_over_union(other.box) >= _ONE_PLACE


def _groups(phrases: Sequence[str], fits: Callable[[Sequence[str]], bool]) -> list[list[str]]:
    """Return the phrases in as few passes as they fit into with their negative ones, in order."""
    groups: list[list[str]] = []
    for phrase in phrases:
        if groups and fits([*groups[-1], phrase, *NEGATIVES]):
            groups[-1].append(phrase)
        elif fits([phrase, *NEGATIVES]):
            groups.append([phrase])
        else:
            raise InvalidArgument("a phrase is too long for the detector", "Describe the thing in fewer words")
    return groups
