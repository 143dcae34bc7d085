"""Where in the image the cells of two networks' features look.

Two backbones of one stride need not look at the same pixels: with TensorFlow's padding
a cell i of stride s looks at pixel s i + s - 1 of an image with even sides, a ResNet's
at s i. A distillation compares such cells without any error.
"""

import contextlib
from collections.abc import Callable, Iterator, Mapping

import torch
import torch.nn.functional as F
from mmrazor.models.distillers import ConfigurableDistiller
from mmrazor.models.task_modules import RecorderManager
from torch import Tensor, nn
from torch.func import functional_call

__all__ = ["cell_place", "cells_apart", "without_weights"]

# Strides divide it, and so a side that is shorter by it has the same padding.
_PERIOD = 64
_LONGEST = 256 + _PERIOD


def cells_apart(
    student: nn.Module,
    teacher: nn.Module,
    distiller: ConfigurableDistiller,
    image: tuple[int, int, int],
) -> list[str]:
    """Say which losses compare cells that look at pixels apart by half a cell or more.

    Args:
        student: network of the distillation, in eval mode.
        teacher: the same of the teacher.
        distiller: with recorders on both.
        image: channels, height and width of the training's images.

    Returns:
        A sentence for each such loss. Losses that do not compare as many maps of one
        side as of the other are left out, and so are maps that depend on the image in
        ways that :func:`without_weights` does not leave.
    """
    channels, *size = image
    device = next(student.parameters()).device
    images = _images(channels, *map(_shortened, size)).to(device).requires_grad_()
    _run(student, distiller.student_recorders, images)
    _run(teacher, distiller.teacher_recorders, images)
    found = []
    for name, records in distiller.loss_forward_mappings.items():
        ours = list(_maps(distiller.student_recorders, records, True, images))
        theirs = list(_maps(distiller.teacher_recorders, records, False, images))
        if len(ours) == len(theirs):
            apart = [_apart(*pair, images) for pair in zip(ours, theirs, strict=True)]
            # The coarsest says most.
            found += [f"{name} compares {said}" for said in apart if said][-1:]
    return found


def without_weights(network: nn.Module) -> Callable:
    """Return a network's forward pass with one positive number in place of all weights.

    What is left is its geometry: each layer averages what it sees, max pooling too, so
    that nothing is cancelled, and where a cell looks depends on kernels, strides and
    padding alone, not on what was learnt or drawn. Norms do nothing. The network itself
    stays as it is.

    Args:
        network: in eval mode. LayerNorm makes zeros of channels that are all alike.
    """
    state: dict[str, Tensor] = {}
    for name, value in (*network.named_parameters(), *network.named_buffers()):
        if name.endswith(("bias", "running_mean")):
            state[name] = torch.zeros_like(value)
        elif name.endswith("running_var") or value.ndim == 1:
            state[name] = torch.ones_like(value)
        elif value.ndim > 1 and value.is_floating_point():
            share = value.new_tensor(1 / value[0].numel())
            state[name] = share.expand_as(value)

    pools = [m for m in network.modules() if type(m) is nn.MaxPool2d]

    def run(*args, **kwargs):
        hooks = [pool.register_forward_hook(_average) for pool in pools]
        try:
            return functional_call(network, state, args, kwargs)
        finally:
            for hook in hooks:
                hook.remove()

    return run


def cell_place(feature: Tensor, images: Tensor) -> tuple[float, float] | None:
    """Return the pixel, row and column, that the middle cell of a feature looks at.

    It is the centroid of the cell's absolute gradient. The receptive field of the
    middle cell is cut by the image's borders in equal parts.

    Args:
        feature: (N, C, h, w), computed from the images.
        images: (N, 3, H, W) that require a gradient.

    Returns:
        None where the gradient is zero.
    """
    middle = feature[..., feature.shape[2] // 2, feature.shape[3] // 2].sum()
    (gradient,) = torch.autograd.grad(
        middle, images, retain_graph=True, allow_unused=True
    )
    if gradient is None:
        return None
    share = gradient.abs().double().sum((0, 1))
    total = share.sum().item()
    if not 0 < total < float("inf"):
        return None
    rows, columns = (torch.arange(n, device=share.device) for n in share.shape)
    row, column = share.sum(1) @ rows.double(), share.sum(0) @ columns.double()
    return row.item() / total, column.item() / total


def _average(pool: nn.MaxPool2d, args: tuple[Tensor], output: Tensor) -> Tensor:
    """Return what average pooling would in the place of max pooling."""
    return F.avg_pool2d(
        args[0], pool.kernel_size, pool.stride, pool.padding, pool.ceil_mode
    )


def _shortened(side: int) -> int:
    """Return a shorter side with the same remainders by all strides."""
    return side - _PERIOD * max(0, -(-(side - _LONGEST) // _PERIOD))


def _images(channels: int, height: int, width: int) -> Tensor:
    """Return an image whose pixels are small and positive, and no two alike.

    ReLU6 has to let pass what residual blocks add up, and where all is alike a maximum
    would lie in the first corner of its window.
    """
    generator = torch.Generator().manual_seed(0)
    return 1e-3 * torch.rand(1, channels, height, width, generator=generator)


def _run(network: nn.Module, recorders: RecorderManager, images: Tensor) -> None:
    """Record what a network without weights makes of images."""
    # A head that needs more than images fails when the features are there already, and
    # the training, which has run, does not fail by it.
    with torch.enable_grad(), recorders, contextlib.suppress(Exception):
        without_weights(network)(images, mode="tensor")


def _maps(
    manager: RecorderManager, records: Mapping, from_student: bool, images: Tensor
) -> Iterator[Tensor]:
    """Find what a loss compares of a side: maps that depend on the images."""
    for record in records.values():
        if record["from_student"] != from_student:
            continue
        recorder = manager.recorders[record["recorder"]]
        index = record.get("record_idx", 0)
        if index >= len(recorder.data_buffer):
            continue
        found = recorder.get_record_data(index, record.get("data_idx"))
        for item in found if isinstance(found, list | tuple) else [found]:
            is_map = isinstance(item, Tensor) and item.ndim == 4 and item.requires_grad
            if is_map and item is not images:
                yield item


def _apart(student: Tensor, teacher: Tensor, images: Tensor) -> str | None:
    """Say that two maps look at pixels apart, if they do."""
    ours, theirs = student.shape[2:], teacher.shape[2:]
    # As losses bring the student's map to the teacher's grid.
    if ours != theirs:
        student = F.interpolate(student, theirs, mode="bilinear")
    places = cell_place(student, images), cell_place(teacher, images)
    if None in places:
        return None
    rows, columns = (abs(a - b) for a, b in zip(*places, strict=True))
    # Of the coarser map.
    sides = zip(images.shape[2:], ours, theirs, strict=True)
    height, width = (side / min(a, b) for side, a, b in sides)
    if rows < height / 2 and columns < width / 2:
        return None
    return (
        f"cells of {height:.0f} pixels that look at pixels {rows:.1f} rows and "
        f"{columns:.1f} columns apart, half a cell or more. Where one network pads as "
        "TensorFlow does, crops with sides of 2^k n + 1 pixels, such as 257 or 513, "
        "bring both together (docs/guides/backbones.md)"
    )
