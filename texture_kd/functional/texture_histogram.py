r"""Statistical texture: the equalised and denoised histogram of SSTKD's DTIEM."""

from dataclasses import dataclass
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from .choices import check_choice
from .quantization import Kernel, Levels, count_levels, uniform_levels
from .requantization import heuristic_levels

Placement = Literal["heuristic", "uniform"]

_SMALLEST = 1e-6


@dataclass(frozen=True)
class HistogramOptions:
    """How :func:`texture_histogram` describes intensities; the defaults are SSTKD's.

    Attributes:
        count: number N of levels.
        placement: ``heuristic`` puts levels where the pixels are, with windows as wide
            as SSTKD's; ``uniform`` is Eq. 4 without them.
        alpha: share of the levels for rarely used intensities, from 0 to 1.
        delta: share of the pixels from which on one of 2N cells is often used; None is
            the uniform share, 1/(2N).
        steps: t, how often the heuristic is applied.
        theta: share of the highest count at which counts are clipped, from 0 to 1; 1
            leaves them alone.
        kernel: shape of a level's window, see :func:`quantize`.
        literal: leave intensities in their own range, where windows of half width
            0.5/N mostly overlap or miss pixels, in place of bringing each row to
            [0, 1] first.
        range_eps: a row with a range of this or less is constant.

    Raises:
        ValueError: an option is out of its range.
    """

    count: int = 50
    placement: Placement = "heuristic"
    alpha: float = 0.3
    delta: float | None = None
    steps: int = 1
    theta: float = 0.9
    kernel: Kernel = "intensity"
    literal: bool = False
    range_eps: float = 1e-5

    def __post_init__(self) -> None:
        for name, known in (("placement", Placement), ("kernel", Kernel)):
            check_choice(name, getattr(self, name), get_args(known))
        if self.range_eps < 0:
            raise ValueError(f"expected range_eps of at least 0, got {self.range_eps}")
        for name in ("count", "steps"):
            if getattr(self, name) < 1:
                raise ValueError(
                    f"expected {name} of at least 1, got {getattr(self, name)}"
                )
        shares = (
            ("alpha", "theta") if self.delta is None else ("alpha", "theta", "delta")
        )
        for name in shares:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(
                    f"expected {name} from 0 to 1, got {getattr(self, name)}"
                )


class TextureHistogram(NamedTuple):
    """Statistics of several rows of pixels.

    Attributes:
        intensity: S' (R, P), the intensities in [0, 1] of their row's range; or S,
            taken literally.
        levels: levels (R, N) of these intensities, and their windows.
        raw_levels: the levels (R, N) in the unit of the input.
        counts: E^n (R, N), pixels in each level's window (Eq. 4).
        denoised: DE^n (R, N), the same with the peaks clipped and spread (Eq. 6).
    """

    intensity: Tensor
    levels: Levels
    raw_levels: Tensor
    counts: Tensor
    denoised: Tensor

    @property
    def nodes(self) -> Tensor:
        """Levels, and shares as multiples of the uniform share, (R, 2, N).

        A level is a number from 0 to 1 (but with ``literal``), and a share, 1/N on
        average, would hardly count beside it.
        """
        shares = self.shares.shape[1] * self.shares
        return torch.stack([self.levels.centres, shares], 1)

    @property
    def shares(self) -> Tensor:
        """Denoised counts (R, N) divided by their sum."""
        total = self.denoised.sum(1, keepdim=True)
        return self.denoised / total.clamp_min(_SMALLEST)


