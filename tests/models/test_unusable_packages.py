"""Packages of the extra that are missing or broken, as the engine and the doctor tell them. No torch is needed."""

import sys
from importlib import import_module
from pathlib import Path

import numpy
import pytest

from reamo_mcp.errors import ModelUnavailable
from reamo_mcp.isolation.control import Unlimited
from reamo_mcp.media.decoded import Picture
from reamo_mcp.models.local.engine import local_engine
from reamo_mcp.models.local.packages import try_packages, unusable_package
from reamo_mcp.models.local_profiles import ready
from reamo_mcp.reading.setbacks import answers_to
from tests.models.test_local_profiles import GIGABYTE, machine, profile, put


@pytest.fixture
def broken_torchvision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One that was built for another torch: it is installed, and stops when it is imported."""
    package = tmp_path / "torchvision"
    package.mkdir()
    (package / "__init__.py").write_text("raise RuntimeError('operator torchvision::nms does not exist')")
    monkeypatch.setattr(sys, "path", [str(tmp_path), *sys.path])
    monkeypatch.delitem(sys.modules, "torchvision", raising=False)


@pytest.mark.usefixtures("broken_torchvision")
def test_an_installed_package_that_cannot_be_imported_is_named() -> None:
    with pytest.raises(ModelUnavailable, match="torchvision is installed but cannot be imported here") as raised:
        try_packages()
    assert raised.value.hint == "pip install --force-reinstall torch torchvision"


@pytest.mark.usefixtures("broken_torchvision")
def test_the_package_behind_the_complaint_of_another_is_named() -> None:
    """As transformers tells it: each failed import as one of its own."""
    try:
        import_module("torchvision")
    except RuntimeError as cause:
        error = ModuleNotFoundError("Could not import module 'WhisperProcessor'.")
        error.__cause__ = cause
        assert "torchvision is installed but cannot be imported" in unusable_package(error).message


def test_a_package_that_is_missing_is_named_with_the_command_that_installs_it() -> None:
    with pytest.raises(ImportError) as raised:
        import_module("no_such_package.part")
    told = unusable_package(raised.value)
    assert told.message == "no_such_package is not installed"
    assert told.hint == "pip install 'reamo-mcp[gpu]'"


def test_whoever_asks_an_engine_whose_torch_is_gone_is_told_so_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(tmp_path, "cpu-hub")
    engine = local_engine(ready(profile("cpu-hub"), tmp_path, machine()), tmp_path, GIGABYTE, threads=1, idle=60.0)
    segmenter = engine.image_segmenter
    assert segmenter is not None
    for name in [name for name in sys.modules if name.startswith("reamo_mcp.models.local.image_segmenter")]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "torch", None)
    picture = Picture(numpy.zeros((8, 8, 3), numpy.uint8), 1.0, 8, 8)
    with pytest.raises(ModelUnavailable, match="torch is not installed"):
        segmenter.segment(picture, ["a dog"], Unlimited())
    (answer,) = answers_to(lambda: segmenter.segment(picture, ["a dog"], Unlimited()), 1, "a picture")
    assert "pip install 'reamo-mcp[gpu]'" in str(answer)
    engine.close()
