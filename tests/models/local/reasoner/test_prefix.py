"""Further questions on a file: what was read of it is not read again, and the answers are those of reading it all."""

from collections.abc import Callable, Generator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import (
    Ask,
    Capacity,
    KnownEntity,
    Passage,
    PicturePassage,
    Sound,
    SoundPassage,
    TextPassage,
    VideoPassage,
)
from reamo_mcp.models.roles import Found, ModelCard
from tests.doubles.media_asks import MEDIA, ask_about, ask_of, film, passages, picture, tone
from tests.doubles.stopping import StopsAfter

if TYPE_CHECKING:
    import torch

    from reamo_mcp.models.local.reasoner.prompts import Prompt
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner, Thinker

pytestmark = [pytest.mark.models, pytest.mark.timeout(600)]  # the first test loads torch and transformers
CARD = ModelCard(role="reasoner", name="tiny", revision="1")
SUBSETS = [subset for size in range(1, 5) for subset in combinations(MEDIA, size)]
LONG = TextPassage("m1.text", "text", "Ada throws a frisbee to a dog in the park. " * 20)
_BUDGET = 12


def reasoner(thinker: "Thinker", capacity: Capacity | None = None) -> "LocalReasoner":
    from reamo_mcp.models.local.reasoner.reasoner import LocalReasoner

    return LocalReasoner(CARD, lambda: thinker, capacity)


def asked_on(ask: Ask) -> Ask:
    """Return the next question on the same sources."""
    return replace(ask, known=(KnownEntity(id="e1", type="person", name="Bob"),))


def prompt(thinker: "Thinker", ask: Ask) -> "Prompt":
    from reamo_mcp.models.local.reasoner.conversation import Thrift
    from reamo_mcp.models.local.reasoner.prompts import encoder, prompt_of

    encode = encoder(thinker.family, thinker.processor)
    return prompt_of(ask, thinker.family, thinker.processor, Capacity(), Thrift(), encode)


def in_common(thinker: "Thinker", one: Ask, other: Ask) -> int:
    pairs = list(zip(prompt(thinker, one).ids, prompt(thinker, other).ids, strict=False))
    return next((at for at, (own, theirs) in enumerate(pairs) if own != theirs), len(pairs))


@dataclass
class Seen:
    """What went through a model: how many positions at a time, how often an encoder ran, and the scores."""

    positions: list[int] = field(default_factory=list[int])
    encoders: int = 0
    logits: "list[torch.Tensor]" = field(default_factory=list["torch.Tensor"])

    @property
    def read(self) -> int:
        """The positions up to the first written token."""
        return sum(self.positions) - (len(self.logits) - 1)


@contextmanager
def watched(thinker: "Thinker") -> Generator[Seen]:
    model: Any = thinker.model
    seen = Seen()

    def through(_module: Any, given: tuple[Any, ...]) -> None:
        seen.positions.append(given[0].shape[1])

    def encoded(*_: Any) -> None:
        seen.encoders += 1

    def scored(_module: Any, _given: Any, scores: Any) -> None:
        seen.logits.append(scores[:, -1])

    hooks = [
        model.model.language_model.layers[0].register_forward_pre_hook(through),
        model.model.visual.register_forward_pre_hook(encoded),
        model.model.audio_tower.register_forward_pre_hook(encoded),
        model.lm_head.register_forward_hook(scored),
    ]
    try:
        yield seen
    finally:
        for hook in hooks:
            hook.remove()


def put(role: "LocalReasoner", thinker: "Thinker", ask: Ask) -> tuple[Any, Seen]:
    """Return the answer to an ask, and what went through the model for it."""
    with watched(thinker) as seen:
        (answer,) = role.reason([ask], _BUDGET, Unlimited())
    assert isinstance(answer, Found), answer
    return answer, seen


def check(role: "LocalReasoner", thinker: "Thinker", ask: Ask, already: int) -> Seen:
    """Put an ask of which so many tokens need not be read; the answer must be that of a reasoner that reads all.

    The first scores are those of a plain call of transformers, too.
    """
    import torch

    from reamo_mcp.models.local.reasoner.prompts import batch

    given = batch([prompt(thinker, ask)], 0, thinker.device, thinker.model.dtype)
    with torch.inference_mode():
        plain = thinker.model(**given).logits[:, -1]  # pyright: ignore[reportCallIssue]
    answer, seen = put(role, thinker, ask)
    whole, all_seen = put(reasoner(thinker), thinker, ask)
    assert all_seen.read == len(prompt(thinker, ask).ids)
    assert seen.read == all_seen.read - already
    assert len(seen.logits) == len(all_seen.logits)
    for one, other in zip(seen.logits, all_seen.logits, strict=True):
        assert torch.allclose(one, other, atol=1e-4)
    assert torch.allclose(seen.logits[0], plain, atol=1e-4)
    assert answer == whole
    return seen


