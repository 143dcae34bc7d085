r"""Cross-entropy by frequency: Eq. 1 to 5, 13 and 14 of the spectral analysis.

B(t, c) is the label of pixel t as a vector over the classes, and

.. math::

    \hat Y(t, c) = \log \sum_{c'} e^{Y(t, c')} - Y(t, c) \ge 0

the cross-entropy that the pixel would have if its class were c. The cross-entropy of an
image is their inner product, and by Parseval's theorem that of their spectra b and
:math:`\hat y`:

.. math::

    L(\nu) = \frac{1}{HW} \sum_c \overline{b(\nu, c)} \, \hat y(\nu, c), \qquad
    \sum_\nu L(\nu) = \sum_t \sum_c B(t, c) \hat Y(t, c)

with the unnormalised transform. L is complex, L(-v) = conj L(v), and only its real part
counts in sums. It may be negative: what a part of the frequencies sums to is neither
monotone nor bounded by the whole. Without ignored pixels the logarithm's spectrum
enters at the frequency 0 alone.
"""

import torch
from torch import Tensor

from .frequencies import Shell, full_plane, shell_sums


def spectral_cross_entropy(
    logits: Tensor,
    label: Tensor,
    ignore_index: int = 255,
    class_weight: Tensor | None = None,
) -> Tensor:
    """Decompose the cross-entropy of each image by frequency (Eq. 3 to 5).

    Args:
        logits: (N, C, H, W) of any floating dtype.
        label: integer classes (N, H, W) or (N, 1, H, W); or a floating map
            (N, C, H, W), for soft labels: any real field, zero where nothing is known.
        ignore_index: integer label of the pixels that do not count. What is predicted
            there changes single frequencies, and never their sum.
        class_weight: (C), multiplies the label's columns.

    Returns:
        L (N, H, W) in nats, complex, in the order of ``torch.fft.fft2``. Its sum is the
        sum of the pixels' cross-entropies: divide by the number of valid ones for the
        mean. In float32 at least, and differentiable.

    Raises:
        ValueError: shapes do not fit, or a label is neither a class nor ignored.

    Example:
        >>> import torch
        >>> logits = torch.zeros(1, 2, 4, 4)
        >>> label = torch.zeros(1, 4, 4, dtype=torch.long)
        >>> components = spectral_cross_entropy(logits, label)
        >>> round(components.sum().real.item() / 16, 4)  # log(2) a pixel
        0.6931
    """
    half = _half_plane(logits, label, ignore_index, class_weight)
    return full_plane(half, logits.shape[-1])


def truncated_cross_entropy(
    logits: Tensor,
    label: Tensor,
    ignore_index: int = 255,
    class_weight: Tensor | None = None,
    shell: Shell = "chebyshev",
) -> Tensor:
    """Sum the cross-entropy of each image up to each band limit (Eq. 13).

    It is the cross-entropy with low-passed labels, with low-passed predictions, or
    both.

    Args:
        logits: (N, C, H, W), as in :func:`spectral_cross_entropy`.
        label: as there.
        ignore_index: as there.
        class_weight: as there.
        shell: ``chebyshev``: the band limit k is that of a grid of 2k + 1 samples along
            each axis, the paper's. ``radial``: that of a disc, the last of which holds
            the corners too.

    Returns:
        (N, K) in nats; entry k has the frequencies up to k periods an image, and the
        last is the whole cross-entropy. Real, in float32 at least, differentiable.

    Raises:
        ValueError: as there, or the shell is unknown.
    """
    half = _half_plane(logits, label, ignore_index, class_weight)
    return shell_sums(half.real, logits.shape[-1], shell).cumsum(-1)


def relative_discrepancy(truncated: Tensor) -> Tensor:
    r"""Say how much of a cross-entropy each band limit misses (Eq. 14).

    .. math::

        R(\nu) = \left| \frac{\hat L(\nu) - L}{L} \right|

    Args:
        truncated: (..., K) of :func:`truncated_cross_entropy`. Sum it over images first
            for the R of a data set; the mean of the images' R is another number.

    Returns:
        (..., K), 0 at the end; above 1 where the missed frequencies outweigh the sum;
        NaN where the cross-entropy is 0.

    Example:
        >>> import torch
        >>> relative_discrepancy(torch.tensor([3.0, 1.0, 2.0])).tolist()
        [0.5, 0.5, 0.0]
    """
    whole = truncated[..., -1:]
    return ((truncated - whole) / whole).abs()


