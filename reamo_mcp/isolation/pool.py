"""Children of one program, each used by one request at a time, so that no request can harm or wait for another."""

import threading
from collections.abc import Generator
from contextlib import closing, contextmanager

from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Reply, Request
from reamo_mcp.isolation.process import ChildProcess
from reamo_mcp.isolation.program import Program


class ChildPool:
    """Gives each request a child of its own, warm if one is idle; keeps one child warm between requests.

    A stream of replies that is read slowly therefore never blocks a second request, not even one of the same thread.
    How many run at once is bounded by those who ask.
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self._guard = threading.Lock()
        self._idle: ChildProcess | None = None
        self._busy: set[ChildProcess] = set()
        self._closed = False

    def request(self, request: Request, control: Control) -> Generator[Reply, None, None]:
        """Yield the replies to a request; see `ChildProcess.request`."""
        with self._child() as child, closing(child.request(request, control)) as replies:
            yield from replies

    def one(self, request: Request, control: Control) -> Reply:
        """Return the only reply to a request; see `ChildProcess.one`."""
        with self._child() as child:
            return child.one(request, control)

    def process_ids(self) -> tuple[int, ...]:
        """Return the processes that run now."""
        with self._guard:
            children = [*self._busy, *((self._idle,) if self._idle else ())]
        return tuple(child.process_id for child in children if child.process_id is not None)

    def close(self) -> None:
        """End all children. Requests under way fail."""
        with self._guard:
            self._closed = True
            children = [*self._busy, *((self._idle,) if self._idle else ())]
            self._idle = None
        for child in children:
            child.close()

    @contextmanager
    def _child(self) -> Generator[ChildProcess, None, None]:
        with self._guard:
            child, self._idle = self._idle or ChildProcess(self._program), None
            self._busy.add(child)
            if self._closed:
                child.close()
        try:
            yield child
        finally:
            with self._guard:
                self._busy.discard(child)
                kept = self._idle is None and not self._closed
                if kept:
                    self._idle = child
            if not kept:
                child.close()
