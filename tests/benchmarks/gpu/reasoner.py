"""How fast a reasoner reads and writes, beside what the memory of the device allows. Weights are random.

Each written token reads every weight that takes part in it once, so the bandwidth of the memory, which is measured by
copying, bounds the tokens a second. ``--size full`` builds a language model of the size of the published ones (that of
Qwen2.5-7B and Qwen3-30B-A3B) on the device; without it a tiny model runs the same way on any machine.
Baseline: the bound. Run on a GPU: python -m tests.benchmarks.gpu.reasoner --size full --device cuda
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import time
from collections.abc import Callable
from typing import Any

import torch

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.local.reasoner.decoding import generate
from reamo_mcp.models.local.reasoner.prefill import positions_of, read
from reamo_mcp.models.local.reasoner.prompts import Prompt
from reamo_mcp.models.local.reasoner.reasoner import Thinker
from reamo_mcp.models.meta_grammar import grammar
from tests.doubles.media_asks import ask_about
from tests.doubles.tiny_reasoners import FAMILIES, Vocabulary, tiny_thinker

_ROUNDS = 3
_DENSE = {
    "vocab_size": 152_064,
    "hidden_size": 3584,
    "intermediate_size": 18_944,
    "num_hidden_layers": 28,
    "num_attention_heads": 28,
    "num_key_value_heads": 4,
}
_EXPERTS = {
    "vocab_size": 152_064,
    "hidden_size": 2048,
    "num_hidden_layers": 48,
    "num_attention_heads": 32,
    "num_key_value_heads": 4,
    "head_dim": 128,
    "num_experts": 128,
    "num_experts_per_tok": 8,
    "moe_intermediate_size": 768,
}


def full_model(family: str, device: str) -> Any:
    """Return a thinker of the published size with random weights in bfloat16, made on the device."""
    from transformers import (
        Qwen2_5OmniThinkerConfig,
        Qwen2_5OmniThinkerForConditionalGeneration,
        Qwen3OmniMoeThinkerConfig,
        Qwen3OmniMoeThinkerForConditionalGeneration,
    )

    kinds: dict[str, tuple[Any, Any, dict[str, int]]] = {
        "qwen2_5_omni": (Qwen2_5OmniThinkerForConditionalGeneration, Qwen2_5OmniThinkerConfig, _DENSE),
        "qwen3_omni": (Qwen3OmniMoeThinkerForConditionalGeneration, Qwen3OmniMoeThinkerConfig, _EXPERTS),
    }
    kind, configuration, sizes = kinds[family]
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return kind(configuration(text_config=sizes)).eval()
    finally:
        torch.set_default_dtype(before)


def active_bytes(model: Any) -> int:
    """Return the bytes of the weights that each written token reads: of experts, only those that are chosen."""
    text = model.config.get_text_config()
    experts, chosen = getattr(text, "num_experts", 1), getattr(text, "num_experts_per_tok", 1)
    total = 0.0
    for name, weights in (*model.model.language_model.named_parameters(), *model.lm_head.named_parameters("lm_head")):
        share = chosen / experts if ".experts." in name else 0.0 if "embed_tokens" in name else 1.0
        total += share * weights.numel() * weights.element_size()
    return int(total)


def bandwidth(device: str) -> float:
    """Return how many bytes a second the memory of the device reads and writes together, by copying."""
    size = 1 << (30 if device != "cpu" else 27)
    source, target = (torch.empty(size, dtype=torch.uint8, device=device) for _ in range(2))
    return 2 * size / best(lambda: target.copy_(source), device)


def best(work: Callable[[], object], device: str) -> float:
    """Return the least seconds of some runs; the first one only warms up."""
    times: list[float] = []
    for _ in range(_ROUNDS + 1):
        began = time.perf_counter()
        work()
        if device != "cpu":
            torch.cuda.synchronize()
        times.append(time.perf_counter() - began)
    return min(times[1:])


def plain(model: Any, ids: torch.Tensor, tokens: int, cache: str | None) -> Callable[[], object]:
    """Return a run that reads ``ids`` and writes so many tokens, whatever they are."""

    def run() -> object:
        with torch.inference_mode():
            return model.generate(
                input_ids=ids,
                attention_mask=torch.ones_like(ids),
                max_new_tokens=tokens,
                min_new_tokens=tokens,
                do_sample=False,
                cache_implementation=cache,
            )

    return run


def bound(thinker: Thinker, ids: torch.Tensor, tokens: int) -> Callable[[], object]:
    """Return a run that writes within the grammar of an ask about a text."""
    schema = grammar(ask_about(("text",)).form)
    prompt = Prompt(tuple(ids[0].tolist()), (), {}, woven=False)
    model, tokenizer = thinker.model, thinker.processor.tokenizer

    def run() -> object:
        matcher = thinker.grammars.matcher(schema)
        positions = positions_of(model, [prompt], tokenizer.pad_token_id)
        begun = read(model, [prompt], tokenizer.pad_token_id, positions, None, Unlimited())
        return generate(model, begun, [matcher], tokenizer, tokens, Unlimited())

    return run


def main() -> None:
    """Print the table."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--family", choices=sorted(FAMILIES), default="qwen2_5_omni")
    told.add_argument("--size", choices=("tiny", "full"), default="tiny")
    told.add_argument("--device", default="cpu")
    told.add_argument("--prompt", type=int, default=2048, help="tokens that are read")
    told.add_argument("--tokens", type=int, default=256, help="tokens that are written")
    told.add_argument("--static", action="store_true", help="also with a static cache, compiled")
    chosen = told.parse_args()

    device: str = chosen.device
    thinker = tiny_thinker(chosen.family, Vocabulary.small())
    tiny: Any = thinker.model
    model: Any = tiny.to(device) if chosen.size == "tiny" else full_model(chosen.family, device)
    ids = torch.randint(5, 250, (1, chosen.prompt), device=device)
    limit = bandwidth(device) / active_bytes(model)
    print(f"{chosen.family}, {chosen.size}, {device}: {sum(one.numel() for one in model.parameters()):,} parameters")
    print(f"a token reads {active_bytes(model):,} bytes of weights; the memory allows {limit:,.0f} tokens/s")

    prefill = best(plain(model, ids, 1, None), device)
    print(f"reading {chosen.prompt} tokens: {chosen.prompt / prefill:,.0f} tokens/s")
    runs = [("writing", plain(model, ids, chosen.tokens, None))]
    if chosen.size == "tiny":
        runs.append(("writing in the grammar", bound(thinker, ids, chosen.tokens)))
    if chosen.static:
        runs.append(("writing, static cache", plain(model, ids, chosen.tokens, "static")))
    for name, run in runs:
        seconds = best(run, device) - prefill
        if seconds <= 0:
            print(f"{name}: too few tokens to tell")
            continue
        speed = (chosen.tokens - 1) / seconds
        print(f"{name}: {speed:,.1f} tokens/s, {speed / limit:.1%} of what the memory allows")
    if device != "cpu":
        print(f"most memory: {torch.cuda.max_memory_allocated() / 2**30:.1f} GiB")


if __name__ == "__main__":
    main()
