"""Adversarial distillation of SSTKD, Eq. 9, and the critic's own training."""

import torch
from torch import Tensor

from texture_kd.functional.adaptive_mean import adaptive_mean
from texture_kd.functional.gradient_penalty import gradient_penalty
from texture_kd.functional.precision import without_autocast
from texture_kd.functional.transfer import sent
from texture_kd.functional.valid_area import valid_area, valid_only
from texture_kd.losses.critic import Critic
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.logits import compared_logits
from texture_kd.losses.own_random import OwnRandom


class AdversarialLoss(OwnRandom, DistillationLoss):
    r"""Make the student's segmentations indistinguishable from the teacher's.

    .. math::

        L = -\lambda_4 L_{adv}, \qquad L_{adv} = E_{S \sim p(S)} [ D(S | I) ]

    (SSTKD, Eq. 9 and its part of Eq. 10) where S are the class probabilities of the
    student, I is the image, and D a critic that learns at the same time to tell them
    from the teacher's T (holistic distillation of SKD, a Wasserstein distance with
    gradient penalty):

    .. math::

        \min_D \; E[D(S | I)] - E[D(T | I)]
            + \mu \, E[ (\| \nabla_x D(x | I) \|_2 - 1)^2 ]

    for x between S and T of the same image. One pass over both networks' maps serves
    both aims: the student gets the gradient of L, the critic that of its own objective,
    and the value is L. The critic needs an optimiser of its own, see
    :class:`~texture_kd.optim.CriticOptimWrapperConstructor`. After a call ``parts`` has
    the critic's estimate of the distance, E[D(T | I)] - E[D(S | I)], and its penalty.

    All is computed in the dtype of the critic's layers, outside autocast: slopes and
    their derivatives do not survive half precision.

    Args:
        num_classes: number of classes K, two at least; two for logits of a sigmoid's
            single channel.
        image_channels: channels of the image. ``TextureDistill`` gives the student's.
        channels: width of the critic, see :class:`~texture_kd.losses.critic.Critic`.
        penalty_weight: mu.
        ignore_index: label of the pixels that do not count. There, and where images are
            padded, both maps are made uniform: the critic sees the same of both, and
            the student has no gradient. Its score remains a mean over the whole map.
        align_corners: how logits of the student are resized, as in
            :func:`torch.nn.functional.interpolate`.
        seed: start of the random numbers that choose x; that of PyTorch by default.
        loss_weight: lambda_4. The critic's learning does not depend on it.

    Raises:
        ValueError: a number is too small.
    """

    of_softmax = True

    def __init__(
        self,
        num_classes: int,
        image_channels: int = 3,
        channels: int = 64,
        penalty_weight: float = 10.0,
        ignore_index: int = 255,
        align_corners: bool = False,
        seed: int | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__(seed)
        counts = (num_classes - 1, image_channels, channels)
        if min(counts) < 1 or not penalty_weight >= 0:
            raise ValueError(
                "expected num_classes of at least 2, image_channels and channels of at "
                "least 1 and penalty_weight of at least 0, got "
                f"{num_classes}, {image_channels}, {channels} and {penalty_weight}"
            )
        self.critic = Critic(num_classes, image_channels, channels)
        self.penalty_weight = penalty_weight
        self.ignore_index = ignore_index
        self.align_corners = align_corners
        self.loss_weight = loss_weight

    # Compiled code has no second derivatives.
    @torch.compiler.disable
    def forward(
        self,
        preds_S: Tensor,
        preds_T: Tensor,
        image: Tensor,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            preds_S: logits of the student (N, K, H, W), of any floating dtype. They
                are brought to the grid of the teacher's bilinearly.
            preds_T: logits of the teacher (N, K, H', W'), of any floating dtype; no
                gradient flows into them.
            image: the images (N, image_channels, H'', W''), of any floating dtype, as
                the data preprocessor leaves them: around zero with about unit
                deviation. They are brought to the same grid by means over areas, and
                no gradient flows into them.
            gt: integer labels (N, H'', W'') or (N, 1, H'', W''). They are brought to
                the same grid by taking the label nearest to the centre of each cell.
                Without labels all valid pixels count.
            valid: booleans (N, H, W) or (N, 1, H, W) at any resolution, true for the
                pixels of the image and false for padding. A pixel of the teacher's grid
                counts where all that it stands for is of the image. Without it nothing
                is padded. The image is made 0 elsewhere.

        Returns:
            -lambda_4 times the critic's mean score, a scalar of the dtype of the
            critic's layers, without unit or bounds.

        Raises:
            ValueError: logits, images, labels or the valid area do not fit together, or
                the number of classes or of the image's channels is not the critic's.
        """
        *preds, _ = compared_logits(
            preds_S, preds_T, gt, valid, self.ignore_index, self.align_corners
        )
        self._check(preds[0], image)
        image = valid_only(image, valid_area(valid, len(image), image.shape[2:]))
        dtype = self.critic.score.weight.dtype
        with without_autocast(image.device):
            student, teacher = (logits.softmax(1).to(dtype) for logits in preds)
            image = adaptive_mean(image.detach().to(dtype), teacher.shape[2:])
            return self._play(student, teacher, image)

    def _play(self, student: Tensor, teacher: Tensor, image: Tensor) -> Tensor:
        # The value is the student's map, and the gradient that of -lambda_4 D: what the
        # critic makes small, the student makes large.
        fake = student.detach()
        opposed = fake - self.loss_weight * (student - fake)
        scores = self.critic(torch.cat([opposed, teacher]), image.repeat(2, 1, 1, 1))
        of_student, of_teacher = scores.chunk(2)
        penalty = gradient_penalty(
            lambda x: self.critic(x, image), teacher, fake, self._mix(fake)
        )
        distance = of_teacher.mean() - of_student.mean()
        self.parts = {"distance": distance.detach(), "penalty": penalty.detach()}
        objective = self.penalty_weight * penalty - distance
        value = -self.loss_weight * of_student.detach().mean()
        return value + (objective - objective.detach())

    def _mix(self, maps: Tensor) -> Tensor:
        mix = torch.rand(len(maps), generator=self.generator())
        self.advance()
        return sent(mix, maps.device)

    def _check(self, logits: Tensor, image: Tensor) -> None:
        if logits.shape[1] != self.critic.num_classes:
            raise ValueError(
                f"expected logits of {self.critic.num_classes} classes, got "
                f"{logits.shape[1]}: set num_classes={logits.shape[1]}"
            )
        if not isinstance(image, Tensor):
            raise ValueError(
                f"expected images as a tensor, got {type(image).__name__}: map image "
                "to the student's recorder dict(type='ModuleInputs', source='backbone')"
                " with data_idx=0"
            )
        expected = (len(logits), self.critic.image_channels)
        if image.ndim != 4 or tuple(image.shape[:2]) != expected:
            raise ValueError(
                f"expected images (N, C, H, W) with N, C = {expected}, "
                f"got shape {tuple(image.shape)}"
            )
