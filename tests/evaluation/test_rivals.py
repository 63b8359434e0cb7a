"""Rivals: baselines, oracles and ablations, over engines whose answers the tests write."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from reamo_mcp.evaluation.case import Case
from reamo_mcp.evaluation.cells import cells
from reamo_mcp.evaluation.engines import Answering
from reamo_mcp.evaluation.mini.cases import make_case
from reamo_mcp.evaluation.rivals import RIVALS, Rival, answering, differs, why_not
from reamo_mcp.evaluation.scoring import score_cell, score_sample
from reamo_mcp.evaluation.spacy_rules import SpacyRuleExtractor
from reamo_mcp.extractor import Extractor
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, PicturePassage, TextPassage
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaResponse
from reamo_mcp.models.roles import Answer, Found, HeardWord, Mentions
from reamo_mcp.ontologies.loading import load_ontology
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Entity, Extraction
from reamo_mcp.types.grounding import AudioSegment, ImageRegion
from reamo_mcp.types.ontology import Ontology
from tests.doubles.scripted_reasoner import ColourSegmenter, ScriptedReasoner
from tests.doubles.scripted_roles import ScriptedTextExtractor, ScriptedTranscriber
from tests.test_reasoning import shapes

Opened = Callable[[Rival, Engine], Answering]


@pytest.fixture
def opened(tmp_path: Path) -> Opened:
    """Opens a rival over an engine, in this process."""
    settings = Settings(cache=tmp_path / "cache", cache_bytes=0)
    store = Store(settings.cache_folder(), 0)

    def over(engine: Engine) -> Extractor:
        return Extractor(engine, LocalDecoder(Limits()), store, settings)

    return lambda rival, engine: answering(rival, engine, over)


def names_of(case: Case) -> ScriptedTextExtractor:
    return ScriptedTextExtractor({entity.name: entity.type for entity in case.gold.entities})


def value(case: Case, found: Extraction, measure: str) -> float:
    return score_cell([score_sample(case.gold, found, case.task)]).values[measure].value


async def test_true_words_give_true_times_where_the_ear_hears_nothing(opened: Opened, tmp_path: Path) -> None:
    case = make_case("mini/A/NER", 1, tmp_path).case
    (tmp_path / "speech.vtt").unlink()
    deaf = Engine(profile="deaf", text_extractor=names_of(case), transcriber=ScriptedTranscriber())
    without = await opened("rules", deaf).answer(case, tmp_path)
    assert not without.entities
    told = await opened("oracle-transcript", deaf).answer(case, tmp_path)
    assert value(case, told, "NER") == 1
    assert value(case, told, "A-Seg") == pytest.approx(1)
    assert all(isinstance(place, AudioSegment) for place in told.groundings())


async def test_true_words_take_the_place_of_misheard_ones(opened: Opened, tmp_path: Path) -> None:
    case = make_case("mini/A/NER", 0, tmp_path).case
    (tmp_path / "speech.vtt").unlink()
    word = HeardWord(text="mumble", start=0.3, end=0.5, confidence=1, confident=True)
    engine = Engine(profile="mumbling", text_extractor=names_of(case), transcriber=ScriptedTranscriber((word,)))
    told = await opened("oracle-transcript", engine).answer(case, tmp_path)
    assert "mumble" not in told.readings[0].text
    assert value(case, told, "NER") == 1


@dataclass
class ReadsOnlyTheText(ScriptedTextExtractor):
    """Finds names in one text and in no transcript."""

    text: str = ""

    def extract(self, texts: Sequence[str], ontology: Ontology, control: Control) -> list[Answer[Mentions]]:
        answers = super().extract(texts, ontology, control)
        return [
            answer if text in self.text else Found((Mentions(),)) for text, answer in zip(texts, answers, strict=True)
        ]


async def test_media_read_one_by_one_find_nothing_for_each_other(opened: Opened, tmp_path: Path) -> None:
    case = make_case("mini/T+A/NER", 1, tmp_path).case
    both = [entity for entity in case.gold.entities if len({place.media_id for place in entity.groundings}) == 2]
    assert both
    engine = Engine(
        profile="scripted",
        text_extractor=ReadsOnlyTheText(
            {entity.name: entity.type for entity in case.gold.entities}, text=case.text or ""
        ),
        transcriber=ScriptedTranscriber(),
    )
    together = await opened("oracle-transcript", engine).answer(case, tmp_path)
    joint = await opened("-joint", engine).answer(case, tmp_path)
    assert [medium.id for medium in joint.document.media] == ["m1", "m2"]

    def kinds(found: Extraction) -> set[str]:
        return {place.kind for entity in found.entities if entity.name == both[0].name for place in entity.groundings}

    assert kinds(together) == {"text_span", "audio_segment"}
    assert kinds(joint) == {"text_span"}


async def test_the_pipeline_searches_the_other_media_for_names_of_the_first_alone(
    opened: Opened, tmp_path: Path
) -> None:
    case = make_case("mini/T+A/NER", 1, tmp_path).case
    engine = Engine(profile="scripted", text_extractor=names_of(case), transcriber=ScriptedTranscriber())
    found = await opened("pipeline", engine).answer(case, tmp_path)
    assert [medium.id for medium in found.document.media] == ["m1", "m2"]

    def media(entity: Entity) -> set[str]:
        return {place.kind for place in entity.groundings}

    written = {entity.name: media(entity) for entity in case.gold.entities if "text_span" in media(entity)}
    assert len(written) < len(case.gold.entities)
    assert {entity.name: media(entity) for entity in found.entities} == written
    assert any(len(kinds) == 2 for kinds in written.values())
    assert {covered.media_id for covered in found.coverage.media} == {"m1", "m2"}


async def test_media_read_one_by_one_share_things_of_equal_names(opened: Opened, tmp_path: Path) -> None:
    case = make_case("mini/T+A/NER", 1, tmp_path).case
    engine = Engine(profile="scripted", text_extractor=names_of(case), transcriber=ScriptedTranscriber())
    joint = await opened("-joint", engine).answer(case, tmp_path)
    assert value(case, joint, "NER") == 1
    names = [(entity.type, entity.name) for entity in joint.entities]
    assert len(names) == len(set(names))
    assert any(len({place.media_id for place in entity.groundings}) == 2 for entity in joint.entities)


def find(target: str, phrase: str, box: tuple[float, float, float, float] | None = None) -> MetaCall:
    return MetaCall(target=target, medium="m1", module="image_segmenter", instruction=phrase, box=box)


def painted(folder: Path, *calls: MetaCall) -> tuple[Case, Engine]:
    """A picture with a red square, and a reasoner that tells of one object in it."""
    shapes(folder, red=(20, 20, 60, 60))
    case = make_case("mini/I/NER", 0, folder / "mini").case.model_copy(update={"files": ("shapes.png",)})

    def script(ask: Ask) -> MetaResponse:
        seen = MetaMention(source="m1")
        thing = MetaEntity(id="e1", type="organization", name="ball", mentions=(seen,))
        return MetaResponse(entities=(thing,), calls=calls)

    return case, Engine(profile="scripted", reasoner=ScriptedReasoner(script), image_segmenter=ColourSegmenter())


async def test_without_the_joint_pass_a_reasoner_sees_one_medium_at_a_time(opened: Opened, tmp_path: Path) -> None:
    case = make_case("mini/T+I/NER", 0, tmp_path).case
    reasoner = ScriptedReasoner(lambda _: MetaResponse())
    engine = Engine(profile="scripted", reasoner=reasoner)
    await opened("-verify", engine).answer(case, tmp_path)
    assert [{type(passage) for passage in ask.passages} for ask in reasoner.asks] == [{TextPassage, PicturePassage}]
    reasoner.asks.clear()
    await opened("-joint", engine).answer(case, tmp_path)
    assert [{type(passage) for passage in ask.passages} for ask in reasoner.asks] == [{TextPassage}, {PicturePassage}]


async def test_without_instruction_the_module_gets_the_name_as_its_phrase(opened: Opened, tmp_path: Path) -> None:
    case, engine = painted(tmp_path, find("e1", "the red square"))
    full = await opened("-verify", engine).answer(case, tmp_path)
    assert full.calls[0].outcome == "located"
    bare = await opened("-instruction", engine).answer(case, tmp_path)
    assert [(call.instruction, call.outcome) for call in bare.calls] == [("ball", "failed")]


async def test_without_verification_what_the_module_does_not_see_is_believed(opened: Opened, tmp_path: Path) -> None:
    case, engine = painted(tmp_path, find("e1", "the blue square"))
    found = await opened("-verify", replace(engine, text_extractor=None)).answer(case, tmp_path)
    assert [(call.outcome) for call in found.calls] == ["absent"]
    assert [(entity.type, entity.name) for entity in found.entities] == [("organization", "ball")]
    assert not found.ungrounded


async def test_what_the_embedded_engine_has_not_got_is_told_and_not_measured() -> None:
    assert (why_not("-instruction", "embedded") or "").startswith("unsupported: ")
    assert (why_not("-verify", "embedded") or "").startswith("unsupported: ")
    assert why_not("-joint", "embedded") is None


def test_a_rival_is_asked_only_where_it_can_answer_otherwise(tmp_path: Path) -> None:
    known = cells(["mini/T/NER", "mini/I/NER", "mini/A/NER", "mini/T+A/NER"], tmp_path, None)
    differing = {rival: [cell.name.split("/")[1] for cell in known if differs(rival, cell)] for rival in RIVALS}
    assert differing["pipeline"] == differing["-joint"] == ["T+A"]
    assert differing["oracle-print"] == ["I"]
    assert differing["oracle-transcript"] == ["A", "T+A"]
    assert differing["rules"] == ["T", "I", "A", "T+A"]


def test_spacy_finds_names_by_shape_and_lists_and_happenings_by_the_words_of_their_types() -> None:
    pytest.importorskip("spacy")
    text = "Mara Lindqvist works for Northwind Foundation. John Smith was arrested in Lisbon."
    answer = SpacyRuleExtractor().extract([text], load_ontology("general"), Unlimited())[0]
    assert isinstance(answer, Found)
    found = answer.items[0]
    assert {(entity.type, text[entity.start : entity.end]) for entity in found.entities} == {
        ("person", "Mara Lindqvist"),
        ("organization", "Northwind Foundation"),
        ("person", "John Smith"),
        ("location", "Lisbon"),
    }
    assert [(link.type, found.entities[link.head].start) for link in found.relations] == [("works for", 0)]
    assert ("arrest", "arrested") in {(event.type, text[event.start : event.end]) for event in found.events}


async def test_a_hint_stands_in_for_a_place_that_was_not_verified(opened: Opened, tmp_path: Path) -> None:
    case, engine = painted(tmp_path, find("e1", "the blue square", (100, 20, 140, 60)))
    (tmp_path / "note.txt").write_text("The ball is here.")
    case = case.model_copy(update={"text": "The ball is here."})
    script = MetaResponse(
        entities=(
            MetaEntity(id="e1", type="organization", name="ball", mentions=(MetaMention(source="m1", quote="ball"),)),
        ),
        calls=(find("e1", "the blue square", (100, 20, 140, 60)).model_copy(update={"medium": "m2"}),),
    )
    engine = replace(engine, reasoner=ScriptedReasoner(lambda _: script))
    found = await opened("-verify", engine).answer(case, tmp_path)
    (ball,) = found.entities
    (region,) = [place for place in ball.groundings if isinstance(place, ImageRegion)]
    assert (region.parts[0].x, region.parts[0].width) == (100, 40)
