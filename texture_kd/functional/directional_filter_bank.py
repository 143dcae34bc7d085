r"""Directional filter bank (Bamberger and Smith 1992), the DFB of SSTKD's Eq. 1.

A binary tree of two-channel fan filter banks on quincunx lattices cuts the plane of
frequencies into 2^n wedges. Filtering at a node that lives on the lattice M is
filtering the image with a response read at M^T w, so each band is *one* circular
convolution,

.. math:: T_k(\omega) = \prod_l H_l(M_{1 \dots l-1}^T \omega),

followed by sampling. The lattices of all leaves are rectangular, and the unimodular
back-sampling of the tree only renames their points. Hence rolling an image by a vector
of a band's lattice rolls that band, exactly, for every size.
"""

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .filters import (
    QUINCUNX_1,
    QUINCUNX_2,
    DirectionalFilter,
    FanBank,
    Matrix,
    fan_bank,
    torus_frequencies,
)
from .polyphase import analyse, as_torus, polyphase_matrices

_IDENTITY: Matrix = ((1, 0), (0, 1))


class DirectionalBands(NamedTuple):
    """Subbands of a directional filter bank with n levels, m = 2^(n-1).

    Attributes:
        vertical: bands (N, C, m, H/m, W/2) of near-vertical edges, abs(w_r) < abs(w_c);
            band k holds w_r/w_c in [-1 + 2k/m, -1 + 2(k+1)/m].
        horizontal: bands (N, C, m, H/2, W/m) of near-horizontal edges, abs(w_c) <
            abs(w_r); band k holds w_c/w_r in [1 - 2(k+1)/m, 1 - 2k/m].

    With one level both are (N, C, 1, H/2, W), on the quincunx lattice: row i holds the
    samples (2i, j) of even columns and (2i-1, j) of odd ones.
    """

    vertical: Tensor
    horizontal: Tensor


class _Split(NamedTuple):
    """A two-channel split: resample, cut by a fan, keep a quincunx lattice.

    ``sign`` is 1 where the first child takes abs(w_r) < abs(w_c), -1 where the second.
    """

    resampling: Matrix
    sampling: Matrix
    sign: int


class _Node(NamedTuple):
    """A node of the tree: its equivalent response and the lattice it lives on."""

    response: Tensor
    lattice: Matrix


_UPPER_SPLITS = (
    _Split(_IDENTITY, QUINCUNX_1, 1),
    _Split(_IDENTITY, QUINCUNX_2, 1),
)
# Two for the first half of the nodes of a level, two for the second.
_LOWER_SPLITS = (
    _Split(((1, 1), (0, 1)), QUINCUNX_1, -1),
    _Split(((1, -1), (0, 1)), QUINCUNX_2, 1),
    _Split(((1, 0), (1, 1)), QUINCUNX_2, 1),
    _Split(((1, 0), (-1, 1)), QUINCUNX_1, -1),
)


def directional_filter_bank(
    x: Tensor, level: int, filter: DirectionalFilter = "dmaxflat7"
) -> DirectionalBands:
    """Cut images into 2^level directional subbands, critically sampled (SSTKD, Eq. 1).

    The images are tori: convolutions wrap around their edges.

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
    """
    fan_bank(filter)
    x = as_torus(x, directional_multiple(level))
    size = (x.shape[-2], x.shape[-1])
    return split_directions(x, level, _matrices(size, level, filter, x.dtype, x.device))


def directional_multiple(level: int) -> int:
    """Return what both sides of an image must be divisible by for a filter bank.

    Args:
        level: depth of the tree.

    Returns:
        max(2, 2^(level-1)).

    Raises:
        ValueError: the level is below 1.
    """
    if level < 1:
        raise ValueError(f"expected a directional level of at least 1, got {level}")
    return max(2, 2 ** (level - 1))


