"""Texture transforms and divergences as functions of tensors; imports torch only."""

from .contourlet import (
    ContourletBands,
    contourlet,
    contourlet_energies,
    inverse_contourlet,
)
from .directional_filter_bank import (
    DirectionalBands,
    directional_filter_bank,
    inverse_directional_filter_bank,
)
from .divergence import pixel_kl
from .filters import DirectionalFilter, PyramidFilter
from .laplacian_pyramid import (
    LaplacianBands,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)

__all__ = [
    "ContourletBands",
    "DirectionalBands",
    "DirectionalFilter",
    "LaplacianBands",
    "PyramidFilter",
    "contourlet",
    "contourlet_energies",
    "directional_filter_bank",
    "inverse_contourlet",
    "inverse_directional_filter_bank",
    "inverse_laplacian_pyramid",
    "laplacian_pyramid",
    "pixel_kl",
]
