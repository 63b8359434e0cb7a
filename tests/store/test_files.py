import multiprocessing
import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.store.files import BlobFolder
from reamo_mcp.store.keys import key
from reamo_mcp.store.records import RecordStore
from reamo_mcp.types.grounding import Box

KEY = key("a blob")


def test_a_blob_comes_back_as_it_was_put(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, 1000)
    folder.put(KEY, b"payload")
    assert BlobFolder(tmp_path, 1000).get(KEY) == b"payload"


def test_a_blob_that_was_never_put_is_none(tmp_path: Path) -> None:
    assert BlobFolder(tmp_path, 1000).get(KEY) is None


@pytest.mark.parametrize("damage", [b"", b"reamo1 ", b"rubbish" * 30])
def test_a_damaged_blob_is_forgotten_and_can_be_made_again(tmp_path: Path, damage: bytes) -> None:
    folder = BlobFolder(tmp_path, 1000)
    folder.put(KEY, b"payload")
    next(tmp_path.glob("*/*.blob")).write_bytes(damage)
    assert folder.get(KEY) is None
    assert not list(tmp_path.glob("*/*.blob"))
    folder.put(KEY, b"payload")
    assert folder.get(KEY) == b"payload"


def test_one_flipped_byte_is_noticed(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, 1000)
    folder.put(KEY, b"payload")
    path = next(tmp_path.glob("*/*.blob"))
    content = bytearray(path.read_bytes())
    content[-1] ^= 1
    path.write_bytes(bytes(content))
    assert folder.get(KEY) is None


def test_the_least_recently_used_go_first_and_the_bound_holds(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path, 5000)
    keys = [key(str(number)) for number in range(10)]
    for number, name in enumerate(keys):
        folder.put(name, bytes(1000))
        path = next(tmp_path.glob(f"*/{name}.blob"), None)
        if path is not None:
            os.utime(path, (number, number))
    assert folder.size()[1] <= 5000
    assert folder.get(keys[0]) is None
    assert folder.get(keys[-1]) == bytes(1000)


def test_a_bound_of_zero_keeps_nothing_and_touches_no_disk(tmp_path: Path) -> None:
    folder = BlobFolder(tmp_path / "never", 0)
    folder.put(KEY, b"payload")
    assert folder.get(KEY) is None
    assert not (tmp_path / "never").exists()


def test_a_folder_that_cannot_be_written_is_told_and_does_not_fail(tmp_path: Path) -> None:
    in_the_way = tmp_path / "file"
    in_the_way.write_text("not a folder", encoding="utf-8")
    folder = BlobFolder(in_the_way / "cache", 1000)
    folder.put(KEY, b"payload")
    assert folder.trouble is not None
    assert folder.get(KEY) is None


def test_a_failed_write_leaves_no_temporary_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    folder = BlobFolder(tmp_path, 1000)
    monkeypatch.setattr(os, "fsync", full)
    folder.put(KEY, b"payload")
    assert folder.trouble == "the cache could not be written: No space left on device"
    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []


def _write_many(folder: str, seed: int) -> None:
    blobs = BlobFolder(Path(folder), 20_000)
    for number in range(60):
        name = key(str((number * seed) % 17))
        blobs.put(name, name.encode() * 8)
        found = blobs.get(name)
        assert found is None or found == name.encode() * 8


def test_two_processes_may_share_one_folder(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    writers = [context.Process(target=_write_many, args=(str(tmp_path), seed)) for seed in (3, 5)]
    for writer in writers:
        writer.start()
    for writer in writers:
        writer.join()
    assert [writer.exitcode for writer in writers] == [0, 0]
    assert not list(tmp_path.rglob(".new-*"))


@pytest.mark.parametrize("name", ["../../etc/passwd", "", "A", "a/b" * 10])
def test_a_key_never_becomes_a_path(tmp_path: Path, name: str) -> None:
    with pytest.raises(ValueError, match="not a store key"):
        BlobFolder(tmp_path, 1000).get(name)


@given(st.lists(st.text(), max_size=4), st.lists(st.text(), max_size=4))
def test_keys_differ_when_their_parts_differ(one: list[str], other: list[str]) -> None:
    assert (key(*one) == key(*other)) == (one == other)


def test_a_record_that_no_longer_validates_is_dropped(tmp_path: Path) -> None:
    blobs = BlobFolder(tmp_path, 1000)
    records = RecordStore(blobs)
    box = Box(x=1, y=2, width=3, height=4)
    records.put(KEY, box)
    assert records.get(KEY, Box) == box
    blobs.put(KEY, b'{"x": 1, "colour": "red"}')
    assert records.get(KEY, Box) is None
    assert blobs.get(KEY) is None
