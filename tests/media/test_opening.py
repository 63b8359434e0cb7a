import errno
import os
import socket
import tempfile
import unicodedata
from collections.abc import Generator
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.errors import (
    Cancelled,
    CorruptMedia,
    NetworkDisabled,
    NotARegularFile,
    PathNotAllowed,
    ReamoError,
    SourceChanged,
    TooLarge,
    UnsupportedFormat,
)
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import OpenFile
from reamo_mcp.media.opening import Allowed, ensure_unchanged, open_file, shown
from reamo_mcp.settings import Limits
from tests.hostile.documents import docx

GO = Unlimited()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder that may be read, beside one that may not and whose name begins alike."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root-not").mkdir()
    (tmp_path / "root-not" / "secret.txt").write_text("secret", encoding="utf-8")
    return tmp_path / "root"


@contextmanager
def opened(path: str | Path, *roots: Path, limits: Limits | None = None) -> Generator[OpenFile]:
    with open_file(str(path), Allowed.below(roots), limits or Limits(), GO) as file:
        yield file


def content(path: str | Path, *roots: Path) -> bytes:
    with opened(path, *roots) as file:
        return os.pread(file.fd, 1 << 20, 0)


def refusal(path: str | Path, *roots: Path) -> ReamoError:
    with pytest.raises(ReamoError) as raised, opened(path, *roots):
        pass
    return raised.value


def test_a_file_below_a_root_is_opened_with_its_name_size_and_hash(root: Path) -> None:
    (root / "inner").mkdir()
    (root / "inner" / "a.txt").write_text("Ada", encoding="utf-8")
    with opened("inner/a.txt", root) as file:
        assert (file.name, file.size, file.kind, file.format) == ("a.txt", 3, "text", "text")
        assert file.sha256 == sha256(b"Ada").hexdigest()
        assert not os.get_inheritable(file.fd)
        descriptor = file.fd
    with pytest.raises(OSError, match="Bad file"):
        os.fstat(descriptor)


@pytest.mark.parametrize("path", ["a.txt", "./a.txt", "inner/../a.txt", "//a.txt"])
def test_the_ways_to_name_a_file_below_a_root(path: str, root: Path) -> None:
    (root / "inner").mkdir()
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    named = str(root) + path[1:] if path.startswith("//") else path
    assert content(named, root) == b"Ada"


def test_a_relative_path_starts_at_the_first_root_and_an_absolute_one_may_lie_below_any(root: Path) -> None:
    other = root.with_name("other")
    other.mkdir()
    (root / "a.txt").write_text("first", encoding="utf-8")
    (other / "a.txt").write_text("second", encoding="utf-8")
    assert content("a.txt", root, other) == b"first"
    assert content("a.txt", other, root) == b"second"
    assert content(other / "a.txt", root, other) == b"second"
    assert isinstance(refusal(other / "a.txt", root), PathNotAllowed)


def test_a_link_within_the_roots_is_followed_and_one_that_leads_out_is_not(root: Path) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    os.symlink(root / "a.txt", root / "in")
    os.symlink(root.with_name("root-not") / "secret.txt", root / "out")
    os.symlink(root.with_name("root-not"), root / "folder")
    os.symlink("loop", root / "loop")
    assert content("in", root) == b"Ada"
    for path in ("out", "folder/secret.txt", "loop"):
        assert isinstance(refusal(path, root), PathNotAllowed)


def test_a_root_that_is_a_link_stands_for_its_folder(root: Path) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    alias = root.with_name("alias")
    os.symlink(root, alias)
    assert content("a.txt", alias) == b"Ada"
    assert content(root / "a.txt", alias) == b"Ada"


OUTSIDE = (
    *("../root-not/secret.txt", "{outside}/secret.txt", "inner/../../root-not/secret.txt", "../missing", "missing"),
    *("/etc/passwd", "/etc/shadow", "/missing", "a" * 5000, "nul\0byte", "..", "../root-not", "a.txt/b", "~/.profile"),
)


