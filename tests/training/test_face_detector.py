import hashlib
import json
from importlib.util import find_spec

import pytest

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.training.face_detector import FOLDER, SOURCES, TARGETS, convert, load

# Looked for, not imported: the package mtcnn itself wants tensorflow, its weights do not.
pytestmark = [
    pytest.mark.models,
    pytest.mark.skipif(
        any(find_spec(name) is None for name in ("mtcnn", "joblib", "onnx")), reason="needs the extra 'train'"
    ),
]


@pytest.mark.parametrize("name", SOURCES)
def test_the_shipped_networks_are_made_by_this_program(name: str) -> None:
    written = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["written"]
    made = convert(name, load(name, SOURCES[name]))
    assert hashlib.sha256(made).hexdigest() == written[TARGETS[name]]


def test_weights_of_another_hash_are_never_unpickled() -> None:
    with pytest.raises(ModelUnavailable):
        load("pnet", "0" * 64)
