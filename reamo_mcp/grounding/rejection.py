"""Why a candidate has no place."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Rejection:
    """The proof failed; ``reason`` is a phrase for people that goes into ``Extraction.ungrounded``."""

    reason: str
