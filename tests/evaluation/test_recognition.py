# pyright: reportMissingTypeStubs=false, reportUnknownMemberType=false, reportUnknownVariableType=false
# pyright: reportUnknownArgumentType=false, reportArgumentType=false
# ... since seqeval and nervaluate publish no types.
from collections import Counter

import pytest
from nervaluate import Evaluator
from seqeval.metrics import f1_score, precision_score, recall_score
from seqeval.scheme import IOB2

from reamo_mcp.evaluation.counts import Counts, total
from reamo_mcp.evaluation.facts import Facts, Happening, Link, Part, Thing, folded
from reamo_mcp.evaluation.randomness import Dice
from reamo_mcp.evaluation.recognition import (
    count_arguments,
    count_entities,
    count_names,
    count_relations,
    count_triggers,
)
from reamo_mcp.types.grounding import AudioSegment, Provenance, TextSpan

BY = Provenance(model="test", step="locate")
TYPES = ("person", "place", "thing")


def _span(start: int, end: int, medium: str = "text") -> TextSpan:
    return TextSpan(id="g", media_id=medium, start=start, end=end, provenance=BY)


def _thing(kind: str, *spans: tuple[int, int], name: str = "") -> Thing:
    return Thing(kind, name, tuple(_span(*span) for span in spans))


def _tags(dice: Dice, length: int) -> list[str]:
    tags: list[str] = []
    while len(tags) < length:
        if dice.chance(50):
            tags.append("O")
        else:
            kind, size = dice.choice(TYPES), min(dice.between(1, 3), length - len(tags))
            tags += [f"B-{kind}", *[f"I-{kind}"] * (size - 1)]
    return tags


def _facts(tags: list[str]) -> Facts:
    things: list[Thing] = []
    start = 0
    for place, tag in enumerate([*tags, "O"]):
        if place and tags[place - 1] != "O" and not tag.startswith("I-"):
            things.append(_thing(tags[place - 1][2:], (start, place)))
        if not tag.startswith("I-"):
            start = place
    return Facts(things=tuple(things))


def _sample(seed: int) -> tuple[list[list[str]], list[list[str]]]:
    dice = Dice(f"tags {seed}")
    lengths = [dice.between(1, 12) for _ in range(dice.between(1, 8))]
    gold = [_tags(dice, length) for length in lengths]
    predicted = [tags if dice.chance(40) else _tags(dice, len(tags)) for tags in gold]
    return gold, predicted


