r"""Filters followed by sampling, as one small matrix for each frequency of a band.

An image is periodic here: convolutions are circular. Sampled on the lattice diag(a, b),
a band takes at the frequency u what its filter lets through at the S = a b frequencies
that fold onto u, its aliases:

.. math:: Y_k(u) = \frac{1}{ab} \sum_s T_k(w_s) X(w_s), \qquad
    w_s = u + 2 \pi (p / a, q / b), \quad s = q a + p.

All bands of one lattice are thus a matrix (K, S) times the aliases of the image.

The spectrum of a real image is kept as rows, one for each frequency of its half plane,
w_c in [0, pi]. For an alias beyond, the conjugate of the opposite frequency stands in.
"""

import math
from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from .directional_tree import directional_lattices, directional_responses
from .filters import DirectionalFilter, PyramidFilter, pyramid_responses


class Lattice(NamedTuple):
    """The filters of one scale that are sampled on one lattice.

    F is the number of frequencies in the half plane of a band. Beside K bands, the
    first lattice of a scale carries P = a/2 rows for the low-pass image: row p holds at
    u the spectrum of that image at u + 2 pi (p / a, 0).

    Attributes:
        size: height and width of a band.
        bands: K.
        matrices: complex (F, K + P, S), for Fourier transforms that keep energy.
        adjoints: their conjugate transposes (F, S, K + P).
        sources: row of the spectrum where each of the F S aliases is read; those of the
            second half of S are conjugated.
        targets: for each row of the spectrum, one alias that is read there.
    """

    size: tuple[int, int]
    bands: int
    matrices: Tensor
    adjoints: Tensor
    sources: Tensor
    targets: Tensor

    def to(self, device: torch.device, dtype: torch.dtype) -> "Lattice":
        """Return the lattice on a device, for images of a dtype."""
        return self._replace(
            matrices=self.matrices.to(device, dtype.to_complex()),
            adjoints=self.adjoints.to(device, dtype.to_complex()),
            sources=self.sources.to(device),
            targets=self.targets.to(device),
        )


class FilterBank(NamedTuple):
    """What bands of images of one size are computed with.

    Attributes:
        scales: the lattices of each scale, finest first.
        low_frequencies: frequency, in the half plane of the low-pass image, of each row
            that the last scale leaves.
        low_rows: row of each frequency, the inverse permutation.
    """

    scales: tuple[tuple[Lattice, ...], ...]
    low_frequencies: Tensor
    low_rows: Tensor


