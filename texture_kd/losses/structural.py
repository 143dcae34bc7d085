"""Structural texture distillation of SSTKD, Eq. 2."""

from collections.abc import Sequence
from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from texture_kd.connectors.cdm import CDMConnector
from texture_kd.functional.contourlet import ContourletBands
from texture_kd.functional.filters import DirectionalFilter, PyramidFilter

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

    A 1x1 convolution on the student's side aligns the channels; nothing is learnt on
    the teacher's side, where the shortest way to a small loss would be a constant.

    Args:
        student_channels: channels of the student's feature.
        teacher_channels: channels of the teacher's feature.
        levels: depth of the directional tree at each scale, finest first.
        pyramid: low-pass filters of the Laplacian pyramid: ``9-7``, ``maxflat``,
            ``burt`` or ``haar``.
        directional: fan filters of the directional filter bank: ``dmaxflat7`` or
            ``pkva``.
        normalise: divisor of the differences.
        loss_weight: factor of the result.

    Raises:
        ValueError: an option is unknown, or ``levels`` is empty or holds a number
            below 1.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        levels: Sequence[int] = (4, 3),
        pyramid: PyramidFilter = "maxflat",
        directional: DirectionalFilter = "dmaxflat7",
        normalise: Normalise = "subband",
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if normalise not in get_args(Normalise):
            raise ValueError(
                f"expected normalise among {get_args(Normalise)}, got {normalise!r}"
            )
        self.student_channels = student_channels
        self.teacher_channels = teacher_channels
        self.normalise: Normalise = normalise
        self.loss_weight = loss_weight
        self.align = nn.Conv2d(student_channels, teacher_channels, 1, bias=False)
        self.transform = CDMConnector(levels, pyramid, directional)

    def forward(self, s_feature: Tensor, t_feature: Tensor) -> Tensor:
        """Compute the loss.

        Args:
            s_feature: feature of the student (N, student_channels, H, W), of any
                floating dtype. It is brought to the teacher's grid bilinearly.
            t_feature: feature of the teacher (N, teacher_channels, H', W'); no
                gradient flows into it.

        Returns:
            A scalar, float32 or, for float64 features, float64. It has no unit but
            with ``normalise='none'``, where it has the square of the features'.

        Raises:
            ValueError: a feature has another number of dimensions or channels than
                expected, or the numbers of images differ.
        """
        _check_feature("student", s_feature, self.student_channels)
        _check_feature("teacher", t_feature, self.teacher_channels)
        if len(s_feature) != len(t_feature):
            raise ValueError(
                "expected as many images from the student as from the teacher, got "
                f"{len(s_feature)} and {len(t_feature)}"
            )
        with torch.autocast(t_feature.device.type, enabled=False):
            teacher = _at_least_float32(t_feature.detach())
            student = self._aligned(s_feature, teacher)
            return self.loss_weight * self._distance(student, teacher)

    def _aligned(self, s_feature: Tensor, teacher: Tensor) -> Tensor:
        student = self.align(s_feature.to(self.align.weight.dtype))
        student = _at_least_float32(student)
        if student.shape[-2:] != teacher.shape[-2:]:
            student = F.interpolate(
                student, teacher.shape[-2:], mode="bilinear", align_corners=False
            )
        return student

    def _distance(self, student: Tensor, teacher: Tensor) -> Tensor:
        if self.normalise == "feature":
            student, teacher = (
                self._unit_contrast(student),
                self._unit_contrast(teacher),
            )
        # The transform is linear: the difference of the bands is that of the features.
        energies = _band_energies(self.transform(teacher - student))
        if self.normalise == "subband":
            bands = _band_energies(self.transform(teacher))
            energies = energies / _scale(bands, teacher).square()
        return energies.mean()

    def _unit_contrast(self, feature: Tensor) -> Tensor:
        energy = _band_energies(self.transform(feature)).mean(1, keepdim=True)
        return feature / _scale(energy, feature)[..., None, None]


def _check_feature(side: str, feature: Tensor, channels: int) -> None:
    if feature.ndim != 4:
        raise ValueError(
            f"expected a feature (N, C, H, W) from the {side}, "
            f"got shape {tuple(feature.shape)}"
        )
    if feature.shape[1] != channels:
        raise ValueError(
            f"expected {channels} channels from the {side}, got {feature.shape[1]}: "
            f"set {side}_channels={feature.shape[1]}"
        )


def _at_least_float32(x: Tensor) -> Tensor:
    return x.to(torch.promote_types(x.dtype, torch.float32))


def _band_energies(bands: ContourletBands) -> Tensor:
    """Return the mean square (N, B) of each directional band of each image."""
    stacks = [stack for level in bands.directional for stack in level.stacks]
    return torch.cat([stack.square().mean((1, 3, 4)) for stack in stacks], dim=1)


def _scale(energies: Tensor, feature: Tensor) -> Tensor:
    """Return the rms (N, B) of energies (N, B), floored by the feature's own."""
    level = feature.detach().square().mean((1, 2, 3))[:, None]
    energies = energies.maximum(_FLOOR**2 * level)
    # An image of zeros has no scale, and the square root no derivative there.
    return energies.where(energies > 0, 1).sqrt()
