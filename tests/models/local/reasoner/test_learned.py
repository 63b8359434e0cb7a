"""What a model was taught by the project's own serializer, it answers through the public interface."""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.asks import Ask, Capacity
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaEntity, MetaMention, MetaResponse
from reamo_mcp.models.roles import ModelCard, Reasoner
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.media_asks import picture, tone
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.media_samples import write_sound

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.prompts import Prompt
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
ONTOLOGY = Ontology.of(entity_types=["person", "object"])
CAPACITY = Capacity(picture_side=112)
CARD = ModelCard(role="reasoner", name="taught", revision="1")
NAMES = ("Ada", "Bob", "Carla", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jomo")
COLOURS = {
    "red": (220, 30, 30),
    "green": (30, 180, 30),
    "blue": (30, 30, 220),
    "black": (0, 0, 0),
    "gray": (128, 128, 128),
}
TONES = {"deep": 110.0, "low": 220.0, "middle": 880.0, "high": 2200.0, "shrill": 5000.0}
_STAGES = (  # how many tokens of the instructions are kept, rounds, groups of cases, rate
    (12, 200, 1, 3e-3),
    (50, 40, 1, 2e-3),
    (200, 40, 1, 2e-3),
    (None, 30, 4, 1e-3),
)
_LEARNED = 0.008  # nats a token


def cases(folder: Path) -> list[tuple[Document, str]]:
    """Return ten texts, five pictures and five sounds, each with the name of the one thing that is in it."""
    made: list[tuple[Document, str]] = [(Document.of(text=f"Here {name} speaks."), name) for name in NAMES]
    for name, colour in COLOURS.items():
        Image.fromarray(picture(40, colour).pixels).save(folder / f"{name}.png")
        made.append((Document.of(folder / f"{name}.png"), f"{name} figure"))
    for name, hertz in TONES.items():
        write_sound(folder / f"{name}.wav", tone(hertz, 1.0).samples)
        made.append((Document.of(folder / f"{name}.wav"), f"{name} tone"))
    return made


def answer(ask: Ask, name: str) -> MetaResponse:
    (source,) = {source for source in ask.form.sources if source.endswith(".text")} or {ask.form.sources[0]}
    quote = name if name in NAMES else ""
    mention = MetaMention(source=source, quote=quote)
    kind = "person" if name in NAMES else "object"
    return MetaResponse(entities=(MetaEntity(id="e1", type=kind, name=name, mentions=(mention,)),))


async def extract(reasoner: Reasoner, document: Document, folder: Path) -> Extraction:
    settings = Settings(cache=folder)
    engine = Engine(profile="taught", reasoner=reasoner)
    extractor = Extractor(engine, LocalDecoder(Limits()), Store(folder, settings.cache_bytes), settings)
    return await extractor.extract(document, ONTOLOGY, request=Request(tasks=("entities",)))


def teach(thinker: "Thinker", lessons: list[tuple[Ask, MetaResponse]]) -> None:
    """Fit the model to what the serializer writes for each ask: first behind short prompts, which is quick."""
    import torch

    from reamo_mcp.models.local.reasoner.answers import target
    from reamo_mcp.models.local.reasoner.conversation import Thrift
    from reamo_mcp.models.local.reasoner.prompts import Prompt, encoder, prompt_of

    family, processor = thinker.family, thinker.processor
    prompts: list[Prompt] = []
    written: list[list[int]] = []
    for ask, response in lessons:
        prompts.append(prompt_of(ask, family, processor, CAPACITY, Thrift(), encoder(family, processor)))
        text = target(response, family, prompts[-1].shown)
        written.append([*processor.tokenizer.encode(text, add_special_tokens=False), processor.tokenizer.eos_token_id])
    # All asks end in the same instructions, of which the first stages keep the last words.
    same = next(size for size in range(1, 9999) if len({prompt.ids[-size:] for prompt in prompts}) > 1) - 1
    model: Any = thinker.model
    optimizer = torch.optim.AdamW(model.parameters(), weight_decay=0.0)
    model.train()
    for kept, rounds, groups, rate in _STAGES:
        rows = prompts
        if kept is not None:
            rows = [replace(prompt, ids=prompt.ids[:-same] + prompt.ids[-kept:]) for prompt in prompts]
        lessons_of_stage = [_lesson(thinker, rows[start::groups], written[start::groups]) for start in range(groups)]
        optimizer.param_groups[0]["lr"] = rate
        for _ in range(rounds):
            if max(_step(model, optimizer, *one) for one in lessons_of_stage) < _LEARNED:
                break
    model.eval()


def _lesson(thinker: "Thinker", rows: "list[Prompt]", written: list[list[int]]) -> tuple[dict[str, Any], Any]:
    """Return the arguments of the model for prompts with their answers, and the answers as labels, on the right."""
    import torch

    from reamo_mcp.models.local.reasoner.prompts import batch

    full = [replace(row, ids=(*row.ids, *ids)) for row, ids in zip(rows, written, strict=True)]
    labels = torch.full((len(written), max(len(ids) for ids in written)), -100)
    for row, ids in enumerate(written):
        labels[row, -len(ids) :] = torch.tensor(ids)
    return batch(full, thinker.processor.tokenizer.pad_token_id, "cpu", torch.float32), labels


def _step(model: Any, optimizer: Any, arguments: dict[str, Any], labels: Any) -> float:
    import torch

    loss: Any
    hidden = model.model(**arguments).last_hidden_state[:, -labels.shape[1] - 1 : -1]
    loss = torch.nn.functional.cross_entropy(model.lm_head(hidden).flatten(0, 1), labels.flatten())
    optimizer.zero_grad()
    loss.backward()
    torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    return float(loss.item())


async def test_of_twenty_cases_that_were_taught_at_least_nineteen_are_extracted(tmp_path: Path) -> None:
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner
    from reamo_mcp.models.prompting import instructions
    from tests.doubles.tiny_reasoners import Vocabulary, tiny_thinker

    taught = cases(tmp_path)
    listener = ScriptedReasoner(lambda _: MetaResponse(), CAPACITY)
    for number, (document, _) in enumerate(taught):
        await extract(listener, document, tmp_path / f"asked{number}")
    asks = listener.asks
    assert len(asks) == len(taught) == 20
    lessons = [(ask, answer(ask, name)) for ask, (_, name) in zip(asks, taught, strict=True)]
    vocabulary = Vocabulary.small(instructions(asks[0]), pieces=1200)
    thinker = tiny_thinker("qwen2_5_omni", vocabulary, hidden=64)
    teach(thinker, lessons)

    reasoner = LocalReasoner(CARD, lambda: thinker, CAPACITY)
    right = 0
    for number, (document, name) in enumerate(taught):
        extraction = await extract(reasoner, document, tmp_path / f"answered{number}")
        right += [entity.name for entity in extraction.entities] == [name]
    assert right >= 19
