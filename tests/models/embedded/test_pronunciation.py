import pytest

from reamo_mcp.models.embedded.pronunciation import pronunciations

KNOWN = {
    "wood": "W UH D", "cutter": "K AH T ER", "five": "F AY V", "twenty": "T W EH N T IY", "nineteen": "N AY N T IY N",
    "ninety": "N AY N T IY", "ada": "EY D AH", "b.": "B IY", "c.": "S IY", "one": "W AH N", "nine": "N AY N",
    "thousand": "TH AW Z AH N D", "hundred": "HH AH N D R AH D", "percent": "P ER S EH N T",
}  # fmt: skip


def said(word: str) -> tuple[str, ...]:
    return pronunciations(word, KNOWN.get)


@pytest.mark.parametrize(
    ("word", "phones"),
    [
        ("Ada,", "EY D AH"),
        ("Ada's", "EY D AH Z"),
        ("woodcutter", "W UH D K AH T ER"),
        ("cutters", "K AH T ER Z"),
        ("wood-cutter", "W UH D K AH T ER"),
        ("25%", "T W EH N T IY F AY V P ER S EH N T"),
        ("BBC", "B IY B IY S IY"),
        ("Shane", "SH EY N"),
    ],
)
def test_a_word_is_spoken_by_the_dictionary_its_parts_or_its_letters(word: str, phones: str) -> None:
    assert said(word)[0] == phones


def test_a_year_may_be_spoken_in_two_ways() -> None:
    assert said("1995")[1] == "N AY N T IY N N AY N T IY F AY V"
    assert len(said("1995")) == 2


def test_signs_without_letters_are_not_spoken() -> None:
    assert said("—") == ()
    assert said("…'") == ()
    assert said("北京") == ()
