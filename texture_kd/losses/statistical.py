"""Statistical texture distillation of SSTKD, Eq. 7."""

import weakref
from collections.abc import Mapping
from typing import Literal, NamedTuple, get_args

import torch
from torch import Tensor

from texture_kd.functional.choices import check_choice
from texture_kd.functional.region_pixels import cut_regions
from texture_kd.functional.region_sampling import SamplerOptions
from texture_kd.functional.regions import Regions, scale_regions, whole_maps, within
from texture_kd.functional.self_similarity import map_self_similarity
from texture_kd.functional.sorted_distance import sorted_distance
from texture_kd.losses.distillation_loss import DistillationLoss
from texture_kd.losses.feature_checks import check_same_images
from texture_kd.losses.histogram_texture import Extractor, HistogramTexture
from texture_kd.losses.region_sampler import RegionSampler
from texture_kd.losses.stage_pair import stage_pair
from texture_kd.losses.texture_distance import Reduction

Distance = Literal["sorted", "histogram"]
Mode = Literal["sampler", "global"]

# Layers that checkpoints had beside the sampler before ``distance`` was an option.
_FORMER = ("align_student.", "align_teacher.", "extractor.", "auxiliary_head.")


class Compared(NamedTuple):
    """What the loss compares of one network.

    Attributes:
        stages: both stages (N, C, H, W), on the grid of the second.
        regions: its regions, or each image as a whole.
        features: features (T, D) of their pixels, whose self-similarity is compared.
    """

    stages: Tensor
    regions: Regions
    features: Tensor


class _Seen(NamedTuple):
    """What the loss takes of one network: values, and the regions that they are of.

    The values are the stages (N, C, H, W), or for sorted distances the similarities
    (T,) of the regions' pixels.
    """

    values: Tensor
    regions: Regions


class _Prepared(NamedTuple):
    """The teacher's side, and the tensors that it was made of."""

    teacher: _Seen
    inputs: tuple[weakref.ref | None, ...]

    def is_of(self, *inputs: Tensor | None) -> bool:
        """Tell whether these are the very tensors."""
        return all(
            x is None if known is None else x is not None and known() is x
            for known, x in zip(self.inputs, inputs, strict=True)
        )