def cross_entropy_fields(
    logits: Tensor,
    label: Tensor,
    ignore_index: int = 255,
    class_weight: Tensor | None = None,
) -> tuple[Tensor, Tensor]:
    r"""Return the two fields whose inner product is the cross-entropy (Eq. 1).

    Args:
        logits: (N, C, H, W), as in :func:`spectral_cross_entropy`.
        label: as there.
        ignore_index: as there.
        class_weight: as there.

    Returns:
        B and :math:`\hat Y`, both (N, C, H, W), in float32 at least.

    Raises:
        ValueError: as there.
    """
    logits = float_maps("logits", logits)
    target = label_field(label, logits, ignore_index)
    if class_weight is not None:
        if class_weight.shape != logits.shape[1:2]:
            raise ValueError(
                f"expected a class_weight for each of {logits.shape[1]} classes, got "
                f"shape {tuple(class_weight.shape)}"
            )
        target = target * class_weight.to(logits)[:, None, None]
    return target, logits.logsumexp(1, keepdim=True) - logits


def float_maps(name: str, x: Tensor) -> Tensor:
    """Check maps, and compute with them in float32 at least.

    Args:
        name: what they are.
        x: (N, C, H, W).

    Returns:
        The same, perhaps in float32.

    Raises:
        ValueError: they are of another shape or of no floating dtype.
    """
    if x.ndim != 4 or not x.is_floating_point():
        raise ValueError(
            f"expected {name} (N, C, H, W) of a floating dtype, got "
            f"{tuple(x.shape)} of {x.dtype}"
        )
    return x.to(torch.promote_types(x.dtype, torch.float32))


def label_field(label: Tensor, like: Tensor, ignore_index: int = 255) -> Tensor:
    """Write a label map as a vector over the classes at each pixel.

    Args:
        label: integer classes (N, H, W) or (N, 1, H, W), or a floating field
            (N, C, H, W), which is only cast.
        like: (N, C, H, W), gives shape, dtype and device.
        ignore_index: integer label of the pixels that get zeros.

    Returns:
        (N, C, H, W): one-hot, with zeros where the label is ignored.

    Raises:
        ValueError: shapes do not fit, or a label is neither a class nor ignored.
    """
    images, classes, *size = like.shape
    if label.is_floating_point():
        if label.shape != like.shape:
            raise ValueError(
                f"expected soft labels of the shape {tuple(like.shape)} of the "
                f"predictions, got {tuple(label.shape)}"
            )
        return label.to(like)
    if label.ndim == 4 and label.shape[1] == 1:
        label = label[:, 0]
    if label.shape != (images, *size):
        raise ValueError(
            f"expected labels of the shape {(images, *size)} for predictions of "
            f"{tuple(like.shape)}, got {tuple(label.shape)}: bring the predictions to "
            "the size of the labels first"
        )
    label = label.to(like.device)
    valid = label != ignore_index
    wrong = label[valid & ((label < 0) | (label >= classes))]
    if len(wrong):
        raise ValueError(
            f"labels {wrong.unique().tolist()[:5]} are neither one of {classes} "
            f"classes nor ignore_index={ignore_index}"
        )
    one_hot = torch.zeros_like(like, requires_grad=False)
    index = label.long().masked_fill(~valid, 0)[:, None]
    return one_hot.scatter_(1, index, valid[:, None].to(like.dtype))


def _half_plane(
    logits: Tensor, label: Tensor, ignore_index: int, class_weight: Tensor | None
) -> Tensor:
    fields = cross_entropy_fields(logits, label, ignore_index, class_weight)
    b, y = (torch.fft.rfft2(field) for field in fields)
    return (b.conj() * y).sum(1) / (logits.shape[-2] * logits.shape[-1])
