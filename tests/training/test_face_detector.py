import hashlib
import json

import pytest

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.training.face_detector import FOLDER, SOURCES, TARGETS, convert, load


@pytest.mark.models
@pytest.mark.parametrize("name", SOURCES)
def test_the_shipped_networks_are_made_by_this_program(name: str) -> None:
    pytest.importorskip("onnx", reason="onnx is in the extra 'train'")
    pytest.importorskip("mtcnn", reason="mtcnn is in the extra 'train'")
    written = json.loads((FOLDER / "manifest.json").read_text(encoding="utf-8"))["written"]
    made = convert(name, load(name, SOURCES[name]))
    assert hashlib.sha256(made).hexdigest() == written[TARGETS[name]]


@pytest.mark.models
def test_weights_of_another_hash_are_never_unpickled() -> None:
    pytest.importorskip("mtcnn", reason="mtcnn is in the extra 'train'")
    with pytest.raises(ModelUnavailable):
        load("pnet", "0" * 64)
