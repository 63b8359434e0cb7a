import subprocess
import sys
from pathlib import Path

from tests.soak.remains import held, memory


def test_whatever_is_left_behind_is_counted(tmp_path: Path) -> None:
    cache, temporary = tmp_path / "cache", tmp_path / "temporary"
    cache.mkdir()
    temporary.mkdir()
    (cache / "finished.blob").write_bytes(b"")
    before = held(cache, temporary)
    (cache / ".new-unfinished").write_bytes(b"")
    with (
        open(temporary / "left", "wb"),
        subprocess.Popen(
            [sys.executable, "-c", "print(flush=True); input()", "a child"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
        ) as child,
    ):
        assert child.stdout is not None
        child.stdout.readline()  # it runs
        after = held(cache, temporary)
        with_child = memory()
        child.communicate(b"\n")
    assert before.files == ()
    assert [Path(path).name for path in after.files] == [".new-unfinished", "left"]
    assert after.children == before.children + 1
    assert after.descriptors >= before.descriptors + 2
    assert with_child["server"] > 0
    assert "a child" in with_child
