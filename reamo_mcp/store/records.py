"""Records kept in the store: what does not validate any more is as good as not there."""

from pathlib import Path
from typing import TypeVar

from pydantic import ValidationError

from reamo_mcp.store.files import BlobFolder
from reamo_mcp.types.record import Record

R = TypeVar("R", bound=Record)


class RecordStore:
    """Records of one kind by key. Other versions of the project may have written them: those are dropped."""

    def __init__(self, blobs: BlobFolder) -> None:
        self._blobs = blobs

    def get(self, key: str, kind: type[R]) -> R | None:
        """Return the record, None if it is not kept or no longer valid."""
        payload = self._blobs.get(key)
        if payload is None:
            return None
        try:
            return kind.model_validate_json(payload)
        except ValidationError:
            self._blobs.remove(key)
            return None

    def put(self, key: str, record: Record) -> None:
        """Keep the record."""
        # With all defaults: they include the `kind` by which unions are told apart.
        self._blobs.put(key, record.model_dump_json().encode())


class Store:
    """The folders of one installation: readings, results, and the jobs that made them."""

    def __init__(self, folder: Path, most_bytes: int) -> None:
        # Readings cost the most to make again; jobs are small requests.
        self.readings = BlobFolder(folder / "readings", most_bytes * 6 // 10)
        self.results = BlobFolder(folder / "results", most_bytes * 3 // 10)
        self.jobs = BlobFolder(folder / "jobs", most_bytes // 10)
        self.folder = folder

    @property
    def trouble(self) -> str | None:
        """Why the store cannot be used, None while it can."""
        return self.readings.trouble or self.results.trouble or self.jobs.trouble

    def folders(self) -> dict[str, BlobFolder]:
        """Return the folders by their names."""
        return {"readings": self.readings, "results": self.results, "jobs": self.jobs}
