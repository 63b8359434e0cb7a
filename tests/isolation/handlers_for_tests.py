"""Handlers that the tests of isolation run in a child process."""

import ctypes
import os
import signal
import socket
import time
from collections.abc import Iterator
from pathlib import Path

import numpy

from reamo_mcp.errors import CorruptMedia
from reamo_mcp.isolation.control import Control
from reamo_mcp.isolation.handling import Handlers, Reply, Request


def _echo(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(request.body, request.arrays)


def _read(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(b"".join(os.pread(descriptor, 100, 0) for descriptor in request.descriptors))


def _count(request: Request, control: Control) -> Iterator[Reply]:
    for number in range(int(request.body)):
        control.progress(number, float(request.body), "items")
        yield Reply(str(number).encode(), (numpy.full((2, 3), number, numpy.float32),))


def _tally(request: Request, control: Control) -> Iterator[Reply]:
    """Yield items, and write before each how many were made."""
    for number in range(1, int(request.body) + 1):
        os.pwrite(request.descriptors[0], b"%5d" % number, 0)
        yield Reply(str(number).encode())


def _obey(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(b"started")
    while True:
        control.check()
        time.sleep(0.005)


def _ignore(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(b"started")
    while True:
        signal.pause()


def _crash(request: Request, control: Control) -> Iterator[Reply]:
    ctypes.string_at(0)
    yield Reply()


def _be_killed(request: Request, control: Control) -> Iterator[Reply]:
    """Be killed as if by somebody else, as often as the file named says in length."""
    path = Path(request.body.decode())
    if left := path.read_bytes():
        path.write_bytes(left[1:])
        os.kill(os.getpid(), signal.SIGKILL)
    yield Reply(b"alive")


def _hang(request: Request, control: Control) -> Iterator[Reply]:
    control.progress(0, 1, "items")
    while True:
        signal.pause()
    yield Reply()


def _fail(request: Request, control: Control) -> Iterator[Reply]:
    raise CorruptMedia("the file is damaged", "Take another one")
    yield Reply()


def _stumble(request: Request, control: Control) -> Iterator[Reply]:
    raise KeyError(request.body.decode())
    yield Reply()


def _eat(request: Request, control: Control) -> Iterator[Reply]:
    numpy.ones(1 << 29, numpy.float64)
    yield Reply()


def _burn(request: Request, control: Control) -> Iterator[Reply]:
    while True:
        sum(range(10_000))
    yield Reply()


def _call(request: Request, control: Control) -> Iterator[Reply]:
    try:
        socket.create_connection(("127.0.0.1", int(request.body)), timeout=1).close()
        yield Reply(b"connected")
    except OSError:
        yield Reply(b"refused")


def _identity(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(str(os.getpid()).encode())


def _environment(request: Request, control: Control) -> Iterator[Reply]:
    yield Reply(os.environ.get(request.body.decode(), "").encode())


def _print(request: Request, control: Control) -> Iterator[Reply]:
    os.write(1, b"noise")
    yield Reply()


def serve() -> Handlers:
    """Return all of them."""
    return {
        "echo": _echo,
        "read": _read,
        "count": _count,
        "tally": _tally,
        "obey": _obey,
        "ignore": _ignore,
        "crash": _crash,
        "be_killed": _be_killed,
        "hang": _hang,
        "fail": _fail,
        "stumble": _stumble,
        "eat": _eat,
        "burn": _burn,
        "call": _call,
        "identity": _identity,
        "environment": _environment,
        "print": _print,
    }
