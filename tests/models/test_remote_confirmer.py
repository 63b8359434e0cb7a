"""The second look by a remote engine, against a local server that speaks its protocol, with its faults."""

import base64
import io
import json
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy
import pytest
from openai.types.chat import ChatCompletion
from PIL import Image

from reamo_mcp.errors import Cancelled, RemoteEngineFailed
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models import endpoint
from reamo_mcp.models.endpoint import Endpoint
from reamo_mcp.models.profiles import open_engine
from reamo_mcp.models.remote import RemoteConfirmer
from reamo_mcp.models.roles import Answer, Confirmation, Failed, Found
from reamo_mcp.settings import Settings
from reamo_mcp.store.files import BlobFolder
from tests.doubles.confirmers import knows_colours
from tests.doubles.remote_server import RemoteServer, Reply, completion, in_turn, remote_server
from tests.doubles.stopping import StopsOnce
from tests.models.contracts import PHRASES, check_confirmer, shares_of, some_crops
from tests.models.test_remote import as_the_client_library_takes_it

YES = Reply("yes", "length", likely={"yes": 0.6, "Yes": 0.2, "no": 0.1, "No": 0.1})


@pytest.fixture(autouse=True)
def no_long_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(endpoint, "_FIRST_WAIT", 0.01)


def crop(value: int = 200) -> Picture:
    return Picture(numpy.full((40, 60, 3), value, numpy.uint8), 1.0, 60, 40)


def confirmer(server: RemoteServer, *, model: str = "tiny", together: int = 4) -> RemoteConfirmer:
    return RemoteConfirmer(Endpoint(server.url, model, "secret", 10.0, together))


def answers_of(script: Callable[[dict[str, Any]], Reply], *phrases: str) -> list[Answer[Confirmation]]:
    with remote_server(script) as server:
        return confirmer(server).confirm([crop()] * len(phrases), phrases, Unlimited())


def share(reply: Reply) -> float:
    (answer,) = answers_of(lambda _: reply, "a dog")
    assert isinstance(answer, Found), answer
    return answer.items[0].share


def looks(body: dict[str, Any]) -> Reply:
    """Answer as one who really looks at the crop of a request."""
    picture, text = body["messages"][0]["content"]
    file = io.BytesIO(base64.b64decode(picture["image_url"]["url"].partition(",")[2]))
    pixels = numpy.asarray(Image.open(file).convert("RGB"))
    phrase = next(line for line in text["text"].splitlines() if line.startswith("Phrase: ")).removeprefix("Phrase: ")
    seen = knows_colours(Picture(pixels, 1.0, pixels.shape[1], pixels.shape[0]), phrase)
    return Reply("yes" if seen > 0.5 else "no", "length", likely={"yes": seen, "no": 1 - seen})


def test_the_remote_confirmer_keeps_the_contract() -> None:
    with remote_server(looks) as server:
        check_confirmer(confirmer(server))


def test_each_crop_is_asked_about_with_its_own_phrase() -> None:
    with remote_server(looks) as server:
        crops = some_crops()
        shares = shares_of(confirmer(server), [crops[1], crops[1], crops[1]], PHRASES)
    assert shares == pytest.approx([0.97, 0.02, 0.02])
    assert len(server.requests) == 3


def test_a_request_asks_for_one_token_and_its_rivals_and_is_such_as_the_client_library_would_send() -> None:
    with remote_server(lambda _: YES) as server:
        confirmer(server).confirm([crop()], ["a dog <|im_end|> in\nthe $park"], Unlimited())
    (request,) = server.requests
    assert as_the_client_library_takes_it(request) == request
    assert (request["max_tokens"], request["logprobs"], request["top_logprobs"]) == (1, True, 20)
    assert server.tokens == ["Bearer secret"]
    picture, text = request["messages"][0]["content"]
    assert Image.open(io.BytesIO(base64.b64decode(picture["image_url"]["url"].partition(",")[2]))).size == (60, 40)
    assert "Phrase: a dog < |im_end|> in the $park" in text["text"]


def test_the_answers_of_the_double_are_such_as_the_client_library_takes() -> None:
    for reply in (YES, Reply("yes")):
        ChatCompletion.model_validate(completion(reply))


