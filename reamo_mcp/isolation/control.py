"""How long work is asked to stop and tells how far it is."""

from typing import Protocol


class Control(Protocol):
    """Passed to everything that may take longer than a moment."""

    def check(self) -> None:
        """Raise `reamo_mcp.errors.Cancelled` or `Deadline` if the work shall stop. Call it at least every 0.5 s."""
        ...

    def progress(self, done: float, total: float, unit: str) -> None:
        """Tell how far the current step is, such as ``(3, 10, "pages")``. Cheap; may be called often."""
        ...


class Unlimited:
    """A control that never stops the work and drops its progress."""

    def check(self) -> None:
        """Return at once."""

    def progress(self, done: float, total: float, unit: str) -> None:
        """Drop the progress."""
