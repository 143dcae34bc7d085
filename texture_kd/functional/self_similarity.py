r"""Self-similarity of features: the intensity whose statistics are texture.

SSTKD, section 3.3, takes it from STLNet (Zhu et al. 2021).
"""

from typing import Any

import torch
from torch import Tensor

from texture_kd.functional.precision import without_autocast

from .region_pixels import check_rows, of_regions, region_means
from .regions import Regions

# A vector shorter than this has no direction.
_SHORTEST = 1e-12


def cosine_self_similarity(x: Tensor) -> Tensor:
    r"""Cosine of the angle between each pixel's feature and the mean feature.

    .. math::

        S_i = \frac{x_i \cdot g}{|x_i| \, |g|}, \qquad g = \frac{1}{HW} \sum_i x_i

    It is computed in float32 at least. (Matrix products in TF32, which PyTorch has off
    by default, leave it three digits, about as many as levels are apart.) A pixel, or a
    mean, shorter than 1e-12 counts as zero: its similarity is 0 and passes no gradient.
    The gradient is written out by hand, in less than half the time and a quarter of the
    memory of autograd's, and can be derived again.

    Args:
        x: features (B, C, H, W) of any floating dtype, of any unit. Their squares must
            be finite: below 1e18 in float32.

    Returns:
        Similarities (B, H, W) in [-1, 1] to rounding, in float32 or, for float64
        features, in float64.

    Raises:
        ValueError: ``x`` is no floating tensor (B, C, H, W), or is empty.

    Example:
        >>> import torch
        >>> x = torch.tensor([[3.0, 0.0], [0.0, 3.0]]).reshape(1, 2, 1, 2)
        >>> [round(s, 4) for s in cosine_self_similarity(x).flatten().tolist()]
        [0.7071, 0.7071]
    """
    if x.ndim != 4 or not x.is_floating_point() or x.numel() == 0:
        raise ValueError(
            "expected a non-empty floating point tensor (B, C, H, W), "
            f"got {x.dtype} with shape {tuple(x.shape)}"
        )
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return _SelfSimilarity.apply(x.flatten(2)).unflatten(1, x.shape[2:])


def region_self_similarity(rows: Tensor, regions: Regions) -> Tensor:
    """Compare the pixels of each region with its mean, likewise.

    Args:
        rows: features (T, C), as :func:`~texture_kd.functional.cut_regions` cuts them,
            of any floating dtype.
        regions: whose pixels they are.

    Returns:
        Similarities (T,), those that :func:`cosine_self_similarity` has of each region
        alone.

    Raises:
        ValueError: the rows are not floating point (T, C) of the regions' pixels.
    """
    check_rows(rows, regions)
    rows = rows.to(torch.promote_types(rows.dtype, torch.float32))
    return _RegionSelfSimilarity.apply(rows, regions)


def map_self_similarity(x: Tensor, regions: Regions) -> Tensor:
    """Compare the pixels of each region with its mean, without cutting regions out.

    They overlap, and have many pixels in all; a product of matrices for each image
    costs less than to gather their features.

    Args:
        x: maps (B, C, H, W) of any floating dtype.
        regions: regions of maps of this size, as many of each image.

    Returns:
        Similarities (T,) of their pixels, those that :func:`region_self_similarity` has
        of their features.

    Raises:
        ValueError: ``x`` is no floating tensor (B, C, H, W), or the regions are of maps
            of another size.
    """
    if x.ndim != 4 or not x.is_floating_point() or tuple(x.shape[2:]) != regions.size:
        raise ValueError(
            f"expected floating point maps (B, C, {regions.size[0]}, "
            f"{regions.size[1]}), as the regions are of, got {x.dtype} with shape "
            f"{tuple(x.shape)}"
        )
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    return _MapSelfSimilarity.apply(x.flatten(2), regions)


