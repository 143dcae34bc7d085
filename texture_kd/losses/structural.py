"""Structural texture distillation of SSTKD, Eq. 2."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.functional.choices import check_choice
from texture_kd.functional.contourlet import (
    check_contourlet,
    contourlet_energies,
    contourlet_products,
)
from texture_kd.functional.filters import DirectionalFilter, PyramidFilter
from texture_kd.losses.feature_checks import check_feature, check_same_images

Normalise = Literal["subband", "feature", "none"]

# Bands weaker than this share of the feature's rms count as empty.
_FLOOR = 1e-2


class CDMLoss(nn.Module):
    r"""Match the contourlet bands of a student's feature to the teacher's.

    .. math::

        L_{str} = \frac{1}{B} \sum_{b=1}^{B} \frac{1}{|R_b|} \sum_{i \in R_b}
            \left( \frac{F_i^{str;T} - F_i^{str;S}}{\sigma_b} \right)^2

    (SSTKD, Eq. 2), a mean over the B directional bands of the mean over the positions,
    channels and images R_b of each. The last low-pass image is left out.

    ``normalise`` says what the divisor is:

    - ``subband``: the rms of the teacher's band, for each image, so that an error of
      the size of the band costs the same in each direction.
    - ``none``: 1, the paper's formula. A nearly orthogonal filter bank keeps energy,
      and so this is nearly the L2 distance of the features' band-pass images: errors
      of equal energy cost the same whatever their direction, and that of the teacher's
      texture makes no difference. It compares scales, not structure.
    - ``feature``: teacher and student are each divided by their own rms over all
      bands, for each image. Contrast makes no difference, and neither does direction.

    An rms is taken to be at least 1 % of the rms of the feature it comes from, lest
    rounding errors and noise of empty bands are blown up.

    A 1x1 convolution A on the student's side aligns the channels; nothing is learnt on
    the teacher's side, where the shortest way to a small loss would be a constant. The
    transform is linear and works channel by channel, so that one decomposition does,
    CDM(F^T) - CDM(A F^S) = CDM(F^T - A F^S). By Parseval's theorem the spectra of the
    bands do, and for the energies E of the difference even those of the student's own
    channels, where they are few, in products P of bands:

    .. math:: E(F^T - A F^S) = E(F^T) + P(F^S, A^T A F^S - 2 A^T F^T).

    It is the loss of :func:`contourlet`'s bands all the same, to rounding, which leaves
    about 1e-7 of the teacher's energy where there is no difference.

    Args:
        student_channels: channels of the student's feature.
        teacher_channels: channels of the teacher's feature.
        levels: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid: ``9-7``, ``maxflat``,
            ``burt`` or ``haar``.
        directional: fan filters of the directional filter bank: ``dmaxflat7`` or
            ``pkva``.
        normalise: divisor of the differences.
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
        normalise: Normalise = "subband",
        level_weights: Sequence[float] | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
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
        self.levels = tuple(levels)
        self.pyramid: PyramidFilter = pyramid
        self.directional: DirectionalFilter = directional
        self.level_weights = tuple(
            [1.0] * len(levels) if level_weights is None else level_weights
        )

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, student_channels, H, W), of any
                floating dtype. It is brought to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, teacher_channels, H', W'); no
                gradient flows into it.

        Returns:
            A scalar, float32 or, for float64 features, float64; not negative but for
            rounding. It has no unit but with ``normalise='none'``, where it has the
            square of the features'.

        Raises:
            ValueError: a feature has another number of dimensions or channels than
                expected, or the numbers of images differ.
        """
        with torch.autocast(t_feature.device.type, enabled=False):
            if self.normalise == "feature":
                student, teacher = self.compared(s_feature, t_feature)
                energies = self._energies(teacher - student)
            else:
                energies = self._lacking(*self._on_one_grid(s_feature, t_feature))
            return self.loss_weight * self._weighted(energies)

    def compared(self, s_feature: Tensor, t_feature: Tensor) -> tuple[Tensor, Tensor]:
        """Return the features whose bands the loss compares.

        Args:
            s_feature: feature of the student, as :meth:`forward` takes it.
            t_feature: feature of the teacher, detached here.

        Returns:
            The student's feature, its channels aligned and on the teacher's grid, and
            the teacher's, both (N, teacher_channels, H', W'); with
            ``normalise='feature'`` each divided by its own contrast.

        Raises:
            ValueError: as :meth:`forward`.
        """
        with torch.autocast(t_feature.device.type, enabled=False):
            student, teacher = self._on_one_grid(s_feature, t_feature)
            student = _mixed(student, self.align.weight.to(student.dtype).flatten(1))
            if self.normalise == "feature":
                return self._unit_contrast(student), self._unit_contrast(teacher)
            return student, teacher

    def _on_one_grid(
        self, s_feature: Tensor, t_feature: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Bring the student's feature to the teacher's grid, and both to one dtype."""
        _check_channels("student", s_feature, self.student_channels)
        _check_channels("teacher", t_feature, self.teacher_channels)
        check_same_images(s_feature, t_feature)
        dtype = torch.float32
        for x in (s_feature, t_feature, self.align.weight):
            dtype = torch.promote_types(dtype, x.dtype)
        student, teacher = s_feature.to(dtype), t_feature.detach().to(dtype)
        if student.shape[-2:] != teacher.shape[-2:]:
            student = F.interpolate(
                student, teacher.shape[-2:], mode="bilinear", align_corners=False
            )
        return student, teacher

    def _lacking(self, student: Tensor, teacher: Tensor) -> Tensor:
        """Return the energies (N, B) of what the student's bands lack."""
        subband = self.normalise == "subband"
        # A product has two factors, each split and merged for its gradient, and needs
        # the teacher's bands, which the scales of "subband" need anyway.
        few = (2 if subband else 3) * self.student_channels <= self.teacher_channels
        bands = self._energies(teacher) if few or subband else None
        align = self.align.weight.to(student.dtype).flatten(1)
        if few:
            energies = bands + self._difference(student, teacher, align)
        else:
            energies = self._energies(teacher - _mixed(student, align))
        if subband:
            energies = energies / _scale(bands, teacher).square()
        return energies

    def _difference(self, student: Tensor, teacher: Tensor, align: Tensor) -> Tensor:
        """Return E(teacher - align student) - E(teacher), as products (N, B)."""
        pulled = _mixed(student, align.mT @ align) - 2 * _mixed(teacher, align.mT)
        options = (self.levels, self.pyramid, self.directional)
        products = contourlet_products(student, pulled, *options)
        # Products are means over the student's channels, energies over the teacher's.
        return self.student_channels / self.teacher_channels * products

    def _weighted(self, energies: Tensor) -> Tensor:
        levels = energies.mean(0).split([2**level for level in self.levels])
        weighted = zip(self.level_weights, levels, strict=True)
        total = sum(weight * bands.sum() for weight, bands in weighted)
        return total / energies.shape[1]

    def _unit_contrast(self, feature: Tensor) -> Tensor:
        energy = self._energies(feature).mean(1, keepdim=True)
        return feature / _scale(energy, feature)[..., None, None]

    def _energies(self, feature: Tensor) -> Tensor:
        return contourlet_energies(feature, self.levels, self.pyramid, self.directional)


def _check_channels(side: str, feature: Tensor, channels: int) -> None:
    check_feature(side, feature)
    if feature.shape[1] != channels:
        raise ValueError(
            f"expected {channels} channels from the {side}, got {feature.shape[1]}: "
            f"set {side}_channels={feature.shape[1]}"
        )


def _mixed(x: Tensor, matrix: Tensor) -> Tensor:
    """Mix channels: each pixel of (N, C, H, W) times a matrix (D, C)."""
    # Broadcast, a matrix product would copy x first.
    matrices = matrix.expand(len(x), -1, -1)
    return matrices.bmm(x.flatten(2)).unflatten(2, x.shape[2:])


def _scale(energies: Tensor, feature: Tensor) -> Tensor:
    """Return the rms (N, B) of energies (N, B), floored by the feature's own."""
    level = feature.detach().square().mean((1, 2, 3))[:, None]
    energies = energies.maximum(_FLOOR**2 * level)
    # An image of zeros has no scale, and the square root no derivative there.
    return energies.where(energies > 0, 1).sqrt()
