"""Response distillation of SSTKD, Eq. 8."""

from torch import Tensor, nn

from texture_kd.functional.divergence import pixel_kl
from texture_kd.losses.logits import aligned_logits, ignored_pixels


class ResponseKDLoss(nn.Module):
    r"""Match the class distributions of teacher and student at each pixel.

    .. math::

        L_{re} = \frac{T^2}{|R|} \sum_{i \in R} KL(P_i^{re;T} \| P_i^{re;S})

    (SSTKD, Eq. 8, with a temperature), where R holds the pixels of all images whose
    label is not ignored.

    Args:
        temperature: T of both softmax functions, positive.
        ignore_index: label of the pixels that do not count.
        align_corners: how logits of the student are resized, as in
            :func:`torch.nn.functional.interpolate`.
        loss_weight: factor of the result.

    Raises:
        ValueError: the temperature is not positive.
    """

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
        self, preds_S: Tensor, preds_T: Tensor, gt: Tensor | None = None
    ) -> Tensor:
        """Compute the loss.

        Args:
            preds_S: logits of the student (N, K, H, W), of any floating dtype. They
                are brought to the grid of the teacher's bilinearly.
            preds_T: logits of the teacher (N, K, H', W'); no gradient flows into them.
            gt: integer labels (N, H'', W'') or (N, 1, H'', W''). They are brought to
                the grid of the teacher's logits by taking the label nearest to the
                centre of each cell. Without labels all pixels count.

        Returns:
            The mean over the pixels that count, in nats times T^2, as a float32 scalar
            (float64 for float64 logits); 0 where none counts.

        Raises:
            ValueError: logits are not four-dimensional or differ in their number of
                images or of classes; or labels are not integers or have another shape.
        """
        preds_S, preds_T = aligned_logits(preds_S, preds_T, self.align_corners)
        if gt is None:
            divergence = pixel_kl(preds_T, preds_S, self.temperature)
            return self.loss_weight * divergence.mean()
        # Equal logits diverge by 0 and pass no gradient, whatever stood there before.
        ignored = ignored_pixels(gt, preds_T, self.ignore_index)
        preds_T, preds_S = (z.masked_fill(ignored, 0) for z in (preds_T, preds_S))
        total = pixel_kl(preds_T, preds_S, self.temperature).sum()
        return self.loss_weight * total / (~ignored).sum().clamp(min=1)
