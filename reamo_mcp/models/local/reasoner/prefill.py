"""Reading prompts: all tokens but the last go through the model here, so that only writing is left to `decoding`.

The cache that a prompt is read into grows; for writing its content may go into one of a fixed size. So a long prompt
is never read against the empty part of a cache of fixed size, what was kept of an earlier prompt serves both, and the
steps of writing, all of one shape, can be compiled.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import torch
from transformers import Cache, DynamicCache, StaticCache

from reamo_mcp.errors import ReamoError
from reamo_mcp.isolation.control import Control
from reamo_mcp.models.local.reasoner.prefixes import Prefix
from reamo_mcp.models.local.reasoner.prompts import Prompt, batch, beside
from reamo_mcp.models.local.work_on_device import interruptible, layers_of

_STEP = 1024  # tokens: caches of fixed size come in few sizes, as each is compiled anew

T = TypeVar("T")


@dataclass(frozen=True, eq=False)
class Read:
    """Prompts that were read but for their last token.

    ``ids`` and ``mask`` are [rows, tokens], ``positions`` [4, rows, tokens], of the whole prompts.
    """

    ids: torch.Tensor = field(repr=False)
    mask: torch.Tensor = field(repr=False)
    positions: torch.Tensor = field(repr=False)
    cache: Cache = field(repr=False)


def positions_of(model: Any, prompts: Sequence[Prompt], pad: int) -> torch.Tensor:
    """Return the positions [4, rows, tokens] of prompts, on the processor: in the text, in time, height and width."""
    given = beside(prompts, pad)
    # What `generate` asks for itself where it is given none: the same positions by the same code.
    return model._prepare_position_ids_for_generation(
        given["input_ids"], {**given, "use_audio_in_video": prompts[0].woven}
    )


def read(
    model: Any, prompts: Sequence[Prompt], pad: int, positions: torch.Tensor, prefix: Prefix | None, control: Control
) -> Read:
    """Let the model read some prompts, of which it has a prefix already; only a prompt alone can have one.

    Raises what ``control.check`` raises, and torch.OutOfMemoryError.
    """
    past = 0 if prefix is None else prefix.length
    new = prompts if prefix is None else [prompts[0].media_after(past)]
    given: dict[str, Any] = batch(new, pad, model.device, model.dtype)
    ids, mask = given.pop("input_ids"), given.pop("attention_mask")
    given.pop("use_audio_in_video", None)  # it bears on positions alone, which are given
    positions = positions.to(model.device)
    cache = DynamicCache(config=model.config.get_text_config())

    def work() -> None:
        with torch.inference_mode(), interruptible(layers_of(model), control):
            for number, (keys, values) in enumerate(() if prefix is None else prefix.layers):
                cache.update(keys, values, number)
            if past < ids.shape[1] - 1:
                # Without the head: the scores of a long prompt would fill gigabytes.
                model.model(
                    input_ids=ids[:, past:-1],
                    attention_mask=mask[:, :-1],
                    position_ids=positions[..., past:-1],
                    cache=cache,
                    use_cache=True,
                    **given,
                )

    left_clean(work)
    return Read(ids, mask, positions, cache)


def fixed(read: Read, model: Any, most: int) -> Read:
    """Return what was read in a cache of fixed size, with room for ``most`` more tokens. The old cache is emptied."""
    size = -(-(read.ids.shape[1] + most) // _STEP) * _STEP
    cache = StaticCache(config=model.config.get_text_config(), max_cache_len=size)
    with torch.inference_mode():
        for number, layer in enumerate(read.cache.layers):
            kept: Any = layer
            cache.update(kept.keys, kept.values, number)
            layer.reset()
    return Read(read.ids, read.mask, read.positions, cache)


def left_clean(work: Callable[[], T]) -> T:
    """Do work; let an error of the project out without its traceback, which holds all that the model had computed."""
    try:
        return work()
    except ReamoError as error:
        stopped = error.with_traceback(None)
    raise stopped
