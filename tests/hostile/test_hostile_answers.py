"""Rows 39 to 45b: what a reasoner and its modules may answer, from plain nonsense to subtle lies, and what comes of it.

The reasoner answers as a remote engine does that heeds no grammar. What the rows say of the text of an answer stands in
`tests/models/test_meta_response.py` too, and what a local model can be made to do in `tests/models/local/reasoner`.
"""

import json
import math
import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy
import pytest
from PIL import Image

from reamo_mcp.errors import InvalidArgument
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.media.run_lengths import decoded, encoded
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaArgument, MetaEntity, MetaEvent, MetaMention, MetaResponse, written
from reamo_mcp.models.roles import Answer, Failed, Found, ImageSegmenter, ModelCard, Region, Unsupported
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.grounding import Box, ImageRegion, Mask
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role
from tests.doubles.scripted_reasoner import ScriptedReasoner

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name="object")),
    relation_types=(RelationType(name="owns"),),
    event_types=(EventType(name="throwing", roles=(Role(name="Agent"),)),),
)
TEXT = "Ada Byron was not given 5 mg of the drug on 3 May 2024. She owns a frisbee and throws it."


def entity(number: int, name: str, quote: str = "", source: str = "m1", kind: str = "person") -> MetaEntity:
    return MetaEntity(id=f"e{number}", type=kind, name=name, mentions=(MetaMention(source=source, quote=quote),))


ADA = entity(1, "Ada Byron", "Ada Byron")
GOOD = written(MetaResponse(entities=(ADA,)))


@dataclass
class House:
    """An engine of nothing but a reasoner that says what the test writes, and perhaps a segmenter."""

    folder: Path
    answer: Callable[[Ask], MetaResponse | str | Failed | Unsupported]
    segmenter: ImageSegmenter | None = None
    asks: list[Ask] = field(default_factory=list[Ask])

    async def extract(self, *paths: Path, text: str | None = TEXT) -> Extraction:
        settings = Settings(cache=self.folder / "cache")
        reasoner = ScriptedReasoner(self.answer, Capacity(), self.asks)
        engine = Engine(profile="scripted", reasoner=reasoner, image_segmenter=self.segmenter)
        store = Store(settings.cache_folder(), settings.cache_bytes)
        extractor = Extractor(engine, LocalDecoder(Limits()), store, settings)
        extraction = await extractor.extract(Document.of(*paths, text=text), ONTOLOGY)
        json.dumps(extraction.model_dump(mode="json"), allow_nan=False)
        return extraction


@pytest.mark.parametrize("frame", ["{}", "```json\n{}\n```", "Sure! Here it is: {} I hope that helps.", "\ufeff{}\x00"])
async def test_an_answer_in_a_frame_is_taken_out_of_it(frame: str, tmp_path: Path) -> None:
    extraction = await House(tmp_path, lambda _: frame.replace("{}", GOOD)).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron"]
    assert extraction.status == "ok"


NONSENSE = [
    "",
    "no",
    "[]",
    "null",
    '"text"',
    "{}",
    '[{"id": "e1"}]',
    '{"entities": {"a": 1}}',
    "{" * 10_000,
    "\x00\ufffe",
]


@pytest.mark.parametrize("answer", NONSENSE, ids=range(len(NONSENSE)))
async def test_an_answer_of_no_form_is_asked_for_once_more_and_then_fails_that_part(
    answer: str, tmp_path: Path
) -> None:
    house = House(tmp_path, lambda _: answer)
    extraction = await house.extract()
    assert len(house.asks) == 2
    assert extraction.entities == ()
    assert extraction.status == "partial"
    assert extraction.retryable
    (covered,) = (one for one in extraction.coverage.media if one.reader == "reasoner")
    assert covered.read == 0
    assert [(missed.start, missed.end) for missed in covered.not_read] == [(0, len(TEXT))]


async def test_an_answer_of_no_form_that_is_one_the_second_time_is_taken(tmp_path: Path) -> None:
    answers = iter(["I cannot do that.", GOOD])
    extraction = await House(tmp_path, lambda _: next(answers)).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron"]
    assert extraction.status == "ok"


async def test_an_answer_that_is_cut_at_any_byte_keeps_its_finished_items_and_the_rest_is_asked_for(
    tmp_path: Path,
) -> None:
    whole = written(MetaResponse(entities=(ADA, entity(2, "frisbee", "frisbee", kind="object"))))
    for at in range(0, len(whole), 3):
        answers = iter([whole[:at], whole])
        house = House(tmp_path / str(at), lambda _, answers=answers: next(answers))
        assert [one.name for one in (await house.extract()).entities] == ["Ada Byron", "frisbee"]
        assert len(house.asks) == 2


