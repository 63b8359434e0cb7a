import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.errors import Cancelled
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.reading.patterns import find_patterns
from reamo_mcp.types.ontology import Ontology

FORMS = ("date", "time", "money", "percentage", "quantity", "e-mail address", "url", "phone number")
ONTOLOGY = Ontology.of(entity_types=FORMS)


def found(text: str) -> list[tuple[str, str]]:
    return [(mention.type, text[mention.start : mention.end]) for mention in find_patterns(text, ONTOLOGY, Unlimited())]


@pytest.mark.parametrize(
    ("text", "form", "said"),
    [
        ("It opens on 3 May 2024.", "date", "3 May 2024"),
        ("On Friday, March 14, 2025 they met", "date", "Friday, March 14, 2025"),
        ("printed on 16\nOctober 1988 in Bergen", "date", "16\nOctober 1988"),
        ("dated 2024-02-29 in Rome", "date", "2024-02-29"),
        ("founded in 1987 by two", "date", "1987"),
        ("at 10:30 a.m. sharp", "time", "10:30 a.m."),
        ("It cost $3.5 million in all", "money", "$3.5 million"),
        ("worth 48 million euros", "money", "48 million euros"),
        ("rose by 12.5 %", "percentage", "12.5 %"),
        ("fell five percent", "percentage", "five percent"),
        ("is 72 metres long", "quantity", "72 metres"),
        ("weighs 1,200 kg now", "quantity", "1,200 kg"),
        ("write to ada.byron@example.org.", "e-mail address", "ada.byron@example.org"),
        ("see https://example.org/a_(b), then", "url", "https://example.org/a_(b)"),
        ("call +44 20 7946 0958 today", "phone number", "+44 20 7946 0958"),
    ],
)
def test_each_form_is_found_to_the_letter(text: str, form: str, said: str) -> None:
    assert found(text) == [(form, said)]


@pytest.mark.parametrize(
    "text",
    [
        "You may go",
        "Room 1987",
        "version 3.5.1",
        "march on",
        "chapter 12",
        "in 2 of 3 cases",
        "10:99",
        "3\n\nMay we go",
    ],
)
def test_what_only_resembles_a_form_is_left_alone(text: str) -> None:
    assert found(text) == []


def test_forms_that_were_not_asked_for_still_claim_their_place() -> None:
    text = "https://example.org/12-kg"
    assert find_patterns(text, Ontology.of(entity_types=["quantity"]), Unlimited()) == ()


@given(st.integers(19_900, 20_100), st.sampled_from([" ", "\n"]))
def test_a_mention_on_the_border_of_two_blocks_is_found_once_and_whole(before: int, filling: str) -> None:
    text = filling * before + "on 14 March 2026 for 48 million euros " + "x " * 20
    assert found(text) == [("date", "14 March 2026"), ("money", "48 million euros")]


def test_a_long_text_can_be_given_up_within_half_a_second() -> None:
    class Impatient(Unlimited):
        until = time.monotonic() + 0.2

        def check(self) -> None:
            if time.monotonic() > self.until:
                raise Cancelled("enough")

    text = "On 14 March 2026 they paid 5 euros to a@b.example.org.\n" * 40_000
    began = time.monotonic()
    with pytest.raises(Cancelled):
        find_patterns(text, ONTOLOGY, Impatient())
    assert time.monotonic() - began < 2
