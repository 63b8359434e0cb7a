"""What a failure costs: the part that it met, told in the coverage, and never the rest."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from reamo_mcp.errors import Cancelled, Deadline, EngineFailed, InputError, ModelUnavailable, OutOfMemory, ReamoError
from reamo_mcp.models.roles import Answer, Failed, Found, Unsupported
from reamo_mcp.types.coverage import NotRead, Unit

log = logging.getLogger(__name__)
T = TypeVar("T")


@dataclass(frozen=True)
class Gap:
    """Why something was not read; ``retryable`` if a model or the machine failed, and not the file."""

    reason: str
    retryable: bool

    @classmethod
    def by(cls, error: ReamoError) -> "Gap":
        """Return the gap that an error leaves."""
        return cls(_reason(error), not isinstance(error, InputError))

    def not_read(self, unit: Unit, start: float, end: float) -> NotRead:
        """Return the gap as a stretch of the coverage."""
        return NotRead(unit=unit, start=start, end=end, reason=self.reason, retryable=self.retryable)


def setback(error: Exception, what: str) -> ReamoError:
    """Return a failure as what can be told of it; ``what`` names the part that failed, as 'the sound of talk.mp4'.

    What ends the work as a whole is raised again. What nobody foresaw is a defect: its traceback goes to the log, and
    it is the cause of the error returned.
    """
    if isinstance(error, (Cancelled, Deadline)):
        raise error
    if isinstance(error, ReamoError):
        return error
    if isinstance(error, MemoryError):
        failure: ReamoError = OutOfMemory(f"the memory did not suffice for {what}", "Read it alone, or a part of it")
    else:
        log.error("reading %s failed unexpectedly", what, exc_info=error)
        failure = EngineFailed(
            f"reading {what} failed in a way that was not foreseen ({type(error).__name__})",
            "Try once more; if it fails again, report it with the log",
        )
    failure.__cause__ = error
    return failure


def answers_to(ask: "Callable[[], list[Answer[T]]]", count: int, what: str) -> "list[Answer[T]]":
    """Return what a model answers about ``count`` things; if it raises instead, that it failed on each of them."""
    try:
        return ask()
    except Exception as error:  # what the other models find is worth having without this one
        failure = setback(error, what)
        return [Failed(failure.code, _reason(failure))] * count


def taken(answer: "Answer[T]") -> tuple[tuple[T, ...], Gap | None]:
    """Return what a model found, and why it could not look, None if it could."""
    match answer:
        case Found(items):
            return items, None
        case Unsupported(reason):
            return (), Gap(reason, retryable=False)
        case Failed(_, message):
            return (), Gap(message, retryable=True)


def _reason(error: ReamoError) -> str:
    # Of a model that is not there the remedy is the news: without it the same gap would stay in every answer.
    return str(error) if isinstance(error, ModelUnavailable) else error.message
