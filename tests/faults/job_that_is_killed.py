"""Usage: job_that_is_killed.py FILE CACHE LOG: does the job; a line of the log for each page that was looked at."""

import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent.parent.parent))

import anyio

from reamo_mcp.types.media import Document
from reamo_mcp.types.ontology import Ontology
from tests.faults.resumable import BarReader, extractor


def main(file: str, cache: str, log: str) -> None:
    with open(log, "ab", buffering=0) as written:

        def note(page: int) -> None:
            written.write(b"%d\n" % page)

        reader = BarReader(before=note)
        job = extractor(Path(cache), reader)
        found = anyio.run(job.extract, Document.of(file), Ontology.of(entity_types=["person"]))
    Path(log).with_suffix(".json").write_text(found.model_dump_json(), encoding="utf-8")
    os._exit(0)


main(*sys.argv[1:])