MUTANTS = 1000


def mutants() -> list[str]:
    """Return quotes that stand nowhere in the text, each a true one with one thing changed."""
    dice = random.Random(42)
    true = ["Ada Byron", "5 mg", "was not given", "3 May 2024", "owns a frisbee", "throws it", "5 mg of the drug"]
    names = ["Jane", "Grace Hopper", "Nancy", "Bob", "Wendy"]
    made: list[str] = []
    while len(made) < MUTANTS:
        quote = dice.choice(true)
        words = quote.split()
        at = dice.randrange(len(words))
        match dice.randrange(7):
            case 0:  # another number
                quote = " ".join(str(dice.randrange(6, 999)) if word.isdigit() else word for word in words)
            case 1:  # a negation that is gone, or one that was not there
                quote = quote.replace("was not", "was") if "not" in words else f"not {quote}"
            case 2:
                quote = " ".join((*words[:at], dice.choice(names), *words[at + 1 :]))
            case 3:  # a letter
                word = words[at]
                place = dice.randrange(len(word))
                words[at] = word[:place] + dice.choice("qxzkj") + word[place + 1 :]
                quote = " ".join(words)
            case 4:
                quote = " ".join(reversed(words))
            case 5:
                quote = f"{quote} {dice.choice(names)}"
            case _:  # digits added: 5 mg becomes 50 mg
                quote = quote.replace("5", "5" + str(dice.randrange(10))).replace(
                    "2024", str(dice.randrange(1000, 2000))
                )
        if " ".join(quote.split()).casefold() not in TEXT.casefold():
            made.append(quote)
    return made


async def test_of_a_thousand_quotes_with_one_thing_changed_none_is_believed_and_all_are_told(tmp_path: Path) -> None:
    quotes = mutants()
    found = 0
    for start in range(0, MUTANTS, 40):
        part = quotes[start : start + 40]
        entities = tuple(entity(number, quote, quote) for number, quote in enumerate(part, 1))
        house = House(tmp_path / str(start), lambda _, entities=entities: MetaResponse(entities=entities))
        extraction = await house.extract()
        assert extraction.entities == (), [one.name for one in extraction.entities]
        found += len(extraction.ungrounded)
        assert {item.text for item in extraction.ungrounded} == set(part)
    assert found >= len(set(quotes))


@pytest.mark.parametrize("name", ["Jane Doe", "Grace Hopper", "Ada Lovelace", "ADA THE GREAT"])
async def test_a_true_quote_proves_no_name_that_no_source_says(name: str, tmp_path: Path) -> None:
    """As a name out of an example in a prompt would be, told of somebody who is there."""
    extraction = await House(tmp_path, lambda _: MetaResponse(entities=(entity(1, name, "Ada Byron"),))).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron"]


async def test_a_false_quote_beside_a_true_one_proves_no_name_either(tmp_path: Path) -> None:
    mentions = tuple(MetaMention(source="m1", quote=quote) for quote in ("Ada", "Ada Lovelace"))
    lie = MetaEntity(id="e1", type="person", name="Ada Lovelace", mentions=mentions)
    extraction = await House(tmp_path, lambda _: MetaResponse(entities=(lie,))).extract()
    assert [one.name for one in extraction.entities] == ["Ada"]
    assert {place.quote for place in extraction.entities[0].groundings} == {"Ada"}


async def test_a_name_that_another_place_says_stays_with_a_shorter_quote(tmp_path: Path) -> None:
    extraction = await House(tmp_path, lambda _: MetaResponse(entities=(entity(1, "Ada Byron", "Ada"),))).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron"]


@dataclass
class Answering:
    """A segmenter that answers with these regions, whatever it is shown."""

    regions: tuple[Region, ...]
    card = ModelCard(role="image_segmenter", name="answering", revision="1")

    def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
        return [Found(self.regions) for _ in phrases]


def blank(folder: Path) -> Path:
    path = folder / "blank.png"
    Image.new("RGB", (200, 100), "white").save(path)
    return path


def calling(**hints: object) -> str:
    """Return an answer that calls for a ball in the picture, with hints that no record would take."""
    answer: dict[str, Any] = json.loads(
        written(MetaResponse(entities=(entity(1, "ball", kind="object", source="m1"),)))
    )
    answer["calls"] = [
        {"target": "e1", "medium": "m1", "module": "image_segmenter", "instruction": "the ball", **hints}
    ]
    return json.dumps(answer)


