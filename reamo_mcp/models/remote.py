"""A reasoner behind an OpenAI-compatible endpoint (vLLM, SGLang ...): how one grows past one machine.

Every ask is one request to ``/chat/completions`` with the grammar as its response format. Pictures travel as JPEG,
sound as WAV, videos as their frames with times, each in the request itself: the server needs no access to any file.
Asks run side by side up to a limit; a server that is busy is asked again when it says so; one ask that fails does not
fail the others. What fails for every ask (no connection, no such model, no permission) is an error at once.

A second look is one request with the crop and a question, and one token for its answer, of whose rivals the server
tells how likely they are: yes against no. A server that does not tell that gives yes or no alone.
"""

import base64
import io
import math
import struct
from collections.abc import Iterator, Sequence
from typing import Any

from pydantic import Field

from reamo_mcp.errors import RemoteEngineFailed
from reamo_mcp.isolation.control import Control
from reamo_mcp.media.decoded import SAMPLE_RATE, Picture
from reamo_mcp.models.asks import Ask, Capacity, Sound, VideoPassage
from reamo_mcp.models.endpoint import Endpoint, Sent, chatted
from reamo_mcp.models.meta_grammar import grammar, with_patterns_for_lengths
from reamo_mcp.models.meta_parsing import parse
from reamo_mcp.models.prompting import question, turn
from reamo_mcp.models.roles import Answer, Confirmation, Failed, Found, ModelCard, Reasoned

_MOST_RIVALS = 20  # tokens whose likelihood a server tells at most


class _Message(Sent):
    content: str | None = None


class _Likely(Sent):
    token: str
    logprob: float = Field(allow_inf_nan=False)


class _Place(Sent):
    top_logprobs: tuple[_Likely, ...] = ()


class _Likelihoods(Sent):
    content: tuple[_Place, ...] | None = None


class _Choice(Sent):
    message: _Message
    finish_reason: str | None = None


class _LookedChoice(_Choice):
    logprobs: _Likelihoods | None = None


class _Completion(Sent):
    choices: tuple[_Choice, ...]


class _LookedCompletion(Sent):
    choices: tuple[_LookedChoice, ...]


class RemoteReasoner:
    """Puts asks to an endpoint."""

    def __init__(self, endpoint: Endpoint, capacity: Capacity | None = None) -> None:
        self._endpoint = endpoint
        self.capacity = capacity or Capacity(together=endpoint.together)

    @property
    def card(self) -> ModelCard:
        """What is asked; nothing is known of the server's own revision of the model."""
        return _card("reasoner", self._endpoint, ("text", "image", "audio", "video"))

    def reason(self, asks: Sequence[Ask], budget: int, control: Control) -> list[Answer[Reasoned]]:
        """Return one answer per ask. Raises RemoteEngineFailed where no ask could be answered, and Cancelled."""

        def request(ask: Ask, model: str) -> dict[str, Any]:
            return chat_request(ask, model, budget)

        return chatted(self._endpoint, asks, request, _reasoned, control)


class RemoteConfirmer:
    """Takes second looks with the model of an endpoint."""

    def __init__(self, endpoint: Endpoint) -> None:
        self._endpoint = endpoint

    @property
    def card(self) -> ModelCard:
        """What is asked."""
        return _card("confirmer", self._endpoint, ("image",))

    def confirm(self, crops: Sequence[Picture], phrases: Sequence[str], control: Control) -> list[Answer[Confirmation]]:
        """Return one answer per crop. Raises RemoteEngineFailed where no look could be answered, and Cancelled."""

        def request(pair: tuple[Picture, str], model: str) -> dict[str, Any]:
            return look_request(*pair, model)

        return chatted(self._endpoint, list(zip(crops, phrases, strict=True)), request, _confirmation, control)


def _card(role: str, endpoint: Endpoint, accepts: tuple[str, ...]) -> ModelCard:
    return ModelCard(
        role=role,
        name=endpoint.model or "the first model served",
        revision=endpoint.url,
        accepts=accepts,
        limits="as the server has them",
    )


