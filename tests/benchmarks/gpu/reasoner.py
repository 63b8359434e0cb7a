"""How fast a reasoner reads and writes, beside what the memory of the device allows. Weights are random.

Each written token reads every weight that takes part in it once, so the bandwidth of the memory, which is measured by
copying, bounds the tokens a second. ``--size full`` builds a model of the size of the published ones (that of
Qwen2.5-Omni-7B and Qwen3-Omni-30B-A3B) on the device; without it a tiny model runs the same way on any machine.
Baselines: the bound; the cache that grows, run step by step, for the compiled one of fixed size; a first question on
a file for a further one; one call for two at once.
Run on a GPU: python -m tests.benchmarks.gpu.reasoner --size full --device cuda
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false

import argparse
import resource
import time
from collections.abc import Callable, Generator, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import torch

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Ask, KnownEntity, PicturePassage, SoundPassage, TextPassage
from reamo_mcp.models.local.reasoner.decoding import generate
from reamo_mcp.models.local.reasoner.loading import thinker_of
from reamo_mcp.models.local.reasoner.prefill import fixed, positions_of, read
from reamo_mcp.models.local.reasoner.prompts import Prompt
from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker
from reamo_mcp.models.meta_grammar import grammar
from reamo_mcp.models.roles import Found, ModelCard
from tests.benchmarks.gpu.reasoner_models import full_model
from tests.doubles.media_asks import ask_about, ask_of, film, picture, tone
from tests.doubles.tiny_reasoners import FAMILIES, Vocabulary, tiny_thinker

_ROUNDS = 3
_CARD = ModelCard(role="reasoner", name="random weights", revision="1")


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


def settled(device: str) -> float:
    """Return the time when the device has done all its work."""
    if device != "cpu":
        torch.cuda.synchronize()
    return time.perf_counter()


def best(work: Callable[[], object], device: str) -> float:
    """Return the least seconds of some runs; the first one only warms up."""
    times: list[float] = []
    for _ in range(_ROUNDS + 1):
        began = settled(device)
        work()
        times.append(settled(device) - began)
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


def bound(thinker: Thinker, ids: torch.Tensor, tokens: int, *, static: bool) -> Callable[[], object]:
    """Return a run that writes within the grammar of an ask about a text, as the reasoner does."""
    schema = grammar(ask_about(("text",)).form)
    prompt = Prompt(tuple(ids[0].tolist()), (), {}, woven=False)
    model, tokenizer = thinker.model, thinker.processor.tokenizer

    def run() -> object:
        matcher = thinker.grammars.matcher(schema)
        positions = positions_of(model, [prompt], tokenizer.pad_token_id)
        begun = read(model, [prompt], tokenizer.pad_token_id, positions, None, Unlimited())
        if static:
            begun = fixed(begun, model, tokens)
        return generate(model, begun, [matcher], tokenizer, tokens, Unlimited())

    return run


@dataclass
class Steps:
    """The steps of writing that were timed: when each began and ended."""

    began: list[float] = field(default_factory=list[float])
    ended: list[float] = field(default_factory=list[float])

    def between(self) -> float:
        """Return the seconds per token in which the model did nothing, from the first step to the last."""
        gaps = [began - ended for began, ended in zip(self.began[1:], self.ended[:-1], strict=True)]
        return sum(gaps) / len(gaps)

    def within(self) -> float:
        """Return the seconds per token of the model."""
        return sum(ended - began for began, ended in zip(self.began, self.ended, strict=True)) / len(self.began)


@contextmanager
def timed_steps(model: Any, device: str, *, compiled: bool) -> Generator[Steps]:
    """Time the steps of the model; the device is waited for around each."""
    steps = Steps()

    def begins(*_: object) -> None:
        steps.began.append(settled(device))

    def ends(*_: object) -> None:
        steps.ended.append(settled(device))

    if not compiled:
        hooks = (model.register_forward_pre_hook(begins), model.register_forward_hook(ends))
        try:
            yield steps
        finally:
            for hook in hooks:
                hook.remove()
        return
    compiling = model.get_compiled_call

    def timed(configuration: Any) -> Callable[..., Any]:
        call = compiling(configuration)

        def step(**given: Any) -> Any:
            begins()
            told = call(**given)
            ends()
            return told

        return step

    model.get_compiled_call = timed  # a hook would be compiled with the model
    try:
        yield steps
    finally:
        del model.get_compiled_call


def file_ask(number: int) -> Ask:
    """Return a question on a file of its own, with a text, a picture, a sound and a video with sound."""
    return ask_of(
        TextPassage("m1.text", "text", f"File {number}. {'Ada throws a frisbee far away. ' * 40}"),
        PicturePassage("m2", picture(10 + number, width=640, height=480)),
        SoundPassage("m3", tone(300.0 + number, 10.0)),
        film(sound=tone(500.0 + number, 8.0), frames=8),
    )


def further(ask: Ask) -> Ask:
    """Return the next question on the same file."""
    return replace(ask, known=(KnownEntity(id="e1", type="person", name="Ada"),))


def seconds_of(role: LocalReasoner, ask: Ask, tokens: int, device: str) -> float:
    """Return how long an answer of so many tokens takes."""
    began = settled(device)
    (answer,) = role.reason([ask], tokens, Unlimited())
    assert isinstance(answer, Found), answer
    return settled(device) - began


def questions(thinker: Thinker, device: str) -> Iterator[str]:
    """Measure first and further questions on files; one token is written, so reading is what takes time."""
    role = LocalReasoner(_CARD, lambda: thinker)
    firsts: list[float] = []
    furthers: list[float] = []
    for number in range(_ROUNDS + 1):
        firsts.append(seconds_of(role, file_ask(number), 1, device))
        furthers.append(seconds_of(role, further(file_ask(number)), 1, device))
    first, again = min(firsts[1:]), min(furthers[1:])
    yield f"first question on a file with all media: {first:.3f} s; a further one: {again:.3f} s, {again / first:.0%}"


def at_once(thinker: Thinker, tokens: int, device: str) -> Iterator[str]:
    """Measure two calls from two threads: the device is lent to one at a time."""
    asks = [file_ask(number) for number in range(2)]
    first, second = (LocalReasoner(_CARD, lambda: thinker) for _ in range(2))
    alone = [seconds_of(first, ask, tokens, device) for ask in asks]
    began = settled(device)
    with ThreadPoolExecutor(2) as threads:
        each = [one.result() for one in [threads.submit(seconds_of, second, ask, tokens, device) for ask in asks]]
    both = settled(device) - began
    yield (
        f"two calls one after the other: {sum(alone):.2f} s; at once: {both:.2f} s, "
        f"of which one was done after {min(each):.2f} s"
    )


def host(thinker: Thinker, ids: torch.Tensor, tokens: int, device: str) -> Iterator[str]:
    """Measure the time per token of grammar, control and loop, and how much of it the device waits for."""
    short, long = (bound(thinker, ids, count, static=device != "cpu") for count in (1, tokens))
    a_token = (best(long, device) - best(short, device)) / (tokens - 1)
    with timed_steps(thinker.model, device, compiled=device != "cpu") as steps:
        long()
    yield (
        f"a step of the model: {steps.within() * 1e3:.2f} ms; host between two steps: {steps.between() * 1e3:.2f} ms, "
        f"of which {max(0.0, a_token - steps.within()) * 1e3:.2f} ms are exposed"
    )


def memory(model: Any, device: str) -> str:
    """Return what the weights take, and the most that was taken by all that was measured."""
    weights = sum(one.numel() * one.element_size() for one in model.parameters())
    most = (
        resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        if device == "cpu"
        else torch.cuda.max_memory_allocated()
    )
    return f"memory: weights {weights / 2**30:.2f} GiB, at most {most / 2**30:.2f} GiB in all"


def writing(thinker: Thinker, ids: torch.Tensor, tokens: int, limit: float, device: str) -> Iterator[str]:
    """Measure reading, and writing step by step, with a cache of fixed size, and within the grammar."""
    model = thinker.model
    on_gpu = device != "cpu"
    prefill = best(plain(model, ids, 1, None), device)
    yield f"reading {ids.shape[1]} tokens: {ids.shape[1] / prefill:,.0f} tokens/s"
    runs = {
        "writing step by step": [plain(model, ids, count, None) for count in (1, tokens)],
        f"writing, cache of fixed size, {'compiled' if on_gpu else 'not compiled here'}": [
            plain(model, ids, count, "static") for count in (1, tokens)
        ],
        "writing in the grammar, as the reasoner does": [
            bound(thinker, ids, count, static=on_gpu) for count in (1, tokens)
        ],
    }
    first = 0.0
    for name, (short, long) in runs.items():
        seconds = best(long, device) - best(short, device)
        if seconds <= 0:
            yield f"{name}: too few tokens to tell"
            continue
        speed = (tokens - 1) / seconds
        first = first or speed
        yield f"{name}: {speed:,.1f} tokens/s, {speed / limit:.1%} of the bound, {speed / first:.2f} x step by step"


def main() -> None:
    """Print the table."""
    told = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    told.add_argument("--family", choices=sorted(FAMILIES), default="qwen2_5_omni")
    told.add_argument("--size", choices=("tiny", "full"), default="tiny")
    told.add_argument("--device", default="cpu")
    told.add_argument("--prompt", type=int, help="tokens that are read; 2048 by a full model")
    told.add_argument("--tokens", type=int, help="tokens that are written; 256 by a full model")
    chosen = told.parse_args()

    device: str = chosen.device
    prompt, tokens = (2048, 256) if chosen.size == "full" else (512, 32)
    prompt, tokens = chosen.prompt or prompt, chosen.tokens or tokens
    if device == "cpu" and chosen.size == "tiny":
        torch.set_num_threads(1)  # in a model this small they only wait for each other
    thinker = tiny_thinker(chosen.family, Vocabulary.small())
    tiny: Any = thinker.model
    model: Any = tiny.to(device) if chosen.size == "tiny" else full_model(chosen.family, tiny, device)
    thinker = thinker_of(thinker.family, thinker.processor, model)
    ids = torch.randint(5, 250, (1, prompt), device=device)
    limit = bandwidth(device) / active_bytes(model)
    print(f"{chosen.family}, {chosen.size}, {device}: {sum(one.numel() for one in model.parameters()):,} parameters")
    print(f"a token reads {active_bytes(model):,} bytes of weights; the memory allows {limit:,.0f} tokens/s")
    for line in (
        *writing(thinker, ids, tokens, limit, device),
        *host(thinker, ids, tokens, device),
        *questions(thinker, device),
        *at_once(thinker, tokens, device),
    ):
        print(line, flush=True)
    print(memory(model, device))


if __name__ == "__main__":
    main()
