"""Tiny thinkers of both families, built once for the whole run. Nothing heavy is imported before one is asked for."""

import os
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from reamo_mcp.models.local.reasoner.reasoner import Thinker
    from tests.doubles.tiny_reasoners import Vocabulary

FAMILY_NAMES = ("qwen2_5_omni", "qwen3_omni")
MISSING = [name for name in ("torch", "torchvision", "transformers", "llguidance") if find_spec(name) is None]


@pytest.fixture(scope="session", autouse=True)
def _one_thread_and_no_network() -> None:
    if MISSING:
        pytest.skip(f"needs the extra 'gpu' ({', '.join(MISSING)} missing)")
    os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")
    import torch

    torch.set_num_threads(1)  # models this small only wait for each other on more


@pytest.fixture(scope="session", params=FAMILY_NAMES)
def family_name(request: pytest.FixtureRequest) -> str:
    return request.param


@pytest.fixture(scope="session")
def thinker(family_name: str) -> "Thinker":
    """A tiny thinker with a small vocabulary."""
    from tests.doubles.tiny_reasoners import Vocabulary

    return _thinker(family_name, Vocabulary.small())


@pytest.fixture(scope="session")
def real_vocabulary(real_data: Path) -> "Vocabulary":
    """Qwen's own vocabulary; tests that want it are skipped where it is absent."""
    from tests.doubles.tiny_reasoners import Vocabulary

    folder = real_data / "model_configs" / "qwen3-vl-embedding-8b"
    if not (folder / "vocab.json").is_file():
        pytest.skip(f"no vocabulary at {folder}")
    return Vocabulary.of_folder(folder)


@pytest.fixture(scope="session")
def real_thinkers(real_vocabulary: "Vocabulary") -> "dict[str, Thinker]":
    """One of each family, with Qwen's own vocabulary."""
    return {name: _thinker(name, real_vocabulary) for name in FAMILY_NAMES}


@pytest.fixture(scope="session")
def real_thinker(family_name: str, real_thinkers: "dict[str, Thinker]") -> "Thinker":
    """A tiny thinker with Qwen's own vocabulary of 151,643 pieces."""
    return real_thinkers[family_name]


def _thinker(family_name: str, vocabulary: "Vocabulary") -> "Thinker":
    from tests.doubles.tiny_reasoners import tiny_thinker

    return tiny_thinker(family_name, vocabulary)
