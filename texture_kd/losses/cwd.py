"""Channel-wise distillation, CWD (Shu et al. 2021), a rival of texture."""

from torch import Tensor

from texture_kd.functional.divergence import channel_kl
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_feature, check_same_images
from texture_kd.losses.logits import compared_logits


class CWDLoss(DistillationLoss):
    r"""Match where in an image each channel is strong.

    .. math::

        L = \frac{T^2}{N C} \sum_{n, c} \sum_{i \in R_n} p_{nci}^T
            (\log p_{nci}^T - \log p_{nci}^S), \qquad
        p_{nci} = softmax_{i \in R_n}(z_{nci} / T)

    (Shu et al., ICCV 2021), where R_n holds the positions of image n that are of the
    image, and not of what it was padded by, and whose label is not ignored. Each
    channel is compared by itself: logits of a softmax, of a sigmoid for each class and
    of a single channel all do, and so do features of as many channels.

    On one grid, and where nothing is padded, it is MMRazor's ``ChannelWiseDivergence``,
    with ``temperature`` for its ``tau``.

    Args:
        temperature: T of both softmax functions, positive.
        ignore_index: label of the pixels that do not count.
        align_corners: how the student's map is resized, as in
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
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            preds_S: logits or features of the student (N, C, H, W), of any floating
                dtype. They are brought to the grid of the teacher's bilinearly.
            preds_T: those of the teacher (N, C, H', W'); no gradient flows into them.
            gt: integer labels (N, H'', W'') or (N, 1, H'', W''). They are brought to
                the grid of the teacher's logits by taking the label nearest to the
                centre of each cell. Without labels, as in the paper, all valid
                positions count.
            valid: booleans (N, H, W) or (N, 1, H, W) at any resolution, true for the
                pixels of the image and false for padding. A position of the teacher's
                grid counts where all that it stands for is of the image. Without it
                nothing is padded.

        Returns:
            The mean over images and channels, in nats times T^2, as a float32 scalar
            (float64 for float64 logits); 0 where no position counts.

        Raises:
            ValueError: the maps are not floating point (N, C, H, W) or differ in their
                number of images or of channels; labels are not integers or have another
                shape; or the valid area is not boolean or has another shape.
        """
        check_feature("student", preds_S)
        check_feature("teacher", preds_T)
        check_same_images(preds_S, preds_T)
        if preds_S.shape[1] != preds_T.shape[1]:
            raise ValueError(
                "expected as many channels from the student as from the teacher, got "
                f"{preds_S.shape[1]} and {preds_T.shape[1]}: record the logits of "
                "heads with the same out_channels, or give preds_S an LFDConnector "
                f"with out_channel={preds_T.shape[1]}"
            )
        preds_S, preds_T, counts = compared_logits(
            preds_S,
            preds_T,
            gt,
            valid,
            self.ignore_index,
            self.align_corners,
            classes=False,
        )
        ignored = None if counts is None else ~counts
        divergence = channel_kl(preds_T, preds_S, self.temperature, ignored)
        return self.loss_weight * divergence.mean()
