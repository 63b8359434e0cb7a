"""A server in a process of its own, in hostile surroundings: noise, signals, starvation, rivals, odd clocks."""

import errno
import json
import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from reamo_mcp.store.files import BlobFolder
from reamo_mcp.store.keys import key
from reamo_mcp.store.secret import installation_secret
from tests.hostile.conftest import Account
from tests.hostile.documents import INJECTION
from tests.hostile.odd_recordings import long_mp3
from tests.hostile.pictures import png
from tests.hostile.rows import SECRET
from tests.hostile.spoken import Spoken, outcome, spoken
from tests.processes import is_alive

NOWHERE = "/proc/nowhere"  # where not even root may write
LEAVES_WITHIN = 2.0
PATIENCE = 20.0  # wall seconds on a busy machine


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A folder with a text and a picture that may be read."""
    folder = tmp_path / "root"
    folder.mkdir()
    (folder / "a.txt").write_text("Alice met Bob", encoding="utf-8")
    (folder / "a.png").write_bytes(png(64, 64))
    return folder


def gone(processes: list[int], seconds: float = 5.0) -> bool:
    deadline = time.monotonic() + seconds
    while any(map(is_alive, processes)) and time.monotonic() < deadline:
        time.sleep(0.02)
    return not any(map(is_alive, processes))


def test_what_libraries_print_never_reaches_the_caller(root: Path, account: Account) -> None:
    with account("55", "libraries that print") as line, spoken(root, {"NOISE": "1"}) as server:
        line.outcome = outcome(server.extract("a.txt"))
        time.sleep(0.1)
        assert outcome(server.extract("a.png")) == "ok"
        assert server.process.stdin is not None
        assert server.process.stdout is not None
        server.process.stdin.close()
        server.lines += server.process.stdout.readlines()
    assert line.outcome == "ok"
    for said in server.lines:
        assert json.loads(said)["jsonrpc"] == "2.0"


@pytest.mark.parametrize("ending", ["closed input", "SIGTERM", "SIGINT", "SIGKILL"])
def test_no_process_outlives_a_server_that_ends_at_work(ending: str, root: Path, account: Account) -> None:
    (root / "long.mp3").write_bytes(long_mp3(4 * 3600))
    with account("56", f"{ending} at work") as line, spoken(root) as server:
        assert outcome(server.extract("long.mp3", max_wait_s=1)) == "running"
        children = server.children()
        assert children, "no decoder is at work"
        begun = time.monotonic()
        if ending == "closed input":
            assert server.process.stdin is not None
            server.process.stdin.close()
        else:
            server.process.send_signal(signal.Signals[ending])
        code = server.process.wait(PATIENCE)
        took = time.monotonic() - begun
        assert gone(children)
        line.outcome = f"exit {code}"
    assert code == (-signal.SIGKILL if ending == "SIGKILL" else 0)
    assert took < LEAVES_WITHIN + PATIENCE / 4


def test_the_log_holds_codes_and_no_content(root: Path, tmp_path: Path, account: Account) -> None:
    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    (root / "order.txt").write_bytes(INJECTION)
    (root / "broken.png").write_bytes(b"\x89PNG\r\n\x1a\nAlice in the broken picture")
    with account("54", "the log of a server that met a dozen files") as line:
        with spoken(root, log=tmp_path / "log") as server:
            seen = [outcome(server.extract(name)) for name in ("a.txt", "order.txt", "broken.png", "../secret.txt")]
            server.call("extract_entities", text="Alice " + SECRET, entity_types=["person"])
            server.call("extract_entities", text=SECRET, shell="Alice")
            server.call("no_such_tool", text=SECRET)
        line.outcome = " ".join(seen)
    log = (tmp_path / "log").read_text(encoding="utf-8")
    assert seen == ["ok", "ok", "corrupt_media", "path_not_allowed"]
    for word in ("Alice", SECRET, "Ignore all previous"):
        assert word not in log


def test_a_request_number_that_is_used_twice_harms_nobody(root: Path, account: Account) -> None:
    with account("51", "one request number for two calls") as line, spoken(root) as server:
        for name in ("a.txt", "a.png"):
            server.send("tools/call", 7, name="extract_entities", arguments={"files": [name]})
        line.outcome = "ok" if "result" in server.answer(7) else "error"
        assert outcome(server.extract("a.txt")) == "ok"


def test_a_caller_that_reads_slowly_loses_nothing(root: Path, account: Account) -> None:
    names = " ".join(f"Alice met Bob {number}." for number in range(500))
    with account("51", "a caller that does not read for a while") as line, spoken(root) as server:
        numbers = [
            server.send("tools/call", name="extract_entities", arguments={"text": names, "entity_types": ["person"]})
            for _ in range(100)
        ]
        time.sleep(1.0)
        assert server.process.stdout is not None
        answers: dict[int, str] = {}
        while len(answers) < len(numbers):
            message = json.loads(server.process.stdout.readline())
            if "id" in message:
                assert message["id"] not in answers, "a call was answered twice"
                answers[message["id"]] = outcome(message["result"])
        line.outcome = " ".join(sorted(set(answers.values())))
        assert outcome(server.extract("a.txt")) == "ok"
    assert line.outcome == "ok"
    assert sorted(answers) == numbers


def record(root: Path, **environment: str) -> dict[str, object]:
    """Return what the command line says of a text with dates and numbers, in surroundings of its own."""
    program = (
        "import sys; from reamo_mcp.reading.patterns import find_patterns as f; from reamo_mcp.types.ontology import "
        "Ontology as O; from reamo_mcp.isolation.control import Unlimited as U; text = open(sys.argv[1]).read(); "
        "o = O.of(entity_types=['date', 'time', 'money', 'phone number', 'url', 'quantity', 'percentage']); "
        "print([(m.type, m.start, m.end) for m in f(text, o, U())])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", program, str(root / "dates.txt")],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "PYTHONUTF8": "1", **environment},
    )
    return {"found": ran.stdout}


def test_neither_language_nor_time_zone_change_what_is_found(root: Path, account: Account) -> None:
    said = "ISTANBUL, 3 May 2024 at 10:30 p.m.: I PAID $1,234.56, 12.5 % more, at HTTPS://EXAMPLE.ORG/I, 7 km away."
    (root / "dates.txt").write_text(said, encoding="utf-8")
    usual = record(root, LC_ALL="C.UTF-8", TZ="UTC")
    with account("59", "Turkish, German and Arabic surroundings, odd time zones") as line:
        for language, zone in (
            ("tr_TR.UTF-8", "Asia/Kathmandu"),
            ("de_DE.UTF-8", "UTC"),
            ("ar_EG.UTF-8", "Etc/GMT+12"),
        ):
            assert record(root, LC_ALL=language, LANG=language, TZ=zone) == usual
        line.outcome = "ok"
    assert str(usual["found"]).count("(") >= 5


def test_a_clock_that_jumps_ends_no_call_early_and_none_late(
    root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    from tests.hostile.public_path import public_path

    moments = iter(range(10**9, 10**12, 10**8))
    with account("59", "a clock that jumps by years, back and forth") as line:
        with public_path(root, cache=tmp_path / "cache", cache_bytes=1 << 20) as path:
            monkeypatch.setattr(time, "time", lambda: next(moments) * (-1) ** next(moments))
            line.outcome = path.read("a.png").outcome
            assert path.read("a.txt").seconds < PATIENCE
    assert line.outcome == "ok"


def few_files() -> None:
    resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))


def one_processor() -> None:
    os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})


def little_memory() -> None:
    resource.setrlimit(resource.RLIMIT_AS, (1 << 30, 1 << 30))


STARVED: dict[str, tuple[Callable[[], None] | None, dict[str, str]]] = {
    "64 open files": (few_files, {}),
    "one processor": (one_processor, {}),
    "1 GiB of memory": (little_memory, {}),
    "no home": (None, {"HOME": NOWHERE, "XDG_CACHE_HOME": f"{NOWHERE}/cache", "REAMO_CACHE": ""}),
    "no temporary space": (None, {"TMPDIR": NOWHERE}),
    "a cache that cannot be made": (None, {"REAMO_CACHE": f"{NOWHERE}/cache"}),
    "an almost empty environment": (None, {"PATH": "", "LANG": "", "HOME": ""}),
}


@pytest.mark.parametrize("lack", STARVED)
def test_a_starved_server_answers_or_says_what_it_lacks(lack: str, root: Path, account: Account) -> None:
    bounded, environment = STARVED[lack]
    with account("60", f"a server with {lack}") as line, spoken(root, environment, bounded=bounded) as server:
        answers = [server.extract(name) for name in ("a.txt", "a.png", "a.txt")]
        line.outcome = " ".join(dict.fromkeys(outcome(answer) for answer in answers))
    assert set(line.outcome.split()) <= {"ok", "partial"}
    if "cannot be made" in lack or "no home" in lack:
        assert "cache_unusable" in str(answers[0])


def test_without_memory_for_a_decoder_the_error_says_so(root: Path, account: Account) -> None:
    with account("60", "16 MB of memory for the decoder") as line:
        with spoken(root, {"REAMO_DECODER_MEMORY": str(16 << 20)}) as server:
            answer = server.extract("a.png")
            line.outcome = outcome(answer)
            again = server.call("extract_entities", text="Alice", entity_types=["person"])
    assert line.outcome in ("decode_limit", "engine_failed")
    assert outcome(again) == "ok"


def test_the_doctor_names_what_is_lacking(root: Path, account: Account) -> None:
    with account("60", "what the doctor says of a cache that cannot be made") as line:
        ran = subprocess.run(
            [sys.executable, "-m", "reamo_mcp", "doctor"],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "REAMO_CACHE": f"{NOWHERE}/cache"},
        )
        line.outcome = f"exit {ran.returncode}"
    assert "cache" in ran.stdout.lower() + ran.stderr.lower()
    assert NOWHERE in ran.stdout + ran.stderr
    assert "Traceback" not in ran.stderr


def test_two_servers_on_one_cache_agree_and_one_that_is_killed_holds_nobody_up(root: Path, account: Account) -> None:
    with account("61", "two servers on one cache, one of them killed") as line:
        with spoken(root) as one, spoken(root) as other:
            numbers = [(server, _asked(server)) for server in (one, other)]
            results = [server.answer(number)["result"] for server, number in numbers]
            assert len({result["structuredContent"]["result_id"] for result in results}) == 1
            assert results[0]["structuredContent"]["items"] == results[1]["structuredContent"]["items"]
            _asked(one)
            one.process.kill()
            line.outcome = outcome(other.extract("a.png"))
    assert line.outcome == "ok"


def _asked(server: Spoken) -> int:
    return server.send("tools/call", name="extract_entities", arguments={"files": ["a.txt"]})


def test_a_hundred_times_two_servers_that_start_at_once_have_one_secret(tmp_path: Path, account: Account) -> None:
    with account("61", "100 times two servers that start at once") as line:
        for number in range(100):
            folder, found = tmp_path / str(number), list[bytes]()
            gate = threading.Barrier(2)

            def start(folder: Path = folder, found: list[bytes] = found, gate: threading.Barrier = gate) -> None:
                gate.wait()
                secret = installation_secret(folder)
                found.append(secret)
                BlobFolder(folder, 1 << 20).put(key("shared"), secret)

            threads = [threading.Thread(target=start) for _ in range(2)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(PATIENCE)
            assert len(found) == 2
            assert found[0] == found[1] == BlobFolder(folder, 1 << 20).get(key("shared"))
            assert not [left for left in folder.rglob("*") if left.name.startswith((".new-", ".secret-"))]
        line.outcome = "ok"


def failing_from(call: int, usual: Callable[..., object], code: int) -> Callable[..., object]:
    """Return a function of the system that fails from its N-th call on."""
    calls = 0

    def fail(*arguments: object, **named: object) -> object:
        nonlocal calls
        calls += 1
        if calls >= call:
            raise OSError(code, os.strerror(code))
        return usual(*arguments, **named)

    return fail


@pytest.mark.parametrize("function", ["replace", "fsync", "utime"])
@pytest.mark.parametrize(("call", "code"), [(1, errno.EIO), (2, errno.EDQUOT), (3, errno.EROFS)])
def test_a_cache_that_fails_at_any_call_costs_no_result(
    call: int, code: int, function: str, root: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, account: Account
) -> None:
    from tests.hostile.public_path import public_path

    with public_path(root, cache=tmp_path / "cache", cache_bytes=1 << 20) as path:
        path.read("a.txt")
        with account("49", f"os.{function} fails from call {call}: {os.strerror(code)}") as line:
            with monkeypatch.context() as broken:
                broken.setattr(os, function, failing_from(call, getattr(os, function), code))
                seen = path.read("a.png")
            line.outcome = seen.outcome
        assert line.outcome == "ok"
        assert path.read("a.txt").outcome == "ok"


@pytest.mark.parametrize("damage", ["cut", "flipped", "emptied", "replaced by a folder", "made a link"])
def test_a_cache_that_somebody_damaged_is_made_again(damage: str, root: Path, tmp_path: Path, account: Account) -> None:
    from tests.hostile.public_path import public_path

    (tmp_path / "secret.txt").write_text(SECRET, encoding="utf-8")
    with public_path(root, cache=tmp_path / "cache", cache_bytes=1 << 20) as path:
        first = path.read("a.png")
    for blob in (tmp_path / "cache").rglob("*.blob"):
        content = blob.read_bytes()
        blob.unlink()
        match damage:
            case "cut":
                blob.write_bytes(content[:-1])
            case "flipped":
                blob.write_bytes(content[:-1] + bytes((content[-1] ^ 1,)))
            case "emptied":
                blob.write_bytes(b"")
            case "made a link":
                os.symlink(tmp_path / "secret.txt", blob)
            case _:
                blob.mkdir()
    with account("49", f"every blob of the cache {damage}") as line:
        with public_path(root, cache=tmp_path / "cache", cache_bytes=1 << 20) as path:
            again = path.read("a.png")
        line.outcome = again.outcome
    assert again.outcome == first.outcome == "ok"
    assert SECRET not in again.words
    assert (tmp_path / "secret.txt").read_text(encoding="utf-8") == SECRET


def test_a_record_that_is_written_never_goes_through_a_link(root: Path, tmp_path: Path, account: Account) -> None:
    target, out = tmp_path / "precious.txt", tmp_path / "out.json"
    target.write_text("precious", encoding="utf-8")
    os.symlink(target, out)
    os.symlink(target, tmp_path / ".out.json.new")
    command = [sys.executable, "-m", "reamo_mcp", "extract", str(root / "a.txt"), "--json", "--out", str(out)]
    variables = {**os.environ, "REAMO_CACHE": str(tmp_path / "cache")}
    with account("9", "--out names a link, beside a link that waits for the temporary file") as line:
        ran = subprocess.run(command, capture_output=True, text=True, check=False, env=variables)
        line.outcome = f"exit {ran.returncode}"
    assert line.outcome == "exit 0"
    assert target.read_text(encoding="utf-8") == "precious"
    assert not out.is_symlink()
    assert out.read_text(encoding="utf-8") == ran.stdout
    assert not list(tmp_path.glob(".out.json.?*"))[1:], "a temporary file was left"
