"""Moments that are hostile: links that are swapped, files that change or never end, decoders that hang."""

import io
import os
import signal
import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

import pytest

from reamo_mcp.errors import PathNotAllowed, ReamoError
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.opening import Allowed, open_file
from reamo_mcp.settings import Limits
from tests.faults.resumable import drawn_pages
from tests.hostile.conftest import Account
from tests.hostile.odd_recordings import long_mp3
from tests.hostile.public_path import PublicPath, public_path
from tests.hostile.recordings import video
from tests.hostile.rows import SECRET, SOON, Ground


@contextmanager
def meanwhile(act: Callable[[], object]) -> Generator[None]:
    """Act over and over in another thread."""
    ended = threading.Event()

    def again() -> None:
        while not ended.is_set():
            act()

    thread = threading.Thread(target=again)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def put(path: Path, target: Path, link: bool) -> None:
    """Put a link to the target, or a good file, where ``path`` says, at once."""
    fresh = path.with_name("fresh")
    if link:
        os.symlink(target, fresh)
    else:
        fresh.write_text("good", encoding="utf-8")
    os.replace(fresh, path)


def swapping(first: Callable[[], object], second: Callable[[], object]) -> Callable[[], None]:
    def act() -> None:
        first()
        second()

    return act


@pytest.mark.parametrize("opens", [1000, pytest.param(10_000, marks=pytest.mark.big)])
def test_a_link_that_is_swapped_in_while_a_file_is_opened_is_never_followed(
    opens: int, ground: Ground, account: Account
) -> None:
    name = ground.inside / "a.txt"
    folder, real, alias = ground.inside / "folder", ground.inside / "real", ground.inside / "alias"
    put(name, ground.secret, link=False)
    real.mkdir()
    (real / "secret.txt").write_text("good", encoding="utf-8")
    os.symlink(real, folder)

    def swap_folder(target: Path) -> None:
        os.symlink(target, alias)
        os.replace(alias, folder)

    ways = {
        "a.txt": swapping(lambda: put(name, ground.secret, link=True), lambda: put(name, ground.secret, link=False)),
        "folder/secret.txt": swapping(lambda: swap_folder(ground.outside), lambda: swap_folder(real)),
    }
    allowed, limits, go = Allowed.below([ground.inside]), Limits(), Unlimited()
    with account("4", f"link swapped during {opens} opens, of a file and of its folder") as line:
        outcomes: set[str] = set()
        for path, swap in ways.items():
            with meanwhile(swap):
                for _ in range(opens):
                    try:
                        with open_file(path, allowed, limits, go) as file:
                            content = os.pread(file.fd, 100, 0)
                        outcomes.add("read")
                    except ReamoError as error:
                        content = str(error).encode()
                        outcomes.add(error.code)
                    assert SECRET.encode() not in content
        line.outcome = " ".join(sorted(outcomes))
    assert outcomes <= {"read", PathNotAllowed.code, "source_changed", "unsupported_format"}
    assert "read" in outcomes


def grown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"more")


def shrunk(path: Path) -> None:
    os.truncate(path, 2000)


