import numpy
import pytest

from reamo_mcp.media.decoded import SAMPLE_RATE, SoundWindow
from reamo_mcp.media.pauses import cut_at_pauses


def test_windows_end_in_pauses_and_lose_no_sample() -> None:
    noise = numpy.random.default_rng(1).normal(0, 0.1, 70 * SAMPLE_RATE).astype(numpy.float32)
    pauses = [25.0, 47.0]
    for pause in pauses:
        noise[round(pause * SAMPLE_RATE) : round((pause + 0.2) * SAMPLE_RATE)] = 0
    parts = [SoundWindow(at, noise[at * SAMPLE_RATE : (at + 10) * SAMPLE_RATE]) for at in range(0, 70, 10)]
    windows = list(cut_at_pauses(iter(parts)))
    assert numpy.array_equal(numpy.concatenate([window.samples for window in windows]), noise)
    starts = [window.start for window in windows]
    assert starts[1] == pytest.approx(25.1, abs=0.1)
    assert starts[2] == pytest.approx(47.1, abs=0.1)
    assert max(len(window.samples) for window in windows) <= 30 * SAMPLE_RATE


def test_a_hole_between_windows_ends_a_window() -> None:
    second = numpy.ones(SAMPLE_RATE, numpy.float32)
    windows = list(cut_at_pauses(iter([SoundWindow(0, second), SoundWindow(1, second), SoundWindow(9, second)])))
    assert [(window.start, len(window.samples)) for window in windows] == [(0, 2 * SAMPLE_RATE), (9, SAMPLE_RATE)]