class _SelfSimilarity(torch.autograd.Function):
    """Keep the features only, and compute the rest again for the gradient."""

    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        with without_autocast(x.device):
            return _similarity(x)[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> Tensor:
        (x,) = ctx.saved_tensors
        with without_autocast(x.device):
            similarity, inverse, direction, inverse_mean = _similarity(x)
            pull = grad * inverse
            # dL/dx_i = pull_i (g/|g| - S_i x_i/|x_i|) + dL/dg / P, where the first
            # and the last part together are a product of matrices of rank 2.
            drift = x @ pull[..., None]
            drift = drift - direction * (direction.mT @ drift)
            drift = drift * inverse_mean / x.shape[2]
            left = torch.cat([direction, drift], 2)
            right = torch.stack([pull, torch.ones_like(pull)], 1)
            radial = x * (-pull * similarity * inverse)[:, None]
            return radial.baddbmm_(left, right)


class _RegionSelfSimilarity(torch.autograd.Function):
    """The same for regions."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, regions: Regions) -> Tensor:
        ctx.save_for_backward(x)
        ctx.regions = regions
        return _similarity_of_rows(x, regions)[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,), regions = ctx.saved_tensors, ctx.regions
        similarity, inverse, direction, inverse_mean = _similarity_of_rows(x, regions)
        pull = grad * inverse
        drift = region_means(x * pull[:, None], regions)
        drift = drift - direction * (direction * drift).sum(1, keepdim=True)
        drift = of_regions(drift * inverse_mean, regions)
        pulled = pull[:, None] * of_regions(direction, regions)
        return pulled + drift - x * (pull * similarity * inverse)[:, None], None


class _MapSelfSimilarity(torch.autograd.Function):
    """The same for regions of maps, as products of matrices."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, regions: Regions) -> Tensor:
        ctx.save_for_backward(x)
        ctx.regions = regions
        with without_autocast(x.device):
            return _similarity_of_maps(x, regions)[0]

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        (x,), regions = ctx.saved_tensors, ctx.regions
        with without_autocast(x.device):
            similarity, inverse, direction, inverse_mean, shares = _similarity_of_maps(
                x, regions
            )
            pull = _on_maps(grad, regions, len(x)) * inverse[:, None]
            pulled = _on_maps(grad * similarity, regions, len(x)).sum(1)
            drift = pull @ x.mT
            drift = drift - direction * (direction * drift).sum(2, keepdim=True)
            left = torch.cat([direction, drift * inverse_mean], 1)
            right = torch.cat([pull, shares], 1)
            radial = x * (-pulled * inverse.square())[:, None]
            return radial.baddbmm_(left.mT, right), None


def _similarity_of_maps(x: Tensor, regions: Regions) -> tuple[Tensor, ...]:
    """Return what the gradient takes, too.

    Args:
        x: (B, C, P).
        regions: M of each of the B images.

    Returns:
        S (T,) of their pixels, 1/|x| (B, P), g/|g| (B, M, C), 1/|g| (B, M, 1), and each
        pixel's share in each mean, (B, M, P).
    """
    shares = of_regions(1 / regions.counts.clamp_min(1).to(x.dtype), regions)
    shares = _on_maps(shares, regions, len(x))
    mean = shares @ x.mT
    inverse_mean = mean.square().sum(2, keepdim=True)
    inverse_mean = _inverse_root(inverse_mean)
    direction = mean * inverse_mean
    inverse = inverse_lengths(x)
    similarity = (direction @ x) * inverse[:, None]
    slots = _map_slots(regions)
    return (
        similarity.flatten().index_select(0, slots),
        inverse,
        direction,
        inverse_mean,
        shares,
    )


def _map_slots(regions: Regions) -> Tensor:
    """Return where (T,) each pixel stands in maps (R, P), one for each region."""
    pixels = regions.size[0] * regions.size[1]
    return regions.region * pixels + regions.position % pixels


def _on_maps(values: Tensor, regions: Regions, images: int) -> Tensor:
    """Put values (T,) on maps (B, M, P), one for each region, with zeros about them."""
    pixels = regions.size[0] * regions.size[1]
    maps = values.new_zeros(len(regions.counts) * pixels)
    return maps.index_copy(0, _map_slots(regions), values).view(images, -1, pixels)


def _similarity_of_rows(
    x: Tensor, regions: Regions
) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return S (T,) of x (T, C), 1/|x| (T,), g/|g| (R, C) and 1/|g| (R, 1)."""
    mean = region_means(x, regions)
    inverse_mean = inverse_lengths(mean)[:, None]
    direction = mean * inverse_mean
    inverse = inverse_lengths(x)
    dots = (x * of_regions(direction, regions)).sum(1)
    return dots * inverse, inverse, direction, inverse_mean


def _similarity(x: Tensor) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    """Return S (B, P) of x (B, C, P), 1/|x| (B, P), g/|g| (B, C, 1) and 1/|g|."""
    mean = x.mean(2, keepdim=True)
    inverse_mean = inverse_lengths(mean)[..., None]
    direction = mean * inverse_mean
    inverse = inverse_lengths(x)
    return (direction.mT @ x)[:, 0] * inverse, inverse, direction, inverse_mean


def inverse_lengths(x: Tensor) -> Tensor:
    """Return 1/|x| (B, P) of vectors (B, C, P), and 0, with no gradient, of zeros."""
    # A strided norm is many times slower than the sum of squares.
    return _inverse_root(x.square().sum(1))


def _inverse_root(energy: Tensor) -> Tensor:
    short = energy <= _SHORTEST**2
    return energy.masked_fill(short, 1).rsqrt().masked_fill(short, 0)
