"""The proof behind items of a result, as lines of text or as one picture."""

import base64
from collections.abc import Iterator, Sequence

from mcp.types import CallToolResult, ImageContent

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evidence.quote import quoted
from reamo_mcp.server.pages import MOST_CHARACTERS, call_result
from reamo_mcp.server.wording import place as in_words
from reamo_mcp.server.wording import shown
from reamo_mcp.types.answers import EvidenceAnswer
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Grounding


def places_of(extraction: Extraction, ids: Sequence[str]) -> list[Grounding]:
    """Return the places of these items: of entities, relations and events, or the places named by their own ids.

    Raises InvalidArgument for an id that the result does not have.
    """
    places = {place.id: place for place in extraction.groundings()}
    found: dict[str, Grounding] = {}
    for id_ in ids:
        own = [places[id_]] if id_ in places else list(_places_of_item(extraction, id_, places))
        if not own:
            raise InvalidArgument(f"this result has no item {id_[:40]!r}", "Use the ids of its items, such as 'e1'")
        found |= {place.id: place for place in own}
    return list(found.values())


def _places_of_item(extraction: Extraction, id_: str, places: dict[str, Grounding]) -> Iterator[Grounding]:
    for entity in extraction.entities:
        if entity.id == id_:
            yield from entity.groundings
    for relation in extraction.relations:
        if relation.id == id_:
            yield from (places[name] for name in relation.evidence)
    for event in extraction.events:
        if event.id == id_:
            yield from event.trigger.groundings
            for argument in event.arguments:
                yield from argument.groundings
                yield from (places[name] for name in argument.evidence)


def in_lines(result_id: str, extraction: Extraction, places: Sequence[Grounding], around: int) -> CallToolResult:
    """Return one line per place: where it is, and its quote with what stands around it."""
    lines: list[str] = []
    room = MOST_CHARACTERS // 2 - 500
    for place in places:
        words = quoted(place, extraction, around)
        said = f"{words.before}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}{words.quote}"
        said += f"\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}{words.after}"
        line = f"{in_words(place, words.quote)}: {shown(said, 2 * around + 400)}" if words.quote else in_words(place)
        room -= len(line) + 8
        if room < 0 and lines:
            break
        lines.append(line)
    left = len(places) - len(lines)
    notice = f"{left} more places: ask for fewer ids, or less context" if left else None
    answer = EvidenceAnswer(result_id=result_id, evidence=tuple(lines), notice=notice)
    return call_result(answer, "\n".join([*lines, *([notice] if notice else [])]))


def as_picture(picture: bytes) -> CallToolResult:
    """Return the picture alone: some hosts show nothing else where there is structured content."""
    data = base64.b64encode(picture).decode("ascii")
    return CallToolResult(content=[ImageContent(type="image", data=data, mime_type="image/jpeg")])