def texture_histogram(
    similarity: Tensor,
    options: HistogramOptions | None = None,
    pixels: Tensor | None = None,
) -> TextureHistogram:
    """Describe intensities by an equalised and denoised histogram (SSTKD, Eq. 4-6).

    A row whose range is at most ``range_eps`` is constant: it has one level, which
    catches all its pixels N times over, so that its histogram is uniform and passes no
    gradient. A row with a NaN has NaN for its intensities, counts and raw levels.

    Args:
        similarity: S (R, P), a row for each region, in float32 or float64.
        options: how; SSTKD's way by default.
        pixels: number (R,) of pixels of each row, the first ones; P by default. Behind
            them stand copies of some of them, which do not count.

    Returns:
        Levels and counts, with the dtype of ``similarity``. Least and greatest
        intensity and the levels are constants to the gradient.

    Raises:
        ValueError: ``similarity`` is no float32 or float64 tensor (R, P), or is empty,
            or there is not one number of pixels for each row.

    Example:
        >>> import torch
        >>> histogram = texture_histogram(torch.linspace(-1, 1, 500)[None])
        >>> tuple(histogram.denoised.shape)
        (1, 50)
        >>> torch.allclose(histogram.denoised.sum(), histogram.counts.sum())
        True
    """
    if similarity.ndim != 2 or similarity.numel() == 0:
        raise ValueError(
            f"expected intensities (R, P), got shape {tuple(similarity.shape)}"
        )
    if similarity.dtype not in (torch.float32, torch.float64):
        # Counts above 2048 are inexact in half precision, and levels are 0.01 apart.
        raise ValueError(f"expected float32 or float64, got {similarity.dtype}")
    options = options or HistogramOptions()
    counted = None
    if pixels is not None:
        if pixels.shape != similarity.shape[:1]:
            raise ValueError(
                f"expected the number of pixels of {len(similarity)} rows, got shape "
                f"{tuple(pixels.shape)}"
            )
        place = torch.arange(similarity.shape[1], device=similarity.device)
        counted = place < pixels[:, None]
    minimum, maximum = similarity.detach().aminmax(dim=1, keepdim=True)
    extent = maximum - minimum
    constant = extent <= options.range_eps
    intensity = (similarity - minimum) / extent.masked_fill(constant, 1)
    intensity = intensity.masked_fill(constant, 0)
    levels = _levels(intensity, options, counted)
    raw_levels = minimum + extent * levels.centres
    if options.literal:
        intensity = similarity.where(~constant, minimum)
        levels = Levels(raw_levels, levels.half_widths)
    # One window about the only intensity.
    levels = Levels(
        levels.centres.where(~constant, intensity.detach()[:, :1]),
        levels.half_widths.masked_fill(constant, 1),
    )
    counts = count_levels(intensity, levels, options.kernel, counted)
    denoised = clip_redistribute(counts, options.theta)
    return TextureHistogram(
        intensity, levels, raw_levels.where(~constant, minimum), counts, denoised
    )


def clip_redistribute(counts: Tensor, theta: float = 0.9) -> Tensor:
    r"""Clip the peaks of histograms and spread what they lose (SSTKD, Eq. 5 and 6).

    .. math::

        DE^n = \min(E^n, \theta M) + \frac{1}{N} \sum_m \max(E^m - \theta M, 0),
        \qquad M = \max_n E^n

    The sum over the levels stays the same. Theta = 1 changes nothing, nor does a
    histogram of equal counts change; theta = 0 makes all counts equal.

    Args:
        counts: E (..., N), not negative.
        theta: share of the highest count at which counts are clipped, from 0 to 1.

    Returns:
        DE (..., N).

    Raises:
        ValueError: theta is not from 0 to 1.

    Example:
        >>> import torch
        >>> clip_redistribute(torch.tensor([10.0, 9.5, 4.0, 0.0])).tolist()
        [9.375, 9.375, 4.375, 0.375]
    """
    if not 0 <= theta <= 1:
        raise ValueError(f"expected theta from 0 to 1, got {theta}")
    top = theta * counts.amax(-1, keepdim=True)
    clipped = counts.minimum(top)
    return clipped + (counts - clipped).mean(-1, keepdim=True)


def _levels(
    intensity: Tensor, options: HistogramOptions, counted: Tensor | None
) -> Levels:
    if options.placement == "uniform":
        ends = intensity.new_zeros(len(intensity)), intensity.new_ones(len(intensity))
        return uniform_levels(*ends, options.count)
    return heuristic_levels(
        intensity,
        options.count,
        options.alpha,
        options.delta,
        options.steps,
        counted,
    )
