r"""Directional filter bank (Bamberger and Smith 1992), the DFB of SSTKD's Eq. 1."""

from typing import NamedTuple

from torch import Tensor

from .directional_tree import directional_multiple
from .filter_bank import analyse, synthesise
from .filters import DirectionalFilter, fan_bank
from .torus import as_coefficients, as_torus, check_padding, check_shapes, crop


class DirectionalBands(NamedTuple):
    """Subbands of a directional filter bank with n levels, m = 2^(n-1).

    Attributes:
        vertical: bands (N, C, m, H/m, W/2) of near-vertical edges, abs(w_r) < abs(w_c);
            band k holds w_r/w_c in [-1 + 2k/m, -1 + 2(k+1)/m].
        horizontal: bands (N, C, m, H/2, W/m) of near-horizontal edges, abs(w_c) <
            abs(w_r); band k holds w_c/w_r in [1 - 2(k+1)/m, 1 - 2k/m].
        size: height and width of the input, before it was padded.

    With one level both are (N, C, 1, H/2, W), on the quincunx lattice: row i holds the
    samples (2i, j) of even columns and (2i-1, j) of odd ones.
    """

    vertical: Tensor
    horizontal: Tensor
    size: tuple[int, int]

    @property
    def stacks(self) -> tuple[Tensor, Tensor]:
        """The two stacks of bands."""
        return self.vertical, self.horizontal


def directional_filter_bank(
    x: Tensor, level: int, filter: DirectionalFilter = "dmaxflat7"
) -> DirectionalBands:
    """Cut images into 2^level directional subbands, critically sampled (SSTKD, Eq. 1).

    The images are tori: convolutions wrap around their edges. Rolling an image by a
    vector of a band's lattice rolls that band, exactly, for every size.

    Args:
        x: images (N, C, H, W) of any floating dtype, of any unit. A side that is no
            multiple of max(2, 2^(level-1)) is padded at its end by repeating the last
            row or column.
        level: n, the depth of the tree, at least 1.
        filter: fan filters at its nodes. ``dmaxflat7`` is nearly orthogonal, with unit
            energy a band for white noise; ``pkva`` weighs directions very unequally.

    Returns:
        Two stacks of m = 2^(level-1) bands of the padded images, in the order of
        :class:`DirectionalBands`, in float32 or, for float64 images, in float64.

    Raises:
        ValueError: the filter is unknown, the level is below 1, or ``x`` is no
            floating tensor (N, C, H, W).

    Example:
        >>> import torch
        >>> x = torch.rand(1, 1, 32, 64, dtype=torch.float64)
        >>> bands = directional_filter_bank(x, level=3)
        >>> tuple(bands.vertical.shape), tuple(bands.horizontal.shape)
        ((1, 1, 4, 8, 32), (1, 1, 4, 16, 16))
        >>> torch.allclose(inverse_directional_filter_bank(bands), x)
        True
    """
    fan_bank(filter)
    torus = as_torus(x, directional_multiple(level))
    vertical, horizontal = analyse(torus, (level,), None, filter, dual=False)
    return join_cosets(vertical, horizontal, level, (x.shape[-2], x.shape[-1]))


def inverse_directional_filter_bank(
    bands: DirectionalBands, filter: DirectionalFilter = "dmaxflat7"
) -> Tensor:
    """Rebuild images from their directional subbands, exactly.

    Args:
        bands: the two stacks, of any floating dtypes, and the size (H, W) to crop the
            result to.
        filter: fan filters that made the bands.

    Returns:
        Images (N, C, H, W), in float32 or, for float64 bands, in float64.

    Raises:
        ValueError: the filter is unknown, or the bands do not fit each other.
    """
    fan_bank(filter)
    level, size = check_directional_bands(bands)
    check_padding(size, bands.size, directional_multiple(level))
    stacks = as_coefficients(split_cosets(bands))
    shape = (*bands.vertical.shape[:2], *size)
    x = synthesise(stacks, shape, (level,), None, filter, dual=True)
    return crop(x, bands.size)


def check_directional_bands(bands: DirectionalBands) -> tuple[int, tuple[int, int]]:
    """Check that two stacks of bands belong together.

    Args:
        bands: directional bands.

    Returns:
        The level of the filter bank, and the padded size of the images.

    Raises:
        ValueError: the shapes do not fit each other, or no filter bank makes them.
    """
    vertical = bands.vertical
    if vertical.ndim != 5 or vertical.shape[2].bit_count() != 1:
        raise ValueError(
            "expected vertical bands (N, C, m, H/m, W/2) where m is a power of two, "
            f"got shape {tuple(vertical.shape)}"
        )
    *batch, m, rows, columns = vertical.shape
    level = m.bit_length()
    height, width = (m * rows, 2 * columns) if level > 1 else (2 * rows, columns)
    shapes = (vertical.shape, (*batch, m, height // 2, width // m))
    check_shapes("vertical and horizontal bands", bands.stacks, shapes)
    return level, (height, width)


def join_cosets(
    vertical: Tensor, horizontal: Tensor, level: int, size: tuple[int, int]
) -> DirectionalBands:
    """Put stacks on rectangular lattices together to directional bands.

    Args:
        vertical: stack (N, C, K, H/a, W/b) on the first of
            :func:`directional_lattices`.
        horizontal: the same for the second.
        level: depth of the tree. With one level a band is two such lattices: its even
            columns, and its odd ones, which are read one row higher.
        size: height and width of the images before they were padded.

    Returns:
        The directional bands.
    """
    if level == 1:
        vertical, horizontal = (
            stack.movedim(2, -1).flatten(-2)[:, :, None]
            for stack in (vertical, horizontal)
        )
    return DirectionalBands(vertical, horizontal, size)


def split_cosets(bands: DirectionalBands) -> tuple[Tensor, Tensor]:
    """Undo :func:`join_cosets`."""
    if bands.vertical.shape[2] > 1:
        return bands.stacks
    vertical, horizontal = (
        stack[:, :, 0].unflatten(-1, (-1, 2)).movedim(-1, 2) for stack in bands.stacks
    )
    return vertical, horizontal
