"""SSTKD's comparison of histograms, with a learnt extractor of texture or none."""

from collections.abc import Mapping
from typing import Literal, get_args

from torch import Tensor, nn
from torch.func import functional_call

from texture_kd.functional.choices import check_choice
from texture_kd.functional.region_pixels import cut_regions, standardised
from texture_kd.functional.regions import Regions
from texture_kd.functional.texture_histogram import HistogramOptions
from texture_kd.losses.texture_classifier import TextureClassifier
from texture_kd.losses.texture_distance import (
    Reduction,
    Side,
    histogram_distance,
    learnt_distance,
)
from texture_kd.losses.texture_extractor import Texture, TextureExtractor

Extractor = Literal["aux", "frozen", "none"]


class HistogramTexture(nn.Module):
    """Compare the histograms of regions, or what a network extracts from them.

    Layers that an L2 loss trains on both of its sides soon give a constant, and the
    loss is zero without anything being learnt. Here it reaches the student and the
    layer that aligns the student's channels, and nothing else. What extracts the
    texture is shared by both sides, and ``extractor`` says what it is:

    - ``aux``: learnt from the teacher's frozen features, by the cross-entropy of a
      small segmentation head in the regions; it needs the labels.
    - ``frozen``: the same layers with random weights.
    - ``none``: nothing but the statistics: the loss is the sum of two such means, one
      over levels and shares of the histograms, and one over the pixels' intensities.

    Args:
        student_channels: channels of the student's two stages in all.
        teacher_channels: channels of the teacher's two stages in all.
        num_classes: classes of the labels, for ``extractor='aux'``.
        extractor: what turns features into texture.
        histogram: options of
            :class:`~texture_kd.functional.texture_histogram.HistogramOptions`.
        channels: channels C that features are aligned to.
        texture_channels: channels of the texture.
        reduction: ``sum_channels`` takes the sum over the channels, as Eq. 7 does.
        ignore_index: label of the pixels that the auxiliary head does not learn.

    Raises:
        ValueError: an option is unknown or out of its range, or ``num_classes`` is
            missing.
        TypeError: ``histogram`` has an option that does not exist.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        num_classes: int | None = None,
        extractor: Extractor = "aux",
        histogram: Mapping | None = None,
        channels: int = 256,
        texture_channels: int = 128,
        reduction: Reduction = "mean",
        ignore_index: int = 255,
    ) -> None:
        super().__init__()
        check_choice("extractor", extractor, get_args(Extractor))
        check_choice("reduction", reduction, get_args(Reduction))
        self.options = HistogramOptions(**(histogram or {}))
        self.reduction: Reduction = reduction
        self.align_student = self.align_teacher = self.extractor = None
        self.auxiliary_head = None
        if extractor != "none":
            self.align_student = nn.Conv2d(student_channels, channels, 1)
            self.align_teacher = nn.Conv2d(teacher_channels, channels, 1)
            self.extractor = TextureExtractor(channels, texture_channels, self.options)
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
        student: tuple[Tensor, Regions],
        teacher: tuple[Tensor, Regions],
        gt: Tensor | None,
    ) -> dict[str, Tensor]:
        """Compare.

        Args:
            student: its stages (N, C, H, W), and its regions.
            teacher: the same of the teacher, without gradient.
            gt: integer labels (N, H, W) or (N, 1, H, W), for ``extractor='aux'``.

        Returns:
            The distance under ``texture``, and with ``extractor='aux'`` the head's
            cross-entropy under ``auxiliary``.

        Raises:
            ValueError: labels are missing or wrong.
        """
        self._check(gt)
        if self.extractor is None:
            sides = (Side(cut_regions(x, r), r) for x, r in (student, teacher))
            return dict(
                texture=histogram_distance(*sides, self.options, self.reduction)
            )
        target = self._extract_teacher(*teacher)
        distance = learnt_distance(
            Side(self._extract_student(*student), student[1]),
            Side(target.statistics, teacher[1]),
            self.reduction,
        )
        if self.auxiliary_head is None:
            return dict(texture=distance)
        stages, regions = teacher
        auxiliary = self.auxiliary_head(target, regions, gt, len(stages))
        return dict(texture=distance, auxiliary=auxiliary)

    def features(self, side: str, x: Tensor, regions: Regions) -> Tensor:
        """Return features (T, D) of the pixels whose self-similarity is compared.

        Args:
            side: ``"student"`` or ``"teacher"``.
            x: its stages (N, C, H, W).
            regions: its regions.
        """
        if self.extractor is None:
            return cut_regions(x, regions)
        align = self.align_student if side == "student" else self.align_teacher
        return self.extractor.features(_aligned(align, x), regions)

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