# Images of varied sizes, as a pipeline without crops gives them, come back to theirs:
# with the eight sizes that were kept once, nine made each anew at each step. A bank for
# maps of 128x256, of 24 bands, is 3.5 MiB.
@lru_cache(maxsize=64)
def filter_bank(
    size: tuple[int, int],
    depths: tuple[int, ...],
    pyramid: PyramidFilter | None,
    directional: DirectionalFilter | None,
    dtype: torch.dtype,
    device: torch.device,
    dual: bool = False,
) -> FilterBank:
    """Prepare a pyramid of directional trees for images of one size.

    Args:
        size: (H, W) of the images, divisible by the lattices of all scales.
        depths: depth of the directional tree at each scale, finest first; at 0 the
            band-pass image of a scale is left out.
        pyramid: low-pass filters; None for one tree on the images themselves.
        directional: fan filters; None if all depths are 0.
        dtype: dtype of the images, float32 or float64.
        device: where the images are.
        dual: prepare the biorthogonal filters, whose adjoint inverts the others.

    Returns:
        The bank. It is kept for the next call: nobody may change it.
    """
    scales = []
    frequencies = torch.arange(size[0] * (size[1] // 2 + 1), device="cpu")
    for depth in depths:
        lowpass = None if pyramid is None else pyramid_responses(size, pyramid, dual)
        scale = [
            _lattice(size, steps, responses, lowpass, i == 0, frequencies)
            for i, (steps, responses) in enumerate(
                _directions(size, depth, directional, dual)
            )
        ]
        scales.append(tuple(lattice.to(device, dtype) for lattice in scale))
        size = (size[0] // 2, size[1] // 2)
        frequencies = _low_frequencies(size, scale[0].size)
    rows = frequencies.argsort().to(device)
    return FilterBank(tuple(scales), frequencies.to(device), rows)


def _directions(
    size: tuple[int, int],
    depth: int,
    directional: DirectionalFilter | None,
    dual: bool,
) -> list[tuple[tuple[int, int], Tensor]]:
    """Return the lattices of a scale with the half-plane responses of their bands."""
    if depth == 0:
        nothing = torch.empty(
            0, size[0], size[1] // 2 + 1, dtype=torch.complex128, device="cpu"
        )
        return [((2, 2), nothing)]
    stacks = directional_responses(size, depth, directional, dual)
    return list(zip(directional_lattices(depth), stacks, strict=True))


def _lattice(
    size: tuple[int, int],
    steps: tuple[int, int],
    responses: Tensor,
    lowpass: tuple[Tensor, Tensor] | None,
    keeps_low: bool,
    frequencies: Tensor,
) -> Lattice:
    aliases = _aliases(size, steps)
    matrices = _matrices(responses, lowpass, aliases, steps, keeps_low)
    readers = torch.empty_like(frequencies)
    # A row that several aliases read is represented by any of them.
    readers[aliases.flatten()] = torch.arange(aliases.numel(), device="cpu")
    return Lattice(
        (size[0] // steps[0], size[1] // steps[1]),
        len(responses),
        matrices,
        matrices.mH.resolve_conj(),
        frequencies.argsort()[aliases].flatten(),
        readers[frequencies],
    )


def _aliases(size: tuple[int, int], steps: tuple[int, int]) -> Tensor:
    """Return where the aliases (F, S) of each frequency stand in the half plane.

    For those of the second half of S, it is where their opposites stand.
    """
    (height, width), (a, b) = size, steps
    rows, columns = height // a, width // b
    u_r, u_c, q, p = torch.meshgrid(
        *(torch.arange(n, device="cpu") for n in (rows, columns // 2 + 1, b, a)),
        indexing="ij",
    )
    w_r, w_c = u_r + p * rows, u_c + q * columns
    opposite = q >= b // 2
    w_r = torch.where(opposite, -w_r % height, w_r)
    w_c = torch.where(opposite, width - w_c, w_c)
    return (w_r * (width // 2 + 1) + w_c).reshape(-1, a * b)


def _matrices(
    responses: Tensor,
    lowpass: tuple[Tensor, Tensor] | None,
    aliases: Tensor,
    steps: tuple[int, int],
    keeps_low: bool,
) -> Tensor:
    a, b = steps

    def at_aliases(response: Tensor) -> Tensor:
        values = response.flatten(-2)[..., aliases]
        # The response of a real filter at the opposite frequency is the conjugate.
        values[..., a * b // 2 :].conj_physical_()
        return values

    bands = at_aliases(responses).transpose(0, 1)
    scale = 1 / math.sqrt(a * b)
    if lowpass is None:
        return scale * bands
    low, prediction = (at_aliases(response)[:, None] for response in lowpass)
    # The band-pass is x - g * up(down(h * x)). Sampling on the lattice of a band folds
    # the four aliases of the pyramid too, so that what its prediction takes away joins
    # the response of the band.
    quarters = (bands * prediction).unflatten(-1, (2, b // 2, 2, a // 2))
    bands = bands - low * quarters.mean((-4, -2)).repeat(1, 1, 2, 2).flatten(2)
    if not keeps_low:
        return scale * bands
    # One row of the low-pass image's spectrum folds every (a/2)-th alias.
    rows = torch.arange(a // 2, device="cpu")[:, None]
    folded = torch.arange(a * b, device="cpu") % (a // 2) == rows
    return torch.cat([scale * bands, low * folded / 2], dim=1)


def _low_frequencies(size: tuple[int, int], band: tuple[int, int]) -> Tensor:
    columns = size[1] // 2 + 1
    u_r, u_c, p = torch.meshgrid(
        *(
            torch.arange(n, device="cpu")
            for n in (band[0], columns, size[0] // band[0])
        ),
        indexing="ij",
    )
    return ((u_r + p * band[0]) * columns + u_c).flatten()
