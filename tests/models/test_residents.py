import threading
from collections.abc import Callable

import pytest

from reamo_mcp.errors import Cancelled, OutOfMemory
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.residents import Resident, Residents


class Clock:
    """Timers that go off when the test says so."""

    def __init__(self) -> None:
        self.waiting: list[Callable[[], None]] = []

    def __call__(self, seconds: float, call: Callable[[], None]) -> "Waiting":
        return Waiting(self, call)

    def goes_off(self) -> None:
        for call in self.waiting[:]:
            self.waiting.remove(call)
            call()


class Waiting:
    def __init__(self, clock: Clock, call: Callable[[], None]) -> None:
        self._clock, self._call = clock, call

    def start(self) -> None:
        self._clock.waiting.append(self._call)

    def cancel(self) -> None:
        if self._call in self._clock.waiting:
            self._clock.waiting.remove(self._call)


class House:
    """Residents of a device of 10 bytes, what was opened, and how often memory was given back."""

    def __init__(self, room: int | None = 10) -> None:
        self.clock = Clock()
        self.opened: list[str] = []
        self.freed = 0
        self.residents = Residents(room, 60.0, self._free, self.clock)

    def _free(self) -> None:
        self.freed += 1

    def resident(self, name: str, size: int) -> Resident[str]:
        def opener() -> str:
            self.opened.append(name)
            return name.upper()

        return self.residents.resident(name, size, opener)

    def use(self, resident: Resident[str]) -> str:
        with self.residents.using(resident, Unlimited()) as model:
            return model


def test_a_model_is_loaded_by_its_first_call_and_stays_for_the_next() -> None:
    house = House()
    model = house.resident("speech", 4)
    assert house.residents.loaded() == ()
    assert [house.use(model) for _ in range(3)] == ["SPEECH"] * 3
    assert house.opened == ["speech"]
    assert house.residents.loaded() == ("speech",)


def test_the_model_that_was_used_longest_ago_makes_room() -> None:
    house = House()
    speech, vision, reasoner = house.resident("speech", 3), house.resident("vision", 3), house.resident("reasoner", 6)
    for one in (vision, speech, vision, reasoner):
        house.use(one)
    assert house.residents.loaded() == ("vision", "reasoner")
    assert house.freed == 1
    house.use(speech)
    assert house.residents.loaded() == ("speech", "reasoner")


def test_a_model_larger_than_the_device_has_it_to_itself() -> None:
    house = House()
    small, large = house.resident("small", 3), house.resident("large", 30)
    house.use(small)
    house.use(large)
    assert house.residents.loaded() == ("large",)


def test_without_a_known_bound_nothing_is_dropped() -> None:
    house = House(room=None)
    for name in "abc":
        house.use(house.resident(name, 1 << 40))
    assert house.residents.loaded() == ("a", "b", "c")


def test_a_device_that_is_idle_is_emptied_and_filled_again_when_needed() -> None:
    house = House()
    model = house.resident("speech", 4)
    house.use(model)
    house.use(model)
    assert len(house.clock.waiting) == 1, "each call puts the time off"
    house.clock.goes_off()
    assert house.residents.loaded() == ()
    assert house.freed == 1
    assert house.use(model) == "SPEECH"
    assert house.opened == ["speech", "speech"]


def test_a_device_at_work_is_not_emptied() -> None:
    house = House()
    model = house.resident("speech", 4)
    house.use(model)
    with house.residents.using(model, Unlimited()):
        thread = threading.Thread(target=house.clock.goes_off)
        thread.start()
        thread.join(5)
        assert house.residents.loaded() == ("speech",)


def test_memory_that_runs_out_all_the_same_drops_the_other_models() -> None:
    house = House(room=None)
    speech, vision = house.resident("speech", 1), house.resident("vision", 1)
    house.use(speech)
    with pytest.raises(OutOfMemory), house.residents.using(vision, Unlimited()):
        raise OutOfMemory("full")
    assert house.residents.loaded() == ("vision",)
    assert house.use(vision) == "VISION"


def test_one_call_at_a_time_and_a_waiting_one_can_be_stopped() -> None:
    house = House()
    model = house.resident("speech", 4)

    class Impatient:
        def check(self) -> None:
            raise Cancelled("enough")

        def progress(self, done: float, total: float, unit: str) -> None:
            return

    outcome: list[str] = []

    def second() -> None:
        try:
            with house.residents.using(model, Impatient()):
                outcome.append("both at once")
        except Cancelled:
            outcome.append("cancelled")

    with house.residents.using(model, Unlimited()):
        thread = threading.Thread(target=second)
        thread.start()
        thread.join(10)
    assert outcome == ["cancelled"]
    assert house.use(model) == "SPEECH"


def test_dropping_all_stops_the_clock_too() -> None:
    house = House()
    house.use(house.resident("speech", 4))
    house.residents.drop_all()
    assert house.residents.loaded() == ()
    assert house.clock.waiting == []
