"""A call to a module, by a reasoner or by whoever looks for a phrase, and what became of it."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Literal

from reamo_mcp.media.decoded import Outcome
from reamo_mcp.models.meta_response import MetaCall
from reamo_mcp.reading.setbacks import Gap
from reamo_mcp.types.candidate import CandidateMention
from reamo_mcp.types.extraction import Notice

What = Literal["located", "absent", "failed"]


@dataclass(frozen=True)
class AskedCall:
    """A call as it was put; ``target`` is the id of a candidate.

    ``every`` place is wanted, or the best one alone.
    """

    id: str
    target: str
    call: MetaCall
    every: bool = False


@dataclass(frozen=True)
class CallResult:
    """What became of a call; ``mentions`` have the places that were found.

    ``reason`` says why there are none, or why there may be more; ``retryable`` if that is because a model failed.
    """

    asked: AskedCall
    outcome: What
    mentions: tuple[CandidateMention, ...] = ()
    reason: str = ""
    retryable: bool = False


def result_of(asked: AskedCall, mentions: tuple[CandidateMention, ...], gap: Gap | None, unseen: str) -> CallResult:
    """Return what became of a call; ``gap`` is why not all was looked at, ``unseen`` what it means to find nothing."""
    if gap is not None:
        return CallResult(asked, "located" if mentions else "failed", mentions, gap.reason, gap.retryable)
    return CallResult(asked, "located", mentions) if mentions else CallResult(asked, "absent", reason=unseen)


def gap_of(outcome: Outcome) -> Gap | None:
    """Return why a stream was not read to its end, None if it was."""
    missed = outcome.end.not_read if outcome.end is not None else ()
    return Gap(missed[0].reason, missed[0].retryable) if missed else None


def incomplete(results: Iterable[CallResult]) -> Iterator[Notice]:
    """Yield what the reader of the answer should know of calls that could not look everywhere."""
    for result in results:
        if result.outcome == "absent" or not result.reason:
            continue
        found = result.outcome == "located"
        message = "not every place could be looked at" if found else "a place could not be looked for"
        yield Notice(
            code="call_incomplete" if found else "call_failed",
            message=f"{message}: {result.reason}",
            media_id=result.asked.call.medium,
            retryable=result.retryable,
        )