@pytest.mark.parametrize("seed", range(60))
@pytest.mark.filterwarnings("ignore")  # seqeval warns of samples without entities
def test_entities_score_as_in_seqeval(seed: int) -> None:
    gold, predicted = _sample(seed)
    counts = total(count_entities(_facts(g), _facts(p)) for g, p in zip(gold, predicted, strict=True))
    for ours, theirs in (
        (counts.precision, precision_score),
        (counts.recall, recall_score),
        (counts.f1, f1_score),
    ):
        expected = theirs(gold, predicted, mode="strict", scheme=IOB2, zero_division=0)
        assert ours == pytest.approx(float(expected), abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_strict_and_boundary_scores_are_those_of_nervaluate(seed: int) -> None:
    gold, predicted = _sample(seed)
    results = Evaluator(gold, predicted, tags=list(TYPES), loader="list").evaluate()["overall"]
    pairs = [(_facts(g), _facts(p)) for g, p in zip(gold, predicted, strict=True)]
    strict = total(count_entities(g, p) for g, p in pairs)
    boundary = total(count_entities(g, p, boundary=True) for g, p in pairs)
    assert strict.f1 == pytest.approx(float(results["strict"].f1), abs=1e-9)
    assert boundary.f1 == pytest.approx(results["exact"].f1, abs=1e-9)


@pytest.mark.parametrize("seed", range(40))
def test_names_relations_events_and_arguments_score_as_multisets(seed: int) -> None:
    dice = Dice(f"records {seed}")

    def facts() -> Facts:
        things = [Thing(dice.choice(TYPES), dice.choice("abc")) for _ in range(dice.between(1, 5))]
        links = [Link(dice.choice("rs"), dice.choice(things), dice.choice(things)) for _ in range(dice.between(0, 5))]
        happenings = [
            Happening(
                Thing(event := dice.choice("xy"), dice.choice("tu")),
                tuple(Part(event, dice.choice("pq"), dice.choice(things)) for _ in range(dice.between(0, 3))),
            )
            for _ in range(dice.between(0, 4))
        ]
        return Facts(tuple(things), tuple(links), tuple(happenings))

    def shared(one: list[tuple[str, ...]], other: list[tuple[str, ...]]) -> Counts:
        return Counts((Counter(one) & Counter(other)).total(), len(other), len(one))

    gold, predicted = facts(), facts()

    def both(items: "list[list[tuple[str, ...]]]") -> Counts:
        return shared(items[0], items[1])

    sides = (gold, predicted)
    assert count_names(gold, predicted) == both([[(t.type, t.name) for t in side.things] for side in sides])
    assert count_relations(gold, predicted) == both(
        [[(link.type, link.head.name, link.tail.name) for link in side.links] for side in sides]
    )
    assert count_triggers(gold, predicted) == both(
        [[(h.trigger.type, h.trigger.name) for h in side.happenings] for side in sides]
    )
    assert count_arguments(gold, predicted) == both(
        [[(part.event, part.role, part.thing.name) for part in side.parts] for side in sides]
    )
    assert count_arguments(gold, predicted, loose=True) == both(
        [[(part.event, part.role) for part in side.parts] for side in sides]
    )


def test_nothing_predicted_and_nothing_gold_gives_zero_not_an_error() -> None:
    empty = count_entities(Facts(), Facts())
    assert (empty.precision, empty.recall, empty.f1) == (0, 0, 0)


def test_a_repeated_prediction_is_a_false_positive() -> None:
    gold = Facts(things=(_thing("person", (0, 4)),))
    twice = Facts(things=(_thing("person", (0, 4)), _thing("person", (0, 4))))
    assert count_entities(gold, twice) == Counts(right=1, predicted=2, gold=1)


def test_relaxed_takes_overlapping_spans_and_matches_as_many_as_can_be() -> None:
    gold = Facts(things=(_thing("person", (0, 10)), _thing("person", (20, 30))))
    # The first prediction overlaps both; taking it for the first gold item leaves the second its own.
    predicted = Facts(things=(_thing("person", (5, 25)), _thing("person", (0, 3))))
    assert count_entities(gold, predicted).right == 0
    assert count_entities(gold, predicted, relaxed=True).right == 2


def test_what_is_only_heard_matches_by_name_and_never_what_stands_in_the_text() -> None:
    heard = Thing("person", "The  Wendy", (AudioSegment(id="g", media_id="sound", start=0, end=1, provenance=BY),))
    assert count_entities(Facts((heard,)), Facts((Thing("person", "wendy"),))).right == 1
    assert count_entities(Facts((heard,)), Facts((_thing("person", (0, 5), name="Wendy"),))).right == 0


def test_direction_counts_unless_the_type_is_symmetric() -> None:
    one, other = _thing("person", (0, 3)), _thing("person", (8, 12))
    gold, turned = Facts(links=(Link("spouse", one, other),)), Facts(links=(Link("spouse", other, one),))
    assert count_relations(gold, turned).right == 0
    assert count_relations(gold, turned, symmetric=("spouse",)).right == 1


def test_an_entity_of_several_mentions_is_the_same_end_when_one_span_is_shared() -> None:
    gold = Facts(links=(Link("leads", _thing("person", (0, 3), (9, 12)), _thing("thing", (20, 24))),))
    by_other_mention = Facts(links=(Link("leads", _thing("place", (9, 12)), _thing("thing", (20, 24))),))
    assert count_relations(gold, by_other_mention).right == 1
    assert count_relations(gold, by_other_mention, typed=True).right == 0


def test_names_are_compared_without_case_article_and_spacing() -> None:
    assert folded("The  Hague ") == folded("hague")
    assert folded("Ana\u0301") == folded("Aná")
