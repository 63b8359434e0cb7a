"""Finished results: the latest at hand in memory, all of them in the store."""

from collections import OrderedDict
from typing import Protocol

import anyio.to_thread

from reamo_mcp.types.extraction import Extraction

_MOST_AT_HAND = 16
_BYTES_AT_HAND = 64 << 20


class Blobs(Protocol):
    """Bytes by key; `reamo_mcp.store.files.BlobFolder` is one."""

    def get(self, key: str) -> bytes | None:
        """Return the bytes, None if they are not kept."""
        ...

    def put(self, key: str, payload: bytes) -> None:
        """Keep the bytes."""
        ...

    def remove(self, key: str) -> None:
        """Forget the bytes."""
        ...


class Results:
    """Finished results by their handle. For one event loop; files are read and written in threads."""

    def __init__(self, blobs: Blobs) -> None:
        self._blobs = blobs
        self._at_hand: OrderedDict[str, tuple[Extraction, int]] = OrderedDict()

    def __contains__(self, result_id: str) -> bool:
        """Tell whether the result is at hand in memory."""
        return result_id in self._at_hand

    @property
    def at_hand(self) -> tuple[str, ...]:
        """The handles of the results in memory, oldest first."""
        return tuple(self._at_hand)

    async def get(self, result_id: str) -> Extraction | None:
        """Return the result, None if it is not kept (any more)."""
        if (kept := self._at_hand.get(result_id)) is not None:
            self._at_hand.move_to_end(result_id)
            return kept[0]
        found = await anyio.to_thread.run_sync(self._read, result_id)
        if found is None:
            return None
        self._remember(result_id, *found)
        return found[0]

    async def keep(self, result_id: str, extraction: Extraction) -> None:
        """Keep the result."""
        self._remember(result_id, extraction, await anyio.to_thread.run_sync(self._write, result_id, extraction))

    def _read(self, result_id: str) -> tuple[Extraction, int] | None:
        try:
            payload = self._blobs.get(result_id)
            return None if payload is None else (Extraction.model_validate_json(payload), len(payload))
        except ValueError:  # not the form of a handle, or written by another version
            return None

    def _write(self, result_id: str, extraction: Extraction) -> int:
        payload = extraction.model_dump_json().encode()
        self._blobs.put(result_id, payload)
        return len(payload)

    def _remember(self, result_id: str, extraction: Extraction, size: int) -> None:
        self._at_hand[result_id] = (extraction, size)
        self._at_hand.move_to_end(result_id)
        while len(self._at_hand) > 1 and (
            len(self._at_hand) > _MOST_AT_HAND or sum(kept for _, kept in self._at_hand.values()) > _BYTES_AT_HAND
        ):
            self._at_hand.popitem(last=False)
