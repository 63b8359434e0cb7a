"""The second look: who is looked at, how often, what is shown, and what an answer changes."""

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy
import pytest

from reamo_mcp.errors import Cancelled, EngineFailed, ModelUnavailable
from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.roles import Answer, Confirmation, Failed, ModelCard, Region, Unsupported
from reamo_mcp.reading.second_look import BestViews, Doubt, SecondLook, cut
from reamo_mcp.types.grounding import Box
from tests.doubles.confirmers import ScriptedConfirmer
from tests.doubles.stopping import StopsAfter

CARD = ModelCard(role="image_segmenter", name="one", revision="1", sure_from=0.5)


def picture(width: int = 100, height: int = 80, scale: float = 1.0) -> Picture:
    """Return a picture whose red is the column and whose green is the row of each pixel."""
    pixels = numpy.zeros((height, width, 3), numpy.uint8)
    pixels[:, :, 0], pixels[:, :, 1] = numpy.arange(width)[None, :] % 256, numpy.arange(height)[:, None] % 256
    return Picture(pixels, scale, width / scale, height / scale)


def settled(
    confirmer: ScriptedConfirmer | None, scores: dict[str, float], *, wanted: int = 1, card: ModelCard = CARD
) -> list[str | None]:
    """Choose the ``wanted`` best of some things, each called as its phrase, under a second look."""

    def choose(rejected: Set[str]) -> list[list[str]]:
        left = sorted(scores.keys() - rejected, key=lambda one: -scores[one])
        return [left[number : number + 1] for number in range(wanted)]

    def doubt(one: str) -> Doubt:
        return Doubt(one, scores[one], picture)

    chosen = SecondLook[str](confirmer, card).choices(choose, doubt, Unlimited())
    return [next(iter(ones), None) for ones in chosen]


def says(*seen: str) -> ScriptedConfirmer:
    return ScriptedConfirmer(lambda _, phrase: 0.9 if phrase in seen else 0.1)


def test_what_the_module_is_sure_of_is_not_looked_at() -> None:
    confirmer = says()
    assert settled(confirmer, {"dog": 0.5, "cat": 0.9}, wanted=2) == ["cat", "dog"]
    assert confirmer.calls == 0


def test_a_doubtful_find_that_the_second_look_does_not_see_is_given_up_and_the_next_best_looked_at() -> None:
    confirmer = says("third")
    scores = {"first": 0.45, "second": 0.4, "third": 0.35, "fourth": 0.3}
    assert settled(confirmer, scores) == ["third"]
    assert [phrase for _, phrase in confirmer.looks] == ["first", "second", "third"]


def test_a_sure_find_that_is_chosen_instead_is_not_looked_at() -> None:
    confirmer = says()

    def choose(rejected: Set[str]) -> list[list[str]]:
        return [["doubtful" if "doubtful" not in rejected else "sure"]]

    look = SecondLook[str](confirmer, CARD)
    chosen = look.choices(choose, lambda one: Doubt(one, 0.9 if one == "sure" else 0.4, picture), Unlimited())
    assert chosen == [["sure"]]
    assert [phrase for _, phrase in confirmer.looks] == ["doubtful"]


def test_finds_that_are_chosen_together_are_looked_at_in_one_call_best_first() -> None:
    confirmer = says("a", "b", "c")
    assert settled(confirmer, {"a": 0.31, "b": 0.49, "c": 0.4, "d": 0.2}, wanted=3) == ["b", "c", "a"]
    assert confirmer.calls == 1
    assert [phrase for _, phrase in confirmer.looks] == ["b", "c", "a"]


def test_of_too_many_doubtful_finds_the_best_are_looked_at_and_the_others_stay() -> None:
    confirmer = says()
    scores = {f"thing {number}": 0.4 - number / 1000 for number in range(50)}
    chosen = settled(confirmer, scores, wanted=50)
    assert [phrase for _, phrase in confirmer.looks] == list(scores)[:32]
    assert [one for one in chosen if one is not None] == list(scores)[32:]


def test_one_thing_is_looked_at_once_however_often_it_is_chosen() -> None:
    confirmer = says("dog")
    look = SecondLook[str](confirmer, CARD)
    chosen = look.choices(lambda _: [["dog"], ["dog"]], lambda one: Doubt(one, 0.4, picture), Unlimited())
    assert chosen == [["dog"], ["dog"]]
    assert len(confirmer.looks) == 1


def test_a_share_of_one_half_is_enough() -> None:
    assert settled(ScriptedConfirmer(lambda _crop, _phrase: 0.5), {"dog": 0.4}) == ["dog"]
    assert settled(ScriptedConfirmer(lambda _crop, _phrase: 0.499), {"dog": 0.4}) == [None]


def test_without_word_of_what_the_module_is_sure_of_each_choice_is_looked_at() -> None:
    confirmer = says()
    assert settled(confirmer, {"dog": 1.0}, card=CARD.model_copy(update={"sure_from": None})) == [None]


