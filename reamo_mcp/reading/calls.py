"""A call of a reasoner to a module, and what became of it."""

from dataclasses import dataclass
from typing import Literal

from reamo_mcp.media.decoded import Outcome
from reamo_mcp.models.meta_response import MetaCall
from reamo_mcp.reading.setbacks import Gap
from reamo_mcp.types.candidate import CandidateMention

What = Literal["located", "absent", "failed"]


@dataclass(frozen=True)
class AskedCall:
    """A call as it was put; ``target`` is the id of a candidate."""

    id: str
    target: str
    call: MetaCall


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
