"""Slow reference of the statistics of one region, by the dense matrix of Eq. 4."""

import torch
import torch.nn.functional as F

from texture_kd.functional import clip_redistribute, quantize
from texture_kd.functional.quantization import Levels, uniform_levels
from texture_kd.functional.requantization import heuristic_levels

# Rows of the paper's Table 4, and each option alone.
OPTIONS = [
    dict(),
    dict(theta=1.0),
    dict(placement="uniform"),
    dict(placement="uniform", theta=1.0),
    dict(theta=0.3),
    dict(count=7),
    # With 0.6 the brightest pixel, 1, is at the edge of a window but for rounding.
    dict(alpha=0.5),
    dict(delta=0.02),
    dict(steps=2),
    dict(kernel="triangle"),
    dict(literal=True),
    dict(literal=True, kernel="triangle", placement="uniform"),
    dict(range_eps=10.0),
    dict(range_eps=10.0, literal=True),
]


def self_similarity(x):
    """Cosine of each pixel's feature (C, H, W) with the mean, (P,)."""
    pixels = x.flatten(1)
    mean = F.normalize(pixels.mean(1), dim=0)
    return torch.stack([F.normalize(p, dim=0) @ mean for p in pixels.T])


def statistics(
    s,
    count=50,
    placement="heuristic",
    alpha=0.3,
    delta=None,
    steps=1,
    theta=0.9,
    kernel="intensity",
    literal=False,
    range_eps=1e-5,
):
    """Steps 5 to 11 for intensities (P,).

    Intensities (P,), levels in their unit (N,), levels in the unit of s (N,), DE (N,),
    and the matrix E (N, P) of the paper's kernel.
    """
    low, high = s.detach().min(), s.detach().max()
    if high - low <= range_eps:
        raw = low.expand(count)
        level = raw if literal else torch.zeros_like(raw)
        # Each level catches each pixel, and passes nothing back.
        ones = torch.ones(count, len(s), dtype=s.dtype)
        intensity = level[:1].expand(len(s)).clone()
        return intensity, level, raw, ones.sum(1), ones
    intensity = (s - low) / (high - low)
    if placement == "uniform":
        ends = torch.zeros(1, dtype=s.dtype), torch.ones(1, dtype=s.dtype)
        levels = uniform_levels(*ends, count)
    else:
        levels = heuristic_levels(intensity[None], count, alpha, delta, steps)
    raw = low + (high - low) * levels.centres
    if literal:
        intensity, levels = s, Levels(raw, levels.half_widths)
    counts = quantize(intensity[None], levels, kernel)[0].sum(1)
    matrix = quantize(intensity[None], levels)[0]
    denoised = clip_redistribute(counts, theta)
    return intensity, levels.centres[0], raw[0], denoised, matrix
