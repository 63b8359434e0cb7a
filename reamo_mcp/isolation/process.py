"""The parent's side of one child process: start, ask, cancel, kill, start again.

Everything here blocks and belongs in worker threads. A request takes its turn: one at a time, first come, first served.
"""

import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Generator
from contextlib import closing, suppress
from typing import Any, Literal

from pydantic import Field, ValidationError

from reamo_mcp.isolation import wire
from reamo_mcp.isolation.arrays import ArrayPlace, pack, unpack
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.failures import Cause, ChildFailed, HandlerFailed
from reamo_mcp.isolation.handling import Reply, Request
from reamo_mcp.isolation.program import Confinement, Program
from reamo_mcp.isolation.turns import CHECK_EVERY, Turns
from reamo_mcp.types.record import Record

CANCEL_PATIENCE = 0.8
_START_PATIENCE = 60.0
_STALL_PATIENCE = 5.0  # for the rest of a frame that has begun
_MOST_TEXT = 2000


class _Envelope(Record):
    """What a child may say. It may be taken over by a hostile file, so nothing of it is taken on trust."""

    kind: Literal["ready", "item", "progress", "done", "failed", "cancelled"]
    arrays: tuple[ArrayPlace, ...] = Field(default=(), max_length=wire.MOST_DESCRIPTORS)
    confinement: Confinement = Confinement()
    done: float = 0.0
    total: float = 0.0
    unit: str = Field(default="", max_length=40)
    code: str = Field(default="", max_length=40)
    message: str = Field(default="", max_length=_MOST_TEXT)
    hint: str = Field(default="", max_length=_MOST_TEXT)


class _KilledUnheard(ChildFailed):
    """Somebody who is not us killed the child before it answered anything. Bounds of ours end a child in other ways."""


