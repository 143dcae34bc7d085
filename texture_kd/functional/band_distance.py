r"""How far apart two networks' wavelet bands are: the explicit terms of DS2D2."""

from typing import Literal, get_args

import torch
from torch import Tensor

from texture_kd.functional.choices import check_choice
from texture_kd.functional.standardise import standardise
from texture_kd.functional.valid_area import valid_area, valid_mean, valid_only

BandNorm = Literal["none", "channel"]


def band_distance(
    student: Tensor,
    teacher: Tensor,
    shares: Tensor | None = None,
    norm: BandNorm = "none",
    valid: Tensor | None = None,
) -> Tensor:
    r"""Compare the low bands of two features, or their details.

    .. math::

        L_{low} = \overline{(1 + e) (LL^S - LL^T)^2}, \qquad
        L_{high} = \overline{(1 + e) (D^S - D^T)^2}, \quad D = (LH, HL, HH)

    with means over images, channels, valid positions and, of the details, bands. For
    an even height and width, without shares and norm, :math:`L_{low} + 3 L_{high}` is
    four times the mean squared error of the features.

    Args:
        student: LL (N, C, h, w) or details (N, C, 3, h, w) of
            :func:`~texture_kd.functional.haar_dwt`, of any floating dtype.
        teacher: the same of the teacher; detach it.
        shares: e (N, h, w), what each position weighs beyond 1, of
            :func:`~texture_kd.functional.component_shares` or
            :func:`~texture_kd.functional.box_shares`; 0 by default.
        norm: ``channel`` applies :func:`~texture_kd.functional.standardise` to each
            band first, in both networks, so that one weight serves features of any
            scale, and details that are weak beside the low band.
        valid: booleans (N, 1, h, w), true where a coefficient comes from pixels of the
            image alone and not from padding; by default all do. What stands elsewhere
            has no influence and no gradient.

    Returns:
        The distance, a scalar in float32 at least: without unit with ``channel``,
        otherwise in that of the features, squared. It is 0 where nothing is valid.

    Raises:
        ValueError: the bands, the shares or the valid area do not go together, or
            ``norm`` is unknown.
    """
    check_choice("norm", norm, get_args(BandNorm))
    shape = tuple(student.shape)
    if len(shape) not in (4, 5) or tuple(teacher.shape) != shape:
        raise ValueError(
            "expected bands (N, C, h, w) or (N, C, 3, h, w) of one shape from both "
            f"networks, got {shape} and {tuple(teacher.shape)}"
        )
    grid = (shape[0], *shape[-2:])
    if shares is not None and tuple(shares.shape) != grid:
        raise ValueError(
            f"expected shares {grid} for bands {shape}, got shape {tuple(shares.shape)}"
        )
    area = valid_area(valid, shape[0], shape[-2:])
    if norm == "channel":
        student, teacher = standardise(student, area), standardise(teacher, area)
    else:
        student, teacher = (
            x.to(torch.promote_types(x.dtype, torch.float32))
            for x in (student, teacher)
        )
    # The three bands of details side by side, as channels.
    difference = (student - teacher).flatten(1, -3)
    distance = valid_only(difference, area).square()
    if shares is None:
        return valid_mean(distance, area)
    # Apart from the distance itself, beside which they would lose digits.
    weighted = distance * shares[:, None]
    return valid_mean(distance, area) + valid_mean(weighted, area)
