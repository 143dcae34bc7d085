"""Structural texture distillation of SSTKD, Eq. 2, and as correlations of bands."""

from collections.abc import Sequence
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn

from texture_kd.functional.choices import check_choice
from texture_kd.functional.contourlet import (
    ContourletOptions,
    DirectionalFilter,
    PyramidFilter,
    aligned_distance,
    band_energies,
    check_contourlet,
    floored_energies,
)
from texture_kd.functional.precision import without_autocast
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature, on_one_grid

Normalise = Literal["correlation", "subband", "none"]


class Compared(NamedTuple):
    """Two features whose contourlet bands a loss compares.

    Attributes:
        student: (N, C, H, W), its channels aligned and on the teacher's grid.
        teacher: (N, C, H, W).
        options: of the contourlet.
    """

    student: Tensor
    teacher: Tensor
    options: ContourletOptions


class CDMLoss(DistillationLoss):
    r"""Match the contourlet bands of a student's feature to the teacher's.

    .. math::

        L = \frac{1}{B} \sum_{b=1}^{B} \frac{1}{C} \sum_{c=1}^{C} 2 (1 - \rho_{c,b})

    with the correlations :math:`\rho` of
    :func:`~texture_kd.functional.band_correlation` between channel c of the teacher
    and the same of the aligned student, in each of the B directional bands: the mean
    squared difference of bands that are standardised channel by channel. The last
    low-pass image is left out. The loss is from 0 to 4, and free of the scale of either
    feature.

    ``normalise`` says what is compared:

    - ``correlation``: the above. Each channel of each band counts the same, but for one
      that is next to empty, which counts less. It has first derivatives alone.
    - ``none``: the paper's Eq. 2, the mean square of the bands' difference. A nearly
      orthogonal filter bank keeps energy, so that this is nearly the L2 distance of the
      features' band-pass images, and knows nothing of direction.
    - ``subband``: the same, each band divided by the rms of the teacher's band over all
      channels, for each image. The loudest channels are nearly all that counts. An rms
      is taken to be at least a thousandth of that of the feature.

    A 1x1 convolution A on the student's side aligns the channels; nothing is learnt on
    the teacher's side, where the shortest way to a small loss would be a constant.
    Energies and correlations are averages over the shifts of the bands' sampling
    lattices, which one Fourier transform gives: see
    :func:`~texture_kd.functional.band_weights`.

    Args:
        student_channels: channels of the student's feature.
        teacher_channels: channels of the teacher's feature.
        levels: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid: ``9-7``, ``maxflat``,
            ``burt`` or ``haar``.
        directional: fan filters of the directional filter bank: ``dmaxflat7`` or
            ``pkva``.
        normalise: what is compared.
        level_weights: factor of the bands of each scale, 1 by default.
        loss_weight: factor of the result.

    Raises:
        ValueError: an option is unknown, ``levels`` is empty or holds a number below
            1, or there is not one weight for each level.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        levels: Sequence[int] = (4, 3),
        pyramid: PyramidFilter = "maxflat",
        directional: DirectionalFilter = "dmaxflat7",
        normalise: Normalise = "correlation",
        level_weights: Sequence[float] | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if normalise == "feature":
            raise ValueError(
                "normalise='feature' is gone: take 'subband' or 'correlation' for it"
            )
        check_choice("normalise", normalise, get_args(Normalise))
        check_contourlet(levels, pyramid, directional)
        if level_weights is not None and len(level_weights) != len(levels):
            raise ValueError(
                f"expected one weight for each of the levels {tuple(levels)}, "
                f"got level_weights={tuple(level_weights)}"
            )
        self.student_channels = student_channels
        self.teacher_channels = teacher_channels
        self.normalise: Normalise = normalise
        self.loss_weight = loss_weight
        self.align = nn.Conv2d(student_channels, teacher_channels, 1, bias=False)
        self.options = ContourletOptions(tuple(levels), pyramid, directional)
        if level_weights is not None:
            pairs = zip(level_weights, levels, strict=True)
            weights = torch.cat([torch.full((2**n,), float(w)) for w, n in pairs])
            level_weights = nn.Buffer(weights, persistent=False)
        self.band_weights: Tensor | None = level_weights

    def forward(
        self, s_feature: Tensor, t_feature: Tensor, valid: Tensor | None = None
    ) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, student_channels, H, W), of any
                floating dtype. It is brought to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, teacher_channels, H', W'); no
                gradient flows into it.
            valid: booleans (N, H'', W'') or (N, 1, H'', W''), false for padding; all
                is valid by default. Images count by their valid positions.

        Returns:
            A scalar, float32 or, for float64 features, float64; not negative but for
            rounding. It has no unit but with ``normalise='none'``, where it has the
            square of the features'.

        Raises:
            ValueError: a feature has another number of dimensions or channels than
                expected, the numbers of images differ, or ``valid`` is no mask.
        """
        return self.loss_weight * self.distance(s_feature, t_feature, valid)

    def distance(
        self,
        s_feature: Tensor,
        t_feature: Tensor,
        valid: Tensor | None = None,
        options: ContourletOptions | None = None,
    ) -> Tensor:
        """Compute the loss before its weight.

        Args:
            s_feature: as :meth:`forward` takes it.
            t_feature: likewise.
            valid: likewise.
            options: of the contourlet, the loss's own by default; with
                ``level_weights`` they have its levels.

        Returns:
            As :meth:`forward`.

        Raises:
            ValueError: as :meth:`forward`, or there are weights of other levels.
        """
        options = options or self.options
        weights = self.band_weights
        if weights is not None and options.levels != self.options.levels:
            raise ValueError(
                f"expected the levels {self.options.levels} that level_weights are "
                f"for, got {options.levels}: leave level_weights out"
            )
        with without_autocast(t_feature.device):
            student, teacher, area = self._on_one_grid(s_feature, t_feature, valid)
            mix = self.align.weight.to(student.dtype).flatten(1)
            if self.normalise == "correlation":
                return aligned_distance(student, teacher, mix, options, weights)
            difference = teacher - _mixed(student, mix)
            energies = band_energies(difference, options, area)[:, :-1]
            if self.normalise == "subband":
                of_teacher = band_energies(teacher, options, area)
                energies = energies / floored_energies(of_teacher)
            if area is not None:
                energies = energies * _image_weights(area, energies.dtype)
            return (energies if weights is None else energies * weights).mean()

    def compared(self, s_feature: Tensor, t_feature: Tensor) -> Compared:
        """Return the features whose bands the loss compares.

        Args:
            s_feature: feature of the student, as :meth:`forward` takes it.
            t_feature: feature of the teacher, detached here.

        Raises:
            ValueError: as :meth:`forward`.
        """
        with without_autocast(t_feature.device):
            student, teacher, _ = self._on_one_grid(s_feature, t_feature, None)
            student = _mixed(student, self.align.weight.to(student.dtype))
            return Compared(student, teacher, self.options)

    def _on_one_grid(
        self, s_feature: Tensor, t_feature: Tensor, valid: Tensor | None
    ) -> tuple[Tensor, Tensor, Tensor | None]:
        _check_channels("student", s_feature, self.student_channels)
        _check_channels("teacher", t_feature, self.teacher_channels)
        return on_one_grid(s_feature, t_feature, valid, self.align.weight.dtype)


def _check_channels(side: str, feature: Tensor, channels: int) -> None:
    check_feature(side, feature)
    if feature.shape[1] != channels:
        raise ValueError(
            f"expected {channels} channels from the {side}, got {feature.shape[1]}: "
            f"set {side}_channels={feature.shape[1]}"
        )


def _image_weights(area: Tensor, dtype: torch.dtype) -> Tensor:
    """Return weights (N, 1) of mean 1 by which a mean over images is one over pixels.

    They are the images' shares of the valid positions, (N, 1, H, W).
    """
    count = area.sum((2, 3)).to(dtype)
    return count * len(count) / count.sum().clamp_min(1)


def _mixed(x: Tensor, matrix: Tensor) -> Tensor:
    """Mix channels: each pixel of (N, C, H, W) times a matrix (D, C)."""
    matrices = matrix.flatten(1).expand(len(x), -1, -1)
    return matrices.bmm(x.flatten(2)).unflatten(2, x.shape[2:])
