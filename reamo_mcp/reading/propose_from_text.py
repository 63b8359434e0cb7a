"""From readings to candidates, with a text extractor, patterns, and what was seen or attested without words.

What becomes a candidate:

- mentions that the extractor finds in the visible text of every reading that holds text, and mentions with a form of
  their own (`reamo_mcp.reading.patterns`);
- faces, as nameless persons with their place; what codes say, with the place of the code;
- fields of metadata that attest an entity of a type the ontology has, as a whole.

Where the extractor and a pattern claim the same characters, the pattern decides if it covers all that the extractor
claims, or if both claim the same type: its form is exact, and what the extractor's mention takes part in moves over to
it. Where the extractor claims more and another type ("9 March Street"), the extractor decides and the pattern's
mention is dropped, unless the ontology lets mentions nest.

In a draft reading (a draft transcript) only words heard with confidence become mentions: what rests on another word is
returned among the ungrounded, since neither the words nor their place are known.
"""

from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from reamo_mcp.isolation.control import Control
from reamo_mcp.models.roles import EntityMention, Failed, Mentions, TextExtractor, Unsupported
from reamo_mcp.reading.patterns import PatternMention, asked_forms, find_patterns
from reamo_mcp.reading.visible_text import VisibleText, visible_text
from reamo_mcp.types.candidate import (
    CandidateArgument,
    CandidateEntity,
    CandidateEvent,
    CandidateMention,
    CandidateRelation,
    Candidates,
)
from reamo_mcp.types.coverage import UnsupportedAsk
from reamo_mcp.types.extraction import Notice, Ungrounded
from reamo_mcp.types.grounding import Provenance, ScoreKind, Via
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.reading import Fact, Reading, Sighting
from reamo_mcp.types.record import Record

Task = Literal["entities", "relations", "events"]
_TEXT_BEARING = frozenset(("text", "picture_text", "transcript", "video_text"))
_PERSON_NAMES = frozenset(("person", "people", "human", "per"))
_BY_PATTERNS = Provenance(model="patterns", step="propose")


class Proposal(Record):
    """What was proposed, and what could not be asked: readings that failed, asks that the extractor does not know."""

    candidates: Candidates = Candidates()
    ungrounded: tuple[Ungrounded, ...] = ()
    unsupported: tuple[UnsupportedAsk, ...] = ()
    failed: tuple[Notice, ...] = ()


@dataclass
class _Found:
    """Candidates while they are collected."""

    entities: list[CandidateEntity] = field(default_factory=list[CandidateEntity])
    relations: list[CandidateRelation] = field(default_factory=list[CandidateRelation])
    events: list[CandidateEvent] = field(default_factory=list[CandidateEvent])
    ungrounded: list[Ungrounded] = field(default_factory=list[Ungrounded])
    unsupported: list[UnsupportedAsk] = field(default_factory=list[UnsupportedAsk])
    failed: list[Notice] = field(default_factory=list[Notice])


def propose_from_text(
    readings: Sequence[Reading],
    extractor: TextExtractor | None,
    ontology: Ontology,
    tasks: Sequence[Task],
    control: Control,
) -> Proposal:
    """Return candidates from all readings. Without an extractor, patterns, sightings and metadata still count.

    Raises what ``control.check`` raises. A reading on which the extractor fails is told in ``failed``.
    """
    asked = reduced(ontology, tasks)
    seen = [(reading, visible_text(reading)) for reading in readings if reading.kind in _TEXT_BEARING]
    seen = [(reading, visible) for reading, visible in seen if visible.text.strip()]
    found = _Found()
    answers = _asked_extractor(seen, extractor, asked, found, control)
    for (reading, visible), mentions in zip(seen, answers, strict=True):
        control.check()
        _ReadingProposer(reading, visible, asked, extractor, found).propose(mentions, control)
    for reading in readings:
        found.entities.extend(_sighted(reading, asked, control))
        found.entities.extend(_attested(reading, asked))
    return Proposal(
        candidates=Candidates(
            entities=tuple(found.entities), relations=tuple(found.relations), events=tuple(found.events)
        ),
        ungrounded=tuple(found.ungrounded),
        unsupported=tuple(found.unsupported),
        failed=tuple(found.failed),
    )


def reduced(ontology: Ontology, tasks: Sequence[Task]) -> Ontology:
    """Return the ontology without what was not asked for; relations and events still need their entities."""
    return ontology.model_copy(
        update={
            "relation_types": ontology.relation_types if "relations" in tasks else (),
            "event_types": ontology.event_types if "events" in tasks else (),
        }
    )


