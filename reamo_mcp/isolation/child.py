"""The child's side: ``python -m reamo_mcp.isolation.child SOCKET LIFE BOUNDS TARGET``.

The process confines itself, loads its target, says that it is ready, and then answers one request at a time. Answers
run at most `AHEAD` items ahead of the parent, so that a slow reader never makes them pile up.
"""

import json
import socket
import sys
import time
from collections.abc import Sequence
from importlib import import_module
from pathlib import PurePath
from typing import Any

from reamo_mcp.errors import Cancelled, ReamoError
from reamo_mcp.isolation import wire
from reamo_mcp.isolation.arrays import Array, ArrayPlace, pack, unpack
from reamo_mcp.isolation.confinement import confine, die_with_parent, grant_processor_time
from reamo_mcp.isolation.handling import Handlers, Reply, Request
from reamo_mcp.isolation.program import Bounds

AHEAD = 8  # so that frames are decoded while a device looks at those before; each waits in memory
_POLL_EVERY = 0.01
_PROGRESS_EVERY = 0.25  # each message wakes the parent


class _Conversation:
    """The child's end of one request: it is the handler's `Control`, and sends its replies."""

    def __init__(self, connection: socket.socket, processor_seconds: int | None) -> None:
        self._connection = connection
        self._processor_seconds = processor_seconds
        self._ahead = 0
        self._cancelled = False
        self._polled = 0.0
        self._told = 0.0

    def check(self) -> None:
        now = time.monotonic()
        if now - self._polled >= _POLL_EVERY:
            self._polled = now
            while not self._cancelled and wire.readable(self._connection, 0):
                self._listen()
        if self._cancelled:
            raise Cancelled("the caller cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        now = time.monotonic()
        if now - self._told >= _PROGRESS_EVERY:
            self._told = now
            self.tell({"kind": "progress", "done": done, "total": total, "unit": unit})

    def reply(self, reply: Reply) -> None:
        """Send one item; wait while the parent is too far behind."""
        while self._ahead >= AHEAD and not self._cancelled:
            self._listen()
        self.check()
        self._ahead += 1
        self.tell({"kind": "item"}, reply.body, reply.arrays)

    def tell(self, envelope: dict[str, Any], body: bytes = b"", arrays: Sequence[Array] = ()) -> None:
        """Send one frame; what was granted of processor time starts anew."""
        parcel = pack(arrays)
        try:
            envelope["arrays"] = [place.model_dump() for place in parcel.places]
            encoded = json.dumps(envelope, allow_nan=False).encode()
            wire.send(self._connection, encoded, body, parcel.descriptors)
        finally:
            parcel.close()
        grant_processor_time(self._processor_seconds)

    def _listen(self) -> None:
        frame = wire.receive(self._connection)
        if frame is None:
            sys.exit(0)
        frame.close()
        match json.loads(frame.envelope)["kind"]:
            case "more":
                self._ahead -= 1
            case "cancel":
                self._cancelled = True
            case other:
                raise wire.BrokenFrame(f"{other} inside a request")


def main(arguments: Sequence[str]) -> None:
    """Serve the parent until it closes the connection."""
    descriptor, life, bounds_json, target = arguments
    die_with_parent(int(life))
    bounds = Bounds.model_validate_json(bounds_json)
    confinement = confine(bounds)
    with socket.socket(fileno=int(descriptor)) as connection:
        conversation = _Conversation(connection, bounds.processor_seconds)
        handlers = _load(target)
        conversation.tell({"kind": "ready", "confinement": confinement.model_dump()})
        while (frame := wire.receive(connection)) is not None:
            envelope = json.loads(frame.envelope)
            if envelope["kind"] != "request":  # a cancellation or grant that crossed our last word
                frame.close()
                continue
            _answer(handlers, envelope, frame, _Conversation(connection, bounds.processor_seconds))


def _load(target: str) -> Handlers:
    module, _, function = target.partition(":")
    handlers: Handlers = vars(import_module(module))[function]()
    return handlers


def _answer(handlers: Handlers, envelope: dict[str, Any], frame: wire.Frame, conversation: _Conversation) -> None:
    count = envelope["descriptors"]
    grant_processor_time(conversation._processor_seconds)  # pyright: ignore[reportPrivateUsage] own module
    opened = wire.Frame(b"", b"", frame.descriptors[:count])
    try:
        places = [ArrayPlace.model_validate(place) for place in envelope["arrays"]]
        arrays = unpack(places, frame.descriptors[count:])
        request = Request(envelope["method"], frame.body, opened.descriptors, arrays)
        for reply in handlers[request.method](request, conversation):
            conversation.reply(reply)
            del reply
        last: dict[str, Any] = {"kind": "done"}
    except Cancelled:
        last = {"kind": "cancelled"}
    except ReamoError as error:
        last = {"kind": "failed", "code": error.code, "message": error.message, "hint": error.hint}
    except MemoryError:
        last = {"kind": "failed", "code": "memory", "message": "the bound on memory was met", "hint": ""}
    except Exception as error:  # the parent reports it; it must not see the text, which may quote the file
        last = {"kind": "failed", "code": "internal", "message": _place_of(error), "hint": ""}
    finally:
        opened.close()
    conversation.tell(last)


def _place_of(error: Exception) -> str:
    """Return the kind of an error and where it arose, without its text."""
    trace = error.__traceback__
    while trace is not None and trace.tb_next is not None:
        trace = trace.tb_next
    where = f" at {PurePath(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}" if trace else ""
    return f"{type(error).__name__}{where}"


if __name__ == "__main__":
    main(sys.argv[1:])
