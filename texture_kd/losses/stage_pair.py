"""The first two stages of a network, of which statistical texture is taken."""

import torch
from torch import Tensor

from texture_kd.functional.adaptive_mean import adaptive_mean
from texture_kd.functional.valid_area import valid_area, valid_only
from texture_kd.losses.feature_checks import check_feature


def stage_pair(
    side: str, stage1: Tensor, stage2: Tensor, channels: int, valid: Tensor | None
) -> tuple[Tensor, Tensor | None]:
    """Put both stages of a network together on the grid of the second.

    Args:
        side: ``"student"`` or ``"teacher"``, for the messages.
        stage1: feature (N, C, H, W), pooled to the second's grid.
        stage2: feature (N, C', H', W').
        channels: C + C'.
        valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding, of which
            no mean is made; None where nothing is padded.

    Returns:
        The stages (N, C + C', H', W'), 0 in padding, and the valid area (N, 1, H', W')
        of them, or None.

    Raises:
        ValueError: a stage is no feature, the channels or the numbers of images are
            others, or ``valid`` is no mask.
    """
    for name, feature in (("first", stage1), ("second", stage2)):
        check_feature(f"{side}'s {name} stage", feature)
    if stage1.shape[1] + stage2.shape[1] != channels:
        total = stage1.shape[1] + stage2.shape[1]
        raise ValueError(
            f"expected {channels} channels in all from the {side}'s two stages, got "
            f"{stage1.shape[1]} + {stage2.shape[1]}: set {side}_channels={total}"
        )
    if len(stage1) != len(stage2):
        raise ValueError(
            f"expected as many images from both stages of the {side}, got "
            f"{len(stage1)} and {len(stage2)}"
        )
    size = tuple(stage2.shape[2:])
    pooled = _pooled(stage1, size, valid)
    area = valid_area(valid, len(stage2), size)
    return valid_only(torch.cat([pooled, stage2], 1), area), area


def _pooled(x: Tensor, size: tuple[int, int], valid: Tensor | None) -> Tensor:
    """Pool to a size the pixels that are no padding."""
    area = valid_area(valid, len(x), tuple(x.shape[2:]))
    if area is None:
        return adaptive_mean(x, size)
    shares = adaptive_mean(area.to(torch.promote_types(x.dtype, torch.float32)), size)
    pooled = adaptive_mean(valid_only(x, area), size)
    return (pooled / shares.masked_fill(shares == 0, 1)).to(x.dtype)
