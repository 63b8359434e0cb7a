from dataclasses import dataclass
from typing import cast

from reamo_mcp.isolation.control import Control, Unlimited
from reamo_mcp.media.decoded import DecodedText, Description, HiddenSpan, OpenFile
from reamo_mcp.media.decoding import Decoder
from reamo_mcp.reading.perceive_text import perceive_text
from reamo_mcp.reading.perception import Given, Perception, Senses
from reamo_mcp.types.coverage import NotRead
from reamo_mcp.types.media import DocumentMedium, TextMedium
from reamo_mcp.types.reading import Fact

TITLE = Fact(name="title", value="A report")


@dataclass(frozen=True)
class ScriptedTextDecoder:
    decoded: DecodedText

    def text(self, file: OpenFile, control: Control) -> DecodedText:
        return self.decoded


def perceived(decoded: DecodedText, description: Description) -> Perception:
    file = OpenFile("a file", fd=-1, size=1, sha256="0" * 64, kind=description.kind, format=description.format)
    senses = Senses(decoder=cast(Decoder, ScriptedTextDecoder(decoded)))
    return perceive_text(Given(file, "m1"), description, senses, Unlimited())


def test_a_text_file_is_a_text_whose_offsets_are_those_of_its_reading() -> None:
    perception = perceived(DecodedText("Zürich 𝒳 Bank", "latin-1"), Description("text", "latin-1"))
    assert isinstance(perception.medium, TextMedium)
    (reading,) = perception.readings
    assert perception.medium.text == reading.text == "Zürich 𝒳 Bank"
    assert (perception.medium.encoding, reading.words) == ("latin-1", ())
    assert perception.coverage[0].read == perception.coverage[0].total == 13


def test_flowing_text_is_a_document_without_pages_that_keeps_hidden_text_as_such() -> None:
    decoded = DecodedText("seen hidden", "utf-8", hidden=(HiddenSpan(5, 11),), facts=(TITLE,))
    perception = perceived(decoded, Description("document", "html", facts=(TITLE,)))
    assert isinstance(perception.medium, DocumentMedium)
    assert perception.medium.pages == 0
    text, metadata = perception.readings
    assert [(text.text[word.start : word.end], word.visible) for word in text.words] == [("hidden", False)]
    assert metadata.facts == (TITLE,)


def test_what_a_limit_cut_off_is_told() -> None:
    cut = NotRead(unit="characters", start=4, end=10, reason="most_text_bytes")
    (covered,) = perceived(DecodedText("seen", "utf-8", not_read=(cut,)), Description("text", "utf-8")).coverage
    assert (covered.read, covered.total, covered.not_read) == (4, 10, (cut,))
