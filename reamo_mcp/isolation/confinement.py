"""Bounds that a child process puts on itself before it loads anything that reads untrusted bytes."""

import os
import signal
import sys

from reamo_mcp.isolation.program import Bounds, Confinement


def die_with_parent(life: int) -> None:
    """Let the kernel kill this process when the parent closes the other end of the pipe ``life``, or dies.

    PR_SET_PDEATHSIG is no choice here: it fires when the *thread* that started the child ends, and worker threads do.
    The signal of a closed pipe needs no help from this process, so it also ends one that is stuck in foreign code.
    """
    if sys.platform == "win32":
        return
    import fcntl

    fcntl.fcntl(life, fcntl.F_SETOWN, os.getpid())
    if sys.platform == "linux":
        fcntl.fcntl(life, fcntl.F_SETSIG, signal.SIGKILL)
    else:
        signal.signal(signal.SIGIO, signal.SIG_DFL)
    fcntl.fcntl(life, fcntl.F_SETFL, fcntl.fcntl(life, fcntl.F_GETFL) | os.O_ASYNC | os.O_NONBLOCK)
    try:
        if os.read(life, 1) == b"":
            os._exit(1)  # it died before we asked to be told
    except BlockingIOError:
        pass


def confine(bounds: Bounds) -> Confinement:
    """Apply the bounds to this process and return what the kernel granted."""
    if sys.platform == "win32":
        return Confinement()
    import resource

    _bound(resource.RLIMIT_CORE, 0)
    if bounds.open_files is not None:
        _bound(resource.RLIMIT_NOFILE, bounds.open_files)
    if bounds.file_bytes is not None:
        _bound(resource.RLIMIT_FSIZE, bounds.file_bytes)
    network_cut = not bounds.network and _cut_network()
    memory_bounded = bounds.memory is not None and _bound(resource.RLIMIT_AS, bounds.memory)
    return Confinement(network_cut=network_cut, memory_bounded=memory_bounded)


def grant_processor_time(seconds: int | None) -> None:
    """Let the kernel end this process (SIGXCPU) once it used this many more processor seconds."""
    if seconds is None or sys.platform == "win32":
        return
    import resource

    used = resource.getrusage(resource.RUSAGE_SELF)
    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(used.ru_utime + used.ru_stime) + seconds + 1, hard))


def _bound(which: int, value: int) -> bool:
    import resource

    _, hard = resource.getrlimit(which)
    value = value if hard == resource.RLIM_INFINITY else min(value, hard)
    try:
        resource.setrlimit(which, (value, value))
    except (OSError, ValueError):  # macOS refuses some bounds on address space
        return False
    return True


def _cut_network() -> bool:
    """Move this process into a network namespace of its own, which has no interface that is up."""
    if sys.platform != "linux":
        return False
    import ctypes

    new_user, new_network = 0x10000000, 0x40000000
    try:
        unshare = ctypes.CDLL(None, use_errno=True).unshare
    except (OSError, AttributeError):
        return False
    return unshare(new_user | new_network) == 0
