"""The contracts of the roles that read, kept by doubles, by the embedded models, and by all that stands before them."""

import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy
import pytest

from reamo_mcp.evaluation.ablations import NamingReasoner
from reamo_mcp.evaluation.oracle import OracleTextReader
from reamo_mcp.evaluation.rules import RuleTextExtractor
from reamo_mcp.evaluation.spacy_rules import SpacyRuleExtractor
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.program import Program
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.border import EngineChild
from reamo_mcp.models.embedded.code_detector import CodeDetector
from reamo_mcp.models.embedded.face_detector import FaceDetector
from reamo_mcp.models.embedded.name_spotter import EmbeddedNameSpotter
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.embedded.text_reader import EmbeddedTextReader
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import hosted
from reamo_mcp.models.meta_response import MetaEntity, MetaMention, MetaResponse, written
from reamo_mcp.models.profiles import remembering
from reamo_mcp.models.remembered import RememberedDetector, RememberedTextReader
from reamo_mcp.models.remote import Endpoint, RemoteReasoner
from reamo_mcp.models.roles import (
    Failed,
    Found,
    HeardWord,
    Line,
    NameSpotter,
    ObjectDetector,
    ReadWord,
    Region,
    TextExtractor,
    TextReader,
)
from reamo_mcp.store.files import BlobFolder
from reamo_mcp.types.grounding import Box
from tests.doubles.remote_server import Reply, remote_server
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.doubles.scripted_roles import (
    ScriptedDetector,
    ScriptedNameSpotter,
    ScriptedTextExtractor,
    ScriptedTextReader,
)
from tests.models.contracts import check_audio_segmenter, check_image_segmenter, check_video_tracker
from tests.models.contracts_of_readers import (
    check_name_spotter,
    check_object_detector,
    check_reasoner,
    check_text_extractor,
    check_text_reader,
    odd_pictures,
    printed,
)
from tests.models.embedded.test_transcriber import AUSTEN, sound_of
from tests.models.engine_for_tests import engine

DOT = Box(x=0, y=0, width=1, height=1)
LINE = Line(text="Ada", box=DOT, words=(ReadWord(start=0, end=3, box=DOT),), confidence=1.0)
REGION = Region(type="face", box=DOT, score=0.5)
ADA = HeardWord(text="Ada Lovelace", start=100.5, end=101.0, confidence=0.9, confident=True)
NAMES = ("John Dashwood", "Ada Lovelace", "Nancy Ajram", "Ann")
TOLD = MetaResponse(
    entities=(MetaEntity(id="e1", type="person", name="Ada", mentions=(MetaMention(source="m1.text", quote="Ada"),)),)
)


@pytest.fixture
def far(monkeypatch: pytest.MonkeyPatch) -> Iterator[Engine]:
    monkeypatch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
    child = EngineChild(Program(target="tests.models.engine_for_tests:serve"))
    yield hosted(engine(), child)
    child.close()


@pytest.fixture
def blobs(tmp_path: Path) -> BlobFolder:
    return BlobFolder(tmp_path, 10_000_000)


@pytest.mark.parametrize(
    "extractor",
    [
        ScriptedTextExtractor({"Ada Lovelace": "person", "London": "location"}, {"met": "meeting"}),
        RuleTextExtractor(),
        SpacyRuleExtractor(),
        EmbeddedTextExtractor(2),
    ],
    ids=["scripted", "rules", "spacy", "embedded"],
)
def test_text_extractors_keep_the_contract(extractor: TextExtractor) -> None:
    check_text_extractor(extractor)


@pytest.mark.parametrize(
    "reader",
    [ScriptedTextReader((LINE,)), OracleTextReader(ScriptedTextReader((LINE,))), EmbeddedTextReader(2)],
    ids=["scripted", "oracle", "embedded"],
)
def test_text_readers_keep_the_contract_and_so_do_they_remembered(reader: TextReader, blobs: BlobFolder) -> None:
    check_text_reader(reader)
    check_text_reader(RememberedTextReader(reader, blobs))


@pytest.mark.parametrize(
    "detector", [ScriptedDetector((REGION,)), FaceDetector(2), CodeDetector()], ids=["scripted", "faces", "codes"]
)
def test_object_detectors_keep_the_contract_and_so_do_they_remembered(
    detector: ObjectDetector, blobs: BlobFolder
) -> None:
    check_object_detector(detector)
    check_object_detector(RememberedDetector(detector, blobs))


@pytest.mark.parametrize("make", [lambda: ScriptedNameSpotter(ADA), EmbeddedNameSpotter], ids=["scripted", "embedded"])
@pytest.mark.data
def test_name_spotters_keep_the_contract(make: Callable[[], NameSpotter], real_data: Path) -> None:
    sound = sound_of((real_data / "dev" / AUSTEN).with_suffix(".wav"), 100.0)
    check_name_spotter(make(), Sound(sound.samples[: 3 * 16_000].copy(), sound.start), NAMES)


def test_every_role_keeps_its_contract_across_the_border_and_remembered(far: Engine, blobs: BlobFolder) -> None:
    for one in (far, remembering(far, blobs)):
        assert one.text_extractor is not None
        check_text_extractor(one.text_extractor)
        assert one.image_segmenter is not None
        check_image_segmenter(one.image_segmenter)
        assert one.video_tracker is not None
        check_video_tracker(one.video_tracker)
        assert one.audio_segmenter is not None
        check_audio_segmenter(one.audio_segmenter, ["a low tone", "a high tone", "a dog barks"])
        assert one.name_spotter is not None
        check_name_spotter(one.name_spotter, Sound(numpy.zeros(32_000, numpy.float32), 100.0), NAMES)


def test_a_reader_that_dies_of_one_picture_keeps_the_contract_across_the_border(far: Engine, blobs: BlobFolder) -> None:
    """The reader of the child kills its process over each picture of one pixel's width."""
    for one in (far, remembering(far, blobs)):
        assert one.text_reader is not None
        check_text_reader(one.text_reader)
        answers = one.text_reader.read([*odd_pictures(), printed()], Unlimited())
        assert [type(answer) for answer in answers] == [Failed, Found, Failed, Found, Found]


def test_reasoners_keep_the_contract() -> None:
    check_reasoner(ScriptedReasoner(lambda _: TOLD))
    check_reasoner(NamingReasoner(ScriptedReasoner(lambda _: TOLD)))
    with remote_server(lambda _: Reply(written(TOLD))) as server:
        check_reasoner(RemoteReasoner(Endpoint(server.url, "tiny")))
