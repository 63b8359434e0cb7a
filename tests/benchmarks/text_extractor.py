"""What the embedded text extractor costs: words a second, one short sentence, opening, memory; and planted names.

Baselines: spaCy's blank pipeline with rules, where spaCy is installed; the same network in torch (32 bits), given a
checkpoint of the recipe.
Run: python -m tests.benchmarks.text_extractor [CHECKPOINT]
"""

import random
import resource
import subprocess
import sys
import time
from pathlib import Path

from reamo_mcp.evaluation.spacy_rules import SpacyRuleExtractor, spacy_version
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.embedded.text_extractor_windows import cut_windows
from reamo_mcp.models.roles import Found, TextExtractor
from reamo_mcp.types.ontology import Ontology

THREADS = 2
TYPES = Ontology.of(
    entity_types=[
        "person", "organization", "location", "event", "product",
        "work of art", "date", "facility", "nationality", "award",
    ]
)  # fmt: skip
SENTENCE = (
    "On Monday the chairman of Siemens , Peter Loescher , told reporters in Munich that the company will build a new "
    "factory near Lyon in France with its partner Alstom next year ."
)
ROUNDS = 15
GOALS = {"words": 3000.0, "sentence": 15.0, "opening": 0.6, "memory": 400.0}
NAMES = ("Angela Merkel", "Barack Obama", "John Smith", "Marie Curie", "Michael Jordan", "David Cameron")
SIGNS = "é ü 🙂 👩‍👩‍👧 日本 \u200b \u0301 ﬁ İ ǅ \u00ad … « » — \t العربية ़ 𝔘 ß".split(" ")


def long_text(words: int) -> str:
    """Return sentences of varied length, of about that many words."""
    chance = random.Random(0)
    parts = SENTENCE.split(" ")
    sentences: list[str] = []
    count = 0
    while count < words:
        size = chance.randint(8, len(parts))
        sentences.append(" ".join([*parts[: size - 1], "."]))
        count += size
    return " ".join(sentences)


def words_a_second(extractor: TextExtractor, text: str) -> float:
    """Return the speed over one text."""
    start = time.perf_counter()
    extractor.extract([text], TYPES, Unlimited())
    return len(text.split()) / (time.perf_counter() - start)


def sentence_milliseconds(extractor: EmbeddedTextExtractor) -> float:
    """Return the median time of one warm sentence of 30 words."""
    times: list[float] = []
    for _ in range(ROUNDS):
        start = time.perf_counter()
        extractor.extract([SENTENCE], TYPES, Unlimited())
        times.append((time.perf_counter() - start) * 1000)
    return sorted(times)[ROUNDS // 2]


def opening_seconds() -> float:
    """Return the time from the first call to its answer, in a process of its own, imports not counted."""
    program = (
        "import onnxruntime, tokenizers, numpy, time;"
        "from reamo_mcp.models.embedded.text_extractor_network import TextNetwork;"
        f"start = time.perf_counter(); TextNetwork({THREADS}); print(time.perf_counter() - start)"
    )
    return float(subprocess.run([sys.executable, "-c", program], capture_output=True, check=True, text=True).stdout)


def torch_words_a_second(checkpoint: Path, text: str) -> float:
    """Return the speed of the network in torch on the same windows, spots only, without decoding."""
    import torch
    from tokenizers import Tokenizer

    from reamo_mcp.models.embedded.text_extractor_labels import entity_text
    from reamo_mcp.training.text.base_encoder import base_encoder
    from reamo_mcp.training.text.batches import Pieces
    from reamo_mcp.training.text.train import trained_network
    from tests.benchmarks.torch_text import torch_spots

    torch.set_num_threads(THREADS)
    tokenizer = Tokenizer.from_file(str(base_encoder() / "tokenizer.json"))
    tokenizer.no_padding()
    tokenizer.no_truncation()
    labels = [entity_text(kind) for kind in TYPES.entity_types]
    windows = sorted(cut_windows(text, 0), key=lambda window: len(window.words))
    start = time.perf_counter()
    torch_spots(trained_network(checkpoint), Pieces(tokenizer), windows, labels)
    return len(text.split()) / (time.perf_counter() - start)


def planted(extractor: EmbeddedTextExtractor, number: int = 2000) -> tuple[float, int]:
    """Return the share of planted names that are returned, and how many were returned with other offsets."""
    chance = random.Random(7)
    texts: list[str] = []
    places: list[tuple[int, int]] = []
    for _ in range(number):
        name = chance.choice(NAMES)
        before = " ".join(chance.choice(SIGNS) for _ in range(chance.randrange(6)))
        start = f"{before} {chance.choice(('Yesterday', 'Then', 'In May'))} "
        texts.append(f"{start}{name} met the mayor of Paris {chance.choice(SIGNS)}.")
        places.append((len(start), len(start) + len(name)))
    hits = shifted = 0
    people = Ontology.of(entity_types=["person", "organization", "location"])
    for (start, end), answer in zip(places, extractor.extract(texts, people, Unlimited()), strict=True):
        assert isinstance(answer, Found)
        here = [(e.start, e.end) for e in answer.items[0].entities if e.start < end and e.end > start]
        hits += (start, end) in here
        shifted += bool(here) and (start, end) not in here
    return hits / number, shifted


def main() -> None:
    """Print the table."""
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    extractor = EmbeddedTextExtractor(THREADS)
    text = long_text(100_000)
    sentence_milliseconds(extractor)
    print(f"one sentence of 30 words   {sentence_milliseconds(extractor):8.1f} ms   goal {GOALS['sentence']:.0f}")
    print(f"text of 100,000 words      {words_a_second(extractor, text):8.0f} words/s   goal {GOALS['words']:.0f}")
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"memory                     {memory:8.0f} MB   goal {GOALS['memory']:.0f} ({before:.0f} before opening)")
    print(f"opening                    {min(opening_seconds() for _ in range(3)):8.2f} s   goal {GOALS['opening']:.1f}")
    share, shifted = planted(extractor)
    print(f"planted names returned     {share:8.3f}   goal 0.90; elsewhere than planted: {shifted} of 2000")
    if spacy_version() is None:
        print("spaCy's blank pipeline and rules: not measured, spaCy is not installed")
    else:
        rules = SpacyRuleExtractor()
        rules.extract([SENTENCE], TYPES, Unlimited())
        told = "spaCy's blank pipeline, rules"
        print(f"{told} {words_a_second(rules, text):8.0f} words/s (names of three types, by shapes and word lists)")
    if len(sys.argv) > 1:
        speed = torch_words_a_second(Path(sys.argv[1]), text[: len(text) // 10])
        print(f"the same in torch, 32 bits {speed:8.0f} words/s")


if __name__ == "__main__":
    main()
