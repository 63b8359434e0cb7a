from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.linking.dates import day_form
from reamo_mcp.linking.link_names import Name, link_names

WRITTEN = ("%A, %d %B %Y", "%d %b %Y", "%B %d, %Y", "%Y-%m-%d", "the %dth of %B %Y", "%a %b. %d %Y")


@given(st.dates(date(1000, 1, 1), date(9999, 12, 31)), st.sampled_from(WRITTEN))
def test_a_day_has_one_form_however_it_is_written(day: date, written: str) -> None:
    assert day_form(day.strftime(written)) == day.isoformat()


@pytest.mark.parametrize(
    "text", ["3/4/2026", "March 2026", "Saturday", "14 March", "2026-13-01", "14 March 2026 at noon"]
)
def test_what_tells_no_day_wholly_has_no_form(text: str) -> None:
    assert day_form(text) is None


def test_one_day_on_a_poster_and_in_a_text_is_one_entity_and_the_next_day_another() -> None:
    names = [
        Name("Saturday, 14 March 2026", "date", "picture"),
        Name("15 March 2026", "date"),
        Name("14 March 2026", "date"),
        Name("Saturday", "date"),
    ]
    assert link_names(names, Unlimited()) == ((0, 2), (1,), (3,))
