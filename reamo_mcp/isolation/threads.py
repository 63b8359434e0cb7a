"""Work in threads of this process: how it is told to stop, and how it tells how far it is."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeVar

import anyio
import anyio.to_thread

from reamo_mcp.errors import Cancelled
from reamo_mcp.types.record import Record

T = TypeVar("T")
Stage = Literal["open", "read", "propose", "ground"]

_PATIENCE = 0.9
"""Seconds that cancelled work may take to tidy up; what takes longer ends by itself, and nobody waits for it."""


class Progress(Record):
    """How far the work is: ``done`` of ``total`` in ``unit``, within a stage that ``message`` tells to people."""

    stage: Stage
    done: float
    total: float
    unit: str
    message: str


Report = Callable[[Progress], None]


@dataclass(frozen=True)
class Caller:
    """Who waits for the work: told how far it is, and able to stop it."""

    report: Report
    left: threading.Event

    def control(self, stage: Stage, message: str) -> "ThreadControl":
        """Return the control of one stage of the work."""
        return ThreadControl(self, stage, message)


@dataclass(frozen=True)
class ThreadControl:
    """The control of one stage of work in a worker thread."""

    caller: Caller
    stage: Stage
    message: str

    def check(self) -> None:
        """Raise Cancelled if the caller has left."""
        if self.caller.left.is_set():
            raise Cancelled("the work was cancelled", "Ask again to start it anew")

    def progress(self, done: float, total: float, unit: str) -> None:
        """Tell the caller how far the stage is."""
        self.caller.report(Progress(stage=self.stage, done=done, total=total, unit=unit, message=self.message))


async def in_thread(work: Callable[[Caller], T], report: Report, limiter: anyio.CapacityLimiter) -> T:
    """Return what the work returns in a worker thread. Cancellation of any kind is obeyed within a second."""
    caller = Caller(report, threading.Event())
    begun, ended = threading.Event(), threading.Event()

    def run() -> T:
        begun.set()
        try:
            return work(caller)
        finally:
            ended.set()

    try:
        return await anyio.to_thread.run_sync(run, limiter=limiter, abandon_on_cancel=True)
    except anyio.get_cancelled_exc_class():
        # A flag of our own, since asyncio's cancellation (`wait_for`, `timeout`) is not seen by anyio's threads.
        caller.left.set()
        if begun.is_set():
            with anyio.CancelScope(shield=True):
                await anyio.to_thread.run_sync(ended.wait, _PATIENCE)
        raise
