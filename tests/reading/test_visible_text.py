from reamo_mcp.reading.visible_text import visible_text
from reamo_mcp.types.grounding import Box, PageBox
from reamo_mcp.types.reading import AtPage, Reading, Word

LETTER = 6.0  # points for every character
LEADING = 14.0


def page(*lines: tuple[str, float]) -> Reading:
    """Lay lines out from the left edges given, one below the other; an empty line leaves white."""
    words: list[Word] = []
    text = ""
    for number, (line, left) in enumerate(lines):
        at = 0
        for word in line.split():
            at = line.index(word, at)
            box = Box(x=left + LETTER * at, y=LEADING * number, width=LETTER * len(word), height=10)
            start = len(text) + at
            words.append(Word(start=start, end=start + len(word), place=AtPage(parts=(PageBox(page=1, box=box),))))
            at += len(word)
        text += line + ("\n" if line else "")
    return Reading(id="r1", media_id="m1", kind="text", model="test", text=text.rstrip("\n"), words=tuple(words))


def test_lines_of_a_letterhead_stay_apart_and_those_of_its_paragraph_are_joined() -> None:
    letter = page(
        ("University of Lisbon", 70),
        ("Department of Marine Biology", 70),
        ("", 70),
        ("we thank the institute for its invitation to join Ingrid", 70),
        ("Halvorsen on board, and will bring two drones with us in", 70),
        ("April this year.", 70),
    )
    assert visible_text(letter).text.split("\n") == [
        "University of Lisbon",
        "Department of Marine Biology",
        "we thank the institute for its invitation to join Ingrid "
        "Halvorsen on board, and will bring two drones with us in "
        "April this year.",
    ]


def test_a_narrow_column_beside_wide_lines_is_measured_against_its_own_margin() -> None:
    caption = page(
        ("A wide line of the page that goes on to its right margin", 70),
        ("", 70),
        ("The ship of Ingrid", 70),
        ("Halvorsen enters a", 70),
        ("port in Greenland.", 70),
    )
    assert "Ingrid Halvorsen enters a port" in visible_text(caption).text


def test_centred_lines_tell_no_margin_and_are_joined() -> None:
    title = page(
        ("The Journey of the Good Ship", 100), ("Polaris", 160), ("a body that is far wider than the title is", 70)
    )
    assert visible_text(title).text.startswith("The Journey of the Good Ship Polaris")


def test_items_of_a_list_stay_apart_however_long_they_are() -> None:
    items = page(("- a first item that fills its line to the very end of it", 70), ("- a second item", 70))
    assert visible_text(items).text.count("\n") == 1
