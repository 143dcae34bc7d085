"""Response distillation of SSTKD, Eq. 8."""

from torch import Tensor

from texture_kd.functional.divergence import pixel_kl
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.logits import compared_logits


class ResponseKDLoss(DistillationLoss):
    r"""Match the class distributions of teacher and student at each pixel.

    .. math::

        L_{re} = \frac{T^2}{|R|} \sum_{i \in R} KL(P_i^{re;T} \| P_i^{re;S})

    (SSTKD, Eq. 8, with a temperature), where R holds the pixels of all images, and
    not of what they were padded by, whose label is not ignored. Logits of a single
    channel are a sigmoid's, with the distribution (1 - p, p): the binary divergence.
    One network may have such a head, and the other a softmax over two classes.

    Args:
        temperature: T of both softmax functions, positive.
        ignore_index: label of the pixels that do not count.
        align_corners: how logits of the student are resized, as in
            :func:`torch.nn.functional.interpolate`.
        loss_weight: factor of the result.

    Raises:
        ValueError: the temperature is not positive.
    """

    of_softmax = True

    def __init__(
        self,
        temperature: float = 1.0,
        ignore_index: int = 255,
        align_corners: bool = False,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        if temperature <= 0:
            raise ValueError(f"expected a positive temperature, got {temperature}")
        self.temperature = temperature
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        self.loss_weight = loss_weight

    def forward(
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            preds_S: logits of the student (N, K, H, W), of any floating dtype. They
                are brought to the grid of the teacher's bilinearly. K is 1 for a
                sigmoid.
            preds_T: logits of the teacher (N, K, H', W'); no gradient flows into them.
            gt: integer labels (N, H'', W'') or (N, 1, H'', W''). They are brought to
                the grid of the teacher's logits by taking the label nearest to the
                centre of each cell. Without labels all valid pixels
                count.
            valid: booleans (N, H, W) or (N, 1, H, W) at any resolution, true for the
                pixels of the image and false for padding. A pixel of the teacher's grid
                counts where all that it stands for is of the image. Without it nothing
                is padded.

        Returns:
            The mean over the pixels that count, in nats times T^2, as a float32 scalar
            (float64 for float64 logits); 0 where none counts.

        Raises:
            ValueError: logits are not four-dimensional or differ in their number of
                images or of classes; labels are not integers or have another shape; or
                the valid area is not boolean or has another shape.
        """
        preds_S, preds_T, counts = compared_logits(
            preds_S, preds_T, gt, valid, self.ignore_index, self.align_corners
        )
        divergence = pixel_kl(preds_T, preds_S, self.temperature)
        if counts is None:
            return self.loss_weight * divergence.mean()
        # Elsewhere equal logits diverge by 0 and pass no gradient.
        return self.loss_weight * divergence.sum() / counts.sum().clamp(min=1)