@pytest.mark.parametrize("media", SUBSETS, ids="+".join)
def test_a_further_question_reads_only_what_is_new_and_is_answered_as_if_all_were_read(
    thinker: "Thinker", media: tuple[str, ...]
) -> None:
    role, ask = reasoner(thinker), ask_about(media)
    put(role, thinker, ask)
    seen = check(role, thinker, asked_on(ask), in_common(thinker, ask, asked_on(ask)))
    assert seen.encoders == 0


def test_the_same_question_again_reads_one_token(thinker: "Thinker") -> None:
    role, ask = reasoner(thinker), ask_about(MEDIA)
    for already in (0, len(prompt(thinker, ask).ids) - 1, len(prompt(thinker, ask).ids) - 1):
        check(role, thinker, ask, already)


def test_media_that_come_after_the_common_beginning_are_encoded_and_no_others(thinker: "Thinker") -> None:
    sound, shown = SoundPassage("m3", tone(seconds=4.0)), PicturePassage("m2", picture())
    first, second = ask_of(LONG, sound), ask_of(LONG, sound, shown)
    role = reasoner(thinker)
    put(role, thinker, first)
    assert check(role, thinker, second, in_common(thinker, first, second)).encoders == 1
    woven = ask_of(LONG, sound, film(sound=tone(seconds=4.0)))  # takes all positions in another way
    check(role, thinker, woven, in_common(thinker, second, woven))


def _pixel(passage: Any) -> Passage:
    pixels = passage.picture.pixels.copy()
    pixels[-1, -1, 0] ^= 1
    return replace(passage, picture=replace(passage.picture, pixels=pixels))


def _sample(passage: Any) -> Passage:
    samples = passage.sound.samples.copy()
    samples[-100] += 0.01
    return replace(passage, sound=Sound(samples, passage.sound.start))


def _frame(passage: Any) -> Passage:
    *others, last = passage.pictures
    pixels = last.pixels.copy()
    pixels[0, 0, 2] ^= 1
    return replace(passage, pictures=(*others, replace(last, pixels=pixels)))


CHANGES: dict[str, tuple[Passage, Callable[[Any], Passage]]] = {
    "a pixel of a picture": (PicturePassage("m2", picture()), _pixel),
    "a sample of a sound": (SoundPassage("m3", tone(seconds=4.0)), _sample),
    "a pixel of a frame": (film(sound=tone(880.0, 4.0)), _frame),
    "a sample of the sound of a video": (film(sound=tone(880.0, 4.0)), _sample),
    "a pixel of a frame without sound": (film(), _frame),
}


@pytest.mark.parametrize("change", CHANGES)
def test_a_medium_that_changed_is_read_anew_though_its_tokens_are_the_same(thinker: "Thinker", change: str) -> None:
    passage, changed = CHANGES[change]
    first, second = ask_of(LONG, passage), ask_of(LONG, changed(passage))
    assert prompt(thinker, first).ids == prompt(thinker, second).ids
    (place,) = prompt(thinker, second).places
    role = reasoner(thinker)
    put(role, thinker, first)
    assert check(role, thinker, second, place.start).encoders > 0


def test_a_video_of_the_same_frames_at_another_rate_is_read_anew(thinker: "Thinker") -> None:
    first = ask_of(LONG, film())
    slow = replace(film(), step=1.25)  # which ends within the same second as it is told
    second = ask_of(LONG, replace(slow, times=(0.0, 1.0, 2.0, 2.75)))
    role = reasoner(thinker)
    put(role, thinker, first)
    (place,) = prompt(thinker, second).places
    assert prompt(thinker, first).ids == prompt(thinker, second).ids
    check(role, thinker, second, place.start)


def test_asks_that_are_put_together_are_answered_as_before(thinker: "Thinker") -> None:
    asks = [ask_about(("text", "image")), asked_on(ask_about(("text", "image"))), ask_about(("audio",))]
    role = reasoner(thinker, Capacity(together=3))
    put(role, thinker, asks[0])
    fresh = reasoner(thinker, Capacity(together=3)).reason(asks, _BUDGET, Unlimited())
    assert role.reason(asks, _BUDGET, Unlimited()) == fresh
    check(role, thinker, asks[1], in_common(thinker, asks[0], asks[1]))