BOXES: list[object] = [
    [math.nan, 0, 10, 10],
    [0, 0, math.inf, 10],
    [0, 0, 1e999, 10],
    [150, 50, 50, 10],
    [900, 900, 990, 990],
    [-50, -50, -10, -10],
    ["10", "10", "60", "60"],
    [10, 10],
    [10, 10, 60, 60, 70],
    "10 10 60 60",
    {"x": 1},
    None,
]


@pytest.mark.parametrize("box", BOXES, ids=map(str, BOXES))
async def test_a_hint_of_any_kind_is_no_place_and_breaks_nothing(box: object, tmp_path: Path) -> None:
    place = Box(x=20, y=20, width=30, height=30)
    house = House(tmp_path, lambda _: calling(box=box), Answering((Region(type="the ball", box=place, score=0.9),)))
    extraction = await house.extract(blank(tmp_path), text=None)
    for one in extraction.entities:
        regions = [region for region in one.groundings if isinstance(region, ImageRegion)]
        assert [region.parts for region in regions] in ([], [(place,)])
    for call in extraction.calls:
        assert call.box is None or (
            0 <= call.box.x <= call.box.right <= 200 and 0 <= call.box.y <= call.box.bottom <= 100
        )


TIMES: list[object] = [[5, 1], [-3, -1], [1e12, 2e12], [math.nan, 1], [0, math.inf], ["0", "1"], [1], "00:01", None]


@pytest.mark.parametrize("time", TIMES, ids=map(str, TIMES))
async def test_a_hint_of_time_of_any_kind_breaks_nothing(time: object, tmp_path: Path) -> None:
    house = House(tmp_path, lambda _: calling(time=time), Answering(()))
    extraction = await house.extract(blank(tmp_path), text=None)
    for call in extraction.calls:
        assert call.time is None or 0 <= call.time.start < call.time.end < 1e9


REGIONS = [
    Box(x=math.nan, y=0, width=10, height=10),
    Box(x=0, y=0, width=math.inf, height=10),
    Box(x=500, y=500, width=10, height=10),
    Box(x=-40, y=0, width=10, height=10),
    Box(x=10, y=10, width=0, height=5),
]


@pytest.mark.parametrize("box", REGIONS, ids=str)
async def test_a_place_that_a_segmenter_makes_up_outside_of_the_picture_is_none(box: Box, tmp_path: Path) -> None:
    house = House(tmp_path, lambda _: calling(), Answering((Region(type="the ball", box=box, score=0.9),)))
    extraction = await house.extract(blank(tmp_path), text=None)
    assert not [place for one in extraction.entities for place in one.groundings if isinstance(place, ImageRegion)]


async def test_a_place_that_stands_out_of_the_picture_ends_at_its_edge(tmp_path: Path) -> None:
    box = Box(x=150, y=-10, width=100, height=50)
    house = House(tmp_path, lambda _: calling(), Answering((Region(type="the ball", box=box, score=0.9),)))
    extraction = await house.extract(blank(tmp_path), text=None)
    (place,) = extraction.entities[0].groundings
    assert isinstance(place, ImageRegion)
    assert place.parts == (Box(x=150, y=0, width=50, height=40),)


async def test_types_and_roles_that_nobody_asked_for_are_refused_with_the_reason(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(ADA, entity(2, "frisbee", "frisbee", kind="weapon")),
        relations=(),
        events=(
            MetaEvent(
                id="v1",
                type="throwing",
                trigger="throws",
                evidence=(MetaMention(source="m1", quote="throws"),),
                arguments=(MetaArgument(role="Agent", entity="e1"), MetaArgument(role="Victim", entity="e1")),
            ),
            MetaEvent(id="v2", type="murder", trigger="given", evidence=(MetaMention(source="m1", quote="given"),)),
        ),
    )
    answer = json.loads(written(response))
    answer["relations"] = [{"type": "hates", "head": "e1", "tail": "e2"}]
    extraction = await House(tmp_path, lambda _: json.dumps(answer)).extract()
    assert [(one.type, one.name) for one in extraction.entities] == [("person", "Ada Byron")]
    assert extraction.relations == ()
    assert [one.type for one in extraction.events] == ["throwing"]
    assert [part.role for part in extraction.events[0].arguments] == ["Agent"]
    refused = {(item.kind, item.type) for item in extraction.ungrounded}
    assert refused == {
        ("entity", "weapon"),
        ("relation", "hates"),
        ("argument", "throwing: Victim"),
        ("event", "murder"),
    }


