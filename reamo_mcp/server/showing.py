"""The proof behind items of a result: as lines of text, as one picture, as the clip of a moment."""

import base64
import json
import re
from collections.abc import Iterator, Sequence

from mcp.types import CallToolResult, ImageContent, ResourceLink

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.evidence.clip import clip_of, clips_can_be_made, is_moment
from reamo_mcp.evidence.quote import quoted
from reamo_mcp.media.opening import Allowed
from reamo_mcp.server.pages import MOST_CHARACTERS, call_result
from reamo_mcp.server.services import Services
from reamo_mcp.server.wording import place as in_words
from reamo_mcp.server.wording import shown
from reamo_mcp.types.answers import EvidenceAnswer
from reamo_mcp.types.extraction import Extraction, Ungrounded
from reamo_mcp.types.grounding import Grounding
from reamo_mcp.types.media import MediaKind

_MIME_TYPES = {"mp4": "video/mp4", "mp3": "audio/mpeg"}
_UNPROVEN = re.compile(r"u([1-9][0-9]{0,8})")


def places_of(extraction: Extraction, ids: Sequence[str]) -> list[Grounding]:
    """Return the places of these items: of entities, relations and events, or the places named by their own ids.

    A claim without proof has none. Raises InvalidArgument for an id that the result does not have.
    """
    places = {place.id: place for place in extraction.groundings()}
    found: dict[str, Grounding] = {}
    for id_ in ids:
        own = [places[id_]] if id_ in places else list(_places_of_item(extraction, id_, places))
        if not own and _unproven(extraction, id_) is None:
            raise InvalidArgument(f"this result has no item {id_[:40]!r}", "Use the ids of its items, such as 'e1'")
        found |= {place.id: place for place in own}
    return list(found.values())


def ids_of(extraction: Extraction) -> Iterator[str]:
    """Yield the ids that `places_of` knows: of the items in their order, then of their places."""
    for items in (extraction.entities, extraction.relations, extraction.events):
        yield from (item.id for item in items)
    yield from (f"u{number}" for number in range(1, len(extraction.ungrounded) + 1))
    yield from (place.id for place in extraction.groundings())


def _unproven(extraction: Extraction, id_: str) -> Ungrounded | None:
    number = _UNPROVEN.fullmatch(id_)
    return (
        extraction.ungrounded[int(number[1]) - 1] if number and int(number[1]) <= len(extraction.ungrounded) else None
    )


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


def in_lines(result_id: str, extraction: Extraction, ids: Sequence[str], around: int) -> CallToolResult:
    """Return one line per place: where it is, and its quote with what stands around it; and the clips of moments."""
    answer = evidence_of(result_id, extraction, ids, around)
    words = [*answer.evidence, *answer.clips, *([answer.notice] if answer.notice else [])]
    result = call_result(answer, "\n".join(words))
    result.content += [
        ResourceLink(type="resource_link", name=clip.rpartition("/")[2], uri=clip, mime_type=_MIME_TYPES[clip[-3:]])
        for clip in answer.clips
    ]
    return result


def evidence_of(result_id: str, extraction: Extraction, ids: Sequence[str], around: int) -> EvidenceAnswer:
    """Return the proof of some items in words. Raises InvalidArgument for an id that the result does not have."""
    places = places_of(extraction, ids)
    unproven = [(id_, claim) for id_ in ids if (claim := _unproven(extraction, id_)) is not None]
    clips = tuple(_clips(result_id, extraction, ids)) if clips_can_be_made() else ()
    lines: list[str] = []
    # A line stands in the structure and in the text; a clip in both and in its link.
    room = MOST_CHARACTERS // 2 - 500 - sum(2 * len(clip) + 80 for clip in clips)
    for line in (*(_line(place, extraction, around) for place in places), *(_no_proof(*claim) for claim in unproven)):
        room -= len(json.dumps(line, ensure_ascii=False)) + 4
        if room < 0 and lines:
            break
        lines.append(line)
    left = len(places) + len(unproven) - len(lines)
    return EvidenceAnswer(
        result_id=result_id,
        evidence=tuple(lines),
        clips=clips,
        notice=f"{left} more places: ask for fewer ids, or less context" if left else None,
    )


def _line(place: Grounding, extraction: Extraction, around: int) -> str:
    words = quoted(place, extraction, around)
    said = f"{words.before}\N{LEFT-POINTING DOUBLE ANGLE QUOTATION MARK}{words.quote}"
    said += f"\N{RIGHT-POINTING DOUBLE ANGLE QUOTATION MARK}{words.after}"
    return f"{in_words(place, words.quote)}: {shown(said, 2 * around + 400)}" if words.quote else in_words(place)


def _no_proof(id_: str, claim: Ungrounded) -> str:
    where = f" in {claim.media_id}" if claim.media_id else ""
    return f"{id_} {claim.kind} {shown(claim.type, 80)} {shown(claim.text)!r}{where}: no proof: {shown(claim.reason)}"


def _clips(result_id: str, extraction: Extraction, ids: Sequence[str]) -> Iterator[str]:
    for id_ in ids:
        moment = _moment(extraction, id_)
        if moment is not None:
            yield f"reamo://evidence/{result_id}/{id_}.{'mp4' if moment[1] == 'video' else 'mp3'}"


def _moment(extraction: Extraction, id_: str) -> tuple[Grounding, MediaKind] | None:
    for place in places_of(extraction, [id_]):
        medium = extraction.document.medium(place.media_id)
        if medium is not None and medium.kind in ("audio", "video") and is_moment(place):
            return place, medium.kind
    return None


async def seen(
    services: Services, result_id: str, extraction: Extraction, places: Sequence[Grounding], allowed: Allowed
) -> bytes:
    """Return the picture of the first place that can be seen. Raises InvalidArgument where none can."""
    jobs = await services.jobs()
    for place in places:
        picture = await jobs.look(result_id, extraction, place, allowed)
        if picture is not None:
            return picture
    raise InvalidArgument("none of these places can be shown as a picture", "Ask again without 'picture'")


async def clip(
    services: Services, result_id: str, extraction: Extraction, id_: str, kind: MediaKind, allowed: Allowed
) -> bytes:
    """Return the clip of the first moment of an item. Raises InvalidArgument where there is none of this kind."""
    moment = _moment(extraction, id_)
    if moment is not None and moment[1] == kind:
        jobs = await services.jobs()
        made = await jobs.look(result_id, extraction, moment[0], allowed, clip_of)
        if made is not None:
            return made
    raise InvalidArgument(f"{id_[:40]!r} has no moment of {kind}", "show_evidence names the clips that there are")


def as_picture(picture: bytes) -> CallToolResult:
    """Return the picture alone: some hosts show nothing else where there is structured content."""
    data = base64.b64encode(picture).decode("ascii")
    return CallToolResult(content=[ImageContent(type="image", data=data, mime_type="image/jpeg")])
