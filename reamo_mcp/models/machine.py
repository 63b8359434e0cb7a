"""What this machine has for models: memory, GPUs, packages. Asked without importing torch."""

import ctypes
import os
import re
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import NamedTuple

_NEEDED = ("torch", "transformers", "safetensors")
_NEEDED_ON_GPU = ("torchvision", "accelerate", "llguidance")  # of the reasoner, which the profile of a processor lacks
_OLDEST_TRANSFORMERS = (5, 24)


class Gpu(NamedTuple):
    """A GPU: its name and the bytes of its memory."""

    name: str
    memory: int


class _Memory(ctypes.Structure):
    _fields_ = (("total", ctypes.c_ulonglong), ("free", ctypes.c_ulonglong), ("used", ctypes.c_ulonglong))


def gpus() -> tuple[Gpu, ...]:
    """Return the NVIDIA GPUs that this process may use as the driver tells them, none where there is no driver."""
    try:
        driver = ctypes.CDLL("libnvidia-ml.so.1")
        if driver.nvmlInit_v2() != 0:
            return ()
    except (OSError, AttributeError):
        return ()
    try:
        count = ctypes.c_uint()
        driver.nvmlDeviceGetCount_v2(ctypes.byref(count))
        every = tuple(_gpu(driver, number) for number in range(count.value))
    finally:
        driver.nvmlShutdown()
    return visible(every, os.environ.get("CUDA_VISIBLE_DEVICES"))


def visible(every: tuple[Gpu, ...], chosen: str | None) -> tuple[Gpu, ...]:
    """Return the GPUs that ``CUDA_VISIBLE_DEVICES`` leaves to a process, in its order; all where it is not set.

    Names of devices, such as ``GPU-1a2b``, choose nothing here: then too all are returned.
    """
    if chosen is None:
        return every
    found: list[Gpu] = []
    for part in (part.strip() for part in chosen.split(",")):
        if part and not re.fullmatch(r"-?[0-9]+", part):
            return every
        if not part or not 0 <= int(part) < len(every):
            break  # as CUDA does: what follows a number that is none of a device is not looked at
        found.append(every[int(part)])
    return tuple(found)


def _gpu(driver: ctypes.CDLL, number: int) -> Gpu:
    device, memory, name = ctypes.c_void_p(), _Memory(), ctypes.create_string_buffer(96)
    driver.nvmlDeviceGetHandleByIndex_v2(number, ctypes.byref(device))
    driver.nvmlDeviceGetMemoryInfo(device, ctypes.byref(memory))
    driver.nvmlDeviceGetName(device, name, len(name))
    return Gpu(name.value.decode(errors="replace"), memory.total)


def main_memory() -> int:
    """Return the bytes of memory that the processor has."""
    return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


def installed_version(package: str) -> str | None:
    """Return the version of an installed package, None if it is not there."""
    try:
        return version(package)
    except PackageNotFoundError:
        return None


@dataclass(frozen=True)
class Machine:
    """Where to ask; tests ask elsewhere."""

    gpus: Callable[[], tuple[Gpu, ...]] = gpus
    memory: Callable[[], int] = main_memory
    version: Callable[[str], str | None] = installed_version

    def room(self, device: str) -> int:
        """Return the bytes of a device: of the first GPU, as one profile runs on one."""
        if device == "cpu":
            return self.memory()
        return max((gpu.memory for gpu in self.gpus()[:1]), default=0)

    def lacks(self, device: str) -> tuple[str, str] | None:
        """Return what is missing before models of a hub can run on a device, and the command that mends it."""
        for package in (*_NEEDED, *(_NEEDED_ON_GPU if device == "cuda" else ())):
            if self.version(package) is None:
                return f"{package} is not installed", "pip install 'reamo-mcp[gpu]'"
        found = self.version("transformers") or ""
        numbers = tuple(int(number) for number in re.findall(r"\d+", found)[:2])
        if not _OLDEST_TRANSFORMERS <= numbers < (6, 0):
            return f"transformers {found} is not from 5.24 to below 6", "pip install 'transformers>=5.24,<6'"
        if device == "cuda":
            if not self.gpus():
                return "no GPU with a driver was found", "install the NVIDIA driver, or use --profile cpu-hub"
            if "+cpu" in (self.version("torch") or ""):
                return "this torch cannot use a GPU", "pip install --force-reinstall torch"
        return None
