"""The meta-response: what a reasoner answers. One record that is the grammar, the parser's result and the target.

A reasoner says what it found (entities, relations, events), quotes where it found it, and names the module that shall
show each place, with an instruction for it (``calls``). ``more`` says that it has not told everything yet.

Its JSON form is written by `written` alone, for prompts, training targets and tests alike: keys in the order of the
fields, no white space, what has its default left out, except the five keys of the whole. Boxes are ``[left, top,
right, bottom]`` in whole pixels of the upright original and times ``[start, end]`` in seconds; a model family that
writes them otherwise is converted in its adapter.
"""

import json
from typing import Literal

from pydantic import ConfigDict, Field

from reamo_mcp.types.record import Record

ModuleName = Literal["image_segmenter", "video_tracker", "audio_segmenter"]
Corners = tuple[float, float, float, float]
"""Left, top, right and bottom edge."""


class MetaMention(Record):
    """Where something is said or shown: the ``nth`` place of ``quote`` in a source.

    ``source`` is the id of a reading, or of a medium; an empty quote means that the medium shows or says it as a whole.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", validate_by_name=True, validate_by_alias=True)

    source: str = Field(validation_alias="in", serialization_alias="in")
    quote: str = ""
    nth: int = Field(default=1, ge=1)


class MetaEntity(Record):
    """A thing; ``name`` is empty for what has no name, such as an unknown face."""

    id: str
    type: str
    name: str
    mentions: tuple[MetaMention, ...] = Field(min_length=1)


class MetaRelation(Record):
    """A link between two entities, by their ids."""

    type: str
    head: str
    tail: str
    evidence: tuple[MetaMention, ...] = ()


class MetaArgument(Record):
    """A part in an event: an entity by its id, or a plain value."""

    role: str
    entity: str | None = None
    value: str | None = None


class MetaEvent(Record):
    """A happening; ``trigger`` is the word that names it, ``evidence`` says where."""

    id: str
    type: str
    trigger: str
    evidence: tuple[MetaMention, ...] = Field(min_length=1)
    arguments: tuple[MetaArgument, ...] = ()


class MetaCall(Record):
    """A request to a module: find what ``instruction`` describes in a medium, for an entity or event.

    ``box`` and ``time`` are hints where to look, never proof.
    """

    target: str
    medium: str
    module: ModuleName
    instruction: str
    box: Corners | None = None
    time: tuple[float, float] | None = None


class MetaResponse(Record):
    """One answer of a reasoner. ``more``: ask again, with what is known."""

    entities: tuple[MetaEntity, ...] = ()
    relations: tuple[MetaRelation, ...] = ()
    events: tuple[MetaEvent, ...] = ()
    calls: tuple[MetaCall, ...] = ()
    more: bool = False


def written(response: MetaResponse) -> str:
    """Return the JSON form, the same for equal responses."""
    spare = response.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    whole = {name: spare.get(name, []) for name in ("entities", "relations", "events", "calls")}
    for call in whole["calls"]:
        if "box" in call:
            call["box"] = [round(place) for place in call["box"]]  # the grammar has no fractions of a pixel
    return json.dumps({**whole, "more": response.more}, ensure_ascii=False, separators=(",", ":"))
