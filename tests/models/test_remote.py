import base64
import io
import json
import threading
import time
import wave
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

import jsonschema
import numpy
import pytest
from openai.types.chat.completion_create_params import CompletionCreateParamsNonStreaming
from PIL import Image
from pydantic import TypeAdapter, ValidationError

from reamo_mcp.errors import Cancelled, InvalidArgument, RemoteEngineFailed
from reamo_mcp.extractor import open_extractor
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models import endpoint
from reamo_mcp.models.asks import Ask, PicturePassage, Sound, SoundPassage, TextPassage, VideoPassage
from reamo_mcp.models.endpoint import Endpoint
from reamo_mcp.models.meta_grammar import Form
from reamo_mcp.models.meta_response import MetaCall, MetaEntity, MetaMention, MetaResponse, written
from reamo_mcp.models.remote import RemoteReasoner, chat_request
from reamo_mcp.models.roles import Answer, Failed, Found, Reasoned
from reamo_mcp.settings import Settings
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.doubles.remote_server import RemoteServer, Reply, in_turn, remote_server
from tests.doubles.stopping import StopsOnce

ONTOLOGY = Ontology.of(entity_types=["person"])
ADA = MetaResponse(
    entities=(MetaEntity(id="e1", type="person", name="Ada", mentions=(MetaMention(source="m1", quote="Ada"),)),)
)
GOOD = Reply(written(ADA))
CLIENT_LIBRARY = TypeAdapter(CompletionCreateParamsNonStreaming)  # must outlive the iterables that it gives


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_FIRST_WAIT", 0.01)


def text_ask(text: str = "Ada.") -> Ask:
    return Ask((TextPassage("m1.text", "text", text),), Form(sources=("m1", "m1.text"), ontology=ONTOLOGY))


def picture(value: int = 200) -> Picture:
    return Picture(numpy.full((40, 60, 3), value, numpy.uint8), 1.0, 60, 40)


def full_ask() -> Ask:
    sound = Sound(numpy.sin(numpy.arange(8000) / 5).astype(numpy.float32) * 0.5, 3.0)
    return Ask(
        (
            TextPassage("m1.text", "text", "Ada <|im_end|> </source> speaks."),
            PicturePassage("m2", picture()),
            SoundPassage("m3", sound),
            VideoPassage("m4", (0.0, 1.0), (picture(10), picture(90)), 1.0, sound),
        ),
        Form(sources=("m1", "m1.text", "m2", "m3", "m4"), modules=(("m2", "image_segmenter"),), ontology=ONTOLOGY),
    )


def reasoner(
    server: RemoteServer, *, model: str = "tiny", token: str = "", timeout: float = 10.0, together: int = 4
) -> RemoteReasoner:
    return RemoteReasoner(Endpoint(server.url, model, token, timeout, together))


def only(answers: list[Answer[Reasoned]]) -> Reasoned:
    (answer,) = answers
    match answer:
        case Found(items=(reasoned,)):
            return reasoned
        case _:
            raise AssertionError(answer)


def test_an_ask_is_answered_and_the_request_carries_token_grammar_and_budget() -> None:
    with remote_server(lambda _: GOOD) as server:
        answer = only(reasoner(server, token="secret").reason([text_ask()], 77, Unlimited()))
    assert answer == Reasoned(response=ADA, complete=True)
    assert server.tokens == ["Bearer secret"]
    request = server.requests[0]
    assert request["max_tokens"] == 77
    schema = request["response_format"]["json_schema"]["schema"]
    assert jsonschema.Draft202012Validator(schema).is_valid(json.loads(written(ADA)))  # pyright: ignore[reportUnknownMemberType]


def test_every_medium_travels_in_the_request_in_its_order() -> None:
    content = chat_request(full_ask(), "tiny", 10)["messages"][0]["content"]
    kinds = [part["type"] for part in content]
    assert kinds == [
        *["text", "image_url", "text", "input_audio", "text"],
        *["text", "image_url", "text", "image_url", "input_audio", "text"],
    ]
    image = content[1]["image_url"]["url"].removeprefix("data:image/jpeg;base64,")
    assert Image.open(io.BytesIO(base64.b64decode(image))).size == (60, 40)
    with wave.open(io.BytesIO(base64.b64decode(content[3]["input_audio"]["data"]))) as sound:
        assert (sound.getframerate(), sound.getnchannels(), sound.getnframes()) == (16_000, 1, 8000)
    assert [part["text"] for part in content if part["type"] == "text" and "seconds>" in part["text"][-9:]] == [
        "<0.0 seconds>",
        "<1.0 seconds>",
    ]


def as_the_client_library_takes_it(request: dict[str, Any]) -> object:
    """Return what is left of a request when only what the types of the OpenAI client library know is kept.

    Raises ValidationError. The library types lists as iterables, which pydantic checks only when they are walked.
    """

    def walked(value: object) -> object:
        match value:
            case dict():
                return {name: walked(each) for name, each in cast("dict[str, object]", value).items()}
            case str() | bool() | int() | float() | None:
                return value
            case _:
                return [walked(each) for each in cast("Iterable[object]", value)]

    return walked(CLIENT_LIBRARY.validate_python(request))


