import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.child import AHEAD
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.isolation.failures import ChildFailed, HandlerFailed
from reamo_mcp.isolation.handling import Request
from reamo_mcp.isolation.pool import ChildPool
from reamo_mcp.isolation.process import ChildProcess
from reamo_mcp.isolation.program import Bounds, Program
from tests.processes import is_alive

HERE = Path(__file__).parent
TARGET = "handlers_for_tests:serve"
GO = Unlimited()


class CancelledControl:
    """Says stop from the moment it is told to."""

    def __init__(self) -> None:
        self.stopped = False
        self.told: list[tuple[float, float, str]] = []

    def check(self) -> None:
        if self.stopped:
            raise Cancelled("enough")

    def progress(self, done: float, total: float, unit: str) -> None:
        self.told.append((done, total, unit))


@pytest.fixture(autouse=True)
def children_find_the_handlers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "path", [str(HERE), *sys.path])


@pytest.fixture
def child() -> Iterator[ChildProcess]:
    child = ChildProcess(Program(target=TARGET, bounds=Bounds(memory=2 << 30, open_files=64, silence=5.0)))
    yield child
    child.close()


def body(child: ChildProcess, method: str, said: bytes = b"") -> bytes:
    return child.one(Request(method, said), GO).body


def wait_until(is_so: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not is_so():
        assert time.monotonic() < deadline, "it does not become so"
        time.sleep(0.01)


def wait_until_gone(process: int) -> None:
    wait_until(lambda: not is_alive(process))


def open_descriptors() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_a_request_brings_back_its_body_and_arrays(child: ChildProcess) -> None:
    arrays = (numpy.arange(12, dtype=numpy.uint8).reshape(3, 4), numpy.array([1.5, -2.0], numpy.float32))
    reply = child.one(Request("echo", b'{"a": 1}', arrays=arrays), GO)
    assert reply.body == b'{"a": 1}'
    assert [array.tolist() for array in reply.arrays] == [array.tolist() for array in arrays]
    assert [array.dtype for array in reply.arrays] == [array.dtype for array in arrays]
    assert not reply.arrays[0].flags.writeable


def test_empty_and_strided_arrays_cross_unchanged(child: ChildProcess) -> None:
    strided = numpy.arange(100, dtype=numpy.int32).reshape(10, 10)[::2, ::3]
    arrays = (numpy.zeros((0, 3), numpy.uint8), strided)
    reply = child.one(Request("echo", arrays=arrays), GO)
    assert reply.arrays[0].shape == (0, 3)
    assert reply.arrays[1].tolist() == strided.tolist()


def test_a_received_array_is_passed_on_without_a_copy(child: ChildProcess) -> None:
    first = child.one(Request("echo", arrays=(numpy.ones((50, 50), numpy.float32),)), GO)
    before = open_descriptors()
    second = child.one(Request("echo", arrays=first.arrays), GO)
    assert numpy.array_equal(first.arrays[0], second.arrays[0])
    inodes = {os.fstat(int(name)).st_ino for name in os.listdir("/proc/self/fd") if _is_memory(name)}
    assert len(inodes) == 1
    del first, second
    assert open_descriptors() <= before - 2


def _is_memory(name: str) -> bool:
    try:
        return "memfd:" in os.readlink(f"/proc/self/fd/{name}")
    except FileNotFoundError:
        return False


def test_a_large_body_crosses_whole(child: ChildProcess) -> None:
    said = os.urandom(5 << 20)
    assert body(child, "echo", said) == said


def test_the_child_reads_files_by_descriptor(child: ChildProcess, tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_bytes(b"hello")
    with open(path, "rb") as file:
        assert child.one(Request("read", descriptors=(file.fileno(),)), GO).body == b"hello"


def test_replies_stream_in_order_with_their_progress(child: ChildProcess) -> None:
    control = CancelledControl()
    with closing(child.request(Request("count", b"20"), control)) as replies:
        numbers = [(int(reply.body), float(reply.arrays[0][1, 2])) for reply in replies]
    assert numbers == [(number, float(number)) for number in range(20)]
    assert control.told
    assert control.told[0][1:] == (20.0, "items")


def test_the_child_works_ahead_while_its_last_item_is_used_but_only_so_far(child: ChildProcess, tmp_path: Path) -> None:
    with open(tmp_path / "made", "w+b") as made:
        taken = 0
        with closing(child.request(Request("tally", b"60", descriptors=(made.fileno(),)), GO)) as replies:
            for _ in replies:
                taken += 1
                wait_until(lambda taken=taken: int(os.pread(made.fileno(), 5, 0)) >= min(60, taken + AHEAD))
                # One more is made than may be sent.
                assert int(os.pread(made.fileno(), 5, 0)) <= taken + AHEAD
    assert taken == 60


def test_a_stream_that_is_dropped_leaves_the_child_usable(child: ChildProcess) -> None:
    process = body(child, "identity")
    with closing(child.request(Request("count", b"100000"), GO)) as replies:
        next(replies)
    assert body(child, "identity") == process


def test_the_child_stays_warm_between_requests(child: ChildProcess) -> None:
    assert body(child, "identity") == body(child, "identity")


def test_an_error_of_the_handler_keeps_its_code_and_the_child(child: ChildProcess) -> None:
    process = body(child, "identity")
    with pytest.raises(HandlerFailed) as caught:
        body(child, "fail")
    assert (caught.value.code, caught.value.hint) == ("corrupt_media", "Take another one")
    assert body(child, "identity") == process


def test_an_unforeseen_error_tells_its_place_but_not_its_text(child: ChildProcess) -> None:
    with pytest.raises(HandlerFailed) as caught:
        body(child, "stumble", b"secret")
    assert caught.value.code == "internal"
    assert "KeyError at handlers_for_tests.py" in caught.value.message
    assert "secret" not in str(caught.value)


def test_a_crash_is_a_typed_failure_and_the_next_request_works(child: ChildProcess) -> None:
    with pytest.raises(ChildFailed) as caught:
        body(child, "crash")
    assert (caught.value.cause, caught.value.detail) == ("crashed", "SIGSEGV")
    assert body(child, "echo", b"again") == b"again"


def test_a_child_that_is_killed_between_requests_is_replaced(child: ChildProcess) -> None:
    process = int(body(child, "identity"))
    os.kill(process, signal.SIGKILL)
    wait_until_gone(process)
    assert int(body(child, "identity")) != process


@pytest.mark.parametrize(("kills", "said"), [(1, b"alive"), (2, None)])
def test_a_request_over_which_the_child_was_killed_is_made_once_more(
    kills: int, said: bytes | None, child: ChildProcess, tmp_path: Path
) -> None:
    left = tmp_path / "left"
    left.write_bytes(b"." * kills)
    if said is not None:
        assert body(child, "be_killed", bytes(left)) == said
    else:
        with pytest.raises(ChildFailed) as caught:
            body(child, "be_killed", bytes(left))
        assert (caught.value.cause, caught.value.detail) == ("crashed", "SIGKILL")
    assert left.read_bytes() == b""


def test_a_child_that_was_killed_after_it_answered_is_not_asked_again(child: ChildProcess) -> None:
    with closing(child.request(Request("ignore"), GO)) as replies:
        next(replies)
        assert child.process_id is not None
        os.kill(child.process_id, signal.SIGKILL)
        with pytest.raises(ChildFailed):
            next(replies)


def test_a_child_that_is_stopped_before_it_answered_is_not_asked_again(child: ChildProcess) -> None:
    class Stopping(Unlimited):
        stops = 0

        def progress(self, done: float, total: float, unit: str) -> None:
            self.stops += 1
            child.stop()

    control = Stopping()
    with pytest.raises(ChildFailed):
        child.one(Request("hang"), control)
    assert control.stops == 1


def test_cancellation_is_obeyed_by_a_child_that_checks(child: ChildProcess) -> None:
    process = body(child, "identity")
    control = CancelledControl()
    with closing(child.request(Request("obey"), control)) as replies:
        assert next(replies).body == b"started"
        control.stopped = True
        start = time.monotonic()
        with pytest.raises(Cancelled):
            next(replies)
    assert time.monotonic() - start < 0.8
    assert body(child, "identity") == process


def test_a_child_that_ignores_cancellation_is_killed_within_a_second(child: ChildProcess) -> None:
    process = int(body(child, "identity"))
    control = CancelledControl()
    with closing(child.request(Request("ignore"), control)) as replies:
        next(replies)
        control.stopped = True
        start = time.monotonic()
        with pytest.raises(Cancelled):
            next(replies)
    assert time.monotonic() - start < 1.5
    assert not is_alive(process)
    assert body(child, "echo", b"again") == b"again"


def test_a_silent_child_is_killed() -> None:
    child = ChildProcess(Program(target=TARGET, bounds=Bounds(silence=0.3)))
    with closing(child), closing(child.request(Request("ignore"), GO)) as replies:
        next(replies)
        with pytest.raises(ChildFailed) as caught:
            next(replies)
    assert caught.value.cause == "silent"


def test_the_bound_on_memory_is_met_without_harm(child: ChildProcess) -> None:
    with pytest.raises(ChildFailed) as caught:
        body(child, "eat")
    assert caught.value.cause == "memory"
    assert body(child, "echo", b"again") == b"again"


@pytest.mark.skipif(sys.platform != "linux", reason="macOS ends the process by another signal")
def test_the_bound_on_processor_time_ends_the_child() -> None:
    child = ChildProcess(Program(target=TARGET, bounds=Bounds(processor_seconds=1, silence=30)))
    with closing(child), pytest.raises(ChildFailed) as caught:
        body(child, "burn")
    assert caught.value.cause == "processor_time"


def test_nobody_is_reached_over_the_network(child: ChildProcess) -> None:
    if not child.confinement(GO).network_cut:
        pytest.skip("this kernel does not let the network be cut")
    with socket.create_server(("127.0.0.1", 0)) as canary:
        assert body(child, "call", str(canary.getsockname()[1]).encode()) == b"refused"


def test_the_environment_of_the_parent_stays_outside(child: ChildProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SOME_TOKEN", "secret")
    assert body(child, "environment", b"SOME_TOKEN") == b""


def test_what_the_child_prints_goes_nowhere(child: ChildProcess, capfd: pytest.CaptureFixture[str]) -> None:
    body(child, "print")
    assert capfd.readouterr() == ("", "")


def test_a_target_that_cannot_be_loaded_is_a_typed_failure() -> None:
    child = ChildProcess(Program(target="no_such_module:serve"))
    with closing(child), pytest.raises(ChildFailed) as caught:
        body(child, "echo")
    assert caught.value.cause == "not_started"


def test_requests_of_many_threads_take_turns(child: ChildProcess) -> None:
    said: list[bytes] = []

    def ask(number: int) -> None:
        said.append(body(child, "echo", b"%d" % number))

    threads = [threading.Thread(target=ask, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(said) == [b"%d" % number for number in range(8)]


def test_waiting_for_a_turn_can_be_cancelled(child: ChildProcess) -> None:
    control = CancelledControl()
    with closing(child.request(Request("count", b"5"), GO)) as first:
        next(first)
        control.stopped = True
        with pytest.raises(Cancelled):
            child.one(Request("echo"), control)
    assert body(child, "echo", b"free") == b"free"


def test_closing_from_another_thread_fails_the_request_under_way(child: ChildProcess) -> None:
    with closing(child.request(Request("obey"), GO)) as replies:
        next(replies)
        threading.Thread(target=child.close).start()
        with pytest.raises(ChildFailed):
            next(replies)


def test_a_pool_gives_a_second_child_while_a_stream_is_open() -> None:
    pool = ChildPool(Program(target=TARGET))
    with closing(pool):
        with closing(pool.request(Request("count", b"5"), GO)) as replies:
            next(replies)
            assert pool.one(Request("echo", b"beside"), GO).body == b"beside"
            assert len(pool.process_ids()) == 2
        assert len(pool.process_ids()) == 1
        processes = pool.process_ids()
    assert pool.process_ids() == ()
    assert not any(is_alive(process) for process in processes)


def test_nothing_is_left_open_after_closing() -> None:
    before = open_descriptors()
    child = ChildProcess(Program(target=TARGET))
    for method in ("echo", "crash", "echo"):
        with pytest.raises(ChildFailed) if method == "crash" else closing(child.request(Request("echo"), GO)):
            body(child, method)
    child.close()
    assert open_descriptors() == before


def test_no_child_outlives_a_killed_parent() -> None:
    program = (
        "import sys; sys.path.insert(0, sys.argv[1])\n"
        "from reamo_mcp.isolation.control import Unlimited\n"
        "from reamo_mcp.isolation.handling import Request\n"
        "from reamo_mcp.isolation.process import ChildProcess\n"
        "from reamo_mcp.isolation.program import Program\n"
        "child = ChildProcess(Program(target='handlers_for_tests:serve'))\n"
        "replies = child.request(Request('ignore'), Unlimited())\n"
        "next(replies); print(child.process_id, flush=True); next(replies)\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(HERE)], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        process = int(parent.stdout.readline())
        assert is_alive(process)
        parent.kill()
    wait_until_gone(process)
