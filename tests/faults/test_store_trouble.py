import errno
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from reamo_mcp.store.files import BlobFolder
from reamo_mcp.store.keys import key
from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.faults.resumable import BarReader, drawn_pages, extractor

PERSONS = Ontology.of(entity_types=["person"])
KEY = key("a blob")


def full_disk(call: int) -> Callable[[int], None]:
    """Return an ``fsync`` that fails from this call on."""
    calls = 0

    def fsync(descriptor: int) -> None:
        nonlocal calls
        calls += 1
        if calls >= call:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    return fsync


@pytest.mark.parametrize("call", [1, 2, 5, 9])
async def test_a_full_disk_costs_the_cache_and_not_the_result(
    call: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = tmp_path / "bars.pdf"
    document.write_bytes(drawn_pages(6))
    expected = await extractor(tmp_path / "sound", BarReader()).extract(Document.of(document), PERSONS)
    monkeypatch.setattr(os, "fsync", full_disk(call))
    found = await extractor(tmp_path / "full", BarReader()).extract(Document.of(document), PERSONS)
    assert (found.entities, found.readings, found.status) == (expected.entities, expected.readings, "ok")
    assert not list((tmp_path / "full").rglob(".new-*"))
    if call <= 6:  # a later failure comes when the account of the reading is written already
        assert [notice.code for notice in found.warnings if notice.code == "cache_unusable"] == ["cache_unusable"]


async def test_a_cache_below_a_file_is_told_and_the_result_is_right(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("not a folder", encoding="utf-8")
    document = tmp_path / "bars.pdf"
    document.write_bytes(drawn_pages(2))
    found = await extractor(tmp_path / "file" / "cache", BarReader()).extract(Document.of(document), PERSONS)
    assert found.status == "ok"
    assert "cache_unusable" in {notice.code for notice in found.warnings}


async def test_every_damaged_blob_is_made_again(tmp_path: Path) -> None:
    document = tmp_path / "bars.pdf"
    document.write_bytes(drawn_pages(3))
    first = await extractor(tmp_path / "cache", BarReader()).extract(Document.of(document), PERSONS)
    for blob in (tmp_path / "cache").rglob("*.blob"):
        content = bytearray(blob.read_bytes())
        content[len(content) // 2] ^= 1
        blob.write_bytes(bytes(content))
    reader = BarReader()
    assert await extractor(tmp_path / "cache", reader).extract(Document.of(document), PERSONS) == first
    assert reader.pages == [1, 2, 3]


def test_a_write_that_fails_leaves_the_older_blob(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = BlobFolder(tmp_path, 10_000)
    folder.put(KEY, b"older")
    monkeypatch.setattr(os, "fsync", full_disk(1))
    folder.put(KEY, b"newer")
    assert folder.get(KEY) == b"older"
    assert folder.trouble is not None


def test_a_clock_that_jumps_breaks_nothing(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, 3000)
    for number, moment in enumerate((10**9, 4 * 10**9, 0, 2 * 10**9)):
        name = key(str(number))
        folder.put(name, bytes(1000))
        for path in tmp_path.glob(f"*/{name}.blob"):
            os.utime(path, (moment, moment))
    assert folder.size()[1] <= 3000