def equivalent_responses(
    size: tuple[int, int], level: int, filter: DirectionalFilter
) -> Tensor:
    """Return the frequency responses of the bands' equivalent filters.

    Args:
        size: (H, W) of the image, multiples of :func:`directional_multiple`.
        level: depth of the tree.
        filter: fan filters at its nodes.

    Returns:
        Responses (2^level, H, W), complex128 on the CPU.

    Raises:
        ValueError: the filter is unknown.
    """
    bank = fan_bank(filter)
    frequencies = torus_frequencies(size)
    whole_plane = torch.ones(size, dtype=torch.complex128, device="cpu")
    nodes = [_Node(whole_plane, _IDENTITY)]
    for depth in range(level):
        main_first = depth == 0 or bank.main_first
        nodes = [
            child
            for index, node in enumerate(nodes)
            for child in _children(
                node, _split(depth, index, len(nodes)), bank, frequencies, main_first
            )
        ]
    responses = torch.stack([node.response for node in nodes])
    # The tree leaves its second half in rising order of w_c/w_r.
    vertical, horizontal = responses.chunk(2)
    return torch.cat([vertical, horizontal.flip(0)])


def _children(
    node: _Node,
    split: _Split,
    bank: FanBank,
    frequencies: tuple[Tensor, Tensor],
    main_first: bool,
) -> list[_Node]:
    lattice = _product(node.lattice, split.resampling)
    (a, b), (c, d) = lattice
    w_r, w_c = frequencies
    v_r, v_c = a * w_r + c * w_c, b * w_r + d * w_c
    fan = split.sign * bank.fan(v_r, v_c)
    row, column = bank.offset[split.sampling]
    advance = torch.exp(1j * (row * v_r + column * v_c))
    if main_first:
        channels = bank.main(fan), bank.other(-fan) * advance
    else:
        channels = bank.other(fan) * advance, bank.main(-fan)
    lattice = _product(lattice, split.sampling)
    return [_Node(node.response * channel, lattice) for channel in channels]


def _split(depth: int, index: int, nodes: int) -> _Split:
    if depth < len(_UPPER_SPLITS):
        return _UPPER_SPLITS[depth]
    return _LOWER_SPLITS[2 * (2 * index >= nodes) + index % 2]


def _product(a: Matrix, b: Matrix) -> Matrix:
    columns = list(zip(*b, strict=True))
    first, second = (
        tuple(sum(p * q for p, q in zip(row, col, strict=True)) for col in columns)
        for row in a
    )
    return first, second


def directional_responses(
    size: tuple[int, int], level: int, filter: DirectionalFilter
) -> tuple[Tensor, Tensor]:
    """Return the responses of all bands as bands on rectangular lattices.

    Args:
        size: (H, W) of the image, multiples of :func:`directional_multiple`.
        level: depth of the tree.
        filter: fan filters at its nodes.

    Returns:
        Responses (K, H, W) of the near-vertical and of the near-horizontal bands,
        complex128 on the CPU, for the lattices of :func:`directional_lattices`.

    Raises:
        ValueError: the filter is unknown.
    """
    responses = equivalent_responses(size, level, filter)
    if level > 1:
        vertical, horizontal = responses.chunk(2)
        return vertical, horizontal
    # A quincunx lattice is two rectangular ones: even columns, and odd columns that
    # are read one row higher.
    w_r, w_c = torus_frequencies(size)
    odd = responses * torch.exp(1j * (w_c - w_r))
    vertical, horizontal = torch.stack([responses, odd], dim=1)
    return vertical, horizontal


def directional_lattices(level: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sampling steps of the near-vertical and near-horizontal bands."""
    step = directional_multiple(level)
    return (step, 2), (2, step)


def split_directions(
    x: Tensor, level: int, matrices: tuple[Tensor, Tensor]
) -> DirectionalBands:
    """Compute all directional bands of periodic images.

    Args:
        x: images (N, C, H, W), float32 or float64.
        level: depth of the tree.
        matrices: polyphase matrices of :func:`directional_responses`.

    Returns:
        The directional bands.
    """
    lattices = directional_lattices(level)
    bands = [analyse(x, *pair) for pair in zip(matrices, lattices, strict=True)]
    if level == 1:
        bands = [
            torch.stack(b.unbind(2), dim=-1).flatten(-2)[:, :, None] for b in bands
        ]
    return DirectionalBands(*bands)


@lru_cache(maxsize=16)
def _matrices(
    size: tuple[int, int],
    level: int,
    filter: DirectionalFilter,
    dtype: torch.dtype,
    device: torch.device,
) -> tuple[Tensor, Tensor]:
    # A tensor born in inference mode could not take part in training later.
    with torch.inference_mode(False):
        responses = directional_responses(size, level, filter)
        return tuple(
            polyphase_matrices(r, lattice, dtype).to(device)
            for r, lattice in zip(responses, directional_lattices(level), strict=True)
        )
