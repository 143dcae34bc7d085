"""Images as tori: what goes into a periodic filter bank, and what comes out of it."""

from collections.abc import Sequence

import torch
from torch import Tensor


def as_torus(x: Tensor, multiple: int) -> Tensor:
    """Cast an image to at least float32 and pad it to a multiple of ``multiple``.

    The last row and the last column are repeated below and to the right, so that a
    constant image stays constant.

    Args:
        x: images (N, C, H, W) of any floating dtype.
        multiple: what both sides must be divisible by.

    Returns:
        Images (N, C, H', W') in float32, or float64 for float64 images.

    Raises:
        ValueError: ``x`` has not four dimensions, is not floating point, or is empty.
    """
    check_images(x)
    x = x.to(torch.promote_types(x.dtype, torch.float32))
    for dim in (-2, -1):
        missing = -x.shape[dim] % multiple
        if missing:
            edge = x.narrow(dim, x.shape[dim] - 1, 1)
            x = torch.cat([x, *[edge] * missing], dim)
    return x


def check_images(x: Tensor) -> None:
    """Refuse what are no images (N, C, H, W).

    Raises:
        ValueError: ``x`` has not four dimensions, is not floating point, or is empty.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(
            "expected a floating point tensor (N, C, H, W), "
            f"got {x.dtype} with shape {tuple(x.shape)}"
        )
    if x.numel() == 0:
        raise ValueError(f"expected a non-empty tensor, got shape {tuple(x.shape)}")


def as_coefficients(bands: Sequence[Tensor]) -> list[Tensor]:
    """Cast bands to one dtype, at least float32.

    Raises:
        ValueError: a band is empty or not floating point, or their devices differ.
    """
    dtype = torch.float32
    for band in bands:
        if not band.is_floating_point() or band.numel() == 0:
            raise ValueError(
                "expected non-empty floating point bands, "
                f"got {band.dtype} with shape {tuple(band.shape)}"
            )
        if band.device != bands[0].device:
            raise ValueError(
                f"expected bands on one device, got {bands[0].device} and {band.device}"
            )
        dtype = torch.promote_types(dtype, band.dtype)
    return [band.to(dtype) for band in bands]


def check_shapes(
    name: str, bands: Sequence[Tensor], shapes: Sequence[Sequence[int]]
) -> None:
    """Check that bands belong together.

    Args:
        name: what they are.
        bands: bands of one decomposition.
        shapes: the shape of each that fits the first.

    Raises:
        ValueError: a band has another shape.
    """
    found = [tuple(band.shape) for band in bands]
    expected = [tuple(shape) for shape in shapes]
    if found != expected:
        raise ValueError(f"expected {name} of shapes {expected}, got {found}")


def check_padding(
    padded: tuple[int, int], size: tuple[int, int], multiple: int
) -> None:
    """Check that :func:`as_torus` pads images of one size to another.

    Args:
        padded: (H', W') of the images that bands are of.
        size: (H, W) before the padding.
        multiple: what the sides were padded to a multiple of.

    Raises:
        ValueError: they are padded to another size.
    """
    expected = tuple(n + -n % multiple for n in size)
    if expected != tuple(padded):
        raise ValueError(
            f"expected bands of images of size {tuple(size)}, padded to {expected}; "
            f"got those of {tuple(padded)}"
        )


def crop(x: Tensor, size: tuple[int, int]) -> Tensor:
    """Undo the padding of :func:`as_torus`.

    Args:
        x: images (N, C, H', W').
        size: (H, W) before the padding.

    Returns:
        Images (N, C, H, W).
    """
    return x[..., : size[0], : size[1]]