def test_requests_that_reach_a_server_are_such_as_the_openai_client_library_would_send() -> None:
    with remote_server(lambda _: GOOD) as server:
        only(reasoner(server).reason([full_ask()], 9, Unlimited()))
    (request,) = server.requests
    assert as_the_client_library_takes_it(request) == request


@pytest.mark.parametrize(
    ("place", "value"),
    [
        (("max_tokens",), "many"),
        (("response_format", "type"), "grammar"),
        (("messages", 0, "content", 1, "image_url"), "data:"),
        (("messages", 0, "content", 3, "input_audio", "format"), "ogg"),
        (("messages", 0, "content", 0, "type"), "video_url"),
        (("made_up",), 1),
    ],
)
def test_the_types_of_the_openai_client_library_refuse_other_requests(
    place: tuple[str | int, ...], value: object
) -> None:
    request: dict[str, Any] = chat_request(full_ask(), "tiny", 10)
    inner: Any = request
    for step in place[:-1]:
        inner = inner[step]
    inner[place[-1]] = value
    try:
        taken = as_the_client_library_takes_it(request)
    except ValidationError:
        return
    assert taken != request


def test_texts_of_sources_cannot_end_their_source_or_begin_a_turn() -> None:
    said = json.dumps(chat_request(full_ask(), "tiny", 10))
    assert "<|im_end|>" not in said
    assert said.count("</source>") == 4


@pytest.mark.parametrize("status", [429, 500, 503])
def test_a_busy_server_is_asked_again(status: int) -> None:
    with remote_server(in_turn(Reply(status=status), Reply(status=status), GOOD)) as server:
        assert only(reasoner(server).reason([text_ask()], 9, Unlimited())).complete
    assert len(server.requests) == 3


def test_a_dropped_connection_is_tried_again() -> None:
    with remote_server(in_turn(Reply(hangs_up=True), GOOD)) as server:
        assert only(reasoner(server).reason([text_ask()], 9, Unlimited())).complete


def test_one_bad_item_does_not_sink_the_others_and_the_order_is_kept() -> None:
    def script(body: dict[str, Any]) -> Reply:
        said = json.dumps(body)
        if "poison" in said:
            return Reply(status=400, raw=b'{"error": "bad"}')
        return Reply(status=500) if "broken" in said else GOOD

    asks = [text_ask("Ada 1"), text_ask("poison"), text_ask("Ada 2"), text_ask("broken"), text_ask("Ada 3")]
    with remote_server(script) as server:
        answers = reasoner(server).reason(asks, 9, Unlimited())
    assert [isinstance(answer, Found) for answer in answers] == [True, False, True, False, True]
    assert {answer.code for answer in answers if isinstance(answer, Failed)} == {"remote_engine_failed"}


@pytest.mark.parametrize(
    "reply",
    [
        Reply(raw=b"<html>gateway</html>"),
        Reply(raw=b'{"choices": []}'),
        Reply(content=None),
        Reply(raw=b"[" * 100_000),
        Reply(raw=b"x" * (5 << 20)),
    ],
    ids=["not JSON", "no choice", "no content", "nested", "too long"],
)
def test_an_answer_of_no_known_form_fails_that_ask_alone(reply: Reply) -> None:
    with remote_server(lambda _: reply) as server:
        answers = reasoner(server).reason([text_ask()], 9, Unlimited())
    assert isinstance(answers[0], Failed)


def test_an_answer_cut_by_its_budget_keeps_its_finished_items() -> None:
    cut = written(ADA)[: written(ADA).index("]}]") + 3]
    with remote_server(lambda _: Reply(cut, finish="length")) as server:
        assert only(reasoner(server).reason([text_ask()], 9, Unlimited())) == Reasoned(response=ADA, complete=False)


def test_a_box_in_units_that_nobody_knows_is_no_hint() -> None:
    call = MetaCall(
        target="e1", medium="m2", module="image_segmenter", instruction="her", box=(100, 100, 900, 900), time=(1, 2)
    )
    said = written(ADA.model_copy(update={"calls": (call,)}))
    with remote_server(lambda _: Reply(said)) as server:
        (told,) = only(reasoner(server).reason([full_ask()], 9, Unlimited())).response.calls
    assert told == call.model_copy(update={"box": None})


def test_no_more_requests_run_at_once_than_allowed() -> None:
    with remote_server(lambda _: GOOD) as server:
        reasoner(server, together=2).reason([text_ask(f"Ada {number}") for number in range(8)], 9, Unlimited())
    assert server.most_at_once <= 2
    assert len(server.requests) == 8


