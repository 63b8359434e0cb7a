"""How a child process can fail its parent. Who knows what the child was doing turns these into errors for callers."""

from typing import Literal

Cause = Literal["not_started", "crashed", "silent", "processor_time", "memory", "protocol"]


class ChildFailed(Exception):
    """The child could not be started, died, went silent, ran out of a resource, or spoke nonsense.

    ``cause`` says which. The child is gone; the next request starts a new one.
    """

    def __init__(self, cause: Cause, detail: str = "") -> None:
        super().__init__(cause, detail)
        self.cause: Cause = cause
        self.detail = detail

    def __str__(self) -> str:
        return f"the child process failed: {self.cause}" + (f" ({self.detail})" if self.detail else "")


class HandlerFailed(Exception):
    """The child's handler raised. ``code`` is the error's own code, or 'internal' for one that nobody foresaw."""

    def __init__(self, code: str, message: str, hint: str = "") -> None:
        super().__init__(code, message, hint)
        self.code = code
        self.message = message
        self.hint = hint

    def __str__(self) -> str:
        return f"[{self.code}] {self.message}"
