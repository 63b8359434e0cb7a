"""What a proposer claims before it is proven: candidates, each still without a place in the medium.

An embedded proposer knows the slice of the reading (``via``); a reasoner may know only the quote. Grounding turns a
candidate into groundings or into a reason why not.
"""

from pydantic import Field

from reamo_mcp.types.grounding import Provenance, ScoreKind, Via
from reamo_mcp.types.reading import Place
from reamo_mcp.types.record import Record


class CandidateMention(Record):
    """A claim that ``quote`` is said, written or shown in one medium.

    ``via`` names the slice of a reading that the proposer saw; ``place`` is set for sightings, whose place is known
    without words; with neither, ``quote`` has to be searched for, and an empty quote means the medium as a whole.
    ``attested`` marks what the medium says as a whole (a metadata field): its quote is kept and not searched for.
    """

    media_id: str
    quote: str = ""
    via: Via | None = None
    place: Place | None = None
    within: tuple[Via, ...] = ()
    nth: int = Field(default=1, ge=1)
    attested: bool = False
    score: float | None = Field(default=None, ge=0, le=1)
    score_kind: ScoreKind = "none"
    provenance: Provenance


class CandidateEntity(Record):
    """One mention (or several, when the proposer already joined them) of a thing of one type."""

    id: str
    type: str
    name: str
    mentions: tuple[CandidateMention, ...] = Field(min_length=1)


class CandidateRelation(Record):
    """A link between two candidate entities, by their ids."""

    type: str
    head: str
    tail: str
    evidence: CandidateMention | None = None
    score: float | None = Field(default=None, ge=0, le=1)


class CandidateArgument(Record):
    """A part in an event: a candidate entity by its id, or a value with its mention."""

    role: str
    entity: str | None = None
    value: str | None = None
    mention: CandidateMention | None = None
    score: float | None = Field(default=None, ge=0, le=1)


class CandidateEvent(Record):
    """A happening: its trigger word and its arguments."""

    id: str
    type: str
    trigger: CandidateMention
    arguments: tuple[CandidateArgument, ...] = ()
    score: float | None = Field(default=None, ge=0, le=1)


class Candidates(Record):
    """All that one proposer claims about some readings."""

    entities: tuple[CandidateEntity, ...] = ()
    relations: tuple[CandidateRelation, ...] = ()
    events: tuple[CandidateEvent, ...] = ()