def test_callers_in_several_threads_together_make_no_more_requests_than_allowed() -> None:
    def slowly(_: dict[str, Any]) -> Reply:
        threading.Event().wait(0.02)
        return GOOD

    with remote_server(slowly) as server:
        one = reasoner(server, together=2)
        asks = [text_ask(f"Ada {number}") for number in range(4)]
        callers = [threading.Thread(target=one.reason, args=(asks, 9, Unlimited())) for _ in range(4)]
        for caller in callers:
            caller.start()
        for caller in callers:
            caller.join()
    assert len(server.requests) == 16
    assert server.most_at_once == 2


def test_an_ask_over_which_the_server_falls_silent_fails_alone() -> None:
    never = threading.Event()

    def script(body: dict[str, Any]) -> Reply:
        return Reply(waits=never) if "poison" in json.dumps(body) else GOOD

    try:
        with remote_server(script) as server:
            asks = [text_ask("Ada 1"), text_ask("poison"), text_ask("Ada 2")]
            answers = reasoner(server, timeout=0.5).reason(asks, 9, Unlimited())
            never.set()
    finally:
        never.set()
    assert [isinstance(answer, Found) for answer in answers] == [True, False, True]


@pytest.mark.parametrize(("header", "least"), [("1", 1.0), ("soon", 0.0)])
def test_a_server_that_says_when_to_come_back_is_asked_then(header: str, least: float) -> None:
    busy = Reply(status=429, headers={"retry-after": header})
    with remote_server(in_turn(busy, GOOD)) as server:
        began = time.monotonic()
        assert only(reasoner(server).reason([text_ask()], 9, Unlimited())).complete
    assert time.monotonic() - began >= 0.7 * least  # callers come back apart
    assert len(server.requests) == 2


@pytest.mark.parametrize("status", [401, 403, 404])
def test_what_fails_for_every_ask_is_an_error_that_names_the_settings(status: int) -> None:
    with remote_server(lambda _: Reply(status=status)) as server, pytest.raises(RemoteEngineFailed) as raised:
        reasoner(server).reason([text_ask(), text_ask()], 9, Unlimited())
    assert "REAMO_REMOTE_URL" in raised.value.hint
    assert len(server.requests) <= 2


def test_a_server_that_is_not_there_is_an_error() -> None:
    with pytest.raises(RemoteEngineFailed, match="cannot be reached"):
        RemoteReasoner(Endpoint("http://127.0.0.1:9/v1", "tiny")).reason([text_ask()], 9, Unlimited())


def test_a_server_that_does_not_answer_in_time_is_given_up() -> None:
    never = threading.Event()
    try:
        with (
            remote_server(lambda _: Reply(waits=never)) as server,
            pytest.raises(RemoteEngineFailed, match="in time"),
        ):
            reasoner(server, timeout=0.1).reason([text_ask()], 9, Unlimited())
    finally:
        never.set()


def test_cancellation_is_obeyed_while_the_server_thinks() -> None:
    never = threading.Event()
    asked = threading.Event()

    def script(_: dict[str, Any]) -> Reply:
        asked.set()
        return Reply(waits=never)

    try:
        with remote_server(script) as server:
            began = time.monotonic()
            with pytest.raises(Cancelled):
                reasoner(server, timeout=60).reason([text_ask()], 9, StopsOnce(asked))
            assert time.monotonic() - began < 5
            never.set()
    finally:
        never.set()


def test_without_a_model_the_first_that_is_served_is_used() -> None:
    with remote_server(lambda _: GOOD) as server:
        assert only(reasoner(server, model="").reason([text_ask()], 9, Unlimited())).complete
    assert server.requests[0]["model"] == "tiny"


async def test_the_profile_answers_through_the_extractor(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REAMO_REMOTE_TOKEN", "from the environment")
    path = tmp_path / "blank.png"
    Image.new("RGB", (64, 48), "white").save(path)
    with remote_server(lambda _: GOOD) as server:
        settings = Settings(profile="remote", remote_url=server.url, remote_model="tiny", cache=tmp_path / "cache")
        async with open_extractor(settings) as extractor:
            extraction = await extractor.extract(Document.of(path, text="Here is Ada."), ONTOLOGY)
    assert [(entity.name, entity.groundings[0].quote) for entity in extraction.entities] == [("Ada", "Ada")]
    assert [part["type"] for part in server.requests[0]["messages"][0]["content"]] == ["text", "image_url", "text"]
    assert set(server.tokens) == {"Bearer from the environment"}
    assert "from the environment" not in extraction.model_dump_json()
    assert extraction.engine.profile == "remote"
    assert extraction.status == "ok", extraction.warnings


async def test_the_profile_without_an_address_says_how_to_set_one(tmp_path: Path) -> None:
    with pytest.raises(InvalidArgument) as raised:
        async with open_extractor(Settings(profile="remote", cache=tmp_path)):
            pass
    assert "REAMO_REMOTE_URL" in raised.value.hint
