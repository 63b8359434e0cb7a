import json
from typing import Any

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.models.meta_grammar import Form, Schema, grammar, with_patterns_for_lengths
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.meta_response import (
    MetaArgument,
    MetaCall,
    MetaEntity,
    MetaEvent,
    MetaMention,
    MetaRelation,
    MetaResponse,
    written,
)
from reamo_mcp.types.ontology import EntityType, EventType, Ontology, RelationType, Role

ONTOLOGY = Ontology(
    entity_types=(EntityType(name="person"), EntityType(name='the "thing"')),
    relation_types=(RelationType(name="peer"),),
    event_types=(
        EventType(name="driving", roles=(Role(name="Agent"), Role(name="Direction"))),
        EventType(name="talk"),
    ),
)
FORM = Form(
    sources=("m1", "m1.text", "m2"),
    modules=(("m2", "image_segmenter"), ("m3", "video_tracker"), ("m3", "audio_segmenter")),
    ontology=ONTOLOGY,
)
_quotes = st.text(st.characters(codec="utf-8", exclude_categories=["Cs"]), min_size=1, max_size=40)
_ids = st.integers(1, 99).map("e{}".format)
_mentions = st.builds(MetaMention, source=st.sampled_from(FORM.sources), quote=_quotes, nth=st.integers(1, 99)) | (
    st.builds(MetaMention, source=st.sampled_from(FORM.sources))
)
_evidence = st.lists(_mentions, min_size=1, max_size=3).map(tuple)
_entities = st.builds(
    MetaEntity, id=_ids, type=st.sampled_from(["person", 'the "thing"']), name=_quotes | st.just(""), mentions=_evidence
)
_relations = st.builds(MetaRelation, type=st.just("peer"), head=_ids, tail=_ids, evidence=_evidence | st.just(()))
_arguments = st.builds(MetaArgument, role=st.sampled_from(["Agent", "Direction"]), entity=_ids) | st.builds(
    MetaArgument, role=st.just("Direction"), value=_quotes
)
_events = st.builds(
    MetaEvent,
    id=st.integers(1, 99).map("v{}".format),
    type=st.just("driving"),
    trigger=_quotes,
    evidence=_evidence,
    arguments=st.lists(_arguments, max_size=3).map(tuple),
)
_corner = st.integers(0, 4000).map(float)
_calls = st.builds(
    MetaCall,
    target=_ids,
    medium=st.just("m2"),
    module=st.just("image_segmenter"),
    instruction=_quotes,
    box=st.none() | st.tuples(_corner, _corner, _corner, _corner),
)
RESPONSES = st.builds(
    MetaResponse,
    entities=st.lists(_entities, max_size=3).map(tuple),
    relations=st.lists(_relations, max_size=2).map(tuple),
    events=st.lists(_events, max_size=2).map(tuple),
    calls=st.lists(_calls, max_size=2).map(tuple),
    more=st.booleans(),
)
WENDY = MetaResponse(
    entities=(
        MetaEntity(
            id="e1",
            type="person",
            name="Nancy Ajram",
            mentions=(MetaMention(source="m1", quote="Nancy Ajram"), MetaMention(source="m2")),
        ),
    ),
    calls=(MetaCall(target="e1", medium="m2", module="image_segmenter", instruction="the woman on the left"),),
)


def allows(schema: Schema, instance: Any) -> bool:
    return jsonschema.Draft202012Validator(schema).is_valid(instance)  # pyright: ignore[reportUnknownMemberType]


def test_the_written_form_leaves_out_what_has_its_default() -> None:
    assert written(WENDY) == (
        '{"entities":[{"id":"e1","type":"person","name":"Nancy Ajram","mentions":'
        '[{"in":"m1","quote":"Nancy Ajram"},{"in":"m2"}]}],"relations":[],"events":[],'
        '"calls":[{"target":"e1","medium":"m2","module":"image_segmenter","instruction":"the woman on the left"}],'
        '"more":false}'
    )


@given(RESPONSES)
def test_what_is_written_is_read_back_and_allowed_by_the_grammar(response: MetaResponse) -> None:
    parsed = parse(written(response))
    assert parsed.response == response
    assert parsed.complete
    assert parsed.dropped == 0
    assert allows(grammar(FORM), json.loads(written(response)))


