"""The whole way of a document through a reasoner and its modules, with answers that the tests write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from PIL import Image, ImageDraw

from reamo_mcp.errors import CorruptMedia, EngineFailed
from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import Picture
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, Capacity, PicturePassage, TextPassage
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import (
    MetaArgument,
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaMention,
    MetaRelation,
    MetaResponse,
    written,
)
from reamo_mcp.models.roles import Answer, Failed, Region
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import Box, ImageRegion, TextSpan, Whole
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role
from tests.doubles.scripted_reasoner import COLOURS, ColourSegmenter, ScriptedReasoner

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name="object")),
    relation_types=(RelationType(name="owns"),),
    event_types=(EventType(name="throwing", roles=(Role(name="Agent"), Role(name="Object"), Role(name="Manner"))),),
)


def said(quote: str, source: str = "m1", nth: int = 1) -> MetaMention:
    return MetaMention(source=source, quote=quote, nth=nth)


def entity(number: int, kind: str, name: str, *mentions: MetaMention) -> MetaEntity:
    return MetaEntity(id=f"e{number}", type=kind, name=name, mentions=mentions)


def find(
    number: int, phrase: str, medium: str = "m2", box: tuple[float, float, float, float] | None = None
) -> MetaCall:
    return MetaCall(target=f"e{number}", medium=medium, module="image_segmenter", instruction=phrase, box=box)


@dataclass
class House:
    folder: Path
    script: Callable[[Ask], MetaResponse | str | Failed]
    capacity: Capacity = field(default_factory=Capacity)
    segmenter: ColourSegmenter | None = field(default_factory=ColourSegmenter)

    def __post_init__(self) -> None:
        settings = Settings(cache=self.folder / "cache")
        self.reasoner = ScriptedReasoner(self.script, self.capacity)
        engine = Engine(profile="scripted", reasoner=self.reasoner, image_segmenter=self.segmenter)
        store = Store(settings.cache_folder(), settings.cache_bytes)
        self.extractor = Extractor(engine, LocalDecoder(Limits()), store, settings)

    async def extract(self, *paths: Path, text: str | None = None) -> Extraction:
        return await self.extractor.extract(Document.of(*paths, text=text), ONTOLOGY)


def shapes(folder: Path, **boxes: tuple[int, int, int, int]) -> Path:
    """Draw rectangles of named colours on white."""
    path = folder / "shapes.png"
    picture = Image.new("RGB", (200, 120), "white")
    for name, (left, top, right, bottom) in boxes.items():
        colour = COLOURS[name.rstrip("_")]
        ImageDraw.Draw(picture).rectangle((left, top, right - 1, bottom - 1), fill=colour)
    picture.save(path)
    return path


def named(extraction: Extraction, name: str) -> Entity:
    return next(one for one in extraction.entities if one.name == name)


async def test_text_and_picture_are_shown_together_and_every_claim_gets_its_place(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(
            entity(1, "person", "Ada", said("Ada"), MetaMention(source="m2")),
            entity(2, "object", "frisbee", said("frisbee")),
        ),
        relations=(MetaRelation(type="owns", head="e1", tail="e2"),),
        events=(
            MetaEvent(
                id="v1",
                type="throwing",
                trigger="throws",
                evidence=(said("throws"),),
                arguments=(
                    MetaArgument(role="Agent", entity="e1"),
                    MetaArgument(role="Object", entity="e2"),
                    MetaArgument(role="Manner", value="far"),
                ),
            ),
        ),
        calls=(find(1, "the red figure"), find(2, "a blue disc")),
    )
    house = House(tmp_path, lambda _: response)
    picture = shapes(tmp_path, red=(20, 30, 60, 90), blue=(120, 40, 160, 60))
    extraction = await house.extract(picture, text="Ada throws a frisbee far away.")

    ask = house.reasoner.asks[0]
    assert [type(passage) for passage in ask.passages] == [TextPassage, PicturePassage]
    assert ask.form.modules == (("m2", "image_segmenter"),)
    ada, frisbee = named(extraction, "Ada"), named(extraction, "frisbee")
    assert [(type(place), place.media_id, place.quote) for place in ada.groundings] == [
        (TextSpan, "m1", "Ada"),
        (ImageRegion, "m2", None),
    ]
    regions = [place for one in (ada, frisbee) for place in one.groundings if isinstance(place, ImageRegion)]
    assert [region.parts[0] for region in regions] == [
        Box(x=20, y=30, width=40, height=60),
        Box(x=120, y=40, width=40, height=20),
    ]
    assert [region.provenance.call for region in regions] == ["c1", "c2"]
    assert [(call.target, call.outcome) for call in extraction.calls] == [(ada.id, "located"), (frisbee.id, "located")]
    assert [(one.head, one.tail) for one in extraction.relations] == [(ada.id, frisbee.id)]
    event = extraction.events[0]
    assert event.trigger.groundings[0].quote == "throws"
    assert [(part.role, part.entity or part.value) for part in event.arguments] == [
        ("Agent", ada.id),
        ("Object", frisbee.id),
        ("Manner", "far"),
    ]
    assert extraction.status == "ok", extraction.warnings


async def test_what_the_module_does_not_see_is_absent_whatever_the_reasoner_claims(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(
            entity(1, "person", "Ada", said("Ada"), MetaMention(source="m2")),
            entity(2, "object", "disc", MetaMention(source="m2")),
        ),
        calls=(find(1, "the green figure"), find(2, "a yellow disc")),
    )
    extraction = await House(tmp_path, lambda _: response).extract(shapes(tmp_path, red=(1, 1, 40, 40)), text="Ada.")
    assert [one.name for one in extraction.entities] == ["Ada"]
    assert named(extraction, "Ada").absent == ("m2",)
    assert [place.media_id for place in named(extraction, "Ada").groundings] == ["m1"]
    assert [(item.text, item.media_id) for item in extraction.ungrounded] == [("disc", "m2")]
    assert {call.outcome for call in extraction.calls} == {"absent"}


async def test_two_things_of_one_name_that_are_only_seen_stay_two(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(
            entity(1, "object", "dog", MetaMention(source="m1")),
            entity(2, "object", "dog", MetaMention(source="m1")),
        ),
        calls=(
            find(1, "the red dog on the left", "m1"),
            find(2, "the red dog on the right", "m1", box=(100, 0, 190, 60)),
        ),
    )
    picture = shapes(tmp_path, red=(5, 10, 45, 50), red_=(120, 20, 180, 60))
    extraction = await House(tmp_path, lambda _: response).extract(picture)
    places = [place for one in extraction.entities for place in one.groundings]
    assert [one.name for one in extraction.entities] == ["dog", "dog"]
    assert sorted(place.parts[0].x for place in places if isinstance(place, ImageRegion)) == [5, 120]


async def test_a_face_gets_no_name_that_nothing_says(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(
            entity(1, "person", "Marie Curie", MetaMention(source="m2")),
            entity(2, "person", "Lise Meitner", said("Lise Meitner"), MetaMention(source="m2")),
        ),
        calls=(find(1, "the red person"),),
    )
    picture = shapes(tmp_path, red=(5, 10, 45, 50))
    extraction = await House(tmp_path, lambda _: response).extract(picture, text="Nobody is named here.")
    assert [one.name for one in extraction.entities] == ["", ""]
    extraction = await House(tmp_path / "named", lambda _: response).extract(picture, text="Marie Curie is not shown.")
    assert "Marie Curie" not in {one.name for one in extraction.entities}, "no words tie the name to the face"


@pytest.mark.parametrize("quote", ["Adam", "Ada Byron", "throws not", "50 kg"])
async def test_a_quote_that_no_source_says_is_told_apart(tmp_path: Path, quote: str) -> None:
    response = MetaResponse(entities=(entity(1, "person", quote, said(quote)),))
    extraction = await House(tmp_path, lambda _: response).extract(text="Ada throws 5 kg.")
    assert extraction.entities == ()
    assert [(item.kind, item.text) for item in extraction.ungrounded] == [("entity", quote)]


async def test_the_place_asked_for_is_the_one_counted(tmp_path: Path) -> None:
    response = MetaResponse(entities=(entity(1, "person", "Ada", said("Ada", nth=2)),))
    extraction = await House(tmp_path, lambda _: response).extract(text="Ada and once more Ada.")
    place = extraction.entities[0].groundings[0]
    assert isinstance(place, TextSpan)
    assert place.start == 18


async def test_a_cut_answer_keeps_its_finished_items_and_is_asked_on(tmp_path: Path) -> None:
    first = MetaResponse(entities=(entity(1, "person", "Ada", said("Ada")), entity(2, "person", "Ben", said("Ben"))))
    second = MetaResponse(
        entities=(entity(2, "person", "Ben", said("Ben")),),
        relations=(MetaRelation(type="owns", head="e1", tail="e2"),),
    )
    cut = written(first)[: written(first).index('"Ben"')]
    house = House(tmp_path, lambda ask: written(second) if ask.known else cut)
    extraction = await house.extract(text="Ada and Ben.")
    assert [(known.id, known.name) for known in house.reasoner.asks[1].known] == [("e1", "Ada")]
    assert [one.name for one in extraction.entities] == ["Ada", "Ben"]
    assert len(extraction.relations) == 1
    assert len(house.reasoner.asks) == 2


async def test_more_that_brings_nothing_new_ends_the_asking(tmp_path: Path) -> None:
    response = MetaResponse(entities=(entity(1, "person", "Ada", said("Ada")),), more=True)
    house = House(tmp_path, lambda _: response)
    extraction = await house.extract(text="Ada.")
    assert len(house.reasoner.asks) == 2
    assert len(extraction.entities) == 1


async def test_a_reasoner_without_end_is_stopped_and_that_is_told(tmp_path: Path) -> None:
    words = "Ann Bob Cid Dan Eve Fay Gus".split()

    def one_more(ask: Ask) -> MetaResponse:
        name = words[len(ask.known)]
        return MetaResponse(entities=(entity(len(ask.known) + 1, "person", name, said(name)),), more=True)

    house = House(tmp_path, one_more)
    extraction = await house.extract(text=", ".join(words))
    assert len(house.reasoner.asks) == 4
    assert extraction.status == "partial"
    assert [notice.code for notice in extraction.warnings] == ["incomplete"]


async def test_one_person_on_the_first_and_the_last_page_is_one_entity(tmp_path: Path) -> None:
    filler = "Nothing happens on this page of the book, and then nothing again. " * 10
    text = f"Ada Byron arrives.\n\n{filler}\n\n{filler}\n\nThe countess Ada Byron leaves."

    def script(ask: Ask) -> MetaResponse:
        shown = "\n".join(passage.text for passage in ask.passages if isinstance(passage, TextPassage))
        if "Ada Byron" not in shown:
            return MetaResponse()
        number = next((int(known.id[1:]) for known in ask.known if known.name == "Ada Byron"), 7)
        return MetaResponse(entities=(entity(number, "person", "Ada Byron", said("Ada Byron")),))

    house = House(tmp_path, script, Capacity(characters=500))
    extraction = await house.extract(text=text)
    assert len(house.reasoner.asks) >= 3
    places = [place for place in named(extraction, "Ada Byron").groundings if isinstance(place, TextSpan)]
    assert len(extraction.entities) == 1
    assert [text[place.start : place.end] for place in places] == ["Ada Byron"] * 2
    assert places[1].start == text.rindex("Ada Byron")
    covered = next(one for one in extraction.coverage.media if one.reader == "reasoner")
    assert covered.not_read == ()
    assert covered.read == covered.total


async def test_a_part_on_which_the_reasoner_fails_is_told_and_sinks_no_other(tmp_path: Path) -> None:
    def script(ask: Ask) -> MetaResponse | Failed:
        shown = [passage.text for passage in ask.passages if isinstance(passage, TextPassage)]
        if any("poison" in text for text in shown):
            return Failed(EngineFailed.code, "it broke")
        return MetaResponse(entities=(entity(1, "person", "Ada", said("Ada")),))

    text = "Ada is here. " + "More words follow. " * 20 + "\n\n" + "poison " * 60
    extraction = await House(tmp_path, script, Capacity(characters=500)).extract(text=text)
    assert [one.name for one in extraction.entities] == ["Ada"]
    assert extraction.status == "partial"
    covered = next(one for one in extraction.coverage.media if one.reader == "reasoner")
    assert 0 < covered.read < covered.total
    assert {missed.reason for missed in covered.not_read} == {"it broke"}


@pytest.mark.parametrize(
    "error", [EngineFailed("the model died"), CorruptMedia("it is damaged"), ValueError("a defect")]
)
async def test_where_the_segmenter_raises_what_was_said_stays_and_nothing_is_called_absent(
    error: Exception, tmp_path: Path
) -> None:
    class Raising(ColourSegmenter):
        def segment(self, picture: Picture, phrases: Sequence[str], control: Control) -> list[Answer[Region]]:
            raise error

    response = MetaResponse(
        entities=(entity(1, "object", "ball", MetaMention(source="m1")),), calls=(find(1, "the red thing", "m1"),)
    )
    extraction = await House(tmp_path, lambda _: response, segmenter=Raising()).extract(
        shapes(tmp_path, red=(1, 1, 40, 40))
    )
    assert [one.outcome for one in extraction.calls] == ["failed"]
    assert isinstance(named(extraction, "ball").groundings[0], Whole)
    assert [one.code for one in extraction.warnings] == ["call_failed"]
    assert extraction.retryable is not isinstance(error, CorruptMedia)


async def test_relations_and_calls_of_things_that_were_never_told_are_refused_with_the_reason(tmp_path: Path) -> None:
    response = MetaResponse(
        entities=(entity(1, "person", "Ada", said("Ada")),),
        relations=(MetaRelation(type="owns", head="e1", tail="e9"), MetaRelation(type="owns", head="e1", tail="e1")),
        calls=(find(9, "the red thing"),),
    )
    extraction = await House(tmp_path, lambda _: response).extract(shapes(tmp_path, red=(1, 1, 40, 40)), text="Ada.")
    assert extraction.relations == ()
    assert extraction.calls == ()
    assert sorted(item.reason for item in extraction.ungrounded) == [
        "a call for a thing that was not told",
        "both ends are one thing",
        "it names a thing that was not told",
    ]


async def test_an_engine_without_modules_offers_none_and_attests_what_is_seen(tmp_path: Path) -> None:
    response = MetaResponse(entities=(entity(1, "object", "ball", MetaMention(source="m1")),))
    house = House(tmp_path, lambda _: response, segmenter=None)
    extraction = await house.extract(shapes(tmp_path, red=(1, 1, 40, 40)))
    assert house.reasoner.asks[0].form.modules == ()
    assert [type(place) for place in extraction.entities[0].groundings] == [Whole]
    assert "objects" not in {ask.what for ask in extraction.coverage.unsupported}


async def test_only_the_tasks_asked_for_are_put_to_the_reasoner(tmp_path: Path) -> None:
    house = House(tmp_path, lambda _: MetaResponse())
    await house.extractor.extract(Document.of(text="Ada"), ONTOLOGY, request=Request(tasks=("entities",)))
    asked = house.reasoner.asks[0].form.ontology
    assert [kind.name for kind in asked.entity_types] == ["person", "object"]
    assert asked.relation_types == asked.event_types == ()
