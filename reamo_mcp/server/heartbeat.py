"""Progress by time: a caller hears at least every few seconds what the work is doing, however slow a unit is."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, TypeVar

import anyio

from reamo_mcp.errors import ReamoError
from reamo_mcp.server.services import ToolContext

if TYPE_CHECKING:
    from reamo_mcp.isolation.threads import Progress

T = TypeVar("T")
FIRST_AFTER = 0.5
EVERY = 2.0


class News:
    """What the work is doing, in words, and how much of what is known so far is done."""

    def __init__(self, message: str) -> None:
        self._message = message
        self._source: Callable[[], tuple[str, Progress | None]] | None = None
        self._before = 0.0
        self._last: Progress | None = None

    def say(self, message: str) -> None:
        """Tell what is being done now."""
        self._message = message

    def follow(self, source: "Callable[[], tuple[str, Progress | None]]") -> None:
        """Take the words and numbers from the work itself from now on."""
        self._source = source

    def words(self) -> str:
        """Return what is being done now."""
        return self._source()[0] if self._source else self._message

    def state(self) -> tuple[float, float | None, str]:
        """Return units done, units known in all (None before anything is known), and the words.

        Units of the stages before count as done, so that the number never falls.
        """
        if self._source is None:
            return self._before, None, self._message
        message, progress = self._source()
        if progress is None:
            return self._before, None, message
        if self._last is not None and (self._last.stage, self._last.message) != (progress.stage, progress.message):
            self._before += self._last.total
        self._last = progress
        return self._before + min(progress.done, progress.total), self._before + progress.total, message


async def with_heartbeat(context: ToolContext, news: News, work: Awaitable[T]) -> T:
    """Return what the work returns, telling the caller the news meanwhile. Raises the work's own errors."""
    failure: ReamoError | None = None
    results: list[T] = []
    async with anyio.create_task_group() as group:
        group.start_soon(_beat, context, news)
        try:
            results.append(await work)
        except ReamoError as error:
            failure = error  # raised outside the group, which would wrap it
        group.cancel_scope.cancel()
    if failure is not None:
        raise failure
    return results[0]


async def _beat(context: ToolContext, news: News) -> None:
    sent = -1.0
    await anyio.sleep(FIRST_AFTER)
    while True:
        done, total, message = news.state()
        sent = max(done, sent + 0.001)  # the number has to increase, even where nothing else changed
        await context.report_progress(sent, None if total is None else max(total, sent), message)
        await anyio.sleep(EVERY)
