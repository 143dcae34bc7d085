"""Texture transforms and divergences as functions of tensors; imports torch only."""

from .adaptive_mean import adaptive_mean
from .affinity import pairwise_affinity
from .band_distance import BandNorm, band_distance
from .band_limit import band_limit, fourier_resample, low_pass
from .binary_logits import two_class_logits
from .blockwise_labels import blockwise_labels
from .box_shares import box_shares, component_boxes
from .component_shares import component_shares
from .contourlet import (
    ContourletBands,
    DirectionalBands,
    DirectionalFilter,
    LaplacianBands,
    PyramidFilter,
    band_correlation,
    band_weights,
    contourlet,
    directional_filter_bank,
    inverse_contourlet,
    inverse_directional_filter_bank,
    inverse_laplacian_pyramid,
    laplacian_pyramid,
)
from .difference_attention import difference_attention
from .divergence import channel_kl, pixel_kl
from .enlarged_convolution import conv_enlarged
from .fourier_distance import fourier_distance
from .frequencies import magnitude_profile
from .generalized_iou import generalized_iou
from .gradient_penalty import gradient_penalty
from .guided_upsampling import guided_upsample
from .labels import labels_on_grid
from .likeliest_deltas import likeliest_delta_distance
from .quality_focal import quality_focal_distance
from .quantization import Levels, count_levels, mix_levels, quantize, uniform_levels
from .region_pixels import cut_regions, region_means, side_by_side
from .region_sampling import (
    SamplerOptions,
    important_points,
    region_std,
    sample_regions,
    select_regions,
)
from .regions import (
    Regions,
    anchor_boxes,
    regions_of,
    scale_boxes,
    scale_regions,
    whole_maps,
    within,
)
from .requantization import count_cells, heuristic_levels, requantize_levels
from .self_similarity import (
    cosine_self_similarity,
    map_self_similarity,
    region_self_similarity,
)
from .sorted_distance import sorted_distance
from .spectral_cross_entropy import (
    relative_discrepancy,
    spectral_cross_entropy,
    truncated_cross_entropy,
)
from .spectral_gradient import spectral_concentration, spectral_gradient
from .spectral_iou import SpectralIoU, spectral_iou
from .standardise import standardise
from .texture_histogram import (
    HistogramOptions,
    TextureHistogram,
    clip_redistribute,
    texture_histogram,
)
from .trimap import trimap
from .valid_area import (
    fill_padding,
    shared_area,
    valid_area,
    valid_mean,
    valid_only,
    valid_resize,
)
from .wavelet import HaarPadding, HighFrequency, haar_dwt, haar_idwt, high_frequency

__all__ = [
    "BandNorm",
    "ContourletBands",
    "DirectionalBands",
    "DirectionalFilter",
    "HaarPadding",
    "HighFrequency",
    "HistogramOptions",
    "LaplacianBands",
    "Levels",
    "PyramidFilter",
    "Regions",
    "SamplerOptions",
    "SpectralIoU",
    "TextureHistogram",
    "adaptive_mean",
    "anchor_boxes",
    "band_correlation",
    "band_distance",
    "band_limit",
    "band_weights",
    "blockwise_labels",
    "box_shares",
    "channel_kl",
    "clip_redistribute",
    "component_boxes",
    "component_shares",
    "contourlet",
    "conv_enlarged",
    "cosine_self_similarity",
    "count_cells",
    "count_levels",
    "cut_regions",
    "difference_attention",
    "directional_filter_bank",
    "fill_padding",
    "fourier_distance",
    "fourier_resample",
    "generalized_iou",
    "gradient_penalty",
    "guided_upsample",
    "haar_dwt",
    "haar_idwt",
    "heuristic_levels",
    "high_frequency",
    "important_points",
    "inverse_contourlet",
    "inverse_directional_filter_bank",
    "inverse_laplacian_pyramid",
    "labels_on_grid",
    "laplacian_pyramid",
    "likeliest_delta_distance",
    "low_pass",
    "magnitude_profile",
    "map_self_similarity",
    "mix_levels",
    "pairwise_affinity",
    "pixel_kl",
    "quality_focal_distance",
    "quantize",
    "region_means",
    "region_self_similarity",
    "region_std",
    "regions_of",
    "relative_discrepancy",
    "requantize_levels",
    "sample_regions",
    "scale_boxes",
    "scale_regions",
    "select_regions",
    "shared_area",
    "side_by_side",
    "sorted_distance",
    "spectral_concentration",
    "spectral_cross_entropy",
    "spectral_gradient",
    "spectral_iou",
    "standardise",
    "texture_histogram",
    "trimap",
    "truncated_cross_entropy",
    "two_class_logits",
    "uniform_levels",
    "valid_area",
    "valid_mean",
    "valid_only",
    "valid_resize",
    "whole_maps",
    "within",
]
