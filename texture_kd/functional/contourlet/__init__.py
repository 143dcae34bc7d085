"""The contourlet: exact transform and inverse, and correlations of its bands."""

from .aligned_distance import aligned_distance
from .band_correlation import (
    ContourletOptions,
    band_correlation,
    band_energies,
    floored_energies,
)
from .band_weights import band_weights
from .directional_filter_bank import (
    DirectionalBands,
    directional_filter_bank,
    inverse_directional_filter_bank,
)
from .filters import DirectionalFilter, PyramidFilter
from .laplacian_pyramid import (
    LaplacianBands,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)
from .transform import (
    ContourletBands,
    check_contourlet,
    contourlet,
    contourlet_multiple,
    inverse_contourlet,
)

__all__ = [
    "ContourletBands",
    "ContourletOptions",
    "DirectionalBands",
    "DirectionalFilter",
    "LaplacianBands",
    "PyramidFilter",
    "aligned_distance",
    "band_correlation",
    "band_energies",
    "band_weights",
    "check_contourlet",
    "contourlet",
    "contourlet_multiple",
    "directional_filter_bank",
    "floored_energies",
    "inverse_contourlet",
    "inverse_directional_filter_bank",
    "inverse_laplacian_pyramid",
    "laplacian_pyramid",
]
