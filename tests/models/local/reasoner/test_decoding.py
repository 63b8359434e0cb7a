"""Decoding: always a valid answer or a valid beginning of one, and always an end."""

import json
import time
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import jsonschema
import numpy
import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Ask, Capacity, PicturePassage, TextPassage
from reamo_mcp.models.meta_grammar import Form, grammar
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaResponse, written
from reamo_mcp.models.roles import Answer, Failed, Found, ModelCard, Reasoned, Unsupported
from reamo_mcp.ontologies.loading import load_ontology
from tests.doubles.media_asks import MEDIA, ask_about, ask_of, film, picture

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the first test loads torch and transformers
CARD = ModelCard(role="reasoner", name="tiny", revision="1")


def reasoner(thinker: "Thinker", capacity: Capacity | None = None) -> "LocalReasoner":
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    return LocalReasoner(CARD, lambda: thinker, capacity)


def found(answer: Answer[Reasoned]) -> Reasoned:
    assert isinstance(answer, Found), answer
    (reasoned,) = answer.items
    return reasoned


def width(thinker: "Thinker") -> int:
    return thinker.grammars.width


def check_generations(thinker: "Thinker", count: int) -> tuple[int, int]:
    """Ask many times with dice in the place of the model; return how many answers were whole and how many cut."""
    from tests.doubles.tiny_reasoners import DiceHead, headed

    role = reasoner(thinker, Capacity(together=5))
    ask = ask_about(("text", "image"))
    validator = jsonschema.Draft202012Validator(grammar(ask.form))
    whole = cut = 0
    for seed in range(count // 5):
        with headed(thinker, DiceHead(width(thinker), seed)):
            for answer in role.reason([ask] * 5, (40, 120, 250)[seed % 3], Unlimited()):
                reasoned = found(answer)
                assert reasoned.dropped == 0
                told = json.loads(written(reasoned.response))
                assert validator.is_valid(told) or _has_dropped_hints(reasoned.response)  # pyright: ignore[reportUnknownMemberType]
                whole, cut = whole + reasoned.complete, cut + (not reasoned.complete)
    return whole, cut


def _has_dropped_hints(response: MetaResponse) -> bool:
    """A box of dice lies anywhere; brought into pixels of the original it may have a fraction of one."""
    return any(call.box is not None for call in response.calls)


def test_every_one_of_fifty_generations_ends_whole_or_cut_with_its_items(thinker: "Thinker") -> None:
    whole, cut = check_generations(thinker, 50)
    assert whole > 5
    assert cut > 5


@pytest.mark.big
@pytest.mark.timeout(3600)
def test_every_one_of_a_thousand_generations_ends(thinker: "Thinker") -> None:
    whole, cut = check_generations(thinker, 1000)
    assert whole + cut == 1000


def test_the_grammar_of_the_general_ontology_is_built_for_the_real_vocabulary(real_thinker: "Thinker") -> None:
    sources = tuple(f"m{number}" for number in range(1, 9))
    modules = tuple((source, "image_segmenter") for source in sources)
    form = Form(sources=sources, modules=modules, ontology=load_ontology("general"))  # pyright: ignore[reportArgumentType]
    matcher = real_thinker.grammars.matcher(grammar(form))
    person = MetaEntity(id="e1", type="person", name="北京 🐕", mentions=(MetaMention(source="m1", quote="北京"),))
    call = MetaCall(target="e1", medium="m2", module="image_segmenter", instruction="a dog", box=(1, 2, 3, 4))
    text = written(MetaResponse(entities=(person,), calls=(call,), more=True))
    for token in real_thinker.processor.tokenizer.encode(text, add_special_tokens=False):
        assert matcher.consume_token(token), matcher.get_error()
    assert matcher.is_stopped()
    assert not matcher.is_error()


def test_an_answer_never_holds_a_token_of_the_chat(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import ForcedHead, headed

    tokenizer = thinker.processor.tokenizer
    wanted = [tokenizer.convert_tokens_to_ids("<|im_start|>")] * 60
    with headed(thinker, ForcedHead([wanted], width(thinker))):
        reasoned = found(reasoner(thinker).reason([ask_about(("text",))], 60, Unlimited())[0])
    assert "im_start" not in written(reasoned.response)


def test_a_model_that_says_the_same_thing_over_and_over_is_stopped(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import ForcedHead, headed

    entities = tuple(
        MetaEntity(id=f"e{number}", type="person", name="Ada", mentions=(MetaMention(source="m1.text", quote="Ada"),))
        for number in range(1, 41)
    )
    ids = thinker.processor.tokenizer.encode(written(MetaResponse(entities=entities)), add_special_tokens=False)
    head = ForcedHead([ids], width(thinker))
    with headed(thinker, head):
        reasoned = found(reasoner(thinker).reason([ask_about(("text",))], len(ids) + 5, Unlimited())[0])
    assert not reasoned.complete
    assert 4 <= len(reasoned.response.entities) < 20
    assert head.steps < len(ids) / 2


def test_forms_of_their_own_bind_asks_that_are_put_together(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import DiceHead, headed

    asks = [ask_of(TextPassage(f"m{number}.text", "text", "Ada.")) for number in range(1, 4)]
    with headed(thinker, DiceHead(width(thinker), 3)):
        answers = reasoner(thinker, Capacity(together=3)).reason(asks, 200, Unlimited())
    for ask, answer in zip(asks, answers, strict=True):
        sources = {mention.source for one in found(answer).response.entities for mention in one.mentions}
        assert sources <= set(ask.form.sources)


class CancelledAfter:
    """Lets a number of checks pass, then the work shall stop; remembers when it said so, in processor time."""

    def __init__(self, checks: int) -> None:
        self._left = checks
        self.said = 0.0
        self.told: list[tuple[float, float, str]] = []

    def check(self) -> None:
        self._left -= 1
        if self._left < 0:
            self.said = self.said or time.process_time()
            raise Cancelled("the work was cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        self.told.append((done, total, unit))


@pytest.mark.parametrize("checks", [0, 1, 2, 4, 12])
def test_cancelling_stops_the_work_within_a_second(thinker: "Thinker", checks: int) -> None:
    from tests.doubles.tiny_reasoners import DiceHead, headed

    control = CancelledAfter(checks)
    with headed(thinker, DiceHead(width(thinker), 0)), pytest.raises(Cancelled) as raised:
        reasoner(thinker).reason([ask_about(("text",))], 3000, control)
    assert time.process_time() - control.said < 1
    held = {str(entry.path) for entry in raised.traceback}
    assert not any("transformers" in path for path in held), "what the model computed is held by the error"
    assert found(reasoner(thinker).reason([ask_about(("text",))], 20, Unlimited())[0])


def test_progress_is_told_in_tokens(thinker: "Thinker") -> None:
    control = CancelledAfter(10_000)
    reasoner(thinker).reason([ask_about(("text",))], 20, control)
    assert control.told[0] == (1, 20, "tokens")


class OutOfMemoryHead:
    """Runs out of memory a number of times, then lets the own head answer."""

    def __init__(self, thinker: "Thinker", times: int, error: type[Exception] | None = None) -> None:
        import torch

        model: Any = thinker.model
        outer = self
        self.left = times
        own = model.lm_head

        class Head(torch.nn.Module):
            def forward(self, hidden: Any) -> Any:
                if outer.left:
                    outer.left -= 1
                    raise (error or torch.OutOfMemoryError)("no memory")
                return own(hidden)

        self.head = Head()


def reduced_ask() -> Ask:
    return ask_of(film(frames=8), replace(film(medium="m5"), pictures=(picture(), picture(), picture(), picture())))


@pytest.mark.parametrize("times", [1, 3])
def test_a_lack_of_memory_costs_detail_that_is_told(thinker: "Thinker", times: int) -> None:
    from tests.doubles.tiny_reasoners import headed

    with headed(thinker, OutOfMemoryHead(thinker, times).head):
        (answer,) = reasoner(thinker).reason([reduced_ask()], 20, Unlimited())
    assert f"1 of {2**times} frames" in found(answer).reduced


@pytest.mark.parametrize("times", [4, 20])
def test_a_lack_of_memory_that_stays_fails_that_ask_and_the_next_call_works(thinker: "Thinker", times: int) -> None:
    from tests.doubles.tiny_reasoners import headed

    role = reasoner(thinker)
    with headed(thinker, OutOfMemoryHead(thinker, times).head):
        (answer,) = role.reason([reduced_ask()], 20, Unlimited())
    assert isinstance(answer, Failed)
    assert answer.code == "out_of_memory"
    assert found(role.reason([reduced_ask()], 20, Unlimited())[0]).reduced == ""


def test_asks_put_together_are_put_apart_before_anything_is_shown_smaller(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import headed

    with headed(thinker, OutOfMemoryHead(thinker, 2).head):
        answers = reasoner(thinker, Capacity(together=4)).reason([ask_about(("image",))] * 4, 20, Unlimited())
    assert [found(answer).reduced for answer in answers] == [""] * 4


def test_a_text_that_does_not_fit_is_a_failure_of_that_ask_alone(thinker: "Thinker") -> None:
    asks = [ask_of(TextPassage("m1.text", "text", text)) for text in ("Ada.", "Ada. " * 4000, "Bob.")]
    answers = reasoner(thinker, Capacity(together=3)).reason(asks, 20, Unlimited())
    assert [isinstance(answer, Found) for answer in answers] == [True, False, True]
    assert isinstance(answers[1], Failed)
    assert "context" in answers[1].message


def test_a_defect_of_the_model_fails_one_ask_with_its_kind(thinker: "Thinker") -> None:
    from tests.doubles.tiny_reasoners import headed

    with headed(thinker, OutOfMemoryHead(thinker, 20, RuntimeError).head):
        (answer,) = reasoner(thinker).reason([ask_about(("text",))], 20, Unlimited())
    assert isinstance(answer, Failed)
    assert answer.code == "engine_failed"


def test_a_picture_too_thin_for_the_model_is_unsupported_and_the_others_are_answered(thinker: "Thinker") -> None:
    strip = replace(picture(), pixels=numpy.zeros((4, 9000, 3), numpy.uint8))
    thin = PicturePassage("m2", strip)
    answers = reasoner(thinker).reason([ask_of(thin), ask_about(("text",))], 20, Unlimited())
    assert isinstance(answers[0], Unsupported)
    assert isinstance(answers[1], Found)


def test_answers_come_in_the_order_of_the_asks_whatever_is_put_together(thinker: "Thinker") -> None:
    asks = [ask_about(media) for media in (("video",), ("text",), MEDIA, ("image",))]
    apart = [reasoner(thinker).reason([ask], 40, Unlimited())[0] for ask in asks]
    assert reasoner(thinker, Capacity(together=4)).reason(asks, 40, Unlimited()) == apart