def rewritten(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(-1, io.SEEK_END)
        file.write(b"\xff")


def replaced(path: Path) -> None:
    fresh = path.with_name("fresh")
    fresh.write_bytes(b"quite another file")
    os.replace(fresh, path)


@pytest.mark.parametrize("change", [grown, shrunk, rewritten, replaced])
def test_a_file_that_changes_while_it_is_read(
    change: Callable[[Path], None], server: tuple[PublicPath, Path], ground: Ground, account: Account
) -> None:
    path, _ = server
    film = ground.inside / "film.mp4"
    film.write_bytes(video(frames=600))
    changed: list[int] = []

    def once(pictures: int) -> None:
        if not changed:
            changed.append(pictures)
            change(film)

    path.reader.meanwhile = once
    try:
        with account("7", f"file that is {change.__name__} during the reading") as line:
            line.outcome = path.read("film.mp4").outcome
    finally:
        path.reader.meanwhile = lambda _: None
    assert changed
    # A file that another one replaces stays as it was behind its descriptor: what was opened was read, and whole.
    assert line.outcome == ("ok" if change is replaced else "source_changed")


@pytest.mark.parametrize("here", ["/", "home"])
def test_without_roots_nothing_is_allowed_and_the_option_is_named(
    here: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path if here == "home" else here)
    (tmp_path / "a.txt").write_text("Alice", encoding="utf-8")
    with account("8", f"no roots, started in {here}") as line, public_path(cache=tmp_path / "cache") as path:
        seen = path.read(str(tmp_path / "a.txt"))
        line.outcome = seen.outcome
    assert line.outcome == "path_not_allowed"
    assert "--root" in seen.words


DEVICES = {
    "/dev/zero": "not_a_regular_file",
    "/dev/null": "not_a_regular_file",
    "/dev/urandom": "not_a_regular_file",
    "/dev/stdin": "not_a_regular_file path_not_allowed unsupported_format",
    "/proc/self/environ": "unsupported_format",
    "/proc/self/maps": "unsupported_format",
    "/proc/self/mem": "corrupt_media unsupported_format path_not_allowed",
    "/proc/kcore": "too_large unsupported_format path_not_allowed",
    "/proc/self/fd/0": "not_a_regular_file path_not_allowed unsupported_format",
    "/proc/self/task": "not_a_regular_file",
    "/sys/kernel/mm/transparent_hugepage/enabled": "source_changed path_not_allowed unsupported_format",
}


@pytest.fixture(scope="module")
def everywhere(tmp_path_factory: pytest.TempPathFactory) -> Generator[PublicPath]:
    """A server that may read everything."""
    folder = tmp_path_factory.mktemp("everywhere")
    (folder / "warm.txt").write_text("Alice", encoding="utf-8")
    with public_path(Path("/"), cache=folder / "cache") as path:
        path.read(str(folder / "warm.txt"))
        yield path


@pytest.mark.parametrize("name", DEVICES)
def test_below_a_root_of_everything_devices_and_the_kernel_s_files_are_no_files(
    name: str, everywhere: PublicPath, account: Account
) -> None:
    with account("5", f"{name} below the root /") as line:
        seen = everywhere.read(name)
        line.outcome, line.warm = seen.outcome, seen.memory
    assert line.outcome in DEVICES[name].split()
    assert seen.seconds < SOON
    assert "PATH=" not in seen.words


def test_a_page_over_which_the_decoder_hangs_is_given_up_and_the_next_is_read(tmp_path: Path, account: Account) -> None:
    (tmp_path / "pages.pdf").write_bytes(drawn_pages(4))
    with public_path(tmp_path, cache=tmp_path / "cache", limits=Limits(decoder_silence=2.0)) as path:

        def stop(pictures: int) -> None:
            if pictures == 2:
                for child in path.children():
                    os.kill(child, signal.SIGSTOP)

        path.reader.meanwhile = stop
        with account("35", "decoder that hangs at page 3 of 4") as line:
            seen = path.read("pages.pdf")
            line.outcome = seen.outcome
    assert line.outcome == "partial"
    assert "picture_text: 3 of 4 pages; not read: 3-4 pages" in seen.words


def test_a_recording_without_end_stops_at_the_limit(tmp_path: Path, account: Account) -> None:
    (tmp_path / "long.mp3").write_bytes(long_mp3(3600))
    with public_path(tmp_path, cache=tmp_path / "cache", limits=Limits(most_seconds=60)) as path:
        with account("29c", "an hour of sound, 60 s allowed") as line:
            seen = path.read("long.mp3")
            line.outcome, line.warm = seen.outcome, seen.memory
    assert line.outcome == "partial"
    assert "REAMO_MOST_SECONDS" in seen.words
    assert seen.processor_seconds < 2
    assert seen.memory < 200 << 20


@pytest.mark.big
@pytest.mark.timeout(600)
def test_three_hours_of_video_are_read_in_flat_memory(tmp_path: Path, account: Account) -> None:
    from fractions import Fraction

    from tests.media_samples import VideoSample, write_video

    hours = VideoSample(3 * 3600, base=Fraction(1), size=(160, 90), key_frame_every=600)
    write_video(tmp_path / "hours.mp4", hours)
    news: list[float] = []
    with public_path(tmp_path, cache=tmp_path / "cache") as path:
        path.reader.meanwhile = lambda _: news.append(time.monotonic())
        with account("28", "three hours of video") as line:
            seen = path.read("hours.mp4")
            line.outcome, line.warm = seen.outcome, seen.memory
            line.seconds, line.processor_seconds = seen.seconds, seen.processor_seconds
    assert line.outcome == "ok"
    assert seen.memory < 200 << 20
    assert max(later - earlier for earlier, later in pairwise(news)) < 20
