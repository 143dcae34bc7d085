r"""Equivalent filters of a tree of directional splits (Bamberger and Smith 1992).

A binary tree of two-channel fan filter banks on quincunx lattices cuts the plane of
frequencies into 2^n wedges. Filtering at a node that lives on the lattice M is
filtering the image with a response read at M^T w, so each band is *one* circular
convolution,

.. math:: T_k(\omega) = \prod_l H_l(M_{1 \dots l-1}^T \omega),

followed by sampling. The lattices of all leaves are rectangular, and the unimodular
back-sampling of the tree only renames their points. Hence rolling an image by a vector
of a band's lattice rolls that band, exactly, for every size.
"""

from numbers import Integral
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
    half_plane_frequencies,
)

_IDENTITY: Matrix = ((1, 0), (0, 1))


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


def directional_multiple(level: int) -> int:
    """Return what both sides of an image must be divisible by for a filter bank.

    Args:
        level: depth of the tree.

    Returns:
        max(2, 2^(level-1)).

    Raises:
        ValueError: the level is below 1.
    """
    if not isinstance(level, Integral) or level < 1:
        raise ValueError(
            f"expected a directional level, an integer of at least 1, got {level}"
        )
    return max(2, 2 ** (level - 1))


def directional_responses(
    size: tuple[int, int], level: int, filter: DirectionalFilter, dual: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the responses of all bands as bands on rectangular lattices.

    Args:
        size: (H, W) of the image, multiples of :func:`directional_multiple`.
        level: depth of the tree.
        filter: fan filters at its nodes.
        dual: return the biorthogonal bank, whose adjoint inverts this one.

    Returns:
        Responses (K, H, W/2 + 1) of the near-vertical and of the near-horizontal bands,
        on the half plane w_c in [0, pi], complex128 on the CPU, for the lattices of
        :func:`directional_lattices`.

    Raises:
        ValueError: the filter is unknown.
    """
    responses = equivalent_responses(size, level, filter, dual)
    if level > 1:
        return responses
    # A quincunx lattice is two rectangular ones: even columns, and odd columns that
    # are read one row higher.
    w_r, w_c = half_plane_frequencies(size)
    one_row_higher = torch.exp(1j * (w_c - w_r))
    vertical, horizontal = (torch.cat([r, r * one_row_higher]) for r in responses)
    return vertical, horizontal


def equivalent_responses(
    size: tuple[int, int], level: int, filter: DirectionalFilter, dual: bool = False
) -> tuple[Tensor, Tensor]:
    """Return the responses of all bands, before they are sampled.

    Args:
        size: (H, W) of the image, multiples of :func:`directional_multiple`.
        level: depth of the tree.
        filter: fan filters at its nodes.
        dual: return the biorthogonal bank, whose adjoint inverts this one.

    Returns:
        Responses (2^(level-1), H, W/2 + 1) of the near-vertical and of the
        near-horizontal bands, in the order of ``DirectionalBands``, on the half plane
        w_c in [0, pi], complex128 on the CPU.

    Raises:
        ValueError: the filter is unknown.
    """
    bank = fan_bank(filter).dual() if dual else fan_bank(filter)
    frequencies = half_plane_frequencies(size)
    everything = torch.ones((), dtype=torch.complex128, device="cpu")
    nodes = [_Node(everything, _IDENTITY)]
    for depth in range(level):
        main_first = depth == 0 or bank.main_first
        nodes = [
            child
            for index, node in enumerate(nodes)
            for child in _children(
                node, _split(depth, index, len(nodes)), bank, frequencies, main_first
            )
        ]
    half = len(nodes) // 2
    # The tree leaves its second half in rising order of w_c/w_r.
    vertical, horizontal = nodes[:half], nodes[: half - 1 : -1]
    return (
        torch.stack([node.response for node in vertical]),
        torch.stack([node.response for node in horizontal]),
    )


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


def directional_lattices(level: int) -> tuple[tuple[int, int], tuple[int, int]]:
    """Return the sampling steps of the near-vertical and near-horizontal bands."""
    step = directional_multiple(level)
    return (step, 2), (2, step)