@given(RESPONSES, st.floats(0, 1))
def test_a_text_cut_anywhere_keeps_every_finished_item_and_says_that_it_was_cut(
    response: MetaResponse, share: float
) -> None:
    text = written(response)
    cut = text[: int(share * (len(text) - 1))]
    parsed = parse(cut)
    assert not parsed.complete
    assert parsed.dropped == 0
    for kept, whole in zip(_lists(parsed.response), _lists(response), strict=True):
        assert kept == whole[: len(kept)]
    items = [written(MetaResponse(entities=(entity,)))[len(HEAD) : -len(TAIL)] for entity in response.entities]
    finished = sum(len(HEAD + ",".join(items[: count + 1])) <= len(cut) for count in range(len(items)))
    assert len(parsed.response.entities) == finished


HEAD = '{"entities":['
TAIL = '],"relations":[],"events":[],"calls":[],"more":false}'


def _lists(response: MetaResponse) -> list[tuple[object, ...]]:
    return [response.entities, response.relations, response.events, response.calls]


def test_prose_and_code_fences_around_an_answer_are_passed_over() -> None:
    text = (
        f"Let me think: {{the woman}} is {{}}.\n```json\n{json.dumps(json.loads(written(WENDY)), indent=2)}\n```\nDone."
    )
    parsed = parse(text)
    assert parsed.complete
    assert parsed.response == WENDY


def test_items_of_a_wrong_form_are_left_out_and_counted() -> None:
    text = written(WENDY).replace('"relations":[]', '"relations":[{"type":"peer"},7,null]')
    parsed = parse(text)
    assert parsed.response == WENDY
    assert parsed.dropped == 3


@pytest.mark.parametrize("text", ["", "no", "{", "[[[[" * 5000, '{"entities":' + "[" * 100_000, '{"entities":{"a":1}}'])
def test_a_text_without_an_answer_gives_an_empty_truncated_one(text: str) -> None:
    parsed = parse(text)
    assert parsed.response == MetaResponse()
    assert not parsed.complete


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("entities", 0, "type"), "animal"),
        (("entities", 0, "mentions", 0, "in"), "m9"),
        (("entities", 0, "mentions"), []),
        (("entities", 0, "id"), "x1"),
        (("calls", 0, "module"), "video_tracker"),
        (("calls", 0, "medium"), "m1"),
        (("more",), "perhaps"),
    ],
)
def test_the_grammar_refuses_what_the_ask_does_not_offer(path: tuple[str | int, ...], value: object) -> None:
    answer = json.loads(written(WENDY))
    assert allows(grammar(FORM), answer)
    place = answer
    for step in path[:-1]:
        place = place[step]
    place[path[-1]] = value
    assert not allows(grammar(FORM), answer)


def test_the_grammar_binds_the_roles_of_each_event_type() -> None:
    event = {"id": "v1", "type": "driving", "trigger": "drive", "evidence": [{"in": "m2"}]}
    whole: dict[str, Any] = {"entities": [], "relations": [], "calls": [], "more": False}
    known = {**event, "arguments": [{"role": "Agent", "entity": "e1"}]}
    unknown = {**event, "arguments": [{"role": "Pilot", "entity": "e1"}]}
    free = {**event, "type": "talk", "arguments": [{"role": "Topic", "value": "rain"}]}
    assert allows(grammar(FORM), {**whole, "events": [known]})
    assert not allows(grammar(FORM), {**whole, "events": [unknown]})
    assert allows(grammar(FORM), {**whole, "events": [free]})


def test_without_types_or_modules_the_lists_stay_empty() -> None:
    schema = grammar(Form(sources=("m1",)))
    empty: dict[str, Any] = {"entities": [], "relations": [], "events": [], "calls": [], "more": False}
    assert allows(schema, empty)
    assert not allows(
        schema, {**empty, "entities": [{"id": "e1", "type": "a", "name": "", "mentions": [{"in": "m1"}]}]}
    )


def test_lengths_become_patterns_without_control_characters() -> None:
    schema = with_patterns_for_lengths(grammar(FORM))
    assert "maxLength" not in json.dumps(schema)
    answer = json.loads(written(WENDY))
    assert allows(schema, answer)
    answer["entities"][0]["name"] = "tab\there"
    assert not allows(schema, answer)
    answer["entities"][0]["name"] = "x" * 201
    assert not allows(schema, answer)
