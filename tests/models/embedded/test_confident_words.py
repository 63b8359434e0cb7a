"""Of the words that look certain in drafts of real speech, how many are right: the recordings the rules came from."""

import csv
import json
import re
from collections.abc import Iterator
from difflib import SequenceMatcher
from pathlib import Path

import pytest

from reamo_mcp.models.embedded.transcriber import EmbeddedTranscriber
from tests.models.embedded.test_transcriber import heard, sound_of

pytestmark = [pytest.mark.data, pytest.mark.big, pytest.mark.timeout(600)]  # two minutes: big

JFK = "And so my fellow Americans, ask not what your country can do for you, ask what you can do for your country."


def words_of(text: str) -> list[str]:
    return re.findall(r"[a-z']+", text.casefold().replace("’", "'"))


def recordings(speech: Path) -> Iterator[tuple[Path, str]]:
    for number in ("0870", "0880"):
        stem = speech / "librivox_austen" / f"sense_and_sensibility_01_austen_64kb-{number}"
        yield stem.with_suffix(".wav"), stem.with_suffix(".txt").read_text(encoding="utf-8")
    with (speech / "ljspeech" / "metadata.csv").open(encoding="utf-8") as file:
        for name, _, said in csv.reader(file, delimiter="|", quoting=csv.QUOTE_NONE):
            yield speech / "ljspeech" / "wavs" / f"{name}.flac", said
    stem = speech / "librispeech" / "1995-1837-0001"
    yield stem.with_suffix(".wav"), stem.with_suffix(".txt").read_text(encoding="utf-8")
    yield speech / "jfk" / "jfk.flac", JFK
    lines = json.loads((speech / "shakespeare_sonnets" / "sonnet001.json").read_text(encoding="utf-8"))["fragments"]
    yield (
        speech / "shakespeare_sonnets" / "p001.mp3",
        " ".join(line for fragment in lines for line in fragment["lines"]),
    )


def test_words_that_look_certain_are_mostly_right(real_data: Path) -> None:
    transcriber = EmbeddedTranscriber()
    certain = right = drafted = said = 0
    for path, text in recordings(real_data / "dev" / "audio" / "speech"):
        gold = words_of(text)
        transcript = heard(transcriber, sound_of(path))
        draft = [word.text.casefold() for word in transcript.words]
        matched: set[int] = set()
        for block in SequenceMatcher(None, draft, gold, autojunk=False).get_matching_blocks():
            matched.update(range(block.a, block.a + block.size))
        sure = [index for index, word in enumerate(transcript.words) if word.confident]
        certain, right = certain + len(sure), right + len(matched.intersection(sure))
        drafted, said = drafted + len(draft), said + len(gold)
    print(f"{right} of {certain} certain words are right; {drafted} drafted, {said} said")  # noqa: T201 -- shown with -s
    assert certain >= 20
    assert right / certain >= 0.85
