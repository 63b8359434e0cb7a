"""What is loaded on one device: one call at a time; the models that were used longest ago make room for others.

Torch-free: models are whatever their opener returns, and are dropped to be freed.
"""

import threading
import time
from collections.abc import Callable, Generator
from contextlib import contextmanager
from typing import Generic, Protocol, TypeVar

from reamo_mcp.errors import OutOfMemory
from reamo_mcp.isolation.control import Control

_LOOK_EVERY = 0.2  # seconds between two looks at whether a waiting call shall stop

T = TypeVar("T")


class Timer(Protocol):
    """A call that waits for its time."""

    def start(self) -> None:
        """Begin to wait."""
        ...

    def cancel(self) -> None:
        """Do not call any more."""
        ...


class Resident(Generic[T]):
    """A model, or several that are used together: opened when first needed, and again after it was dropped."""

    def __init__(self, name: str, size: int, opener: Callable[[], T]) -> None:
        self.name = name
        self.size = size  # bytes on the device, about
        self._opener = opener
        self._opened: T | None = None
        self.used = 0.0

    @property
    def is_loaded(self) -> bool:
        """Whether it takes memory now."""
        return self._opened is not None

    def opened(self) -> T:
        """Return the model. Raises what its opener raises."""
        if self._opened is None:
            self._opened = self._opener()
        return self._opened

    def drop(self) -> None:
        """Forget the model."""
        self._opened = None


class Residents:
    """The models of one device.

    Args:
        room: Bytes that all loaded models together may take; None: no bound is known.
        idle: Seconds without a call after which all are dropped.
        free: Gives dropped memory back to the device.
        later: Makes a timer that calls something after some seconds.
    """

    def __init__(
        self,
        room: int | None,
        idle: float,
        free: Callable[[], None],
        later: Callable[[float, Callable[[], None]], Timer] | None = None,
    ) -> None:
        self._room = room
        self._idle = idle
        self._free = free
        self._later = later or _daemon_timer
        self._device = threading.RLock()  # a call may use another model of the same device within its own
        self._all: list[Resident[object]] = []
        self._timer: Timer | None = None

    def resident(self, name: str, size: int, opener: Callable[[], T]) -> Resident[T]:
        """Return a new resident of this device, not loaded yet."""
        resident = Resident(name, size, opener)
        self._all.append(resident)  # pyright: ignore[reportArgumentType] - it is only dropped and counted here
        return resident

    @contextmanager
    def using(self, resident: Resident[T], control: Control) -> Generator[T]:
        """Yield the model with the device to itself. Raises what the control and the opener raise.

        Where memory runs out in spite of the room that was made, all other models are dropped before it is told.
        """
        while not self._device.acquire(timeout=_LOOK_EVERY):
            control.check()
        try:
            self._make_room(resident)
            resident.used = time.monotonic()
            yield resident.opened()
        except OutOfMemory:
            self._drop([other for other in self._all if other is not resident])
            raise
        finally:
            resident.used = time.monotonic()
            self._drop_when_idle()
            self._device.release()

    def loaded(self) -> tuple[str, ...]:
        """Return the names of what takes memory now."""
        return tuple(resident.name for resident in self._all if resident.is_loaded)

    def drop_all(self) -> None:
        """Free the memory of all models; they are loaded again when they are needed."""
        with self._device:
            if self._timer is not None:
                self._timer.cancel()
                self._timer = None
            self._drop(self._all)

    def _make_room(self, resident: "Resident[T]") -> None:
        if self._room is None or resident.is_loaded:
            return
        others = sorted((other for other in self._all if other.is_loaded), key=lambda other: other.used)
        taken = sum(other.size for other in others)
        leaving: list[Resident[object]] = []
        while others and taken + resident.size > self._room:
            leaving.append(others.pop(0))
            taken -= leaving[-1].size
        self._drop(leaving)

    def _drop(self, residents: "list[Resident[object]]") -> None:
        loaded = [resident for resident in residents if resident.is_loaded]
        for resident in loaded:
            resident.drop()
        if loaded:
            self._free()

    def _drop_when_idle(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
        self._timer = self._later(self._idle, self._drop_if_idle)
        self._timer.start()

    def _drop_if_idle(self) -> None:
        if self._device.acquire(blocking=False):  # else it is not idle, and the call under way sets the next timer
            try:
                self._drop(self._all)
            finally:
                self._device.release()


def _daemon_timer(seconds: float, call: Callable[[], None]) -> Timer:
    timer = threading.Timer(seconds, call)
    timer.daemon = True  # it does not keep the process
    return timer
