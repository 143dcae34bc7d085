r"""How far apart two networks' wavelet bands are: the explicit terms of DS2D2."""

from typing import Literal, get_args

import torch
from torch import Tensor

from texture_kd.functional.choices import check_choice

BandNorm = Literal["none", "channel"]

# A channel weaker than this share of its band's rms counts as empty.
_FLOOR = 1e-3
# The least variance, below which a band counts as empty as a whole.
_WEAKEST = 1e-8


def band_distance(
    student: Tensor,
    teacher: Tensor,
    shares: Tensor | None = None,
    norm: BandNorm = "none",
) -> Tensor:
    r"""Compare the low bands of two features, or their details.

    .. math::

        L_{low} = \overline{(1 + e) (LL^S - LL^T)^2}, \qquad
        L_{high} = \overline{(1 + e) (D^S - D^T)^2}, \quad D = (LH, HL, HH)

    with means over images, channels, positions and, of the details, bands. For an even
    height and width, without shares and norm, :math:`L_{low} + 3 L_{high}` is four
    times the mean squared error of the features.

    Args:
        student: LL (N, C, h, w) or details (N, C, 3, h, w) of
            :func:`~texture_kd.functional.haar_dwt`, of any floating dtype.
        teacher: the same of the teacher; detach it.
        shares: e (N, h, w), what each position weighs beyond 1, of
            :func:`~texture_kd.functional.component_shares` or
            :func:`~texture_kd.functional.box_shares`; 0 by default.
        norm: ``channel`` brings each channel of each band to mean 0 and variance 1 over
            images and positions first, in both networks, so that one weight serves
            features of any scale, and details that are weak beside the low band. A
            channel whose rms is below a thousandth of its band's, or below 1e-4, is not
            blown up.

    Returns:
        The distance, a scalar in float32 at least: without unit with ``channel``,
        otherwise in that of the features, squared.

    Raises:
        ValueError: the bands or the shares do not go together, or ``norm`` is unknown.
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
    student, teacher = (
        x.to(torch.promote_types(x.dtype, torch.float32)) for x in (student, teacher)
    )
    if norm == "channel":
        student, teacher = _standardised(student), _standardised(teacher)
    distance = (student - teacher).square()
    if shares is None:
        return distance.mean()
    # One share for all channels, and for all three bands of details.
    shares = shares.reshape(shape[0], *[1] * (len(shape) - 3), *shape[-2:])
    # Apart from the distance itself, beside which they would lose digits.
    return distance.mean() + (distance * shares).mean()


def _standardised(x: Tensor) -> Tensor:
    """Bring each channel of a band to mean 0 and variance 1."""
    over = (0, -2, -1)
    x = x - x.mean(over, keepdim=True)
    variance = x.square().mean(over, keepdim=True)
    # Bands of details have a level each.
    level = variance.detach().mean(1, keepdim=True)
    floor = (_FLOOR**2 * level).clamp_min(_WEAKEST)
    return x * variance.maximum(floor).rsqrt()
