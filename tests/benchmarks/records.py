"""What a large record costs: 5,000 entities with two groundings each, written and read.

Baseline: ``json.dumps`` of the same record as plain dictionaries. Run: python -m tests.benchmarks.records
"""

import json
import time
from collections.abc import Callable

from reamo_mcp.types.extraction import Engine, Entity, Extraction
from reamo_mcp.types.grounding import Provenance, TextSpan
from reamo_mcp.types.media import OpenedDocument, TextMedium

ENTITIES = 5_000
ROUNDS = 7
MOST_MILLISECONDS = 15


def record() -> Extraction:
    """Return a record of 5,000 entities over a text in which each is named twice."""
    by = Provenance(model="benchmark", step="propose")
    names = [f"Name{number:05d}" for number in range(ENTITIES)]
    text = " ".join(names + names)
    wide = len(names[0])
    entities = tuple(
        Entity(
            id=f"e{number + 1}",
            type="person",
            name=name,
            score=0.9,
            groundings=tuple(
                TextSpan(
                    id=f"g{number + 1}.{turn}",
                    media_id="m1",
                    start=start,
                    end=start + wide,
                    quote=name,
                    score=0.9,
                    provenance=by,
                )
                for turn, start in enumerate((number * (wide + 1), (ENTITIES + number) * (wide + 1)))
            ),
        )
        for number, name in enumerate(names)
    )
    medium = TextMedium(id="m1", name="names.txt", sha256="0" * 64, format="utf-8", text=text, encoding="utf-8")
    return Extraction(
        document=OpenedDocument(id="d1", media=(medium,)),
        entities=entities,
        engine=Engine(profile="benchmark", version="0"),
    )


def best(work: Callable[[], object], other: Callable[[], object]) -> tuple[float, float]:
    """Return the best processor times in ms of both, run in turn."""
    times: tuple[list[float], list[float]] = ([], [])
    for _ in range(ROUNDS):
        for own, run in zip(times, (work, other), strict=True):
            began = time.process_time()
            run()
            own.append((time.process_time() - began) * 1000)
    return min(times[0]), min(times[1])


def main() -> None:
    """Print the table."""
    extraction = record()
    plain = extraction.model_dump(mode="json")
    written = extraction.model_dump_json()
    dump, dumps = best(extraction.model_dump_json, lambda: json.dumps(plain))
    read, loads = best(lambda: Extraction.model_validate_json(written), lambda: json.loads(written))
    print(f"{ENTITIES} entities, {len(written) / 1e6:.2f} MB, best of {ROUNDS}, processor time")
    told = "missed" if dump > MOST_MILLISECONDS else "met"
    print(
        f"write: {dump:6.1f} ms (at most {MOST_MILLISECONDS}: {told})   "
        f"json.dumps of dictionaries {dumps:6.1f} ms   ratio {dump / dumps:.2f}"
    )
    print(f"read:  {read:6.1f} ms   json.loads to dictionaries {loads:6.1f} ms   ratio {read / loads:.2f}")


if __name__ == "__main__":
    main()
