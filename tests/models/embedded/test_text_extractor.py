"""The shipped extractor on a CPU: what it finds, where exactly, and how it behaves."""

import random
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest

from reamo_mcp.errors import Cancelled, ModelUnavailable
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.embedded.text_extractor_network import WEIGHTS
from reamo_mcp.models.embedded.text_extractor_questions import Thresholds
from reamo_mcp.models.roles import Found, Mentions
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role

NAMES = Ontology.of(entity_types=["person", "organization", "location"])
PEOPLE = ("Angela Merkel", "Barack Obama", "John Smith", "Marie Curie", "Michael Jordan", "David Cameron")
EVERYTHING = Thresholds(entity=0.0, event=0.0, relation=0.0, argument=0.0)


@pytest.fixture(scope="module")
def extractor() -> EmbeddedTextExtractor:
    return EmbeddedTextExtractor(2)


@pytest.fixture(scope="module")
def eager() -> EmbeddedTextExtractor:
    return EmbeddedTextExtractor(2, thresholds=EVERYTHING)


def mentions(extractor: EmbeddedTextExtractor, texts: Sequence[str], ontology: Ontology) -> list[Mentions]:
    found: list[Mentions] = []
    for answer in extractor.extract(texts, ontology, Unlimited()):
        assert isinstance(answer, Found)
        found.append(answer.items[0])
    return found


def quotes(text: str, found: Mentions) -> list[tuple[str, str]]:
    return [(text[entity.start : entity.end], entity.type) for entity in found.entities]


def test_names_of_people_and_places_are_found_with_their_types(extractor: EmbeddedTextExtractor) -> None:
    text = "Angela Merkel met Barack Obama in Berlin."
    (found,) = mentions(extractor, [text], NAMES)
    assert quotes(text, found) == [
        ("Angela Merkel", "person"),
        ("Barack Obama", "person"),
        ("Berlin", "location"),
    ]
    assert all(0 < entity.score < 1 for entity in found.entities)


def test_a_transcript_without_capitals_still_names_people(extractor: EmbeddedTextExtractor) -> None:
    text = "so yesterday angela merkel met barack obama in berlin"
    (found,) = mentions(extractor, [text], NAMES)
    assert ("barack obama", "person") in quotes(text, found)


def test_texts_in_give_answers_out_in_the_same_order(extractor: EmbeddedTextExtractor) -> None:
    texts = ["", "Marie Curie lived in Paris.", " \n ", "Nothing to see here, move along.", "John Smith left."]
    found = mentions(extractor, texts, NAMES)
    assert [any(one.entities) for one in found] == [False, True, False, False, True]


def test_without_types_nothing_is_asked(extractor: EmbeddedTextExtractor) -> None:
    assert mentions(extractor, ["Angela Merkel met Barack Obama."], Ontology()) == [Mentions()]


def test_offsets_are_code_points_whatever_stands_around_the_name(extractor: EmbeddedTextExtractor) -> None:
    chance = random.Random(7)
    signs = "é ü 🙂 👩‍👩‍👧 日本 \u200b \u0301 ﬁ İ ǅ \u00ad … « » — \t العربية ़ 𝔘 ß".split(" ")
    texts: list[str] = []
    planted: list[tuple[int, int]] = []
    for _ in range(150):
        name = chance.choice(PEOPLE)
        before = " ".join(chance.choice(signs) for _ in range(chance.randrange(4)))
        start = f"{before} {chance.choice(('Yesterday', 'Then', 'In May'))} "
        texts.append(f"{start}{name} met the mayor of Paris {chance.choice(signs)}.")
        planted.append((len(start), len(start) + len(name)))
    found = mentions(extractor, texts, NAMES)
    hits = 0
    for (start, end), one in zip(planted, found, strict=True):
        here = [(e.start, e.end) for e in one.entities if e.type == "person" and e.start < end and e.end > start]
        hits += (start, end) in here
    assert hits >= 135


def test_a_long_text_gives_every_name_once_and_in_order(extractor: EmbeddedTextExtractor) -> None:
    sentence = "Marie Curie moved to Paris. It was a cold and rainy day in the middle of the winter. "
    text = sentence * 120
    (found,) = mentions(extractor, [text], NAMES)
    starts = [e.start for e in found.entities if text[e.start : e.end] == "Marie Curie"]
    assert starts == [number * len(sentence) for number in range(120)]


def test_a_sentence_without_end_loses_no_name_and_doubles_none(extractor: EmbeddedTextExtractor) -> None:
    clause = "and then Barack Obama spoke with somebody about it "
    text = clause * 80
    (found,) = mentions(extractor, [text], NAMES)
    starts = [e.start for e in found.entities if text[e.start : e.end] == "Barack Obama"]
    assert len(starts) == len(set(starts))
    assert len(starts) >= 76
    assert all(first.end <= second.start for first, second in zip(found.entities, found.entities[1:], strict=False))


def test_a_flood_of_letters_is_read_without_harm(extractor: EmbeddedTextExtractor) -> None:
    text = "x" * 100_000 + " " + "\u0301" * 1000 + "Angela Merkel met Barack Obama in Berlin."
    (found,) = mentions(extractor, [text], NAMES)
    assert all(0 <= e.start < e.end <= len(text) for e in found.entities)


