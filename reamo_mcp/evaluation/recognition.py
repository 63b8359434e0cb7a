"""Were the right entities, relations and events named? Micro precision, recall and F1.

Source: Zhang et al., "Recognizing Everything from All Modalities at Once" (Findings of ACL 2024): "span-based offset
Micro-F1"; NER: boundary and type; RE: both boundaries and the relation; ET: type and trigger word; EA: role and event
type "match a reference argument mention". What the paper leaves open is decided here:

- *Where a thing is.* A thing with text spans is compared by them: exact offsets, never strings. A thing without any
  (only seen or heard) is compared by its name, see `folded`. One with spans never matches one without: the proof is in
  the wrong medium.
- *NER counts mentions*: each text span of an entity is one item; an entity without text span is one item.
- *RE and EE count records.* An entity of several mentions matches when it shares one span.
- *One to one*: each gold item is used once, so repetitions are false positives. The number of matches is the greatest
  possible (`most_pairs`), whatever the order.
- *Direction* of relations counts, save for the types given as symmetric.
- *Nothing predicted, nothing gold* gives counts of zero: a sample that says nothing weighs nothing.

Variants, always under their own names: ``relaxed`` takes overlapping spans for equal (one shared character is
enough); ``boundary`` ignores the type of entities; ``typed`` relations need the types of both entities too (the usual
"strict" of relation extraction); ``loose`` arguments compare (event type, role) alone, the literal reading of EA.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Literal

from reamo_mcp.evaluation.assignment import most_pairs
from reamo_mcp.evaluation.counts import Counts
from reamo_mcp.evaluation.facts import Facts, Link, Part, Span, Thing, folded

Spans = Callable[[Thing, Thing], bool]
Task = Literal["NER", "RE", "EE", "ASR"]
"""What a case asks for; ASR: only what is said, see `reamo_mcp.evaluation.speech`."""


@dataclass(frozen=True)
class _Mention:
    type: str
    span: Span | None
    name: str


def overlaps(one: Span, other: Span) -> bool:
    """Return True if two spans of one medium share a character."""
    return one[0] == other[0] and one[1] < other[2] and other[1] < one[2]


def same_place(one: Thing, other: Thing) -> bool:
    """Return True if two things share a text span; without spans on both sides, if they are called the same."""
    if one.spans or other.spans:
        return not one.spans.isdisjoint(other.spans)
    return folded(one.name) == folded(other.name)


def near_place(one: Thing, other: Thing) -> bool:
    """Return True if spans of two things overlap; without spans on both sides, if they are called the same."""
    if one.spans or other.spans:
        return any(overlaps(mine, theirs) for mine in one.spans for theirs in other.spans)
    return folded(one.name) == folded(other.name)


def count_entities(gold: Facts, predicted: Facts, *, relaxed: bool = False, boundary: bool = False) -> Counts:
    """Count mentions of entities: span and type (``boundary``: span alone; ``relaxed``: overlapping spans)."""

    def matches(one: _Mention, other: _Mention) -> bool:
        if not boundary and one.type != other.type:
            return False
        if one.span is None or other.span is None:
            return one.span is None and other.span is None and one.name == other.name
        return overlaps(one.span, other.span) if relaxed else one.span == other.span

    mine, theirs = _mentions(gold), _mentions(predicted)
    return Counts(len(most_pairs(mine, theirs, matches)), len(theirs), len(mine))


def count_relations(
    gold: Facts,
    predicted: Facts,
    *,
    relaxed: bool = False,
    typed: bool = False,
    symmetric: Collection[str] = (),
) -> Counts:
    """Count relations: both ends and the type; ``symmetric`` names the types whose direction does not count."""
    near: Spans = near_place if relaxed else same_place

    def ends(head: Thing, tail: Thing, other: Link) -> bool:
        pairs = ((head, other.head), (tail, other.tail))
        return all(near(mine, theirs) and (not typed or mine.type == theirs.type) for mine, theirs in pairs)

    def matches(one: Link, other: Link) -> bool:
        if one.type != other.type:
            return False
        return ends(one.head, one.tail, other) or (one.type in symmetric and ends(one.tail, one.head, other))

    return Counts(len(most_pairs(gold.links, predicted.links, matches)), len(predicted.links), len(gold.links))


def count_triggers(gold: Facts, predicted: Facts, *, relaxed: bool = False) -> Counts:
    """Count events by trigger and type (ET)."""
    near: Spans = near_place if relaxed else same_place
    mine = [happening.trigger for happening in gold.happenings]
    theirs = [happening.trigger for happening in predicted.happenings]
    pairs = most_pairs(mine, theirs, lambda one, other: one.type == other.type and near(one, other))
    return Counts(len(pairs), len(theirs), len(mine))


def count_arguments(gold: Facts, predicted: Facts, *, relaxed: bool = False, loose: bool = False) -> Counts:
    """Count arguments by event type, role and the argument's place (EA); the trigger need not match (ACE's rule)."""
    near: Spans = near_place if relaxed else same_place

    def matches(one: Part, other: Part) -> bool:
        if (one.event, one.role) != (other.event, other.role):
            return False
        return loose or near(one.thing, other.thing)

    return Counts(len(most_pairs(gold.parts, predicted.parts, matches)), len(predicted.parts), len(gold.parts))


def count_names(gold: Facts, predicted: Facts) -> Counts:
    """Count entities by folded name and type alone, as multisets: ``string-F1``, for engines without offsets."""
    mine = [(thing.type, folded(thing.name)) for thing in gold.things]
    theirs = [(thing.type, folded(thing.name)) for thing in predicted.things]
    return Counts(len(most_pairs(mine, theirs, lambda one, other: one == other)), len(theirs), len(mine))


def _mentions(facts: Facts) -> list[_Mention]:
    mentions: list[_Mention] = []
    for thing in facts.things:
        if spans := sorted(thing.spans):
            mentions += [_Mention(thing.type, span, "") for span in spans]
        else:
            mentions.append(_Mention(thing.type, None, folded(thing.name)))
    return mentions