def _asked_extractor(
    seen: Sequence[tuple[Reading, VisibleText]],
    extractor: TextExtractor | None,
    ontology: Ontology,
    found: _Found,
    control: Control,
) -> list[Mentions]:
    if extractor is None or not seen:
        if seen:
            found.unsupported.append(
                UnsupportedAsk(media_id=None, what="names in text", reason="no text extractor is installed")
            )
        return [Mentions()] * len(seen)
    mentions: list[Mentions] = []
    answers = extractor.extract([visible.text for _, visible in seen], ontology, control)
    for (reading, _), answer in zip(seen, answers, strict=True):
        match answer:
            case Unsupported(reason=reason):
                found.unsupported.append(
                    UnsupportedAsk(media_id=reading.media_id, what=f"names in {reading.kind}", reason=reason)
                )
                mentions.append(Mentions())
            case Failed(code=code, message=message):
                notice = Notice(code=code, message=message, media_id=reading.media_id, retryable=True)
                found.failed.append(notice)
                mentions.append(Mentions())
            case _:
                mentions.append(answer.items[0] if answer.items else Mentions())
    return mentions


@dataclass
class _ReadingProposer:
    """Turns the mentions of one reading into candidates. Ids begin with the id of the reading."""

    reading: Reading
    visible: VisibleText
    ontology: Ontology
    extractor: TextExtractor | None
    found: _Found

    def __post_init__(self) -> None:
        card = self.extractor.card if self.extractor else None
        self._provenance = Provenance(model=card.name if card else "patterns", step="propose")
        self._score_kind: ScoreKind = "calibrated" if card and card.calibrated else "model"
        self._unsure = [word for word in self.reading.words if not word.confident] if self.reading.draft else []

    def propose(self, mentions: Mentions, control: Control) -> None:
        patterns = find_patterns(self.visible.text, self.ontology, control)
        kept_patterns, moved = _settle(mentions.entities, patterns, nested=self.ontology.nested)
        by_pattern = {index: self._pattern_candidate(index, pattern) for index, pattern in kept_patterns.items()}
        ids: list[str | None] = []
        for index, mention in enumerate(mentions.entities):
            if index in moved:
                ids.append(by_pattern[moved[index]])
            else:
                ids.append(self._entity(f"{self.reading.id}:{index}", mention))
        for relation in mentions.relations:
            head, tail = ids[relation.head], ids[relation.tail]
            if head is not None and tail is not None and head != tail:
                self.found.relations.append(
                    CandidateRelation(type=relation.type, head=head, tail=tail, score=relation.score)
                )
        self._events(mentions, ids)

    def _mention(self, start: int, end: int, score: float | None, provenance: Provenance) -> CandidateMention | None:
        span = self.visible.in_reading(start, end)
        if span is None:
            return None
        return CandidateMention(
            media_id=self.reading.media_id,
            quote=self.reading.text[span[0] : span[1]],
            via=Via(reading=self.reading.id, start=span[0], end=span[1]),
            score=score,
            score_kind="none" if score is None else self._score_kind,
            provenance=provenance,
        )

    def _is_unsure(self, mention: CandidateMention) -> bool:
        if mention.via is None:
            return False
        at = bisect_left(self._unsure, mention.via.end, key=lambda word: word.start)
        return at > 0 and self._unsure[at - 1].end > mention.via.start

    def _entity(self, identity: str, found: EntityMention | PatternMention) -> str | None:
        by_model = isinstance(found, EntityMention)
        mention = self._mention(
            found.start,
            found.end,
            found.score if by_model else None,
            self._provenance if by_model else _BY_PATTERNS,
        )
        if mention is None:
            return None
        if self._is_unsure(mention):
            self.found.ungrounded.append(
                Ungrounded(
                    kind="entity",
                    type=found.type,
                    text=mention.quote,
                    reason="heard without confidence in a draft transcript",
                    media_id=self.reading.media_id,
                )
            )
            return None
        candidate = CandidateEntity(id=identity, type=found.type, name=plain_name(mention.quote), mentions=(mention,))
        self.found.entities.append(candidate)
        return candidate.id

    def _pattern_candidate(self, index: int, pattern: PatternMention) -> str | None:
        return self._entity(f"{self.reading.id}:p{index}", pattern)

    def _events(self, mentions: Mentions, ids: Sequence[str | None]) -> None:
        for index, event in enumerate(mentions.events):
            trigger = self._mention(event.start, event.end, event.score, self._provenance)
            if trigger is None or self._is_unsure(trigger):
                continue
            arguments: list[CandidateArgument] = []
            for argument in event.arguments:
                entity = None if argument.entity is None else ids[argument.entity]
                value = self._mention(argument.start, argument.end, argument.score, self._provenance)
                if entity is not None:
                    arguments.append(CandidateArgument(role=argument.role, entity=entity, score=argument.score))
                elif value is not None and not self._is_unsure(value):
                    arguments.append(
                        CandidateArgument(
                            role=argument.role, value=plain_name(value.quote), mention=value, score=argument.score
                        )
                    )
            self.found.events.append(
                CandidateEvent(
                    id=f"{self.reading.id}:v{index}",
                    type=event.type,
                    trigger=trigger,
                    arguments=tuple(arguments),
                    score=event.score,
                )
            )


