"""What the tools answer: compact records that stand alone, since some hosts show the model nothing else."""

from typing import Literal

from pydantic import Field

from reamo_mcp.types.record import Record


class Item(Record):
    """One thing found, with its proof in short form.

    ``at`` holds one line per place: ``g1 m1[12:20] "quote"`` (characters), ``g2 m2 (x,y,w,h)`` (pixels),
    ``g3 m2 p4 (x,y,w,h)`` (a page), ``g4 m3 00:01:03.2-00:01:04.0`` (time), ``g5 m4 whole``. A place without a quote
    says the item's own text.
    """

    id: str
    kind: Literal["entity", "relation", "event", "ungrounded", "coverage"]
    type: str
    text: str = ""
    score: float | None = None
    at: tuple[str, ...] = ()
    located: tuple[str, ...] = ()
    attested: tuple[str, ...] = ()
    absent: tuple[str, ...] = ()
    head: str | None = None
    tail: str | None = None
    arguments: tuple[str, ...] = ()
    note: str | None = None


class Answer(Record):
    """One page of a result, or the news that the work goes on."""

    result_id: str
    status: Literal["ok", "partial", "running"]
    media: tuple[str, ...] = ()
    counts: dict[str, int] = Field(default_factory=dict[str, int])
    items: tuple[Item, ...] = ()
    coverage: tuple[str, ...] = ()
    cursor: str | None = None
    notice: str | None = None


class CancelAnswer(Record):
    """What became of the work."""

    result_id: str
    status: Literal["cancelled", "still_wanted", "finished", "unknown"]
    notice: str


class EvidenceAnswer(Record):
    """The proof of some items in words. ``clips`` are resources: the moments as films or sound, one for each id."""

    result_id: str
    evidence: tuple[str, ...]
    clips: tuple[str, ...] = ()
    notice: str | None = None


class StatusAnswer(Record):
    """The state of the installation."""

    version: str
    engine: str
    ready: bool
    models: tuple[str, ...]
    device: str
    memory_mb: float
    running: int
    queued: int
    roots: tuple[str, ...]
    ontologies: tuple[str, ...]
    modalities: tuple[str, ...]
    limits: dict[str, float]
    cache: str
    notice: str | None = None
