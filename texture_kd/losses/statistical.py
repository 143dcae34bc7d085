"""Statistical texture distillation of SSTKD, Eq. 7."""

from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor, nn
from torch.func import functional_call

from texture_kd.functional.adaptive_mean import adaptive_mean
from texture_kd.functional.choices import check_choice
from texture_kd.functional.region_pixels import cut_regions, standardised
from texture_kd.functional.region_sampling import SamplerOptions
from texture_kd.functional.regions import Regions, scale_regions, whole_maps
from texture_kd.functional.texture_histogram import HistogramOptions
from texture_kd.losses.feature_checks import check_feature, check_same_images
from texture_kd.losses.region_sampler import RegionSampler
from texture_kd.losses.texture_classifier import TextureClassifier
from texture_kd.losses.texture_distance import (
    Reduction,
    Side,
    histogram_distance,
    learnt_distance,
)
from texture_kd.losses.texture_extractor import Texture, TextureExtractor

Extractor = Literal["aux", "frozen", "none"]
Mode = Literal["sampler", "global"]


class Seen(NamedTuple):
    """What the loss sees of one network.

    Attributes:
        stages: both stages (N, C, H, W), on the grid of the second.
        regions: its regions, or each image as a whole.
    """

    stages: Tensor
    regions: Regions


class Compared(NamedTuple):
    """What the loss compares of one network.

    Attributes:
        stages: both stages (N, C, H, W), on the grid of the second.
        regions: its regions, or each image as a whole.
        features: features (T, D) of their pixels, whose self-similarity has the
            histograms.
    """

    stages: Tensor
    regions: Regions
    features: Tensor