def _settle(
    entities: Sequence[EntityMention], patterns: Sequence[PatternMention], *, nested: bool
) -> tuple[dict[int, PatternMention], dict[int, int]]:
    """Return the patterns that stay, by their index, and for each model mention that gives way, its pattern's index."""
    kept = dict(enumerate(patterns))
    moved: dict[int, int] = {}
    order = sorted(range(len(entities)), key=lambda index: entities[index].start)
    first = 0
    for index in order:
        mention = entities[index]
        while first < len(patterns) and patterns[first].end <= mention.start:
            first += 1
        at = first
        while at < len(patterns) and patterns[at].start < mention.end:
            pattern = patterns[at]
            covers = pattern.start <= mention.start and mention.end <= pattern.end
            if at in kept and (covers or pattern.type == mention.type):
                moved.setdefault(index, at)
            elif at in kept and not nested:
                del kept[at]
            at += 1
    return kept, {index: at for index, at in moved.items() if at in kept}


def plain_name(quote: str) -> str:
    """Return a quote as a name: white space as single blanks, words that a line end cut as one word."""
    lines = [line.strip() for line in quote.splitlines() if line.strip()]
    name = lines[0] if lines else ""
    for line in lines[1:]:
        cut = len(name) > 1 and name[-1] in "-‐\u00ad" and name[-2].isalpha() and line[0].islower()
        name = name[:-1] + line if cut else f"{name} {line}"
    return " ".join(name.split())


def _person_type(ontology: Ontology) -> str | None:
    return next((kind.name for kind in ontology.entity_types if kind.name.casefold() in _PERSON_NAMES), None)


def _sighted(reading: Reading, ontology: Ontology, control: Control) -> Iterator[CandidateEntity]:
    """Yield nameless persons for faces, and what codes say as the types whose form it has."""
    person = _person_type(ontology)
    for sighting in reading.sightings:
        if sighting.value is None:
            if sighting.type == "face" and person is not None:
                yield CandidateEntity(
                    id=f"{reading.id}:{sighting.id}",
                    type=person,
                    name="",
                    mentions=(_seen(reading, sighting, "", sighting.score, sighting.score_kind),),
                )
            continue
        for index, pattern in enumerate(find_patterns(sighting.value, ontology, control)):
            said = sighting.value[pattern.start : pattern.end]
            yield CandidateEntity(
                id=f"{reading.id}:{sighting.id}:{index}",
                type=pattern.type,
                name=said,
                mentions=(_seen(reading, sighting, said, None, "none"),),
            )


def _seen(reading: Reading, sighting: Sighting, quote: str, score: float | None, kind: ScoreKind) -> CandidateMention:
    return CandidateMention(
        media_id=reading.media_id,
        quote=quote,
        place=sighting.place,
        score=score,
        score_kind=kind,
        provenance=Provenance(model=reading.model, step="read"),
    )


def _attested(reading: Reading, ontology: Ontology) -> Iterator[CandidateEntity]:
    """Yield entities that fields of the file itself attest, if the ontology has their type."""
    names = {kind.name.casefold(): kind.name for kind in ontology.entity_types}
    forms = asked_forms(ontology)
    for index, fact in enumerate(reading.facts):
        value = fact.value.strip()
        asked = None if fact.type is None else names.get(fact.type.casefold()) or forms.get(fact.type.casefold())
        if asked is not None and value:
            yield CandidateEntity(
                id=f"{reading.id}:f{index}",
                type=asked,
                name=" ".join(value.split()),
                mentions=(_attested_mention(reading, fact, value),),
            )


def _attested_mention(reading: Reading, fact: Fact, value: str) -> CandidateMention:
    return CandidateMention(
        media_id=reading.media_id,
        quote=value,
        place=fact.place,
        attested=fact.place is None,
        provenance=Provenance(model=reading.model, step="read"),
    )
