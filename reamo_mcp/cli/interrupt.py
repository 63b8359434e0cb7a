"""Run asynchronous work so that Ctrl-C ends it in order: workers and children first, then the program."""

import signal
import sys
from collections.abc import Awaitable, Callable
from typing import TypeVar

import anyio
import anyio.abc

T = TypeVar("T")


def run_interruptible(work: Callable[[], Awaitable[T]]) -> T:
    """Return what the work returns. Raises KeyboardInterrupt when it was interrupted and has ended.

    Left to asyncio, an interrupt would cancel the waiting task without telling the worker thread, and the program
    would stay until that thread is done.
    """
    results: list[T] = []

    async def main() -> None:
        async with anyio.create_task_group() as group:
            if sys.platform != "win32":  # its event loop knows no signals
                await group.start(_cancel_on_interrupt, group.cancel_scope)
            results.append(await work())
            group.cancel_scope.cancel()

    try:
        anyio.run(main)
    except BaseExceptionGroup as failures:
        # The task group wraps whatever the work raised (an exit or Ctrl-C too), its only member: callers look for that.
        raise failures.exceptions[0] from None
    if not results:
        raise KeyboardInterrupt
    return results[0]


async def _cancel_on_interrupt(
    scope: anyio.CancelScope, *, task_status: "anyio.abc.TaskStatus[None]" = anyio.TASK_STATUS_IGNORED
) -> None:
    with anyio.open_signal_receiver(signal.SIGINT) as signals:
        task_status.started()
        async for _ in signals:
            scope.cancel()