@pytest.mark.parametrize("path", OUTSIDE)
def test_one_refusal_for_all_that_may_not_be_read_or_is_not_there(path: str, root: Path) -> None:
    (root / "inner").mkdir()
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    named = path.replace("{outside}", str(root.with_name("root-not")))
    error = refusal(named, root)
    assert type(error) is PathNotAllowed
    assert error.message == f"{shown(named)} is not in a folder that may be read, or does not exist"
    assert "--root" in error.hint


def test_a_folder_that_cannot_be_entered_and_a_file_that_cannot_be_read_are_refused_alike(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    usual = os.open

    def forbidden(path: str, *arguments: int, **more: int) -> int:
        if path == "a.txt":
            raise PermissionError(errno.EACCES, "denied")
        return usual(path, *arguments, **more)

    monkeypatch.setattr(os, "open", forbidden)
    assert refusal("a.txt", root).message == "a.txt is not in a folder that may be read, or does not exist"


def test_without_roots_nothing_is_allowed(root: Path) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    error = refusal(root / "a.txt")
    assert isinstance(error, PathNotAllowed)
    assert error.hint == "No folder may be read: start the server with --root FOLDER"


def test_the_root_itself_is_no_file(root: Path) -> None:
    assert isinstance(refusal(".", root), PathNotAllowed)
    assert isinstance(refusal(root, root), PathNotAllowed)


def test_what_is_no_regular_file_is_told_without_waiting_for_it(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "folder").mkdir()
    os.mkfifo(root / "pipe")
    monkeypatch.chdir(root)
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind("socket")  # the name of a socket must be short
        assert isinstance(refusal("socket", root), NotARegularFile)
    assert "folder" in refusal("folder", root).message
    assert isinstance(refusal("pipe", root), NotARegularFile)
    assert isinstance(refusal("/dev/zero", Path("/")), NotARegularFile)


def test_a_pipe_that_takes_the_place_of_a_file_does_not_hold_us(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    usual = os.open

    def swapped(path: str, *arguments: int, **more: int) -> int:
        if path == "a.txt":
            os.unlink(root / "a.txt")
            os.mkfifo(root / "a.txt")
        return usual(path, *arguments, **more)

    monkeypatch.setattr(os, "open", swapped)
    assert isinstance(refusal("a.txt", root), NotARegularFile)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_a_link_that_takes_the_place_of_a_part_is_not_followed(
    what: str, root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root / "inner").mkdir()
    (root / "inner" / "secret.txt").write_text("good", encoding="utf-8")
    outside = root.with_name("root-not")
    usual = os.path.realpath

    def then_swap(path: str | Path, *, strict: bool = False) -> str:
        real = usual(path, strict=strict)
        if str(path).endswith("secret.txt"):
            swapped = root / "inner" / "secret.txt" if what == "file" else root / "inner"
            os.rename(swapped, root / "away")
            os.symlink(outside / "secret.txt" if what == "file" else outside, swapped)
        return real

    monkeypatch.setattr(os.path, "realpath", then_swap)
    error = refusal("inner/secret.txt", root)
    assert error.message == "inner/secret.txt is not in a folder that may be read, or does not exist"


def test_a_file_that_is_written_to_after_it_was_opened_is_told(root: Path) -> None:
    path = root / "a.txt"
    path.write_text("Ada", encoding="utf-8")
    for change in (lambda: path.write_text("Bob", encoding="utf-8"), lambda: os.truncate(path, 1)):
        with opened("a.txt", root) as file:
            ensure_unchanged(file)
            change()
            os.utime(path, (1, 1))
            with pytest.raises(SourceChanged, match=r"a\.txt changed"):
                ensure_unchanged(file)


def test_a_file_that_shrinks_while_it_is_hashed_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = root / "a.txt"
    path.write_bytes(b"Ada " * 10_000)
    usual = os.pread

    def shrinking(descriptor: int, size: int, at: int) -> bytes:
        part = usual(descriptor, size, at)
        os.truncate(path, 5000)
        return part

    monkeypatch.setattr(os, "pread", shrinking)
    assert isinstance(refusal("a.txt", root), SourceChanged)


def test_a_disk_that_fails_is_told(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / "a.txt").write_text("Ada", encoding="utf-8")

    def failing(descriptor: int, size: int, at: int) -> bytes:
        raise OSError(errno.EIO, os.strerror(errno.EIO))

    monkeypatch.setattr(os, "pread", failing)
    error = refusal("a.txt", root)
    assert isinstance(error, CorruptMedia)
    assert "input/output error" in error.message


@pytest.mark.parametrize(
    "path", ["http://127.0.0.1/a", "HTTPS://x/y", "file:///etc/passwd", "data:text/plain,x", "concat://a", "s3://b/c"]
)
def test_no_address_is_fetched(path: str, root: Path) -> None:
    assert isinstance(refusal(path, root), NetworkDisabled)
    with pytest.raises(NetworkDisabled), open_file(path, Allowed.named(), Limits(), GO):
        pass


@pytest.mark.parametrize("name", ["concat:a|b", "x:y.txt", "-i", "%2e%2e", "~", "C:\\x", "[a]*?", "new\nline"])
def test_a_name_that_means_something_elsewhere_is_a_name_here(name: str, root: Path) -> None:
    (root / name).write_text("Ada", encoding="utf-8")
    assert content(name, root) == b"Ada"


def test_a_file_beyond_the_limits_is_refused_by_its_size(root: Path) -> None:
    (root / "a.txt").write_text("Ada met Bob", encoding="utf-8")
    (root / "a.docx").write_bytes(docx(b"<x/>"))
    for limits, name, option in (
        (Limits(most_bytes=10), "a.txt", "REAMO_MOST_BYTES"),
        (Limits(most_text_bytes=10), "a.txt", "REAMO_MOST_TEXT_BYTES"),
        (Limits(most_text_bytes=10), "a.docx", "REAMO_MOST_TEXT_BYTES"),
    ):
        with pytest.raises(TooLarge, match=option), opened(name, root, limits=limits):
            pass


def test_an_empty_file_has_nothing_to_read(root: Path) -> None:
    (root / "a.txt").touch()
    error = refusal("a.txt", root)
    assert isinstance(error, UnsupportedFormat)
    assert "empty" in error.message


def test_hashing_a_large_file_can_be_stopped(root: Path) -> None:
    class Stopped(Unlimited):
        def check(self) -> None:
            raise Cancelled("enough")

    (root / "a.txt").write_text("Ada", encoding="utf-8")
    with pytest.raises(Cancelled), open_file("a.txt", Allowed.below([root]), Limits(), Stopped()):
        pass


def test_on_the_command_line_each_failure_says_what_is_wrong(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(root)
    (root / "a.txt").write_text("Ada", encoding="utf-8")
    with open_file("a.txt", Allowed.named(), Limits(), GO) as file:
        assert file.name == "a.txt"
    for path, words in (
        ("missing", "there is no file missing"),
        ("a.txt/b", "no file"),
        ("nul\0", "NUL"),
        (".", "folder"),
    ):
        with pytest.raises(ReamoError, match=words), open_file(path, Allowed.named(), Limits(), GO):
            pass


@given(st.text(max_size=300))
def test_a_name_is_shown_without_signs_that_steer(name: str) -> None:
    said = shown(name)
    assert len(said) <= 200
    assert all(sign.isprintable() or unicodedata.category(sign) == "Zs" for sign in said)


@given(st.text(st.characters(exclude_characters="\0/", codec="utf-8"), max_size=40), st.integers(0, 3))
def test_no_name_leads_out_of_a_root(name: str, up: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        inside = Path(folder) / "a" / "b"
        inside.mkdir(parents=True)
        (Path(folder) / "secret.txt").write_text("secret", encoding="utf-8")
        for path in ("../" * up + name, f"{name}/{'../' * up}secret.txt", "../" * up + "secret.txt"):
            try:
                read = content(path, inside)
            except ReamoError as error:
                read = error.message.replace(shown(path), "").encode()
            assert b"secret" not in read