def _reasoned(body: bytes) -> Answer[Reasoned]:
    choice = _Completion.model_validate_json(body).choices[0]
    if choice.message.content is None:
        return Failed(RemoteEngineFailed.code, "the remote engine gave no text")
    parsed = parse(choice.message.content)
    complete = parsed.complete and choice.finish_reason != "length"
    # In what units the model behind writes boxes is not known: thousandths, or pixels of a picture of some size.
    calls = tuple(call.model_copy(update={"box": None}) for call in parsed.response.calls)
    response = parsed.response.model_copy(update={"calls": calls})
    return Found((Reasoned(response=response, complete=complete, dropped=parsed.dropped),))


def _confirmation(body: bytes) -> Answer[Confirmation]:
    choice = _LookedCompletion.model_validate_json(body).choices[0]
    places = (choice.logprobs.content if choice.logprobs else None) or ()
    likely = [(rival.token, math.exp(min(0.0, rival.logprob))) for place in places[:1] for rival in place.top_logprobs]
    yes, no = (sum(share for token, share in likely if _word(token) == word) for word in ("yes", "no"))
    if yes + no == 0:
        said = _word(choice.message.content or "")
        yes, no = float(said == "yes"), float(said == "no")
    if yes + no == 0:
        return Failed(RemoteEngineFailed.code, "the remote engine answered neither yes nor no")
    return Found((Confirmation(share=yes / (yes + no)),))


def _word(token: str) -> str:
    return token.strip(" \n\t.,!\"'*`").casefold()


def chat_request(ask: Ask, model: str, budget: int) -> dict[str, Any]:
    """Return the body of the request that puts an ask, in the types of the OpenAI client library."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": list(_content(ask))}],
        "max_tokens": budget,
        "temperature": 0.0,
        "response_format": {
            "type": "json_schema",
            "json_schema": {
                "name": "meta_response",
                "strict": True,
                "schema": with_patterns_for_lengths(grammar(ask.form)),
            },
        },
    }


def look_request(crop: Picture, phrase: str, model: str) -> dict[str, Any]:
    """Return the body of the request that asks about a crop, in the types of the OpenAI client library."""
    return {
        "model": model,
        "messages": [{"role": "user", "content": [_picture(crop), {"type": "text", "text": question(phrase)}]}],
        "max_tokens": 1,
        "temperature": 0.0,
        "logprobs": True,
        "top_logprobs": _MOST_RIVALS,
    }


def _content(ask: Ask) -> Iterator[dict[str, Any]]:
    for part in turn(ask):
        match part:
            case str():
                yield {"type": "text", "text": part}
            case Picture():
                yield _picture(part)
            case Sound():
                yield _sound(part)
            case VideoPassage():
                for time, picture in zip(part.times, part.pictures, strict=True):
                    yield {"type": "text", "text": f"<{time:.1f} seconds>"}
                    yield _picture(picture)
                if part.sound is not None:
                    yield _sound(part.sound)


def _picture(picture: Picture) -> dict[str, Any]:
    from PIL import Image

    file = io.BytesIO()
    Image.fromarray(picture.pixels).save(file, "JPEG", quality=92)
    data = base64.b64encode(file.getvalue()).decode()
    return {"type": "image_url", "image_url": {"url": f"data:image/jpeg;base64,{data}"}}


def _sound(sound: Sound) -> dict[str, Any]:
    import numpy

    samples = (numpy.clip(sound.samples, -1.0, 1.0) * 32767).astype("<i2").tobytes()
    head = struct.pack(
        "<4sI8sIHHIIHH4sI",
        *(
            b"RIFF",
            36 + len(samples),
            b"WAVEfmt ",
            16,
            1,
            1,
            SAMPLE_RATE,
            2 * SAMPLE_RATE,
            2,
            16,
            b"data",
            len(samples),
        ),
    )
    data = base64.b64encode(head + samples).decode()
    return {"type": "input_audio", "input_audio": {"data": data, "format": "wav"}}
