"""Memory of the embedded text extractor over a text of 10 MB against one of 1 MB, each in a process of its own.

The type that is asked for hardly occurs, so that what is measured is the work and not the answer.

Run: python -m tests.benchmarks.long_text_memory [MEGABYTES]
"""

import resource
import subprocess
import sys

from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.models.embedded.text_extractor import EmbeddedTextExtractor
from reamo_mcp.models.roles import Found
from reamo_mcp.types.ontology import Ontology
from tests.benchmarks.text_extractor import SENTENCE, THREADS, long_text

MOST_RATIO = 1.1
LETTERS_PER_WORD = len(SENTENCE) / len(SENTENCE.split(" "))


def measured(megabytes: float) -> tuple[int, int]:
    """Read one text in this process; return its length, and the peak memory of the process without the text itself."""
    text = long_text(round(megabytes * 1e6 / LETTERS_PER_WORD))
    (answer,) = EmbeddedTextExtractor(THREADS).extract([text], Ontology.of(entity_types=["disease"]), Unlimited())
    assert isinstance(answer, Found)
    return len(text), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - sys.getsizeof(text)


def main() -> None:
    if sys.argv[1:2] == ["--one"]:
        print(*measured(float(sys.argv[2])))
        return
    most = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    peaks: list[int] = []
    for megabytes in (1.0, most):
        command = [sys.executable, "-m", "tests.benchmarks.long_text_memory", "--one", str(megabytes)]
        length, peak = map(int, subprocess.run(command, check=True, capture_output=True, text=True).stdout.split())
        peaks.append(peak)
        print(f"text of {length / 1e6:5.1f} million letters: peak {peak / 2**20:.0f} MB besides the text")
    ratio = peaks[1] / peaks[0]
    print(f"ratio {ratio:.2f} (goal {MOST_RATIO}: {'holds' if ratio <= MOST_RATIO else 'missed'})")


if __name__ == "__main__":
    main()
