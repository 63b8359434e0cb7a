"""What work of many callers needs of an extractor, so that tests can stand in for it."""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeAlias

from reamo_mcp.evidence.picture import Show
from reamo_mcp.extractor import Request
from reamo_mcp.isolation.threads import Report
from reamo_mcp.media.opening import Allowed
from reamo_mcp.settings import Settings
from reamo_mcp.types.extraction import Engine, Extraction
from reamo_mcp.types.grounding import Grounding
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology


class Extracting(Protocol):
    """What jobs need of an extractor; `reamo_mcp.extractor.Extractor` is one."""

    @property
    def engine(self) -> Engine:
        """Which engine answers."""
        ...

    @property
    def device(self) -> str:
        """Where the models run."""
        ...

    async def extract(
        self,
        document: Document,
        ontology: Ontology,
        *,
        request: Request | None = None,
        report: Report = ...,
        allowed: Allowed | None = None,
    ) -> Extraction:
        """Return what the document says."""
        ...

    async def ground(
        self,
        document: Document,
        phrase: str,
        *,
        request: Request | None = None,
        report: Report = ...,
        allowed: Allowed | None = None,
    ) -> Extraction:
        """Return the places of a phrase."""
        ...

    async def fingerprint(self, document: Document, *, allowed: Allowed | None = None) -> str:
        """Return the hash of the document's content."""
        ...

    async def look(
        self,
        document: Document,
        extraction: Extraction,
        place: Grounding,
        *,
        show: Show = ...,
        allowed: Allowed | None = None,
    ) -> bytes | None:
        """Return a JPEG that shows a place, or what ``show`` makes of it."""
        ...


OpenExtractor: TypeAlias = Callable[[Settings], AbstractAsyncContextManager[Extracting]]
