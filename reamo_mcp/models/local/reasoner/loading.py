"""From a folder of weights to a reasoner. Nothing is fetched, no code of a checkpoint runs, no pickle is opened."""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import json
from typing import Any

from reamo_mcp.models.asks import Capacity
from reamo_mcp.models.local.reasoner.decoding import Grammars
from reamo_mcp.models.local.reasoner.families.family import Family
from reamo_mcp.models.local.reasoner.families.qwen2_5_omni import Qwen2_5Omni
from reamo_mcp.models.local.reasoner.families.qwen3_omni import Qwen3Omni
from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker
from reamo_mcp.models.local.weights import Weights, load_model, opening, unavailable
from reamo_mcp.models.roles import ModelCard

FAMILIES: tuple[Family, ...] = (Qwen2_5Omni(), Qwen3Omni())


def load_reasoner(weights: Weights, *, device: str, capacity: Capacity | None = None) -> LocalReasoner:
    """Return a reasoner with these weights, which are loaded when they are first needed.

    Args:
        weights: A folder with configuration, processor and safetensors of one checkpoint, as published.
        device: As torch names it. On a GPU the weights are in bfloat16, else in float32.
        capacity: What one ask may hold; must suit the memory.

    Raises:
        ModelUnavailable: The folder has no weights that can be used.
    """
    family = family_of(weights)
    card = ModelCard(
        role="reasoner",
        name=weights.name,
        revision=weights.revision,
        accepts=("text", "image", "audio", "video"),
        limits="the context and memory of the model; what does not fit is shown in parts or smaller",
    )
    return LocalReasoner(card, lambda: load_thinker(weights, family, device), capacity)


def family_of(weights: Weights) -> Family:
    """Return the family of a checkpoint. Raises ModelUnavailable."""
    try:
        told: Any = json.loads((weights.folder / "config.json").read_text(encoding="utf-8"))
        kind = told["model_type"]
    except (OSError, ValueError, KeyError, TypeError):
        raise unavailable(weights, "it has no readable configuration") from None
    family = next((one for one in FAMILIES if kind in (one.model_type, one.whole_type)), None)
    if family is None:
        known = ", ".join(one.whole_type for one in FAMILIES)
        raise unavailable(weights, f"its model type is {kind!r}; known are {known}")
    if not any(weights.folder.glob("*.safetensors")):
        raise unavailable(weights, "it has no safetensors")
    return family


def load_thinker(weights: Weights, family: Family, device: str) -> Thinker:
    """Return the loaded model. Raises ModelUnavailable and OutOfMemory."""
    with opening(weights):
        processor = family.load_processor(str(weights.folder))
    return thinker_of(family, processor, load_model(family.model_class(), weights, device, straight=True))


def thinker_of(family: Family, processor: Any, model: Any) -> Thinker:
    """Return a model and its processor, made ready to answer.

    On a GPU the steps of writing are compiled, where the class says that it can be as a whole: so far not measured on
    one. On a processor compiling takes longer than it saves.
    """
    text = model.config.get_text_config()
    return Thinker(
        family=family,
        processor=processor,
        model=model,
        grammars=Grammars(processor.tokenizer, int(text.vocab_size)),
        context=int(text.max_position_embeddings),
        static=model.device.type == "cuda" and model._can_compile_fullgraph,
    )
