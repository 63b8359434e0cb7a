"""A lock that is granted in the order of asking and that a waiter can be called away from."""

import threading
from collections import deque
from collections.abc import Generator
from contextlib import contextmanager

from reamo_mcp.isolation.control import Control

CHECK_EVERY = 0.1


class Turns:
    """First come, first served."""

    def __init__(self) -> None:
        self._guard = threading.Lock()
        self._waiting: deque[threading.Event] = deque()

    @contextmanager
    def turn(self, control: Control) -> Generator[None]:
        """Hold the turn. Waiting ends with the control's error if the control says so."""
        mine = threading.Event()
        with self._guard:
            self._waiting.append(mine)
            if self._waiting[0] is mine:
                mine.set()
        try:
            while not mine.wait(CHECK_EVERY):
                control.check()
            yield
        finally:
            with self._guard:
                self._waiting.remove(mine)
                if self._waiting:
                    self._waiting[0].set()
