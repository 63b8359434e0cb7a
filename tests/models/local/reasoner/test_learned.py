"""What a model was taught by the project's own serializer, it answers through the public interface."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from PIL import Image

from reamo_mcp.extractor import Extractor, Request
from reamo_mcp.media.local_decoder import LocalDecoder
from reamo_mcp.models.engine import Engine
from reamo_mcp.models.meta_response import MetaEntity, MetaMention, MetaResponse
from reamo_mcp.models.roles import Ask, Capacity, ModelCard, Reasoner
from reamo_mcp.settings import Limits, Settings
from reamo_mcp.store.records import Store
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.media_asks import picture, tone
from tests.doubles.scripted_reasoner import ScriptedReasoner
from tests.media_samples import write_sound

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(900)]
ONTOLOGY = Ontology.of(entity_types=["person", "object"])
CAPACITY = Capacity(picture_side=112)
CARD = ModelCard(role="reasoner", name="taught", revision="1")
NAMES = ("Ada", "Bob", "Carla", "Dmitri", "Elif", "Femi", "Greta", "Hugo", "Ines", "Jomo")
COLOURS = {"red": (220, 30, 30), "green": (30, 180, 30), "blue": (30, 30, 220), "black": (0, 0, 0), "gray": (128,) * 3}
TONES = {"deep": 110.0, "low": 220.0, "middle": 880.0, "high": 2200.0, "shrill": 5000.0}
_GROUPS = 4  # of five cases, taught one after another
_ROUNDS = 80
_RATE = 4e-3


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


def teach(thinker: "Thinker", lessons: list[tuple[Ask, MetaResponse]]) -> float:
    """Fit the model to what the serializer writes for each ask; return the worst loss of the last round."""
    import torch

    from reamo_mcp.models.local.reasoner.answers import target
    from reamo_mcp.models.local.reasoner.conversation import Thrift
    from reamo_mcp.models.local.reasoner.prompts import Prompt, batch, encoder, prompt_of

    family, processor = thinker.family, thinker.processor
    model: Any = thinker.model
    groups: list[tuple[dict[str, Any], Any]] = []
    for start in range(_GROUPS):
        prompts: list[Prompt] = []
        written: list[list[int]] = []
        for ask, response in lessons[start::_GROUPS]:
            prompt = prompt_of(ask, family, processor, CAPACITY, Thrift(), encoder(family, processor))
            text = target(response, family, prompt.shown)
            ids = [*processor.tokenizer.encode(text, add_special_tokens=False), processor.tokenizer.eos_token_id]
            prompts.append(Prompt((*prompt.ids, *ids), prompt.encoded, prompt.shown, prompt.woven))
            written.append(ids)
        labels = torch.full((len(written), max(len(ids) for ids in written)), -100)
        for row, ids in enumerate(written):
            labels[row, -len(ids) :] = torch.tensor(ids)
        groups.append((batch(prompts, processor.tokenizer.pad_token_id, "cpu", torch.float32), labels))
    optimizer = torch.optim.AdamW(model.parameters(), lr=_RATE, weight_decay=0.0)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, _RATE, total_steps=_ROUNDS * _GROUPS)
    worst = 0.0
    model.train()
    for _ in range(_ROUNDS):
        worst = 0.0
        for arguments, labels in groups:
            hidden = model.model(**arguments).last_hidden_state[:, -labels.shape[1] - 1 : -1]
            loss = torch.nn.functional.cross_entropy(model.lm_head(hidden).flatten(0, 1), labels.flatten())
            optimizer.zero_grad()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            schedule.step()
            worst = max(worst, loss.item())
        if worst < 0.005:
            break
    model.eval()
    return worst


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
