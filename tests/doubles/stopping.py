"""Controls of callers that want their work to stop."""

import threading
from dataclasses import dataclass

from reamo_mcp.errors import Cancelled


@dataclass
class StopsAfter:
    """Lets some looks at it pass, then asks to stop at each."""

    looks: int

    def check(self) -> None:
        self.looks -= 1
        if self.looks < 0:
            raise Cancelled("the caller cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        return None


@dataclass
class StopsOnce:
    """Asks to stop from the moment of an event on."""

    event: threading.Event

    def check(self) -> None:
        if self.event.is_set():
            raise Cancelled("the caller cancelled")

    def progress(self, done: float, total: float, unit: str) -> None:
        return None