@pytest.mark.parametrize("checks", [1, 2, 3, 5, 9])
def test_a_question_that_is_cancelled_leaves_what_was_read_as_it_was(thinker: "Thinker", checks: int) -> None:
    role, ask = reasoner(thinker), ask_about(MEDIA)
    put(role, thinker, ask)
    with pytest.raises(Cancelled):
        role.reason([asked_on(ask)], _BUDGET, StopsAfter(checks))
    check(role, thinker, asked_on(ask), in_common(thinker, ask, asked_on(ask)))


def test_a_lack_of_memory_costs_what_was_kept_before_any_detail(thinker: "Thinker") -> None:
    import torch

    from tests.doubles.tiny_reasoners import headed

    model: Any = thinker.model
    own = model.lm_head

    class ShortOfMemory(torch.nn.Module):
        """Runs out of memory once."""

        short = True

        def forward(self, hidden: torch.Tensor) -> torch.Tensor:
            if self.short:
                self.short = False
                raise torch.OutOfMemoryError("no memory")
            return own(hidden)

    role, ask = reasoner(thinker), ask_about(MEDIA)
    put(role, thinker, ask)
    with headed(thinker, ShortOfMemory()):
        answer, seen = put(role, thinker, asked_on(ask))
    (reasoned,) = answer.items
    assert reasoned.reduced == ""
    length, common = len(prompt(thinker, asked_on(ask)).ids), in_common(thinker, ask, asked_on(ask))
    assert seen.read == (length - common) + length
    check(role, thinker, asked_on(ask), length - 1)


def test_of_three_files_the_last_two_are_kept(thinker: "Thinker") -> None:
    asks = [ask_of(replace(LONG, text=f"{name} sleeps. " * 60)) for name in ("Ada", "Bob", "Cid")]
    role = reasoner(thinker)
    for ask in (asks[0], asks[1], asked_on(asks[1]), asks[2]):
        put(role, thinker, ask)
    check(role, thinker, asked_on(asks[1]), len(prompt(thinker, asked_on(asks[1])).ids) - 1)
    check(role, thinker, asks[2], len(prompt(thinker, asks[2]).ids) - 1)
    check(role, thinker, asks[0], 0)


@pytest.mark.parametrize(("prompts", "kept"), [(0.9, (False, False)), (1.5, (False, True)), (3.0, (True, True))])
def test_no_more_is_kept_than_there_is_room_for(thinker: "Thinker", prompts: float, kept: tuple[bool, ...]) -> None:
    from reamo_mcp.models.local.reasoner.prefill import positions_of, read
    from reamo_mcp.models.local.reasoner.prefixes import Prefixes

    texts = [prompt(thinker, ask_of(replace(LONG, text=f"{name} sleeps. " * 60))) for name in ("Ada", "Bob")]
    model: Any = thinker.model
    heads = model.config.text_config.num_key_value_heads
    size = 2 * 2 * heads * 8 * 4 * max(len(text.ids) for text in texts)  # keys and values of two layers in fp32
    prefixes = Prefixes(room=lambda _: int(prompts * size))
    for text in texts:
        positions = positions_of(model, [text], 0)
        begun = read(model, [text], 0, positions, None, Unlimited())
        prefixes.keep(text, positions, begun.cache, len(text.ids) - 1)
    found = tuple(prefixes.longest(text, positions_of(model, [text], 0)) is not None for text in texts)
    assert found == kept
    assert prefixes.drop() == any(kept)
    assert not prefixes.drop()


def test_what_was_encoded_is_remembered_within_a_bound(thinker: "Thinker") -> None:
    from reamo_mcp.models.local.reasoner.encodings import Encodings
    from reamo_mcp.models.local.reasoner.media import Still, Wave

    still, wave = Still("m2", picture().pixels, (240, 160)), Wave("m3", tone().samples)
    encode = Encodings(thinker.family, thinker.processor)
    first, heard, smaller = encode(still, 112), encode(wave, 0), encode(still, 56)
    assert encode(still, 112) is first
    assert encode(wave, 0) is heard
    assert encode(replace(still, pixels=still.pixels.copy()), 112) is first
    assert len({first.mark, heard.mark, smaller.mark}) == 3
    narrow = Encodings(thinker.family, thinker.processor, most=1000)
    assert narrow(still, 112) is not narrow(still, 112)
    assert narrow(still, 112).mark == first.mark


def test_passages_stand_before_the_question_so_that_all_media_are_shared(thinker: "Thinker") -> None:
    """What makes reuse worth while: the common beginning of two questions covers every source."""
    ask = ask_of(*passages(MEDIA))
    assert any(isinstance(passage, VideoPassage) for passage in ask.passages)
    last = prompt(thinker, ask).places[-1]
    assert in_common(thinker, ask, asked_on(ask)) > last.end
