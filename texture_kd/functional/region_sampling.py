"""SSTKD's anchor-based adaptive importance sampler: regions rich in texture."""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .regions import anchor_boxes, half_up
from .transfer import sent


@dataclass(frozen=True)
class SamplerOptions:
    """How :func:`sample_regions` chooses.

    Attributes:
        regions: number M of regions of an image.
        oversampling: k; kM points compete.
        importance: beta, the share of the regions chosen for their contrast, from 0 to
            1; the others are chosen at random from the rest of the points.
        scales: square roots of the anchors' areas, in pixels of the feature map.
        ratios: height over width of the anchors.

    Raises:
        ValueError: an option is out of its range.
    """

    regions: int = 16
    oversampling: float = 3
    importance: float = 0.75
    scales: Sequence[float] = (8, 16, 32)
    ratios: Sequence[float] = (0.5, 1, 2)

    def __post_init__(self) -> None:
        if self.regions < 1:
            raise ValueError(f"expected at least one region, got {self.regions}")
        if self.oversampling < 1:
            raise ValueError(
                f"expected oversampling of at least 1, got {self.oversampling}"
            )
        if not 0 <= self.importance <= 1:
            raise ValueError(f"expected importance from 0 to 1, got {self.importance}")
        for name in ("scales", "ratios"):
            values = getattr(self, name)
            if not values or min(values) <= 0:
                raise ValueError(f"expected positive {name}, got {values}")


def important_points(points: int, importance: float) -> int:
    """Return how many of an image's points are selected by contrast, half_up(beta M).

    Args:
        points: number M of points to select.
        importance: beta, from 0 to 1.
    """
    return half_up(importance * points)