class DTIEMLoss(DistillationLoss):
    r"""Match the statistical texture of a student's features to the teacher's.

    Texture is how the self-similarity :math:`S_i = \cos(x_i, \bar x)` is distributed
    among the pixels of a region. It is taken from the first two stages together: stage
    1, pooled to the grid of stage 2, beside stage 2. Regions are chosen on the
    teacher's features, and the student is seen in the same. ``distance`` says what is
    compared of it:

    - ``sorted``: the sorted values, by the mean square of their differences
      (:func:`~texture_kd.functional.sorted_distance`). A cosine has no channels, and so
      the student's are not aligned, and nothing is learnt beside it.
    - ``histogram``: SSTKD's equalised and denoised histograms (Eq. 3 to 7), as
      :class:`~texture_kd.losses.histogram_texture.HistogramTexture` has them,

      .. math::

          L_{sta} = \frac{1}{|R|} \sum_{i \in R} (F_i^{sta;T} - F_i^{sta;S})^2

      with each channel of F^sta brought to mean 0 and variance 1 in each region. Its
      gradient does not describe it: a count jumps by almost 1 where a pixel crosses the
      edge of a level's window, and the gradient knows of slopes only. A step along it,
      of 1e-5, 1e-4, 1e-3 and 1e-2 of the features' length, changed the loss by -8.6,
      24, 6.4 and -1.6 times what the gradient promised, where ``sorted`` is within
      0.9 and 1.1; and features rounded to bfloat16 gave a gradient with a cosine of
      .74 to that of the exact ones.

    The loss is a mean over a region's pixels, and over all regions, large and small
    alike. After a call ``parts`` has what it was made of, before its weight, for the
    log.

    Args:
        student_channels: channels of the student's two stages in all.
        teacher_channels: channels of the teacher's two stages in all.
        distance: what is compared.
        mode: ``sampler`` for regions, ``global`` for each image as a whole.
        sampler: options of
            :class:`~texture_kd.functional.region_sampling.SamplerOptions`; none are
            its defaults, and ``mode='global'`` has no sampler.
        seed: start of the sampler's random numbers; that of PyTorch by default.
        loss_weight: factor of the result, the histogram's auxiliary part included.
        num_classes: classes of the labels. This and all that follow are options of
            :class:`~texture_kd.losses.histogram_texture.HistogramTexture`, for
            ``distance='histogram'`` only; None is its default.
        extractor: what turns features into texture, ``aux`` by default.
        histogram: options of
            :class:`~texture_kd.functional.texture_histogram.HistogramOptions`.
        channels: channels that features are aligned to, 256 by default.
        texture_channels: channels of the texture, 128 by default.
        reduction: mean or ``sum_channels``.
        ignore_index: label that the auxiliary head does not learn, 255 by default. A
            fact of the data, and no error with sorted values.

    Raises:
        ValueError: an option is unknown or out of its range, is for histograms where
            they are not compared, or ``num_classes`` is missing.
        TypeError: ``sampler`` or ``histogram`` has an option that does not exist.
    """

    def __init__(
        self,
        student_channels: int,
        teacher_channels: int,
        distance: Distance = "sorted",
        mode: Mode = "sampler",
        sampler: Mapping | None = None,
        seed: int | None = None,
        loss_weight: float = 1.0,
        *,
        num_classes: int | None = None,
        extractor: Extractor | None = None,
        histogram: Mapping | None = None,
        channels: int | None = None,
        texture_channels: int | None = None,
        reduction: Reduction | None = None,
        ignore_index: int | None = None,
    ) -> None:
        super().__init__()
        check_choice("distance", distance, get_args(Distance))
        check_choice("mode", mode, get_args(Mode))
        self.student_channels = student_channels
        self.teacher_channels = teacher_channels
        sampler = RegionSampler(SamplerOptions(**(sampler or {})), seed)
        self.sampler = sampler if mode == "sampler" else None
        self.loss_weight = loss_weight
        self._prepared: _Prepared | None = None
        options = dict(
            num_classes=num_classes,
            extractor=extractor,
            histogram=histogram,
            channels=channels,
            texture_channels=texture_channels,
            reduction=reduction,
        )
        options = {name: value for name, value in options.items() if value is not None}
        self.texture = None
        if distance == "histogram":
            if ignore_index is not None:
                options["ignore_index"] = ignore_index
            self.texture = HistogramTexture(
                student_channels, teacher_channels, **options
            )
            self._register_load_state_dict_pre_hook(_rename_former)
        elif options:
            raise ValueError(
                f"{', '.join(options)} would make no difference to "
                "distance='sorted', the default: leave it out, or set "
                "distance='histogram'"
            )

    def prepare(
        self, t_stage1: Tensor, t_stage2: Tensor, valid: Tensor | None = None
    ) -> None:
        """Choose the teacher's regions before the student runs.

        On a GPU to choose them is to wait for the teacher. The next call uses them if
        it is given these very tensors, and chooses for itself otherwise.

        Args:
            t_stage1: features as :meth:`forward` takes them.
            t_stage2: as above.
            valid: as above.

        Raises:
            ValueError: as :meth:`forward`, for the teacher's features.
        """
        inputs = (t_stage1, t_stage2, valid)
        teacher = self._teacher(*inputs)
        refs = (None if x is None else weakref.ref(x) for x in inputs)
        self._prepared = _Prepared(teacher, tuple(refs))

    def forward(
        self,
        s_stage1: Tensor,
        s_stage2: Tensor,
        t_stage1: Tensor,
        t_stage2: Tensor,
        gt: Tensor | None = None,
        valid: Tensor | None = None,
    ) -> Tensor:
        """Compute the loss.

        Args:
            s_stage1: feature of the student's first stage (N, C, H, W), of any
                floating dtype.
            s_stage2: feature of its second stage (N, C', H', W').
            t_stage1: feature of the teacher's first stage; no gradient flows into it.
            t_stage2: feature of its second stage. Where its grid is not the student's,
                the regions are transferred, and their sorted values compared at equal
                quantiles; the histograms' texture is brought to the teacher's grid
                bilinearly.
            gt: integer labels (N, H, W) or (N, 1, H, W), for ``extractor='aux'``.
            valid: booleans (N, H, W) or (N, 1, H, W) at any resolution, false for
                padding, which is then no part of regions, means and distances; None
                where nothing is padded.

        Returns:
            A scalar without unit, in float32, or in float64 where the features are, or
            the layers of an extractor.

        Raises:
            ValueError: a feature has another number of dimensions or channels than
                expected, the numbers of images differ, labels are missing, wrong or
                not used, or ``valid`` is not as said.
        """
        if self.texture is None and gt is not None:
            raise ValueError(
                "distance='sorted' learns nothing from labels: leave gt out of its "
                "arguments, or set distance='histogram'"
            )
        prepared, self._prepared = self._prepared, None
        inputs = (t_stage1, t_stage2, valid)
        if prepared is not None and prepared.is_of(*inputs):
            teacher = prepared.teacher
        else:
            teacher = self._teacher(*inputs)
        student = self._student(s_stage1, s_stage2, teacher.regions, valid)
        check_same_images(s_stage2, t_stage2)
        if self.texture is not None:
            parts = self.texture(student, teacher, gt)
        else:
            values = map_self_similarity(*student)
            regions = student.regions, teacher.regions
            parts = dict(texture=sorted_distance(values, teacher.values, *regions))
        self.parts = {name: part.detach() for name, part in parts.items()}
        return self.loss_weight * sum(parts.values())

    @torch.no_grad()
    def compared(
        self,
        s_stage1: Tensor,
        s_stage2: Tensor,
        t_stage1: Tensor,
        t_stage2: Tensor,
        valid: Tensor | None = None,
    ) -> tuple[Compared, Compared]:
        """Return what the loss compares; in eval mode each time the same.

        Args:
            s_stage1: features as :meth:`forward` takes them.
            s_stage2: as above.
            t_stage1: as above.
            t_stage2: as above.
            valid: as above.

        Returns:
            The student's side and the teacher's.

        Raises:
            ValueError: as :meth:`forward`, but for the labels.
        """
        teacher = self._choose(t_stage1, t_stage2, valid)
        student = self._student(s_stage1, s_stage2, teacher.regions, valid)
        check_same_images(s_stage2, t_stage2)
        return self._compared("student", student), self._compared("teacher", teacher)

    def _teacher(
        self, t_stage1: Tensor, t_stage2: Tensor, valid: Tensor | None
    ) -> _Seen:
        """Return the teacher's side as the distance takes it."""
        seen = self._choose(t_stage1, t_stage2, valid)
        if self.texture is not None:
            return seen
        return _Seen(map_self_similarity(*seen), seen.regions)

    def _choose(
        self, t_stage1: Tensor, t_stage2: Tensor, valid: Tensor | None
    ) -> _Seen:
        """Return the teacher's stages and regions."""
        channels = self.teacher_channels
        stages, area = stage_pair("teacher", t_stage1, t_stage2, channels, valid)
        stages = stages.detach()
        if self.sampler is None:
            return _Seen(stages, within(whole_maps(stages), area))
        return _Seen(stages, self.sampler(stages, area))

    def _student(
        self, s_stage1: Tensor, s_stage2: Tensor, regions: Regions, valid: Tensor | None
    ) -> _Seen:
        """Return the student's stages, and the teacher's regions on its grid."""
        channels = self.student_channels
        stages, area = stage_pair("student", s_stage1, s_stage2, channels, valid)
        transferred = scale_regions(regions, tuple(stages.shape[2:]))
        if transferred is not regions:
            transferred = within(transferred, area)
        return _Seen(stages, transferred)

    def _compared(self, side: str, seen: _Seen) -> Compared:
        if self.texture is None:
            return Compared(*seen, cut_regions(*seen))
        return Compared(*seen, self.texture.features(side, *seen))


def _rename_former(state: dict, prefix: str, *unused: object) -> None:
    """Put layers under ``texture``, where they are now."""
    former = tuple(prefix + name for name in _FORMER)
    for name in [name for name in state if name.startswith(former)]:
        state[f"{prefix}texture.{name.removeprefix(prefix)}"] = state.pop(name)