@pytest.mark.parametrize("said", [Unsupported("too thin"), Failed("engine_failed", "it died")])
def test_a_look_that_fails_changes_nothing(said: Failed | Unsupported) -> None:
    confirmer = ScriptedConfirmer(lambda _, phrase: said if phrase == "dog" else 0.1)
    assert settled(confirmer, {"dog": 0.4, "cat": 0.3}, wanted=2) == ["dog", None]


@pytest.mark.parametrize("error", [EngineFailed("it died"), ModelUnavailable("no weights"), ZeroDivisionError()])
def test_a_confirmer_that_raises_changes_nothing(error: Exception) -> None:
    def script(crop: Picture, phrase: str) -> float:
        raise error

    assert settled(ScriptedConfirmer(script), {"dog": 0.4}) == ["dog"]


def test_a_confirmer_that_answers_about_another_number_of_crops_changes_nothing() -> None:
    @dataclass
    class Forgetful(ScriptedConfirmer):
        def confirm(
            self, crops: Sequence[Picture], phrases: Sequence[str], control: Control
        ) -> list[Answer[Confirmation]]:
            return super().confirm(crops, phrases, control)[:-1]

    confirmer = Forgetful(lambda _crop, _phrase: 0.1)
    assert settled(confirmer, {"dog": 0.4, "cat": 0.3}, wanted=2) == ["dog", "cat"]


def test_a_crop_that_cannot_be_had_changes_nothing() -> None:
    def broken() -> Picture:
        raise EngineFailed("the decoder died")

    confirmer = says()
    for crop in (broken, lambda: None):
        look = SecondLook[str](confirmer, CARD)
        assert look.choices(lambda _: [["dog"]], lambda one, crop=crop: Doubt(one, 0.4, crop), Unlimited()) == [["dog"]]
    assert confirmer.calls == 0


def test_without_a_confirmer_no_crop_is_made() -> None:
    assert settled(None, {"dog": 0.1}) == ["dog"]


def test_cancelling_is_obeyed_before_a_look_and_within() -> None:
    for after in (0, 1):
        confirmer = says()
        with pytest.raises(Cancelled):
            SecondLook[str](confirmer, CARD).choices(
                lambda _: [["a"]], lambda _: Doubt("a", 0.1, picture), StopsAfter(after)
            )
        assert confirmer.looks == []


def test_a_crop_shows_the_box_and_a_little_around_it_in_units_of_the_original() -> None:
    crop = cut(picture(scale=0.5), Box(x=40, y=60, width=80, height=40), 900)
    left, top = crop.pixels[0, 0, :2].tolist()
    right, bottom = crop.pixels[-1, -1, :2].tolist()
    assert (left, top, right, bottom) == (14, 27, 66, 53)
    assert (crop.scale, crop.original_width, crop.original_height) == (0.5, 106, 54)


@pytest.mark.parametrize(
    "box",
    [
        Box(x=0, y=0, width=100, height=80),
        Box(x=-20, y=-20, width=30, height=30),
        Box(x=95, y=75, width=30, height=30),
        Box(x=50, y=40, width=0, height=0),
        Box(x=500, y=400, width=10, height=10),
    ],
    ids=["whole", "over the corner", "over the end", "of no size", "outside"],
)
def test_a_crop_always_shows_something_and_nothing_but_the_picture(box: Box) -> None:
    crop = cut(picture(), box, 900)
    high, wide = crop.pixels.shape[:2]
    assert 1 <= wide <= 100
    assert 1 <= high <= 80
    assert (crop.original_width, crop.original_height) == (wide, high)


def test_a_large_crop_is_reduced_and_a_crop_keeps_no_memory_of_its_picture() -> None:
    large = picture(3000, 1500)
    crop = cut(large, Box(x=0, y=0, width=3000, height=1500), 896)
    assert crop.pixels.shape == (448, 896, 3)
    assert crop.scale == pytest.approx(896 / 3000)
    assert (crop.original_width, crop.original_height) == (3000, 1500)
    small = cut(large, Box(x=10, y=10, width=20, height=20), 896)
    assert not numpy.shares_memory(small.pixels, large.pixels)


def region(score: float, size: float) -> Region:
    return Region(type="dog", box=Box(x=0, y=0, width=size, height=size), score=score)


def test_a_doubtful_thing_of_a_video_is_kept_as_it_was_seen_best() -> None:
    views = BestViews(CARD)
    sizes: list[int] = []
    for score, size in ((0.3, 20), (0.3, 21), (0.3, 40), (0.3, 10), (0.4, 30)):
        views.saw(1, region(score, size), picture())
        view = views.of(1)
        assert view is not None
        sizes.append(view.pixels.shape[1])
    assert sizes == [24, 24, 47, 47, 35]
    assert views.of(2) is None


def test_once_the_tracker_is_sure_of_a_thing_nothing_is_kept_of_it() -> None:
    views = BestViews(CARD)
    views.saw(1, region(0.4, 20), picture())
    views.saw(1, region(0.6, 20), picture())
    assert views.of(1) is None


def test_of_very_many_doubtful_things_only_the_best_are_kept() -> None:
    views = BestViews(CARD)
    for number in range(300):
        views.saw(number, region(0.1 + number / 1000, 20), picture())
    kept = [number for number in range(300) if views.of(number) is not None]
    assert kept == list(range(236, 300))