@pytest.mark.parametrize("kind", ["Person", "PERSON", "per son"])
async def test_a_type_in_another_spelling_is_the_one_that_was_asked_for_or_none(kind: str, tmp_path: Path) -> None:
    answer = MetaResponse(entities=(entity(1, "Ada Byron", "Ada Byron", kind=kind),))
    extraction = await House(tmp_path, lambda _: answer).extract()
    assert {one.type for one in extraction.entities} <= {"person"}


async def test_a_hundred_thousand_items_are_cut_at_what_one_answer_may_hold_and_that_is_told(tmp_path: Path) -> None:
    one = '{"id":"e%d","type":"person","name":"Ada Byron","mentions":[{"in":"m1","quote":"Ada Byron"}]}'
    many = '{"entities":[' + ",".join(one % number for number in range(1, 100_001)) + "]}"
    house = House(tmp_path, lambda _: many)
    began = time.process_time()
    extraction = await house.extract()
    assert time.process_time() - began < 30
    assert len(extraction.entities) == 1
    assert "dropped" in {notice.code for notice in extraction.warnings}


async def test_places_of_one_thing_beyond_what_an_answer_may_hold_are_cut_and_that_is_told(tmp_path: Path) -> None:
    mentions = tuple(MetaMention(source="m1", quote="Ada Byron", nth=number) for number in range(1, 501))
    crowd = MetaEntity(id="e1", type="person", name="Ada Byron", mentions=mentions)
    extraction = await House(tmp_path, lambda _: MetaResponse(entities=(crowd,))).extract()
    assert [(one.name, len(one.groundings)) for one in extraction.entities] == [("Ada Byron", 1)]
    assert [(notice.code, "494 items" in notice.message) for notice in extraction.warnings] == [("dropped", True)]


async def test_items_of_no_known_form_are_counted_in_a_notice(tmp_path: Path) -> None:
    answer = GOOD.replace('"relations":[]', '"relations":[{"type":"owns"},7,null]')
    extraction = await House(tmp_path, lambda _: answer).extract()
    assert [(notice.code, "3 items" in notice.message) for notice in extraction.warnings] == [("dropped", True)]


async def test_numbers_given_twice_ends_that_nobody_told_and_things_that_own_themselves_are_refused(
    tmp_path: Path,
) -> None:
    answer = json.loads(written(MetaResponse(entities=(ADA, entity(1, "frisbee", "frisbee", kind="object")))))
    pairs = [("e1", "e9"), ("e1", "e1"), ("v1", "e1"), ("", ""), ("e1", "e2")]
    answer["relations"] = [{"type": "owns", "head": head, "tail": tail} for head, tail in pairs]
    extraction = await House(tmp_path, lambda _: json.dumps(answer)).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron", "frisbee"]
    assert extraction.relations == ()
    assert len([item for item in extraction.ungrounded if item.kind == "relation"]) == len(pairs)


ENDLESS = [
    '{"entities":[' + '{"id":"e1",' * 50_000,
    GOOD.replace('"quote"', '"nth":' + "9" * 100_000 + ',"quote"'),
    "A" * 3_000_000,
]


@pytest.mark.parametrize("answer", ENDLESS, ids=["items", "a number", "a letter"])
async def test_an_answer_that_repeats_itself_without_end_is_given_up_in_time(answer: str, tmp_path: Path) -> None:
    began = time.process_time()
    extraction = await House(tmp_path, lambda _: answer).extract()
    assert time.process_time() - began < 10
    assert extraction.entities == ()
    assert extraction.status == "partial"


@pytest.mark.parametrize("opening", ["[", '{"a":', '[{"id":['])
async def test_an_answer_nested_ten_thousand_deep_ends_that_part_alone(opening: str, tmp_path: Path) -> None:
    answer = GOOD.replace('"relations":[]', f'"relations":[{opening * 10_000}')
    extraction = await House(tmp_path, lambda _: answer).extract()
    assert [one.name for one in extraction.entities] == ["Ada Byron"]


@pytest.mark.parametrize("counts", ["", "0", "o" * 500, "\x7f\x7f", "P" + "o" * 12, "n" * 1000, "__"])
def test_a_mask_whose_runs_do_not_fill_it_is_refused_before_anything_is_made_of_it(
    counts: str,
) -> None:
    mask = Mask(size=(1 << 31, 1 << 31), counts=counts)
    with pytest.raises(InvalidArgument):
        decoded(mask)
    assert decoded(encoded(numpy.ones((3, 3), numpy.bool_))).all()
