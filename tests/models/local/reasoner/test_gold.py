"""What is true, written in the convention of a family and forced token by token through the whole pipe, comes out."""

from collections.abc import Callable, Sequence
from itertools import combinations
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from reamo_mcp.evaluation.mini.cases import cell_names, make_case
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.models.asks import Ask, TextPassage
from reamo_mcp.models.meta_response import (
    MetaArgument,
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaMention,
    MetaRelation,
    MetaResponse,
)
from reamo_mcp.models.roles import Answer, Found, ModelCard, Reasoned
from tests.doubles.gold_case import CAPACITY, GoldCase
from tests.doubles.media_asks import MEDIA, ask_about

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]
CARD = ModelCard(role="reasoner", name="scripted reasoner", revision="1")
SUBSETS = [subset for size in range(1, 5) for subset in combinations(MEDIA, size)]


def true_answer(ask: Ask, task: str) -> MetaResponse:
    """Return an answer that uses everything an ask allows: quotes in any script, whole media, calls with hints."""
    sources = [passage.source if isinstance(passage, TextPassage) else passage.medium for passage in ask.passages]
    said = MetaMention(source=sources[0], quote="Ada") if sources[0] == "m1.text" else MetaMention(source=sources[0])
    place = MetaMention(source=sources[0], quote="北京") if sources[0] == "m1.text" else MetaMention(source=sources[-1])
    everywhere = (said, *(MetaMention(source=source) for source in sources[1:]))
    entities = (
        MetaEntity(id="e1", type="person", name="Ada", mentions=everywhere),
        MetaEntity(id="e2", type="object", name='a "red" 🐕 \\ café', mentions=(place,)),
    )
    calls = tuple(
        MetaCall(
            target=("e1", "e2")[number % 2],
            medium=medium,
            module=module,
            instruction="the red figure, left",
            box=(20.0, 40.0, 80.0, 120.0) if module != "audio_segmenter" else None,
            time=(0.5, 2.25) if module != "image_segmenter" else None,
        )
        for number, (medium, module) in enumerate(ask.form.modules)
    )
    relations = (MetaRelation(type="owns", head="e1", tail="e2", evidence=(said,)),)
    arguments = (MetaArgument(role="Agent", entity="e1"), MetaArgument(role="Manner", value="far away"))
    events = (MetaEvent(id="v1", type="throwing", trigger="throws", evidence=(said,), arguments=arguments),)
    return MetaResponse(
        entities=entities,
        relations=relations if task == "RE" else (),
        events=events if task == "EE" else (),
        calls=calls,
        more=task == "RE",
    )


class ForcedReasoner:
    """A local reasoner whose model is forced, token by token, to write what is true of each ask."""

    def __init__(self, thinker: "Thinker", truth: Callable[[Ask], MetaResponse]) -> None:
        from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

        self._thinker = thinker
        self._truth = truth
        self._inner = LocalReasoner(CARD, lambda: thinker, CAPACITY)
        self.card, self.capacity = CARD, CAPACITY

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        """Answer what is true."""
        from reamo_mcp.models.local.reasoner.conversation import is_woven
        from tests.doubles.tiny_reasoners import ForcedHead, headed

        answers: dict[int, Answer[Reasoned]] = {}
        for woven in (False, True):  # only these are put to the model together
            own = [number for number, ask in enumerate(asks) if is_woven(ask) == woven]
            rows = [self._written(asks[number]) for number in own]
            if own:
                with headed(self._thinker, ForcedHead(rows, self._thinker.grammars.width)):
                    answers.update(
                        zip(own, self._inner.reason([asks[number] for number in own], budget, control), strict=True)
                    )
        return [answers[number] for number in range(len(asks))]

    def _written(self, ask: Ask) -> list[int]:
        from reamo_mcp.models.local.reasoner.answers import target
        from reamo_mcp.models.local.reasoner.conversation import Thrift
        from reamo_mcp.models.local.reasoner.prompts import encoder, prompt_of

        family, processor = self._thinker.family, self._thinker.processor
        prompt = prompt_of(ask, family, processor, CAPACITY, Thrift(), encoder(family, processor))
        text = target(self._truth(ask), family, prompt.shown)
        return [
            *processor.tokenizer.encode(text, add_special_tokens=False),
            processor.tokenizer.eos_token_id,
        ]


def assert_same(response: MetaResponse, true: MetaResponse) -> None:
    """Boxes come back to within a step of the family's grid, all else as it was."""
    bare = [call.model_copy(update={"box": None}) for call in response.calls]
    assert bare == [call.model_copy(update={"box": None}) for call in true.calls]
    for call, gold in zip(response.calls, true.calls, strict=True):
        assert (call.box is None) == (gold.box is None)
        assert call.box is None or call.box == pytest.approx(gold.box, abs=1.0)
    assert response.model_copy(update={"calls": ()}) == true.model_copy(update={"calls": ()})


@pytest.mark.parametrize("task", ["NER", "RE", "EE"])
def test_the_truth_about_every_set_of_media_comes_back_as_it_was(real_thinker: "Thinker", task: str) -> None:
    asks = [ask_about(subset) for subset in SUBSETS]
    role = ForcedReasoner(real_thinker, lambda ask: true_answer(ask, task))
    for ask, answer in zip(asks, role.reason(asks, 1000, Unlimited()), strict=True):
        assert isinstance(answer, Found), answer
        (reasoned,) = answer.items
        assert reasoned.complete
        assert reasoned.dropped == 0
        assert_same(reasoned.response, true_answer(ask, task))


@pytest.mark.parametrize("cell", cell_names())
async def test_gold_cases_of_every_combination_and_task_are_extracted_as_they_are(
    real_thinkers: "dict[str, Thinker]", cell: str, tmp_path: Path
) -> None:
    case = GoldCase(make_case(cell, 0, tmp_path), tmp_path)
    plain = await case.scripted()
    families = list(real_thinkers.values())
    thinker = families[cell_names().index(cell) // 3 % len(families)]  # all that a family has of its own is tried above
    found = await case.extracted(ForcedReasoner(thinker, case.truth))
    for call, told in zip(found.calls, plain.calls, strict=True):
        if call.box is not None and told.box is not None:  # on the grid of the family
            assert call.box.intersection_over_union(told.box) > 0.95
    hints = tuple(
        call.model_copy(update={"box": told.box}) for call, told in zip(found.calls, plain.calls, strict=True)
    )
    assert found.model_copy(update={"calls": hints}) == plain.model_copy(update={"engine": found.engine})
    assert set(case.recognised(found).values()) == {1.0}
    assert min(case.located(found).values(), default=1.0) >= 0.99
