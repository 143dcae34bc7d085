"""The spectral gradient of a trained network: Eq. 11 on images."""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional import (
    spectral_concentration,
    spectral_cross_entropy,
    spectral_gradient,
    two_class_logits,
)


class Concentration(NamedTuple):
    """How far a frequency of the cross-entropy hears that frequency of a feature alone.

    Attributes:
        frequency: as a part of M, the feature's shorter side, along both axes.
        share: of the gradient's energy that lies at the frequency itself.
        spread: what the share would be if all frequencies had the same.
    """

    frequency: str
    share: float
    spread: float


FREQUENCIES = ("0", "M/4", "M/2")


@torch.enable_grad()
def probe_gradient(
    model: nn.Module,
    images: Tensor,
    label: Tensor,
    layer: str,
    ignore_index: int = 255,
) -> Tensor:
    """Differentiate frequencies of the cross-entropy by those of a feature.

    The frequencies are the paper's, 0, M/4 and M/2 of a feature of M samples, along
    both axes at once.

    Args:
        model: a segmentor of MMSegmentation in evaluation mode.
        images: (N, 3, H, W), as its data preprocessor gives them.
        label: integer classes (N, H, W).
        layer: name of the module that gives the feature.
        ignore_index: label of the pixels that do not count.

    Returns:
        (N, 4): for each image the shares of :class:`Concentration` at the three
        frequencies, NaN where nothing is labelled; and what an even spread would have.

    Raises:
        ValueError: the layer is not there, or gives no feature (N, C, h, w).
    """
    feature, logits = _forward(model, images, layer)
    logits = two_class_logits(logits)
    if logits.shape[-2:] != label.shape[-2:]:
        logits = F.interpolate(
            logits,
            label.shape[-2:],
            mode="bilinear",
            align_corners=model.decode_head.align_corners,
        )
    half = min(feature.shape[-2:]) // 2
    frequencies = (0, half // 2, half)
    components = spectral_cross_entropy(logits, label, ignore_index)
    values = torch.stack([components[:, f, f] for f in frequencies], dim=1)
    # All channels of a feature together.
    energy = spectral_gradient(values, feature).abs().square().sum(2).sqrt()
    shares = [
        spectral_concentration(energy[:, i], (f, f)) for i, f in enumerate(frequencies)
    ]
    spread = torch.full_like(shares[0], 1 / (feature.shape[-2] * feature.shape[-1]))
    return torch.stack([*shares, spread], dim=1).detach().cpu()


def mean_concentration(probes: Sequence[Tensor]) -> list[Concentration]:
    """Average over all images of all batches, those without labels left out.

    Args:
        probes: of :func:`probe_gradient`.

    Returns:
        One for each of the three frequencies.
    """
    *shares, spread = torch.cat(list(probes)).nanmean(0).tolist()
    return [
        Concentration(name, share, spread)
        for name, share in zip(FREQUENCIES, shares, strict=True)
    ]


def _forward(model: nn.Module, images: Tensor, layer: str) -> tuple[Tensor, Tensor]:
    modules = dict(model.named_modules())
    if layer not in modules:
        heads = [name for name in modules if name.startswith("decode_head.")]
        raise ValueError(
            f"the network has no layer {layer!r}; the decode head's are "
            f"{', '.join(heads[:12])}"
        )
    caught: list[Tensor] = []
    handle = modules[layer].register_forward_hook(
        lambda _, __, output: caught.append(output)
    )
    try:
        # With a gradient of their own, so that a frozen network has one too.
        logits = model(images.detach().requires_grad_(), mode="tensor")
    finally:
        handle.remove()
    (feature,) = caught[-1:] or [None]
    if not isinstance(feature, Tensor) or feature.ndim != 4:
        raise ValueError(f"{layer} gives no feature (N, C, H, W): name another layer")
    return feature, logits
