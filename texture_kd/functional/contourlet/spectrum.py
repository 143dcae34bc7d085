"""Filter banks on spectra: split the rows of a spectrum into bands, and merge them.

The two functions are each other's adjoint. Nothing here is differentiated: see
:mod:`texture_kd.functional.contourlet.filter_bank`.
"""

import torch
from torch import Tensor

from .aliasing import FilterBank, Lattice


def split(rows: Tensor, bank: FilterBank) -> tuple[list[Tensor], Tensor]:
    """Split spectra of images into those of bands.

    Args:
        rows: complex rows (R, B), one for each frequency of the half plane.
        bank: pyramids and directional trees.

    Returns:
        For each scale and each of its lattices with bands, their spectra (F, K, B); and
        the rows of the low-pass image's spectrum that the last scale leaves, none
        without a pyramid.
    """
    bands = []
    for scale in bank.scales:
        spectra = [lattice.matrices @ _read(rows, lattice) for lattice in scale]
        bands += [
            spectrum[:, : lattice.bands]
            for spectrum, lattice in zip(spectra, scale, strict=True)
            if lattice.bands
        ]
        rows = spectra[0][:, scale[0].bands :].flatten(0, 1)
    return bands, rows


def merge(bands: list[Tensor], low: Tensor | None, bank: FilterBank) -> Tensor:
    """Merge spectra of bands into those of images: the adjoint of :func:`split`.

    Args:
        bands: spectra (F, K, B), as :func:`split` returns them. The list is emptied, so
            that each is freed when it has been used.
        low: rows of the low-pass image's spectrum, or None without a pyramid.
        bank: pyramids and directional trees.

    Returns:
        Rows (R, B) of the images' spectra.
    """
    rows = low
    for first, *others in reversed(bank.scales):
        parts = [
            _write(lattice.adjoints @ bands.pop(), lattice)
            for lattice in reversed(others)
        ]
        spectra = [bands.pop()] if first.bands else []
        if rows is not None:
            frequencies, outputs, _ = first.matrices.shape
            spectra.append(rows.unflatten(0, (frequencies, outputs - first.bands)))
        rows = _write(first.adjoints @ torch.cat(spectra, dim=1), first)
        for part in parts:
            rows.add_(part)
    return rows


def to_rows(images: Tensor) -> Tensor:
    """Turn images (B, K, H, W) into the rows (H (W/2 + 1), K, B) of their spectra."""
    # Matrices of one frequency each want the images side by side in memory.
    spectra = torch.fft.rfft2(images, norm="ortho").permute(2, 3, 1, 0)
    return spectra.contiguous().flatten(0, 1)


def to_images(rows: Tensor, size: tuple[int, int]) -> Tensor:
    """Turn rows (H (W/2 + 1), K, B) of spectra into images (B, K, H, W)."""
    # Transforms of whole images are fastest where they lie together, and one dimension
    # at a time beats irfft2.
    rows = rows.unflatten(0, (size[0], -1)).permute(3, 2, 0, 1).contiguous()
    rows = torch.fft.ifft(rows, dim=2, norm="ortho")
    return torch.fft.irfft(rows, n=size[1], norm="ortho")


def _read(rows: Tensor, lattice: Lattice) -> Tensor:
    """Read the aliases (F, S, B) of each frequency of a lattice from a spectrum."""
    aliases = rows.index_select(0, lattice.sources)
    return _conjugate_second_half(aliases.unflatten(0, (len(lattice.matrices), -1)))


def _write(aliases: Tensor, lattice: Lattice) -> Tensor:
    """Put aliases (F, S, B) together to a spectrum, the adjoint of reading them."""
    aliases = _conjugate_second_half(aliases)
    return aliases.flatten(0, 1).index_select(0, lattice.targets)


def _conjugate_second_half(aliases: Tensor) -> Tensor:
    aliases[:, aliases.shape[1] // 2 :].conj_physical_()
    return aliases
