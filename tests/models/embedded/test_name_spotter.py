from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.asks import Sound
from reamo_mcp.models.embedded.name_spotter import EmbeddedNameSpotter
from reamo_mcp.models.roles import Found, HeardWord
from tests.models.embedded.test_confident_words import recordings
from tests.models.embedded.test_transcriber import AUSTEN, not_speech, sound_of

ABSENT = (
    "Nancy Ajram", "Angela Merkel", "Barack Obama", "Sergio Leone", "Microsoft", "Zelensky", "Amsterdam",
    "Margaret Atwood", "Goldman Sachs", "Kofi Annan", "Volkswagen", "United Nations", "Elon Musk", "Nordlys Institute",
    "University of Lisbon", "Ingrid Halvorsen", "Daniel Okafor", "Greenpeace", "Ponta Delgada", "European Parliament",
)  # fmt: skip


@pytest.fixture(scope="module")
def spotter() -> EmbeddedNameSpotter:
    return EmbeddedNameSpotter()


def spotted(spotter: EmbeddedNameSpotter, sound: Sound, *names: str) -> tuple[HeardWord, ...]:
    answer = spotter.spot(sound, names, Unlimited())
    assert isinstance(answer, Found)
    return answer.items


@pytest.mark.data
def test_a_name_that_is_said_is_found_at_its_time_and_others_are_not(
    spotter: EmbeddedNameSpotter, real_data: Path
) -> None:
    (name,) = spotted(
        spotter, sound_of((real_data / "dev" / AUSTEN).with_suffix(".wav"), 100.0), "John Dashwood", *ABSENT
    )
    assert name.text == "John Dashwood"
    assert name.start == pytest.approx(100.63, abs=0.1)
    assert name.end == pytest.approx(101.59, abs=0.1)
    assert name.confident


@pytest.mark.data
def test_a_name_of_few_sounds_is_not_sought(spotter: EmbeddedNameSpotter, real_data: Path) -> None:
    assert spotted(spotter, sound_of((real_data / "dev" / AUSTEN).with_suffix(".wav")), "John", "Ann") == ()


def test_nothing_is_heard_where_nobody_speaks(spotter: EmbeddedNameSpotter) -> None:
    for name, samples in not_speech().items():
        assert spotted(spotter, Sound(samples.astype(numpy.float32)), *ABSENT) == (), name


def test_names_that_cannot_be_spoken_are_passed_over(spotter: EmbeddedNameSpotter) -> None:
    silence = Sound(numpy.zeros(16_000, numpy.float32))
    assert spotted(spotter, silence, "", "2026", "***", "世界", "Ω" * 500, "x" * 10_000) == ()


def test_listening_stops_when_it_is_cancelled(spotter: EmbeddedNameSpotter) -> None:
    class Impatient(Unlimited):
        def check(self) -> None:
            raise Cancelled("the work was cancelled")

    with pytest.raises(Cancelled):
        spotter.spot(Sound(numpy.ones(160_000, numpy.float32)), ABSENT, Impatient())


@pytest.mark.data
@pytest.mark.big
@pytest.mark.timeout(1200)
def test_names_that_nobody_says_are_heard_less_than_once_in_ten_minutes(
    spotter: EmbeddedNameSpotter, real_data: Path
) -> None:
    orders = sorted(real_data.glob("*/audio/speech_to_intent/clean/*.wav"))
    paths = [path for path, _ in recordings(real_data / "dev" / "audio" / "speech")] + orders
    seconds, wrong = 0.0, list[HeardWord]()
    for path in paths:
        sound = sound_of(path)
        seconds += len(sound.samples) / 16_000
        wrong += spotted(spotter, sound, *ABSENT)
    print(f"{len(wrong)} false alarms of {len(ABSENT)} absent names in {seconds / 60:.1f} minutes: {wrong}")  # noqa: T201 -- shown with -s
    assert len(wrong) <= max(1, seconds // 600)