def test_mentions_overlap_only_where_the_ontology_lets_them_nest(eager: EmbeddedTextExtractor) -> None:
    text = "The University of Oxford in England welcomed the mayor of London."
    (flat,) = mentions(eager, [text], NAMES)
    (nested,) = mentions(eager, [text], NAMES.model_copy(update={"nested": True}))
    assert all(a.end <= b.start for a, b in zip(flat.entities, flat.entities[1:], strict=False))
    places = [(e.start, e.end) for e in nested.entities]
    assert len(set(places)) == len(places)
    assert any(a != b and a[0] <= b[0] and b[1] <= a[1] for a in places for b in places)
    assert not any(a[0] < b[0] < a[1] < b[1] for a in places for b in places)


def test_relations_hold_between_ends_of_the_types_they_allow(eager: EmbeddedTextExtractor) -> None:
    ontology = Ontology(
        entity_types=NAMES.entity_types,
        relation_types=(RelationType(name="born in", head=("person",), tail=("location",)),),
    )
    (found,) = mentions(eager, ["Marie Curie was born in Warsaw and worked at the Sorbonne in Paris."], ontology)
    assert found.relations
    for relation in found.relations:
        assert found.entities[relation.head].type == "person"
        assert found.entities[relation.tail].type == "location"


def test_a_symmetric_relation_is_told_once_for_two_ends(eager: EmbeddedTextExtractor) -> None:
    ontology = Ontology(entity_types=NAMES.entity_types, relation_types=(RelationType(name="spouse", symmetric=True),))
    (found,) = mentions(eager, ["Marie Curie married Pierre Curie in Sceaux."], ontology)
    ends = [frozenset((relation.head, relation.tail)) for relation in found.relations]
    assert ends
    assert len(ends) == len(set(ends))


def test_arguments_point_to_the_entity_that_stands_there(eager: EmbeddedTextExtractor) -> None:
    ontology = Ontology(
        entity_types=NAMES.entity_types,
        event_types=(
            EventType(name="meeting", roles=(Role(name="participant", types=("person",)), Role(name="place"))),
        ),
    )
    text = "Angela Merkel met Barack Obama in Berlin."
    (found,) = mentions(eager, [text], ontology)
    arguments = [argument for event in found.events for argument in event.arguments]
    assert arguments
    for argument in arguments:
        if argument.role == "participant":
            assert argument.entity is not None
        if argument.entity is not None:
            entity = found.entities[argument.entity]
            assert (entity.start, entity.end) == (argument.start, argument.end)
            assert argument.role != "participant" or entity.type == "person"


def test_other_words_for_a_type_work_at_once(extractor: EmbeddedTextExtractor) -> None:
    text = "Marie Curie discovered radium in Paris."
    ontology = Ontology(entity_types=(EntityType(name="scientist", description="A researcher in natural science"),))
    (found,) = mentions(EmbeddedTextExtractor(2, thresholds=Thresholds(0.1, 1, 1, 1)), [text], ontology)
    assert quotes(text, found)[0] == ("Marie Curie", "scientist")


class _StopsAfter:
    """A control that cancels at the n-th check."""

    def __init__(self, checks: int) -> None:
        self.left = checks
        self.told: list[float] = []

    def check(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Cancelled("stopped by the test")

    def progress(self, done: float, total: float, unit: str) -> None:
        self.told.append(done / total)


def test_an_answer_does_not_depend_on_what_was_asked_before() -> None:
    text = "Grace Hopper met the crew of the Polaris in Bergen."
    alone, later = EmbeddedTextExtractor(1), EmbeddedTextExtractor(1)
    later.extract(["Ada"], Ontology.of(entity_types=["ship", "a person of whatever kind", "place"]), Unlimited())
    later.extract(["Ada"], Ontology.of(entity_types=["location", "ship"]), Unlimited())
    asked = Ontology.of(entity_types=["person", "location", "ship"])
    assert alone.extract([text], asked, Unlimited()) == later.extract([text], asked, Unlimited())


def test_work_stops_between_batches_when_it_is_cancelled(extractor: EmbeddedTextExtractor) -> None:
    control = _StopsAfter(2)
    with pytest.raises(Cancelled):
        extractor.extract(["Angela Merkel met Barack Obama in Berlin. " * 2000], NAMES, control)
    assert len(control.told) == 2


def test_progress_rises_to_the_end(extractor: EmbeddedTextExtractor) -> None:
    control = _StopsAfter(10_000)
    extractor.extract(["Angela Merkel met Barack Obama in Berlin. " * 300], NAMES, control)
    assert control.told == sorted(control.told)
    assert control.told[-1] > 0.95


def test_the_card_is_told_without_opening_the_weights(tmp_path: Path) -> None:
    shutil.copyfile(WEIGHTS / "config.json", tmp_path / "config.json")
    card = EmbeddedTextExtractor(1, weights=tmp_path).card
    assert card.role == "text_extractor"
    assert card.vocabulary is None


def test_missing_weights_are_told_with_what_to_do(tmp_path: Path) -> None:
    shutil.copyfile(WEIGHTS / "config.json", tmp_path / "config.json")
    with pytest.raises(ModelUnavailable, match="encoder"):
        EmbeddedTextExtractor(1, weights=tmp_path).extract(["Berlin"], NAMES, Unlimited())


def test_the_weights_stay_small_enough_to_ship() -> None:
    assert sum(path.stat().st_size for path in WEIGHTS.iterdir()) <= 30_000_000
