"""One sample of a benchmark: what is given, what is asked, and what should be found."""

from pathlib import Path

from pydantic import Field

from reamo_mcp.evaluation.recognition import Task
from reamo_mcp.models.roles import HeardWord, Line
from reamo_mcp.types.extraction import Extraction
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from reamo_mcp.types.record import Record


class Case(Record):
    """A sample. ``files`` are named relative to the folder of the case; ``level`` grades difficulty from 1.

    The gold is an `Extraction` like any answer, so it keeps the same promises (quotes stand where it says).
    """

    id: str
    cell: str
    task: Task
    level: int = 1
    files: tuple[str, ...] = ()
    text: str | None = None
    ontology: Ontology
    gold: Extraction
    print_in: dict[str, tuple[Line, ...]] = Field(
        default_factory=dict[str, tuple[Line, ...]], description="The true lines of print in a picture, by file"
    )
    spoken_in: dict[str, tuple[HeardWord, ...]] = Field(
        default_factory=dict[str, tuple[HeardWord, ...]], description="The true words of a recording, by file"
    )

    def document(self, folder: Path) -> Document:
        """Return what an engine is given."""
        return Document.of(*(folder / name for name in self.files), text=self.text)