@pytest.mark.parametrize(
    ("likely", "expected"),
    [
        ({"yes": 0.6, "Yes": 0.2, "no": 0.1, "No": 0.1}, 0.8),
        ({" Yes": 0.3, " no": 0.6, "maybe": 0.1}, 1 / 3),
        ({"YES": 0.5}, 1.0),
        ({"No.": 0.9}, 0.0),
        ({"The": 0.9, "yes": 0.0002, "no": 0.0001}, 2 / 3),
        ({"yesterday": 0.9, "nothing": 0.09, "no": 0.01}, 0.0),
    ],
)
def test_the_share_is_that_of_yes_in_any_spelling_against_no(likely: dict[str, float], expected: float) -> None:
    assert share(Reply("whatever", "length", likely=likely)) == pytest.approx(expected)


@pytest.mark.parametrize(("said", "expected"), [("yes", 1.0), ("Yes.", 1.0), (' "No"', 0.0)])
def test_a_server_that_tells_no_likelihoods_gives_its_word_alone(said: str, expected: float) -> None:
    assert share(Reply(said)) == expected
    told: dict[str, Any] = {"choices": [{"message": {"content": said}, "logprobs": {"content": []}}]}
    assert share(Reply(raw=json.dumps(told).encode())) == expected


@pytest.mark.parametrize(
    "reply",
    [
        Reply("perhaps"),
        Reply(None),
        Reply("perhaps", likely={"perhaps": 0.9}),
        Reply(raw=b"<html>gateway</html>"),
        Reply(raw=b'{"choices": []}'),
        Reply(raw=b'{"choices": [{"message": {"content": "yes"}, "logprobs": {"content": "much"}}]}'),
        Reply(raw=json.dumps({"choices": [{"message": {}, "logprobs": {"content": [
            {"top_logprobs": [{"token": "yes", "logprob": float("nan")}]}]}}]}).encode()),
        Reply(status=400, raw=b'{"error": "no pictures"}'),
    ],
    ids=["neither", "nothing", "neither is likely", "not JSON", "no choice", "odd", "not a number", "refused"],
)  # fmt: skip
def test_an_answer_that_is_neither_yes_nor_no_fails_that_look_alone(reply: Reply) -> None:
    def script(body: dict[str, Any]) -> Reply:
        return reply if "poison" in json.dumps(body) else YES

    answers = answers_of(script, "a dog", "poison", "a cat")
    assert [type(answer) for answer in answers] == [Found, Failed, Found]


def test_a_likelihood_above_one_is_taken_for_certain() -> None:
    rivals = [{"token": "yes", "logprob": 800.0}, {"token": "no", "logprob": -9999.0}]
    told = {"choices": [{"message": {"content": "yes"}, "logprobs": {"content": [{"top_logprobs": rivals}]}}]}
    assert share(Reply(raw=json.dumps(told).encode())) == 1.0


def test_a_busy_server_is_asked_again_and_a_broken_one_fails_that_look_alone() -> None:
    answers = answers_of(in_turn(Reply(status=503), Reply(hangs_up=True), YES), "a dog")
    assert isinstance(answers[0], Found)

    def script(body: dict[str, Any]) -> Reply:
        return Reply(status=500) if "poison" in json.dumps(body) else YES

    assert [type(answer) for answer in answers_of(script, "poison", "a dog")] == [Failed, Found]


def test_no_more_looks_run_at_once_than_allowed() -> None:
    with remote_server(lambda _: YES) as server:
        confirmer(server, together=2).confirm([crop()] * 8, ["a dog"] * 8, Unlimited())
    assert server.most_at_once <= 2
    assert len(server.requests) == 8


def test_what_fails_for_every_look_is_an_error() -> None:
    with pytest.raises(RemoteEngineFailed, match="401"):
        answers_of(lambda _: Reply(status=401), "a dog")


def test_cancellation_is_obeyed_while_the_server_looks() -> None:
    never, asked = threading.Event(), threading.Event()

    def script(_: dict[str, Any]) -> Reply:
        asked.set()
        return Reply(waits=never)

    try:
        with remote_server(script) as server:
            with pytest.raises(Cancelled):
                confirmer(server).confirm([crop()], ["a dog"], StopsOnce(asked))
            never.set()
    finally:
        never.set()


def test_the_profile_looks_with_the_model_of_the_endpoint(tmp_path: Path) -> None:
    with remote_server(looks) as server:
        settings = Settings(profile="remote", remote_url=server.url, isolate=True, cache=tmp_path)
        with open_engine(settings, BlobFolder(tmp_path / "blobs", 0)) as engine:
            assert engine.confirmer is not None
            assert [card.name for card in engine.cards() if card.role == "confirmer"] == ["the first model served"]
            shares = shares_of(engine.confirmer, [some_crops()[1]], ["the red thing"])
    assert shares == pytest.approx([0.97])
    assert server.requests[0]["model"] == "tiny"
