from pathlib import Path

import pytest

from reamo_mcp.store.secret import installation_secret


def test_an_installation_keeps_one_secret_and_no_other_file(tmp_path: Path) -> None:
    secret = installation_secret(tmp_path)
    assert installation_secret(tmp_path) == secret
    assert [path.name for path in tmp_path.iterdir()] == ["secret"]
    assert (tmp_path / "secret").stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("left", [b"", b"short"])
def test_what_is_left_of_a_secret_that_was_cut_is_none(left: bytes, tmp_path: Path) -> None:
    (tmp_path / "secret").write_bytes(left)
    assert len(installation_secret(tmp_path)) == 32
    assert installation_secret(tmp_path) != installation_secret(tmp_path)