class DTIEMLoss(nn.Module):
    r"""Match the statistical texture of a student's features to the teacher's.

    .. math::

        L_{sta} = \frac{1}{|R|} \sum_{i \in R} (F_i^{sta;T} - F_i^{sta;S})^2

    (SSTKD, Eq. 7) for the pixels R of a region, a mean over channels as well, and over
    all regions, large and small alike. Each channel of F^sta is brought to mean 0 and
    variance 1 in each region. It is taken from the first two stages together: stage 1,
    pooled to the grid of stage 2, beside stage 2.

    Layers that an L2 loss trains on both of its sides soon give a constant, and the
    loss is zero without anything being learnt. Here it reaches the student and the
    layer that aligns the student's channels, and nothing else. What extracts the
    texture is shared by both sides, and ``extractor`` says what it is:

    - ``aux``: learnt from the teacher's frozen features, by the cross-entropy of a
      small segmentation head in the regions; it needs the labels.
    - ``frozen``: the same layers with random weights.
    - ``none``: nothing but the statistics: the loss is the sum of two such means, one
      over levels and shares of the histograms, and one over the pixels' intensities.

    Regions are chosen on the teacher's features; the student is seen in the same. After
    a call ``parts`` has what the loss was made of, before its weight, for the log.

    Args:
        student_channels: channels of the student's two stages in all.
        teacher_channels: channels of the teacher's two stages in all.
        num_classes: classes of the labels, for ``extractor='aux'``.
        extractor: what turns features into texture.
        mode: ``sampler`` for regions, ``global`` for each image as a whole.
        sampler: options of
            :class:`~texture_kd.functional.region_sampling.SamplerOptions`; none are
            its defaults, and ``mode='global'`` has no sampler.
        histogram: options of
            :class:`~texture_kd.functional.texture_histogram.HistogramOptions`.
        channels: channels C that features are aligned to.
        texture_channels: channels of the texture.
        reduction: ``sum_channels`` takes the sum over the channels, as Eq. 7 does.
        ignore_index: label of the pixels that the auxiliary head does not learn.
        seed: start of the sampler's random numbers; that of PyTorch by default.
        loss_weight: factor of the result, the auxiliary part included.

    Raises:
        ValueError: an option is unknown or out of its range, or ``num_classes`` is
            missing.
        TypeError: ``sampler`` or ``histogram`` has an option that does not exist.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        num_classes: int | None = None,
        extractor: Extractor = "aux",
        mode: Mode = "sampler",
        sampler: Mapping | None = None,
        histogram: Mapping | None = None,
        channels: int = 256,
        texture_channels: int = 128,
        reduction: Reduction = "mean",
        ignore_index: int = 255,
        seed: int | None = None,
        loss_weight: float = 1.0,
    ) -> None:
        super().__init__()
        check_choice("extractor", extractor, get_args(Extractor))
        check_choice("mode", mode, get_args(Mode))
        check_choice("reduction", reduction, get_args(Reduction))
        self.student_channels = student_channels
        self.teacher_channels = teacher_channels
        sampler = RegionSampler(SamplerOptions(**(sampler or {})), seed)
        self.sampler = sampler if mode == "sampler" else None
        self.histogram = HistogramOptions(**(histogram or {}))
        self.reduction: Reduction = reduction
        self.loss_weight = loss_weight
        self.parts: dict[str, Tensor] = {}
        self.align_student = self.align_teacher = self.extractor = None
        self.auxiliary_head = None
        if extractor != "none":
            self.align_student = nn.Conv2d(student_channels, channels, 1)
            self.align_teacher = nn.Conv2d(teacher_channels, channels, 1)
            self.extractor = TextureExtractor(
                channels, texture_channels, self.histogram
            )
        if extractor == "frozen":
            self.align_teacher.requires_grad_(False)
            self.extractor.requires_grad_(False)
        if extractor == "aux":
            if num_classes is None:
                raise ValueError(
                    "extractor='aux' learns from the labels and needs num_classes"
                )
            self.auxiliary_head = TextureClassifier(
                texture_channels, num_classes, ignore_index
            )

    def forward(
        self,
        s_stage1: Tensor,
        s_stage2: Tensor,
        t_stage1: Tensor,
        t_stage2: Tensor,
        gt: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            s_stage1: feature of the student's first stage (N, C, H, W), of any
                floating dtype.
            s_stage2: feature of its second stage (N, C', H', W').
            t_stage1: feature of the teacher's first stage; no gradient flows into it.
            t_stage2: feature of its second stage. Where its grid is not the student's,
                the regions are transferred, and the student's texture is brought to
                the teacher's grid bilinearly.
            gt: integer labels (N, H, W) or (N, 1, H, W), for ``extractor='aux'``.

        Returns:
            A scalar without unit, in float32, or in float64 where the layers, or with
            ``extractor='none'`` the features, are.

        Raises:
            ValueError: a feature has another number of dimensions or channels than
                expected, the numbers of images differ, or labels are missing or wrong.
        """
        self._check(gt)
        student, teacher = self._seen(s_stage1, s_stage2, t_stage1, t_stage2)
        if self.extractor is None:
            distance = histogram_distance(
                *(Side(cut_regions(x, r), r) for x, r in (student, teacher)),
                self.histogram,
                self.reduction,
            )
        else:
            target = self._extract_teacher(*teacher)
            distance = learnt_distance(
                Side(self._extract_student(*student), student.regions),
                Side(target.statistics, teacher.regions),
                self.reduction,
            )
        self.parts = {"texture": distance.detach()}
        if self.auxiliary_head is None:
            return self.loss_weight * distance
        auxiliary = self.auxiliary_head(
            target, teacher.regions, gt, len(teacher.stages)
        )
        self.parts["auxiliary"] = auxiliary.detach()
        return self.loss_weight * (distance + auxiliary)

    @torch.no_grad()
    def compared(
        self, s_stage1: Tensor, s_stage2: Tensor, t_stage1: Tensor, t_stage2: Tensor
    ) -> tuple[Compared, Compared]:
        """Return what the loss compares; in eval mode each time the same.

        Args:
            s_stage1: features as :meth:`forward` takes them.
            s_stage2: as above.
            t_stage1: as above.
            t_stage2: as above.

        Returns:
            The student's side and the teacher's.

        Raises:
            ValueError: as :meth:`forward`, but for the labels.
        """
        student, teacher = self._seen(s_stage1, s_stage2, t_stage1, t_stage2)
        return (
            self._compared(self.align_student, *student),
            self._compared(self.align_teacher, *teacher),
        )

    def _check(self, gt: Tensor | None) -> None:
        if self.auxiliary_head is not None and gt is None:
            raise ValueError(
                "extractor='aux' learns from the labels: map gt to the student's "
                "recorder dict(type='GroundTruth', source='gt_sem_seg'), or take "
                "extractor='frozen' or 'none'"
            )
        if self.extractor is not None and self.align_student.weight.itemsize < 4:
            raise ValueError(
                f"the layers are {self.align_student.weight.dtype}, and counts and "
                "levels need float32: leave them as they were and use autocast"
            )

    def _seen(
        self, s_stage1: Tensor, s_stage2: Tensor, t_stage1: Tensor, t_stage2: Tensor
    ) -> tuple[Seen, Seen]:
        """Return each network's stages and the regions of them, the student's first."""
        student = _stages("student", s_stage1, s_stage2, self.student_channels)
        teacher = _stages("teacher", t_stage1, t_stage2, self.teacher_channels).detach()
        check_same_images(student, teacher)
        regions = (self.sampler or whole_maps)(teacher)
        transferred = scale_regions(regions, tuple(student.shape[2:]))
        return Seen(student, transferred), Seen(teacher, regions)

    def _compared(
        self, align: nn.Module | None, x: Tensor, regions: Regions
    ) -> Compared:
        if self.extractor is None:
            return Compared(x, regions, cut_regions(x, regions))
        features = self.extractor.features(_aligned(align, x), regions)
        return Compared(x, regions, features)

    def _extract_teacher(self, x: Tensor, regions: Regions) -> Texture:
        """Return features and statistics, these standardised."""
        aligned = _aligned(self.align_teacher, x)
        features, statistics = self.extractor(aligned, regions)
        return Texture(features, standardised(statistics, regions))

    def _extract_student(self, x: Tensor, regions: Regions) -> Tensor:
        aligned = _aligned(self.align_student, x)
        # The student must not move what it is measured by.
        constants = {
            name: value.detach() for name, value in self.extractor.named_parameters()
        }
        texture = functional_call(self.extractor, constants, (aligned, regions))
        return texture.statistics


def _aligned(align: nn.Conv2d, x: Tensor) -> Tensor:
    return align(x.to(align.weight.dtype))


def _stages(side: str, stage1: Tensor, stage2: Tensor, channels: int) -> Tensor:
    """Put both stages of a network together on the grid of the second."""
    for name, feature in (("first", stage1), ("second", stage2)):
        check_feature(f"{side}'s {name} stage", feature)
    if stage1.shape[1] + stage2.shape[1] != channels:
        total = stage1.shape[1] + stage2.shape[1]
        raise ValueError(
            f"expected {channels} channels in all from the {side}'s two stages, got "
            f"{stage1.shape[1]} + {stage2.shape[1]}: set {side}_channels={total}"
        )
    if len(stage1) != len(stage2):
        raise ValueError(
            f"expected as many images from both stages of the {side}, got "
            f"{len(stage1)} and {len(stage2)}"
        )
    return torch.cat([adaptive_mean(stage1, stage2.shape[2:]), stage2], 1)