class _Running:
    """A started process and the connection to it."""

    def __init__(self, program: Program) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
        life_theirs, self._life = os.pipe()
        try:
            self.process = subprocess.Popen(
                [
                    sys.executable,
                    "-P",  # the working directory is no place to import from
                    "-m",
                    "reamo_mcp.isolation.child",
                    str(theirs.fileno()),
                    str(life_theirs),
                    program.bounds.model_dump_json(),
                    program.target,
                ],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,  # the parent's own may carry a protocol
                stderr=subprocess.DEVNULL,  # what decoders print may quote the file
                close_fds=True,
                pass_fds=(theirs.fileno(), life_theirs),
                cwd=os.sep,
                env=_environment(program),
                start_new_session=True,
            )
        except OSError as error:
            ours.close()
            os.close(self._life)
            raise ChildFailed("not_started", error.strerror or "") from None
        finally:
            theirs.close()
            os.close(life_theirs)
        ours.settimeout(_STALL_PATIENCE)
        self.connection = ours
        self.confinement = Confinement()
        self.in_use = True

    def tell(self, envelope: dict[str, Any]) -> None:
        wire.send(self.connection, json.dumps(envelope).encode())

    def receive(self) -> tuple[_Envelope, bytes, tuple[int, ...]]:
        """Return the next frame, whose descriptors are the caller's. Raises ChildFailed."""
        try:
            frame = wire.receive(self.connection)
        except (OSError, wire.BrokenFrame) as error:
            raise self.failure("protocol", type(error).__name__) from None
        if frame is None:
            raise self.failure("crashed")
        try:
            return _Envelope.model_validate_json(frame.envelope), frame.body, frame.descriptors
        except ValidationError:
            frame.close()
            raise self.failure("protocol", "an answer of no known form") from None

    def failure(self, cause: Cause, detail: str = "") -> ChildFailed:
        """Return why the process failed; the way it ended knows better than what we noticed."""
        if cause in ("crashed", "protocol"):
            try:
                code = self.process.wait(1.0)
            except subprocess.TimeoutExpired:
                return ChildFailed(cause, detail)
            if code == -signal.SIGXCPU:
                return ChildFailed("processor_time")
            if code < 0:
                return ChildFailed("crashed", signal.Signals(-code).name)
            return ChildFailed("crashed", f"exit status {code}")
        return ChildFailed(cause, detail)

    def end(self) -> None:
        """End the process and everything it started. Safe from any thread, at any time."""
        if self.process.poll() is None:
            try:
                os.killpg(self.process.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
        self.process.wait()

    def free(self) -> None:
        """Close what belongs to an ended process, once nobody waits for its words any more."""
        self.connection.close()
        if self._life >= 0:
            os.close(self._life)
            self._life = -1


class ChildProcess:
    """A child that is started at the first request, kept warm, and replaced when it fails. Safe to share by threads."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._turns = Turns()
        self._running: _Running | None = None
        self._closed = False
        self._guard = threading.Lock()

    @property
    def process_id(self) -> int | None:
        """The process, None while there is none."""
        running = self._running
        return running.process.pid if running is not None else None

    def confinement(self, control: Control) -> Confinement:
        """Return which bounds the kernel granted; starts the child if need be."""
        with self._turns.turn(control):
            running = self._start(control)
            self._release(running)
            return running.confinement

    def request(self, request: Request, control: Control) -> Generator[Reply, None, None]:
        """Yield the replies to a request; the child works at most a little ahead of what is taken.

        Holds the child's turn from the first reply asked for until the last was taken or the generator is closed.
        Asks once more where somebody else killed the child before it answered, which tells nothing of the request.
        Raises ChildFailed, HandlerFailed, and whatever the control raises; then, or when the generator is closed
        early, the child is told to stop and is killed if it does not within `CANCEL_PATIENCE`.
        """
        with self._turns.turn(control):
            with suppress(_KilledUnheard):
                yield from self._replies(request, control)
                return
            yield from self._replies(request, control)

    def _replies(self, request: Request, control: Control) -> Generator[Reply, None, None]:
        """Yield the replies of one child. Holds the turn."""
        running = self._start(control)
        answered = finished = False
        try:
            self._send(running, request)
            while True:
                envelope, reply = self._next(running, control, self._program.bounds.silence)
                answered = True
                if envelope.kind == "item":
                    yield reply
                    del reply
                    self._tell(running, {"kind": "more"})
                elif envelope.kind == "done":
                    finished = True
                    return
                elif envelope.kind == "failed":
                    if envelope.code == "memory":  # a heap that met its bound is not used again
                        raise ChildFailed("memory")
                    finished = True
                    raise HandlerFailed(envelope.code, envelope.message, envelope.hint)
                else:
                    raise ChildFailed("protocol", f"{envelope.kind} out of turn")
        except ChildFailed as failure:
            finished = True
            stopped = self._discard(running)
            if failure.detail == signal.SIGKILL.name and not stopped and not answered:
                raise _KilledUnheard(failure.cause, failure.detail) from None
            raise
        finally:
            if not finished:
                self._cancel(running)
            self._release(running)

    def one(self, request: Request, control: Control) -> Reply:
        """Return the only reply to a request. Raises as `request`; ChildFailed if there is not exactly one."""
        with closing(self.request(request, control)) as replies:
            first = next(replies, None)
            if first is None or next(replies, None) is not None:
                self.stop()
                raise ChildFailed("protocol", "not exactly one answer")
            return first

    def stop(self) -> None:
        """End the process; the next request starts a new one. A request under way fails."""
        with self._guard:
            running, self._running = self._running, None
            unused = running is not None and not running.in_use
        if running is not None:
            running.end()
            if unused:
                running.free()

    def close(self) -> None:
        """End the process for good. A request under way fails."""
        self._closed = True
        self.stop()

    def _start(self, control: Control) -> _Running:
        """Return the process, in use; start one if there is none. Holds the turn."""
        with self._guard:
            running = self._running
            if running is not None and running.process.poll() is None:
                running.in_use = True
                return running
            if running is not None:
                running.free()  # it died between requests
                self._running = None
            if self._closed:
                raise ChildFailed("not_started", "the service was closed")
            running = self._running = _Running(self._program)
        try:
            envelope, _ = self._next(running, control, _START_PATIENCE)
            if envelope.kind != "ready":
                raise ChildFailed("protocol", f"{envelope.kind} before it was ready")
        except BaseException as error:
            self._discard(running)
            self._release(running)
            if isinstance(error, ChildFailed):
                raise ChildFailed("not_started", f"{error.cause} {error.detail}".strip()) from None
            raise
        running.confinement = envelope.confinement
        return running

    def _release(self, running: _Running) -> None:
        with self._guard:
            running.in_use = False
            ended = self._running is not running
        if ended:
            running.free()

    def _send(self, running: _Running, request: Request) -> None:
        parcel = pack(request.arrays)
        try:
            envelope = {
                "kind": "request",
                "method": request.method,
                "descriptors": len(request.descriptors),
                "arrays": [place.model_dump() for place in parcel.places],
            }
            descriptors = (*request.descriptors, *parcel.descriptors)
            wire.send(running.connection, json.dumps(envelope).encode(), request.body, descriptors)
        except OSError as error:
            raise running.failure("crashed", type(error).__name__) from None
        finally:
            parcel.close()

    def _tell(self, running: _Running, envelope: dict[str, Any]) -> None:
        try:
            running.tell(envelope)
        except OSError as error:
            raise running.failure("crashed", type(error).__name__) from None

    def _next(self, running: _Running, control: Control, patience: float) -> tuple[_Envelope, Reply]:
        """Return the next answer that is no progress; progress goes to the control and renews the patience."""
        deadline = time.monotonic() + patience
        while True:
            if not wire.readable(running.connection, CHECK_EVERY):
                control.check()
                if time.monotonic() >= deadline:
                    raise ChildFailed("silent", f"{patience:g} s")
                continue
            envelope, body, descriptors = running.receive()
            try:
                arrays = unpack(envelope.arrays, descriptors)
            except ValueError as error:
                raise ChildFailed("protocol", str(error)) from None
            if envelope.kind != "progress":
                return envelope, Reply(body, arrays)
            control.check()
            if envelope.unit:  # else it says no more than that the work goes on
                control.progress(envelope.done, envelope.total, envelope.unit)
            deadline = time.monotonic() + patience

    def _cancel(self, running: _Running) -> None:
        """Ask the child to stop; kill it if it does not."""
        patience = _Patience(time.monotonic() + CANCEL_PATIENCE)
        try:
            running.tell({"kind": "cancel"})
            while True:
                patience.check()  # here too, for a child that floods us with items
                envelope, _ = self._next(running, patience, CANCEL_PATIENCE)
                if envelope.kind in ("done", "failed", "cancelled"):
                    return
        except (ChildFailed, OSError):
            self._discard(running)

    def _discard(self, running: _Running) -> bool:
        """End the process; return whether it was `stop` that took it away."""
        with self._guard:
            stopped = self._running is not running
            if not stopped:
                self._running = None
        running.end()
        return stopped


class _Patience:
    """A control that ends the wait for a child that was told to stop."""

    def __init__(self, deadline: float) -> None:
        self._deadline = deadline

    def check(self) -> None:
        if time.monotonic() >= self._deadline:
            raise ChildFailed("silent", "did not stop when told to")

    def progress(self, done: float, total: float, unit: str) -> None:
        self.check()


def _environment(program: Program) -> dict[str, str]:
    """Return a clean environment in which the child imports what the parent would import."""
    kept = {name: os.environ[name] for name in ("PATH", "SYSTEMROOT", "LD_LIBRARY_PATH") if name in os.environ}
    return {
        **kept,
        "LANG": "C.UTF-8",
        "PYTHONUTF8": "1",
        "PYTHONPATH": os.pathsep.join(path for path in sys.path if os.path.isabs(path)),
        **program.environment,
    }
