"""Relations and events over the things of the answer, each with its evidence, or with the reason why not."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from reamo_mcp.grounding.locating import Locator
from reamo_mcp.grounding.rejection import Rejection
from reamo_mcp.types.candidate import CandidateArgument, CandidateEvent, CandidateRelation
from reamo_mcp.types.extraction import Argument, Entity, Event, Relation, Trigger, Ungrounded
from reamo_mcp.types.grounding import Grounding, ScoreKind
from reamo_mcp.types.ontology import Ontology, RelationType

T = TypeVar("T", Relation, Event)


@dataclass(frozen=True)
class Answer:
    """The numbered entities of the answer, and what became of each candidate entity."""

    entities: tuple[Entity, ...]
    by_candidate: Mapping[str, Entity]
    evidence: Mapping[str, tuple[str, ...]]  # candidate -> ids of the groundings of its own mentions
    names: Mapping[str, str]  # of located candidates, for reasons


@dataclass(frozen=True)
class Kept(Generic[T]):
    """Claims that hold, and those that do not with the reason."""

    items: tuple[T, ...]
    ungrounded: tuple[Ungrounded, ...]


def numbered(groundings: Iterable[Grounding], numbers: Iterator[int]) -> tuple[Grounding, ...]:
    """Return the groundings with ids ``g1, g2 ...`` from a running count."""
    return tuple(grounding.model_copy(update={"id": f"g{next(numbers)}"}) for grounding in groundings)


def below(score: float, least: float) -> str:
    """Return the reason why something with a low score is left out."""
    return f"its score {score:.2f} is below {least:.2f}"


def related(
    candidates: Sequence[CandidateRelation], answer: Answer, ontology: Ontology, min_score: float
) -> Kept[Relation]:
    """Return the relations between entities of the answer, one per type and pair, in order of first appearance."""
    types = {relation.name: relation for relation in ontology.relation_types}
    kept: dict[tuple[str, str, str], Relation] = {}
    ungrounded: list[Ungrounded] = []
    for candidate in candidates:
        head, tail = answer.by_candidate.get(candidate.head), answer.by_candidate.get(candidate.tail)
        reason = _why_unrelated(candidate, head, tail, types.get(candidate.type), min_score)
        if head is None or tail is None or reason:
            said = f"{_said(candidate.head, answer)} - {_said(candidate.tail, answer)}"
            ungrounded.append(Ungrounded(kind="relation", type=candidate.type, text=said, reason=reason))
            continue
        relation_type = types.get(candidate.type)
        turned = relation_type is not None and relation_type.symmetric and int(tail.id[1:]) < int(head.id[1:])
        pair = (tail.id, head.id) if turned else (head.id, tail.id)
        evidence = (*answer.evidence.get(candidate.head, ()), *answer.evidence.get(candidate.tail, ()))
        known = kept.get((candidate.type, *pair))
        scores = [score for score in (candidate.score, known.score if known else None) if score is not None]
        kept[candidate.type, *pair] = Relation(
            id=known.id if known else f"r{len(kept) + 1}",
            type=candidate.type,
            head=pair[0],
            tail=pair[1],
            score=max(scores) if scores else None,
            score_kind=_score_kind(candidate.score, head, tail) if known is None else known.score_kind,
            evidence=tuple(dict.fromkeys((*(known.evidence if known else ()), *evidence))),
        )
    return Kept(tuple(kept.values()), tuple(ungrounded))


def _why_unrelated(
    candidate: CandidateRelation,
    head: Entity | None,
    tail: Entity | None,
    relation_type: RelationType | None,
    min_score: float,
) -> str:
    if head is None or tail is None:
        return "one of its ends has no proof" if head or tail else "neither of its ends has proof"
    if head.id == tail.id:
        return "both of its ends are one thing"
    if candidate.score is not None and candidate.score < min_score:
        return below(candidate.score, min_score)
    if relation_type is None or _allowed(head, tail, relation_type):
        return ""
    if relation_type.symmetric and _allowed(tail, head, relation_type):
        return ""
    return f"the ontology allows no {relation_type.name!r} from {head.type} to {tail.type}"


def _allowed(head: Entity, tail: Entity, relation_type: RelationType) -> bool:
    return (not relation_type.head or head.type in relation_type.head) and (
        not relation_type.tail or tail.type in relation_type.tail
    )


def _said(candidate: str, answer: Answer) -> str:
    return answer.names.get(candidate, "") or "?"


def _score_kind(score: float | None, *ends: Entity) -> ScoreKind:
    if score is None:
        return "none"
    return "calibrated" if all(end.score_kind == "calibrated" for end in ends) else "model"


def happened(
    candidates: Sequence[CandidateEvent], answer: Answer, locator: Locator, min_score: float, numbers: Iterator[int]
) -> Kept[Event]:
    """Return the events whose trigger has a place; arguments without proof are left out, with the reason."""
    events: list[Event] = []
    ungrounded: list[Ungrounded] = []
    for candidate in candidates:
        trigger = locator.locate(candidate.trigger)
        reason = trigger.reason if isinstance(trigger, Rejection) else ""
        if not reason and candidate.score is not None and candidate.score < min_score:
            reason = below(candidate.score, min_score)
        if isinstance(trigger, Rejection) or reason:
            ungrounded.append(_unproven("event", candidate.type, candidate.trigger.quote, reason, candidate))
            continue
        places = numbered([trigger], numbers)
        arguments: list[Argument] = []
        for argument in candidate.arguments:
            found = _argument(argument, answer, locator, min_score, numbers)
            if isinstance(found, Rejection):
                said = argument.value or _said(argument.entity or "", answer)
                ungrounded.append(
                    _unproven("argument", f"{candidate.type}: {argument.role}", said, found.reason, candidate)
                )
            elif not any(_equal(found, other) for other in arguments):
                arguments.append(found)
        kind = candidate.trigger.score_kind
        events.append(
            Event(
                id=f"v{len(events) + 1}",
                type=candidate.type,
                trigger=Trigger(text=candidate.trigger.quote, groundings=places),
                arguments=tuple(arguments),
                score=candidate.score,
                score_kind="none" if candidate.score is None else "model" if kind == "none" else kind,
            )
        )
    return Kept(tuple(events), tuple(ungrounded))


def _argument(
    candidate: CandidateArgument, answer: Answer, locator: Locator, min_score: float, numbers: Iterator[int]
) -> Argument | Rejection:
    if candidate.score is not None and candidate.score < min_score:
        return Rejection(below(candidate.score, min_score))
    if candidate.entity is not None:
        entity = answer.by_candidate.get(candidate.entity)
        if entity is None:
            return Rejection("its entity has no proof")
        evidence = answer.evidence.get(candidate.entity, ())
        return Argument(role=candidate.role, entity=entity.id, evidence=evidence, score=candidate.score)
    if not candidate.value:
        return Rejection("it names neither an entity nor a value")
    if candidate.mention is None:
        return Argument(role=candidate.role, value=candidate.value, score=candidate.score)
    place = locator.locate(candidate.mention)
    if isinstance(place, Rejection):
        return place
    places = numbered([place], numbers)
    return Argument(
        role=candidate.role,
        value=candidate.value,
        evidence=tuple(grounding.id for grounding in places),
        groundings=places,
        score=candidate.score,
    )


def _equal(left: Argument, right: Argument) -> bool:
    return (left.role, left.entity, left.value) == (right.role, right.entity, right.value) and left.entity is not None


def _unproven(
    kind: Literal["event", "argument"], type_name: str, said: str, reason: str, event: CandidateEvent
) -> Ungrounded:
    return Ungrounded(kind=kind, type=type_name, text=said, reason=reason, media_id=event.trigger.media_id)
