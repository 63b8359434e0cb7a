"""Makes an encoder easy to write in 8 bits, without changing what it computes.

Of the numbers that enter a matrix product a few channels are far larger than the rest, and 8 bits for all of them leave
little for the others. Each channel is divided by its size before the product and the weights are multiplied by it
(SmoothQuant: Xiao et al., ICML 2023). What a channel's size is, is seen on texts of the training sets.
"""

# torch and its neighbours are annotated in part; their unknowns end at this module:
# pyright: reportUnknownMemberType=false, reportUnknownVariableType=false, reportUnknownArgumentType=false
# pyright: reportMissingTypeStubs=false, reportUnknownParameterType=false

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from reamo_mcp.training.text.network import ExtractorNetwork

STRENGTH = 0.8
"""How much of a channel's size moves to the weights. Of .25 to 1, .75 to .85 left the smallest error."""
_SMALLEST = 1e-5


class SmoothLinear(nn.Module):
    """The same linear layer, with its input channels divided and its weights multiplied by ``sizes``."""

    def __init__(self, layer: nn.Linear, sizes: Tensor) -> None:
        super().__init__()
        self.divided = nn.Parameter(1 / sizes)
        self.layer = nn.Linear(layer.in_features, layer.out_features)
        self.layer.weight.data = layer.weight.data * sizes
        self.layer.bias.data = layer.bias.data

    def forward(self, states: Tensor) -> Tensor:
        """Return what the original layer returns."""
        return self.layer(states * self.divided)


def smooth(network: ExtractorNetwork, samples: Iterable[tuple[Tensor, Tensor, Tensor]]) -> None:
    """Replace the linear layers of the encoder by smooth ones, in place.

    Args:
        network: What is to be written in 8 bits.
        samples: Word pieces, shapes and masks of texts as the encoder takes them, each (texts, pieces).
    """
    layers = {name: module for name, module in network.encoder.named_modules() if isinstance(module, nn.Linear)}
    largest = {name: torch.full((layer.in_features,), _SMALLEST) for name, layer in layers.items()}

    def watch(name: str, states: Tensor) -> None:
        seen = states.detach().abs().flatten(0, -2).amax(0)
        largest[name] = torch.maximum(largest[name], seen)

    def watcher(name: str) -> Callable[[nn.Module, tuple[Tensor, ...]], None]:
        def seen(_: nn.Module, given: tuple[Tensor, ...]) -> None:
            watch(name, given[0])

        return seen

    handles = [layer.register_forward_pre_hook(watcher(name)) for name, layer in layers.items()]
    with torch.no_grad():
        for pieces, shapes, mask in samples:
            network.encoder(pieces, shapes, mask)
    for handle in handles:
        handle.remove()
    for name, layer in layers.items():
        weights = layer.weight.data.abs().amax(0).clamp(min=_SMALLEST)
        sizes = largest[name] ** STRENGTH / weights ** (1 - STRENGTH)
        parent, _, child = name.rpartition(".")
        setattr(network.encoder.get_submodule(parent), child, SmoothLinear(layer, sizes))
