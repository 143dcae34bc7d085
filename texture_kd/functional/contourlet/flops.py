"""What the filter banks cost, for :class:`torch.utils.flop_counter.FlopCounterMode`.

A product of two complex numbers and its addition are 8 floating point operations, and a
Fourier transform of n real numbers 2.5 n log2(n), as is custom for radix-2 transforms.
"""

import math
from collections.abc import Sequence

from .directional_tree import directional_lattices

Shape = Sequence[int]


def spectral_flops(shape: Shape, depths: Sequence[int], pyramid: str | None) -> int:
    """Count the transform of the images and the products with the filters."""
    *batch, height, width = shape
    products = 0
    for i, depth in enumerate(depths):
        lattices = directional_lattices(depth) if depth else ((2, 2),)
        for k, (a, b) in enumerate(lattices):
            frequencies = (height >> i) // a * ((width >> i) // b // 2 + 1)
            outputs = max(a, b) if depth else 0
            if k == 0 and pyramid is not None:
                outputs += a // 2
            products += frequencies * outputs * a * b
    return math.prod(batch) * (_fourier(height, width) + 8 * products)


def inverse_flops(shape: Shape, depths: Sequence[int], pyramid: str | None) -> int:
    """Count the transforms of the bands and of the low-pass image."""
    *batch, height, width = shape
    count = 0
    for i, depth in enumerate(depths):
        for a, b in directional_lattices(depth) if depth else ():
            count += max(a, b) * _fourier((height >> i) // a, (width >> i) // b)
    if pyramid is not None:
        count += _fourier(height >> len(depths), width >> len(depths))
    return math.prod(batch) * count


def _fourier(height: int, width: int) -> int:
    n = height * width
    return round(2.5 * n * math.log2(n))
