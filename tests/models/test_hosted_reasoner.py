"""Asks cross the border to the engine child and back as they were put, whatever media they hold."""

import os
import signal
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy
import pytest

from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.isolation.handling import Handlers
from reamo_mcp.isolation.program import Bounds, Program
from reamo_mcp.models.asks import Ask, Capacity, KnownEntity, PicturePassage, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.models.border import EngineChild
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.host import handlers_over, hosted
from reamo_mcp.models.meta_response import MetaEntity, MetaMention, MetaResponse
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Reasoned, Unsupported
from tests.doubles.media_asks import MEDIA, ask_about, ask_of, film
from tests.models.contracts_of_readers import check_reasoner


class Describing:
    """Tells what it was shown as the name of an entity; a text that says 'die' kills the process."""

    card = ModelCard(role="reasoner", name="describing", revision="1")
    capacity = Capacity(together=3, pictures=2)

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        control.check()
        return [self._answer(ask, budget) for ask in asks]

    def _answer(self, ask: Ask, budget: int) -> Answer[Reasoned]:
        said: list[object] = [budget, ask.form.sources, ask.form.modules, ask.known]
        for passage in ask.passages:
            match passage:
                case TextPassage():
                    if passage.text == "die":
                        os.kill(os.getpid(), signal.SIGKILL)
                    if passage.text == "no":
                        return Unsupported("it says no")
                    said += [passage.source, passage.kind, passage.text]
                case PicturePassage():
                    said += [passage.medium, passage.picture.scale, int(passage.picture.pixels.sum(dtype=numpy.int64))]
                case SoundPassage():
                    said += [passage.medium, passage.sound.start, float(passage.sound.samples.std())]
                case VideoPassage():
                    sums = [int(one.pixels.sum(dtype=numpy.int64)) for one in passage.pictures]
                    sound = None if passage.sound is None else (passage.sound.start, len(passage.sound.samples))
                    said += [passage.medium, passage.times, passage.step, sums, sound]
        mention = MetaMention(source=ask.form.sources[0])
        entity = MetaEntity(id="e1", type="person", name=str(said), mentions=(mention,))
        return Found((Reasoned(response=MetaResponse(entities=(entity,)), complete=True, reduced="less"),))


def serve() -> Handlers:
    return handlers_over(Engine(profile="test", reasoner=Describing()))


@pytest.fixture(scope="module")
def far() -> Iterator[Engine]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys, "path", [*sys.path, str(Path(__file__).parent.parent.parent)])
        child = EngineChild(
            Program(target="tests.models.test_hosted_reasoner:serve", bounds=Bounds(open_files=256, silence=60.0))
        )
        yield hosted(Engine(profile="test", reasoner=Describing()), child)
        child.close()


def reason(engine: Engine, *asks: Ask) -> list[Answer[Reasoned]]:
    assert engine.reasoner is not None
    return engine.reasoner.reason(asks, 77, Unlimited())


def test_asks_of_all_media_are_answered_across_the_border_as_they_are_here(far: Engine) -> None:
    asks = [
        ask_about(MEDIA),
        Ask((film(),), ask_of(film()).form, (KnownEntity(id="e1", type="person", name="Ada"),)),
        ask_of(TextPassage("m1.text", "transcript", "no")),
    ]
    assert reason(far, *asks) == Describing().reason(asks, 77, Unlimited())
    assert reason(far) == []


def test_a_reasoner_keeps_the_contract_across_the_border(far: Engine) -> None:
    assert far.reasoner is not None
    check_reasoner(far.reasoner)


def test_the_capacity_is_known_without_starting_a_child(far: Engine) -> None:
    assert far.reasoner is not None
    assert far.reasoner.capacity == Describing.capacity
    assert far.cards() == (Describing.card,)


def test_an_ask_that_kills_the_child_fails_alone(far: Engine) -> None:
    text = [ask_of(TextPassage("m1.text", "text", said)) for said in ("Ada.", "die", "Bob.")]
    answers = reason(far, *text)
    assert [isinstance(answer, Found) for answer in answers] == [True, False, True]
    assert isinstance(answers[1], Failed)
