from reamo_mcp.evidence.quote import Quoted, quoted
from reamo_mcp.types.extraction import Engine, Extraction
from reamo_mcp.types.grounding import AudioSegment, Box, ImageRegion, Provenance, TextSpan, Via, Whole
from reamo_mcp.types.media import AudioMedium, OpenedDocument, TextMedium
from reamo_mcp.types.reading import Reading

BY = Provenance(model="test", step="locate")
TEXT = "In the spring of 1843 Ada Byron wrote notes on the engine, the first of their kind."
EXTRACTION = Extraction(
    document=OpenedDocument(
        id="d1",
        media=(
            TextMedium(id="m1", name="a.txt", sha256="0", format="utf-8", text=TEXT, encoding="utf-8"),
            AudioMedium(id="m2", name="a.wav", sha256="1", format="wav", duration=9),
        ),
    ),
    readings=(Reading(id="m2.speech", media_id="m2", kind="transcript", model="test", text="then ada byron spoke"),),
    engine=Engine(profile="test", version="0"),
)


def span(start: int, end: int) -> TextSpan:
    return TextSpan(id="g1", media_id="m1", start=start, end=end, quote=TEXT[start:end], provenance=BY)


def test_a_quote_of_a_text_stands_between_whole_words_of_its_context() -> None:
    assert quoted(span(22, 31), EXTRACTION, 12) == Quoted(before="of 1843 ", quote="Ada Byron", after=" wrote")


def test_context_ends_with_the_text() -> None:
    assert quoted(span(22, 31), EXTRACTION, 500) == Quoted(before=TEXT[:22], quote="Ada Byron", after=TEXT[31:])
    assert quoted(span(22, 31), EXTRACTION, 0) == Quoted(quote="Ada Byron")


def test_what_was_heard_is_quoted_from_its_transcript() -> None:
    place = AudioSegment(
        id="g2",
        media_id="m2",
        quote="ada byron",
        via=Via(reading="m2.speech", start=5, end=14),
        start=1,
        end=2,
        provenance=BY,
    )
    assert quoted(place, EXTRACTION, 40) == Quoted(before="then ", quote="ada byron", after=" spoke")


def test_a_place_without_words_quotes_only_what_it_carries() -> None:
    face = ImageRegion(id="g3", media_id="m1", parts=(Box(x=0, y=0, width=1, height=1),), provenance=BY)
    assert quoted(face, EXTRACTION, 40) == Quoted()
    field = Whole(id="g4", media_id="m2", quote="Ada Byron", provenance=BY)
    assert quoted(field, EXTRACTION, 40) == Quoted(quote="Ada Byron")