def sample_regions(
    intensity: Tensor,
    generator: torch.Generator | None = None,
    options: SamplerOptions | None = None,
    area: Tensor | None = None,
) -> Tensor:
    """Choose regions of high contrast, and some at random (SSTKD, section 3.3).

    Over-generation: kM points are drawn at random. Importance: each has its anchors,
    and the beta M points with the region of highest standard deviation are kept
    (:func:`select_regions`). Coverage: the others come at random from the rest.

    Args:
        intensity: I (B, H, W) of any unit; no gradient is kept.
        generator: where random numbers come from, on the CPU whatever the device, so
            that each device chooses the same.
        options: how many regions, and of what sizes.
        area: booleans (B, 1, H, W), false for padding, as
            :func:`~texture_kd.functional.valid_area` returns them; None where nothing
            is padded. Points are drawn among valid pixels, and a box with padding in it
            is chosen only where nothing else is left.

    Returns:
        Boxes (B, M, 4), int64; fewer than M where the map has fewer pixels.

    Raises:
        ValueError: ``intensity`` is no floating tensor (B, H, W), or is empty, or
            ``area`` is not of its pixels.
    """
    if (
        intensity.ndim != 3
        or not intensity.is_floating_point()
        or not intensity.numel()
    ):
        raise ValueError(
            "expected a non-empty floating point tensor (B, H, W), "
            f"got {intensity.dtype} with shape {tuple(intensity.shape)}"
        )
    options = options or SamplerOptions()
    intensity = intensity.detach()
    height, width = intensity.shape[1:]
    count = min(half_up(options.oversampling * options.regions), height * width)
    keys = torch.rand(len(intensity), height * width, generator=generator)
    if area is None:
        pixels = sent(keys.topk(count, dim=1).indices, intensity.device)
    else:
        _check_area(area, intensity)
        keys = sent(keys, intensity.device).masked_fill(~area.flatten(1), -1)
        pixels = keys.topk(count, dim=1).indices
        # Padding may hold anything.
        intensity = intensity.masked_fill(~area[:, 0], 0)
    points = torch.stack([pixels // width, pixels % width], 2)
    boxes = anchor_boxes(points, (height, width), options.scales, options.ratios)
    contrast = region_std(intensity, boxes)
    if area is not None:
        padding = _sums((~area).double(), boxes)[:, 0].reshape(contrast.shape)
        contrast = contrast.masked_fill(padding > 0, -torch.inf)
    return select_regions(
        contrast, boxes, options.regions, options.importance, generator
    )


def region_std(intensity: Tensor, boxes: Tensor) -> Tensor:
    """Standard deviation of the intensity in each box (SSTKD, Eq. 3).

    It is that of a population, from integral images in float64 of the intensity and of
    its square, less the mean of the map for accuracy.

    Args:
        intensity: I (B, H, W).
        boxes: non-empty boxes (B, ..., 4) within the map.

    Returns:
        Standard deviations (B, ...) in float64, in the unit of I.

    Example:
        >>> import torch
        >>> intensity = torch.tensor([[[0.0, 2.0], [0.0, 2.0]]])
        >>> boxes = torch.tensor([[[0, 0, 2, 2], [0, 0, 2, 1]]])
        >>> region_std(intensity, boxes).tolist()
        [[1.0, 0.0]]
    """
    centred = intensity.double()
    centred = centred - centred.mean((1, 2), keepdim=True)
    moments = torch.stack([centred, centred.square()], 1)
    y0, x0, y1, x1 = boxes.flatten(1, -2).unbind(-1)
    sums = _sums(moments, boxes)
    mean, square = (sums / ((y1 - y0) * (x1 - x0))[:, None]).unbind(1)
    variance = (square - mean.square()).clamp_min(0)
    return variance.sqrt().reshape(boxes.shape[:-1])


def select_regions(
    contrast: Tensor,
    boxes: Tensor,
    count: int,
    importance: float = 0.75,
    generator: torch.Generator | None = None,
) -> Tensor:
    """Select the regions with the highest contrast, and some of the others.

    Each point stands for its box of highest contrast, the first of equal ones. The
    half_up(importance M) points with the highest are selected, at equality the first,
    and uniformly from the rest as many as M lacks.

    Args:
        contrast: (B, K, A), for each point and each of its boxes; that of a box which
            is chosen only where nothing else is left is -inf.
        boxes: (B, K, A, 4).
        count: number M of regions; all K points where there are fewer.
        importance: share of the regions selected by contrast.
        generator: where random numbers come from, on the CPU.

    Returns:
        Boxes (B, min(M, K), 4), those of high contrast first.
    """
    anchor = contrast.argmax(2)[..., None, None].expand(-1, -1, -1, 4)
    boxes = boxes.gather(2, anchor)[:, :, 0]
    count = min(count, boxes.shape[1])
    important = important_points(count, importance)
    contrast = contrast.amax(2)
    ranked = contrast.argsort(dim=1, descending=True, stable=True)
    rest = ranked[:, important:]
    keys = sent(torch.rand(rest.shape, generator=generator), rest.device)
    keys = keys.masked_fill(contrast.gather(1, rest) == -torch.inf, 2)
    drawn = rest.gather(1, keys.argsort(dim=1)[:, : count - important])
    points = torch.cat([ranked[:, :important], drawn], 1)
    return boxes.gather(1, points[..., None].expand(-1, -1, 4))


def _sums(maps: Tensor, boxes: Tensor) -> Tensor:
    """Return the sums (B, C, K) of maps (B, C, H, W) in boxes (B, ..., 4)."""
    integral = torch.nn.functional.pad(maps.cumsum(2).cumsum(3), (1, 0, 1, 0))
    y0, x0, y1, x1 = boxes.flatten(1, -2).unbind(-1)

    def corner(y: Tensor, x: Tensor) -> Tensor:
        index = (y * integral.shape[3] + x)[:, None].expand(-1, maps.shape[1], -1)
        return integral.flatten(2).gather(2, index)

    return corner(y1, x1) - corner(y0, x1) - corner(y1, x0) + corner(y0, x0)


def _check_area(area: Tensor, intensity: Tensor) -> None:
    expected = (len(intensity), 1, *intensity.shape[1:])
    if area.shape != expected or area.dtype != torch.bool:
        raise ValueError(
            f"expected the valid area as booleans {expected}, got {area.dtype} with "
            f"shape {tuple(area.shape)}: bring it to the grid by valid_area"
        )
