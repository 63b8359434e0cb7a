import os
from importlib.util import find_spec
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from reamo_mcp.isolation.control import Unlimited

# Continuous integration tries the same cases each time; at a desk new ones are looked for. No case has a deadline:
# on a busy machine one that takes a millisecond may take half a second.
_SLOW = (HealthCheck.too_slow,)
settings.register_profile("desk", deadline=None, suppress_health_check=_SLOW)
settings.register_profile("ci", deadline=None, suppress_health_check=_SLOW, derandomize=True)
settings.load_profile("ci" if os.environ.get("CI") else "desk")


def pytest_sessionstart() -> None:
    """Let transformers be imported where torchvision was built for another torch than the one installed."""
    if find_spec("torch") and find_spec("torchvision"):
        from tests.doubles import torchvision_without_cuda

        torchvision_without_cuda.install()


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
def unlimited() -> Unlimited:
    return Unlimited()


@pytest.fixture(scope="session")
def real_data() -> Path:
    """The folder of real data; tests that want it are skipped where it is absent."""
    default = Path(__file__).parent.parent.parent / "shared" / "data"
    folder = Path(os.environ.get("REAMO_DATA", default))
    if not (folder / "dev").is_dir():
        pytest.skip(f"no real data at {folder}: set REAMO_DATA")
    return folder
