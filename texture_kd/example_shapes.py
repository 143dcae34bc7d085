"""The sizes of what a network gives, read off one run on an example."""

import torch
from torch import Tensor

from texture_kd.recipes import Shapes
from texture_kd.stages import Logits, Stages, network_logits

__all__ = ["example_shapes"]


def example_shapes(stages: Stages, logits: Logits, example: Tensor) -> Shapes:
    """Run a network on an example in eval mode, and leave it as it was.

    Maps (N, H, W, C), as timm's Swin returns them, would be taken for maps with H
    channels. They are told by their sizes: refused is a map whose last two sizes fit no
    common stride of the example, to one position, while its second and third are those
    of a stride of at least 2. What fits as (N, C, H, W), too, passes, such as the 16x16
    positions of 16 channels of a square image, and so does what fits neither way.

    Args:
        stages: of the network.
        logits: where they are in what it returns, as
            :func:`~texture_kd.stages.network_logits` takes it.
        example: images (N, C, H, W), as the network takes them.

    Returns:
        The sizes; None for those of the logits where there are none and none were asked
        for.

    Raises:
        ValueError: a stage gives no feature or an (N, H, W, C), or there are no logits
            where they should be.
    """
    modes = {module: module.training for module in stages.network.modules()}
    stages.network.eval()
    try:
        with torch.no_grad(), stages.recorded():
            output = stages.network(example)
    finally:
        for module, mode in modes.items():
            module.training = mode
    shapes = tuple(tuple(x.shape) for x in stages.outputs)
    stages.forget()
    for number, shape in enumerate(shapes):
        _check_layout(stages, number, shape, tuple(example.shape))
    try:
        size = tuple(network_logits(stages.side, output, logits).shape)
    except ValueError:
        if logits is not None:
            raise
        size = None
    return Shapes(shapes, size, tuple(example.shape))


def _check_layout(
    stages: Stages, number: int, shape: tuple[int, ...], images: tuple[int, ...]
) -> None:
    _, *sizes = shape
    if not _may_be_grid(sizes[1:], images[-2:]) and _is_grid(sizes[:2], images[-2:]):
        raise ValueError(
            f"the {stages.side}'s stage {stages.name(number)!r} gives {shape} for "
            f"images {images}, which looks like (N, H, W, C): name a module that "
            "returns x.permute(0, 3, 1, 2) of it; if it is (N, C, H, W) indeed, give "
            "an example of other sizes"
        )


def _may_be_grid(grid: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Tell whether one stride gives a grid, to one position in either direction."""
    # Of strides the inverse, as that of a grid of one row may be any.
    least = max((n - 1) / size for n, size in zip(grid, image, strict=True))
    most = min((n + 1) / size for n, size in zip(grid, image, strict=True))
    return least <= most


def _is_grid(grid: tuple[int, ...], image: tuple[int, ...]) -> bool:
    """Tell whether a whole stride of at least 2 gives a grid."""
    return any(
        all(n in (x // s, -(-x // s)) for n, x in zip(grid, image, strict=True))
        for s in range(2, max(image) + 1)
    )
