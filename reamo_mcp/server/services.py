"""What the tools work with while a server runs: the settings, and the engine, started by the first call that needs it.

This module is on the start path of the server: what loads an engine is imported when the first job comes.
"""

import time
from collections.abc import AsyncGenerator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Literal, TypeAlias

import anyio
import anyio.to_thread
from anyio.abc import TaskGroup, TaskStatus
from mcp.server.mcpserver import Context

from reamo_mcp.errors import ReamoError
from reamo_mcp.settings import Settings

if TYPE_CHECKING:
    from reamo_mcp.extracting import Extracting
    from reamo_mcp.jobs import Jobs

Transport: TypeAlias = Literal["stdio", "http", "in_process"]
OpenExtractor: TypeAlias = Callable[[Settings], AbstractAsyncContextManager["Extracting"]]


class Services:
    """The state of one running server. Made by `opened_services`."""

    def __init__(
        self, settings: Settings, transport: Transport, open_extractor: OpenExtractor | None, group: TaskGroup
    ) -> None:
        self.settings = settings
        self.transport: Transport = transport
        self.started = time.monotonic()
        self._open_extractor = open_extractor
        self._group = group
        self._lock = anyio.Lock()
        self._jobs: Jobs | None = None

    @property
    def working(self) -> "Jobs | None":
        """The jobs if the engine was started, else None."""
        return self._jobs

    @property
    def roots(self) -> tuple[Path, ...]:
        """The folders whose files callers may name."""
        return allowed_roots(self.settings, self.transport)

    async def jobs(self) -> "Jobs":
        """Return the jobs; the first call starts the engine. Raises the errors of starting it."""
        if self._jobs is not None:
            return self._jobs
        async with self._lock:
            if self._jobs is not None:  # another call started it meanwhile
                return self._jobs
            started: Jobs | ReamoError = await self._group.start(self._keep_open)
            if isinstance(started, ReamoError):
                raise started
            self._jobs = started
            return started

    async def _keep_open(self, *, task_status: "TaskStatus[Jobs | ReamoError]") -> None:
        # A context is left in the task that entered it: this one, which lives as long as the server.
        told = False
        try:
            open_jobs = await anyio.to_thread.run_sync(_import_jobs)
            async with open_jobs(self.settings, self._open_extractor) as jobs:
                told = True
                task_status.started(jobs)
                await anyio.sleep_forever()
        except ReamoError as error:
            if told:
                raise
            task_status.started(error)


def _import_jobs() -> "Callable[[Settings, OpenExtractor | None], AbstractAsyncContextManager[Jobs]]":
    from reamo_mcp.jobs import open_jobs

    return open_jobs


def allowed_roots(settings: Settings, transport: Transport) -> tuple[Path, ...]:
    """Return the folders whose files callers may name.

    Over stdio the working directory stands in where none are configured, unless it is the root of the file system or
    the user's home, where a host may have started the server without meaning it.
    """
    if settings.roots or transport != "stdio":
        return settings.roots
    here = Path.cwd()
    return () if here in (Path(here.anchor), _home()) else (here,)


def _home() -> Path | None:
    try:
        return Path.home()
    except RuntimeError:  # no such user: a container without an account
        return None


@asynccontextmanager
async def opened_services(
    settings: Settings, transport: Transport, open_extractor: OpenExtractor | None = None
) -> AsyncGenerator[Services]:
    """Yield the state of one running server; leaving stops its work and closes the engine, if it was started."""
    async with anyio.create_task_group() as group:
        yield Services(settings, transport, open_extractor, group)
        group.cancel_scope.cancel()


ToolContext: TypeAlias = Context[Services]
